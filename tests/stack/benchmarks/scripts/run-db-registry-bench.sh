#!/usr/bin/env bash
# The registry benchmark; what it does is decided by BENCH_DB_REGISTRY_* (README.md).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 tier_db_registry/registry_oltp.py
