"""The tables that a query may name, read from the schema files that the engine applies."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_SCHEMA_DIR = Path(__file__).resolve().parent.parent / "sql" / "schema"
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", re.DOTALL)
_COLUMN = re.compile(r"^\s+(\w+) (TEXT|INTEGER|REAL)", re.MULTILINE)


@cache
def tables() -> dict[str, dict[str, str]]:
    """Give every table's columns with their types: `{"packages": {"id": "text", …}, …}`."""
    found = {}
    for path in sorted(_SCHEMA_DIR.glob("*.sql")):
        for name, body in _TABLE.findall(path.read_text(encoding="utf-8")):
            found[name] = {column: kind.lower() for column, kind in _COLUMN.findall(body)}
    return found
