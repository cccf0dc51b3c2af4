#!/usr/bin/env bash
# Memory errors and leaks of the binary itself (LIDB_EMBED_BIN), under valgrind.
set -euo pipefail

name=memory-leak-smoke
if [ "${LIDB_SKIP_VALGRIND:-0}" = "1" ]; then
  echo "SKIP $name: LIDB_SKIP_VALGRIND=1"
  exit 0
fi
if ! command -v valgrind >/dev/null; then
  echo "SKIP $name: no valgrind on this machine"
  exit 0
fi

checked() {
  valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    "$LIDB_EMBED_BIN" "$@" || {
    echo "FAIL $name: lidb_embed $1"
    exit 1
  }
}

checked migrate "$DATA_DIR"
answers="$(checked session "$DATA_DIR" <<'REQUESTS'
{"sql": "INSERT INTO packages (id, name) VALUES (?, ?)", "params": ["k1", "demo \u00e9"]}
{"sql": "UPDATE packages SET description = ? WHERE id = ?", "params": [null, "k1"]}
{"sql": "SELECT * FROM packages WHERE id = $1 ORDER BY name LIMIT 1", "params": ["k1"]}
{"sql": "SELECT nothing FROM packages"}
not JSON
{"sql": "DELETE FROM packages"}
REQUESTS
)" || { echo "$answers"; exit 1; }
[ "$(printf '%s\n' "$answers" | wc -l)" -eq 6 ] || {
  printf 'FAIL %s: not every request was answered\n%s\n' "$name" "$answers"
  exit 1
}
echo "PASS $name"
