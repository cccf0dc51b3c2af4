#!/usr/bin/env bash
# All tests: pytest, then the security harness.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
. scripts/test_env.sh

echo "[lidb] pytest"
python -m pytest tests/ -q
echo "[lidb] security harness"
bash tests/security/run_all.sh
