#!/usr/bin/env bash
# Runs every check of this directory on the real engine and counts. A check prints `PASS|SKIP|FAIL name`; the
# harness repeats the word with the name of the script's file.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="$PWD"
pass=0 skip=0 fail=0

for script in tests/security/cve-*.sh tests/security/*.test.sh; do
  name="$(basename "$script" .sh)"
  scratch="$(mktemp -d "${TMPDIR:-/tmp}/lidb-security.XXXXXX")"
  if out="$(DATA_DIR="$scratch/data" bash "$script" 2>&1)"; then
    if printf '%s\n' "$out" | grep -q '^SKIP '; then
      word=SKIP skip=$((skip + 1))
    else
      word=PASS pass=$((pass + 1))
    fi
  else
    word=FAIL fail=1
  fi
  printf '%s\n%s %s\n' "$out" "$word" "$name"
  rm -rf "$scratch"
done

echo "security harness: pass=$pass skip=$skip fail=$fail"
exit "$fail"
