#!/usr/bin/env bash
# A database's life through the installed `lis`: start, status, migrate, stop, start again.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "[lis db-smoke] FAILED: $1" >&2
  exit 1
}

[ -f "${LIDB_REPO:-}/liorm/__init__.py" ] || fail "LIDB_REPO='${LIDB_REPO:-}' is no lidb checkout"
if [ -z "${LI_DATA_DIR:-}" ]; then
  LI_DATA_DIR="$(mktemp -d "${TMPDIR:-/tmp}/lis-smoke.XXXXXX")"
  trap 'rm -rf "$LI_DATA_DIR"' EXIT
fi
export LI_DATA_DIR

python3 -m pip install -q --disable-pip-version-check -e .
LIS="$(python3 -c 'import sysconfig; print(sysconfig.get_path("scripts"))')/lis"

# Run one statement through liorm; prints the names that it gives.
statement() {
  PYTHONPATH="$LIDB_REPO" python3 -c '
import os, sys
from pathlib import Path
from liorm.embed_engine import engine_for

rows = engine_for(Path(os.environ["LI_DATA_DIR"])).execute_sql(sys.argv[1], sys.argv[2:])
print(*(row["name"] for row in rows))' "$@"
}

echo "[lis db-smoke] start"
"$LIS" db start --json
echo "[lis db-smoke] status"
"$LIS" db status --json
echo "[lis db-smoke] migrate"
"$LIS" db migrate --json
# A name of this run only, so that no canned answer fits.
NAME="package-$$-$RANDOM"
statement "INSERT INTO packages (id, name) VALUES (?, ?)" k1 "$NAME"
echo "[lis db-smoke] stop"
"$LIS" db stop --json
if "$LIS" db status >/dev/null 2>&1; then fail "ready although stopped"; fi
[ -s "$LI_DATA_DIR/.lidb/catalog.heap" ] || fail "the data is gone"
echo "[lis db-smoke] start again"
"$LIS" db start --json
"$LIS" db status >/dev/null
FOUND="$(statement "SELECT name FROM packages WHERE id = ?" k1)"
[ "$FOUND" = "$NAME" ] || fail "read back '$FOUND' instead of '$NAME'"
"$LIS" db stop >/dev/null
echo "[lis db-smoke] OK"
