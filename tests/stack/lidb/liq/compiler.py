"""liq to SQL. Values never enter the SQL text: every one of them is a numbered parameter."""

from __future__ import annotations

from typing import Any, TypedDict

from .errors import LiqError
from .parser import parse
from .schema import tables


class Compiled(TypedDict):
    """A query, ready to be registered as a plan."""

    ir: dict[str, Any]
    sql: str
    param_schema: dict[str, dict[str, Any]]  # name → its position (from 1) and type


def compile(source: str) -> Compiled:
    """Compile one query; raises LiqError for anything that the schema does not know."""
    ir = parse(source)
    if ir["table"] not in tables():
        raise LiqError(f"table not in catalog allowlist: public.{ir['table']}")
    columns = tables()[ir["table"]]
    params: dict[str, dict[str, Any]] = {}

    def known(column: str) -> str:
        if column not in columns:
            raise LiqError(f"unknown column {column!r} of {ir['table']!r}")
        return column

    def bound(column: str, name: str) -> str:
        kind = columns[known(column)]
        entry = params.setdefault(name, {"index": len(params) + 1, "type": kind})
        if entry["type"] != kind:
            raise LiqError(f"${name} stands for {entry['type']} and for {kind}")
        return f"${entry['index']}"

    def pairs(bindings: list[tuple[str, str]], separator: str) -> str:
        return separator.join(f"{column} = {bound(column, name)}" for column, name in bindings)

    table = ir["table"]
    if ir["kind"] == "read":
        sql = f"SELECT {', '.join(c if c == '*' else known(c) for c in ir['columns'])} FROM {table}"
        if ir["where"]:
            sql += f" WHERE {pairs(ir['where'], ' AND ')}"
        if "order" in ir:
            sql += f" ORDER BY {known(ir['order'][0])} {ir['order'][1].upper()}"
        if "limit" in ir:
            sql += f" LIMIT {ir['limit']}"
    elif ir["kind"] == "insert":
        values = ", ".join(bound(column, name) for column, name in ir["set"])
        sql = f"INSERT INTO {table} ({', '.join(column for column, _ in ir['set'])}) VALUES ({values})"
    else:
        sql = f"UPDATE {table} SET {pairs(ir['set'], ', ')} WHERE {pairs(ir['where'], ' AND ')}"
    return {"ir": ir, "sql": sql, "param_schema": params}
