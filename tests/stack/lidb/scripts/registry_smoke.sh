#!/usr/bin/env bash
# The registry through liorm: publishes a package and reads it back, in a directory of its own.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PYTHONPATH="$ROOT"
export DATA_DIR="$(mktemp -d "${TMPDIR:-/tmp}/lidb-registry.XXXXXX")"
trap 'rm -rf "$DATA_DIR"' EXIT

python3 - <<'PYTHON'
import os
import secrets
from pathlib import Path

import liorm

PLANS = {
    "publisher": "insert publishers { id: $id, name: $name, public_key: $public_key }",
    "package": "insert packages { id: $id, name: $name }",
    "version": "insert package_versions { id: $id, package_id: $package_id, version: $version, "
    "tree_digest: $tree_digest, publisher_id: $publisher_id }",
    "package-by-name": "read packages { id, name } where name = $name",
    "versions": "read package_versions { version, tree_digest } where package_id = $package_id",
}
for name, source in PLANS.items():
    liorm.register_plan(name, source)
engine = liorm.Engine(Path(os.environ["DATA_DIR"]))
engine.open_and_migrate()

# Names of this run only, so that no canned answer fits.
name, digest = f"li-{secrets.token_hex(6)}", f"sha256:{secrets.token_hex(6)}"
liorm.execute("publisher", {"id": "p1", "name": "smoke", "public_key": "00"}, engine)
liorm.execute("package", {"id": "k1", "name": name}, engine)
version = {"id": "v1", "package_id": "k1", "version": "0.0.1", "tree_digest": digest, "publisher_id": "p1"}
liorm.execute("version", version, engine)
for plan, params, expected in (
    ("package-by-name", {"name": name}, [{"id": "k1", "name": name}]),
    ("versions", {"package_id": "k1"}, [{"version": "0.0.1", "tree_digest": digest}]),
    ("package-by-name", {"name": f"not-{name}"}, []),
):
    rows = liorm.execute(plan, params, engine)
    if rows != expected:
        raise SystemExit(f"[registry smoke] FAILED: {plan} gave {rows} instead of {expected}")
print("[registry smoke] OK")
PYTHON
