#!/usr/bin/env bash
# The registry benchmark; what it does is decided by BENCH_DB_REGISTRY_* (README.md).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 benchmarks/tier_db_registry/harness/registry_oltp.py
