#!/usr/bin/env bash
# Builds the engine and tries it: open, migrate, insert, read back, write-ahead log on disk.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
BUILD_DIR="${LIDB_BUILD_DIR:-$ROOT/build/smoke}"

fail() {
  echo "[lidb smoke] FAILED: $1" >&2
  exit 1
}

cmake -S "$ROOT" -B "$BUILD_DIR" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$BUILD_DIR" --target lidb_embed -j >/dev/null
EMBED="$BUILD_DIR/lidb_embed"

DATA_DIR="$(mktemp -d "${TMPDIR:-/tmp}/lidb-smoke.XXXXXX")"
trap 'rm -rf "$DATA_DIR"' EXIT
WAL="$DATA_DIR/.lidb/wal/00000001.seg"

echo "[lidb smoke] open and migrate"
"$EMBED" open "$DATA_DIR" | grep -q '^open ok wal_lsn=' || fail "open"
"$EMBED" migrate "$DATA_DIR" | grep -qx 'migrate ok' || fail "migrate"
[ -s "$DATA_DIR/.lidb/catalog.heap" ] || fail "no heap"

echo "[lidb smoke] insert and read back"
# Names of this run only, so that no canned answer fits.
PACKAGE="package-$$-$RANDOM"
size_before="$(wc -c <"$WAL")"
"$EMBED" exec "$DATA_DIR" "INSERT INTO publishers (id, name, public_key) VALUES ('p1', 'smoke', '00');"
"$EMBED" exec "$DATA_DIR" "INSERT INTO packages (id, name) VALUES ('k1', '$PACKAGE');"
echo '["v1", "k1", "0.0.1", "sha256:00", 97.5, "p1"]' | "$EMBED" exec-json "$DATA_DIR" \
  "INSERT INTO package_versions (id, package_id, version, tree_digest, coverage_pct, publisher_id) \
   VALUES (?, ?, ?, ?, ?, ?)" >/dev/null
size_after="$(wc -c <"$WAL")"
[ "$size_after" -gt "$size_before" ] || fail "the write-ahead log did not grow"

name="$("$EMBED" exec "$DATA_DIR" "SELECT name FROM packages WHERE id = 'k1'")"
[ "$name" = "$PACKAGE" ] || fail "read back '$name' instead of '$PACKAGE'"
count="$("$EMBED" exec "$DATA_DIR" "SELECT COUNT(*) FROM package_versions")"
[ "$count" = "1" ] || fail "$count versions instead of 1"
row="$(echo '["v1"]' | "$EMBED" exec-json "$DATA_DIR" \
  "SELECT version, coverage_pct FROM package_versions WHERE id = ?")"
[ "$row" = '{"rows":[{"version":"0.0.1","coverage_pct":"97.5"}],"affected":0}' ] || fail "read back $row"
nothing="$("$EMBED" exec "$DATA_DIR" "SELECT name FROM packages WHERE id = 'k2'")"
[ -z "$nothing" ] || fail "a package that nobody wrote: $nothing"

echo "[lidb smoke] OK"
