#!/usr/bin/env bash
# Threads that register and run plans at the same time neither lose a plan nor see another one's rows.
set -euo pipefail

python3 - <<'PYTHON' || { echo "FAIL parallel-race-plan-registry"; exit 1; }
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import liorm

engine = liorm.Engine(Path(os.environ["DATA_DIR"]))
engine.open_and_migrate()


def register(n: int) -> None:
    """Half of the names are the same for all threads."""
    liorm.register_plan(f"own.{n}", "insert packages { id: $id, name: $name }")
    liorm.register_plan("shared", "read packages { name } where id = $id")


def work(n: int) -> None:
    """Write one row through an own plan and read it through the shared one."""
    register(n)
    liorm.execute(f"own.{n}", {"id": f"k{n}", "name": f"name {n}"}, engine)
    rows = liorm.execute("shared", {"id": f"k{n}"}, engine)
    assert rows == [{"name": f"name {n}"}], rows


with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(16)))
    list(pool.map(register, range(400)))
assert len(liorm.registered_plans()) == 401
assert engine.execute_sql("SELECT COUNT(*) AS n FROM packages") == [{"n": "16"}]
PYTHON
echo "PASS parallel-race-plan-registry"
