"""liq: what a query compiles to, and what it refuses."""

from __future__ import annotations

import pytest

import liq


def test_read_compiles_with_typed_parameters() -> None:
    compiled = liq.compile("read packages { id, name } where name = $name order id desc limit 3")
    assert compiled["sql"] == "SELECT id, name FROM packages WHERE name = $1 ORDER BY id DESC LIMIT 3"
    assert compiled["param_schema"] == {"name": {"index": 1, "type": "text"}}


def test_read_without_braces_takes_every_column() -> None:
    assert liq.compile("read agent_runs limit 20")["sql"] == "SELECT * FROM agent_runs LIMIT 20"


def test_unknown_table_is_named_with_its_schema() -> None:
    with pytest.raises(liq.LiqError, match=r"table not in catalog allowlist: public\.nowhere"):
        liq.compile("read nowhere")


def test_writes_compile_with_parameters_in_order() -> None:
    insert = liq.compile("insert package_versions { id: $id, coverage_pct: $pct }")
    assert insert["sql"] == "INSERT INTO package_versions (id, coverage_pct) VALUES ($1, $2)"
    assert insert["param_schema"]["pct"] == {"index": 2, "type": "real"}
    update = liq.compile("update packages set name = $name where id = $id")
    assert update["sql"] == "UPDATE packages SET name = $1 WHERE id = $2"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "drop packages",
        "read nowhere { id }",
        "read packages { nothing }",
        "read packages { id } where id = 'k1'",
        "read packages { id } where id = $id or 1",
        "read packages { id }; drop",
        "update packages set name = $name",
    ],
)
def test_everything_else_is_refused(source: str) -> None:
    with pytest.raises(liq.LiqError):
        liq.compile(source)
