#!/usr/bin/env bash
# The audit: the tests and the security harness with the engine declared ready, without valgrind unless asked.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
if [ "${LIDB_ENGINE_READY:-}" != "1" ]; then
  echo "[lidb] the audit needs a ready engine: set LIDB_ENGINE_READY=1" >&2
  exit 1
fi
export LIDB_SKIP_VALGRIND="${LIDB_SKIP_VALGRIND:-1}"
. scripts/test_env.sh

echo "[lidb] pytest"
python -m pytest tests/ -q
echo "[lidb] security harness"
bash tests/security/run_all.sh
echo "[lidb] audit suite OK"
