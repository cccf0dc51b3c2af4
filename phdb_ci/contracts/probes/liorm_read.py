"""`liorm_read.py DATA TABLE COLUMNS ID`: one row through liq and liorm, as one line of JSON: {"rows": […]}.

Both of liorm's known forms are served: an `Engine` of a data directory, and the session that `LIDB_DATA_DIR` names.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def rows(data: str, table: str, columns: str, identity: str) -> list[Any]:
    """Compile, register and execute a read as an agent does it."""
    liorm: Any = importlib.import_module("liorm")
    source = f"read {table} {{ {columns} }} where id = $id"
    if hasattr(liorm, "Engine"):
        liorm.register_plan("contracts.read", source)
        return list(liorm.execute("contracts.read", {"id": identity}, liorm.Engine(Path(data))))
    plan: Any = importlib.import_module("liq").compile(source)
    liorm.register_plan(
        "contracts.read", plan_id=plan.plan_id, ir=plan.ir, sql=plan.sql, param_schema=plan.param_schema
    )
    return list(liorm.execute(plan.plan_id, {"id": identity}).rows)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"rows": rows(*sys.argv[1:5])}) + "\n")
