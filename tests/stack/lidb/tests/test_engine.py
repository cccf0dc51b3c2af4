"""The engine by its command line: what was written is what is read, and nothing else."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli

INSERT = "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)"
READ = "SELECT name, description FROM packages WHERE id = $1"


def test_open_reports_log_and_catalog(cli: Cli) -> None:
    catalog = cli.data_dir / ".lidb" / "catalog.heap"
    done = cli.run("open", str(cli.data_dir))
    assert done.returncode == 0
    assert done.stdout == f'open ok wal_lsn=9 catalog="{catalog}" backend=native\n'
    assert catalog.stat().st_size > 0


def test_migrate_twice_keeps_rows(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo", None)
    assert cli.run("migrate", str(cli.data_dir)).stdout == "migrate ok\n"
    assert cli.sql("SELECT COUNT(*) AS n FROM packages") == [{"n": "1"}]


def test_written_row_is_read_back(cli: Cli) -> None:
    name = secrets.token_hex(8)
    cli.sql(INSERT, "k1", name, "a package")
    assert cli.sql(READ, "k1") == [{"name": name, "description": "a package"}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "it's",
        'a "b" \\ c',
        "line\nbreak\ttab",
        "é ß 漢 😀",
        "nul\x00inside",
        "x'); DELETE FROM packages; --",
    ],
)
def test_text_survives_unchanged(cli: Cli, text: str) -> None:
    cli.sql(INSERT, "k1", text, None)
    assert cli.sql(READ, "k1") == [{"name": text}]


def test_number_is_answered_as_its_text(cli: Cli) -> None:
    cli.sql(
        "INSERT INTO package_versions "
        "(id, package_id, version, tree_digest, coverage_pct, publisher_id, published_at) "
        "VALUES (?, 'k1', '1.0', 'sha256:00', ?, 'p1', ?)",
        "v1",
        97.25,
        2**53 + 1,
    )
    rows = cli.sql("SELECT coverage_pct, published_at FROM package_versions")
    assert rows == [{"coverage_pct": "97.25", "published_at": str(2**53 + 1)}]


def test_rows_do_not_mix(cli: Cli) -> None:
    values = {f"k{n}": secrets.token_hex(8) for n in range(5)}
    for key, value in values.items():
        cli.sql(INSERT, key, value, None)
    assert {key: cli.sql(READ, key)[0]["name"] for key in values} == values


def test_missing_row_is_empty(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo", None)
    assert cli.sql(READ, "k2") == []


def test_null_equals_nothing(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo", None)
    assert cli.sql("SELECT id FROM packages WHERE description = ?", None) == []


def test_update_changes_only_its_rows(cli: Cli) -> None:
    for key in ("k1", "k2"):
        cli.sql(INSERT, key, "old", None)
    cli.sql("UPDATE packages SET name = ? WHERE id = ?", "new", "k1")
    assert cli.sql("SELECT id, name FROM packages") == [
        {"id": "k1", "name": "new"},
        {"id": "k2", "name": "old"},
    ]


def test_delete_removes_only_its_rows(cli: Cli) -> None:
    for key in ("k1", "k2"):
        cli.sql(INSERT, key, "demo", None)
    cli.sql("DELETE FROM packages WHERE id = ?", "k1")
    assert cli.sql("SELECT id FROM packages") == [{"id": "k2"}]


def test_order_and_limit(cli: Cli) -> None:
    for key, name in (("k1", "b"), ("k2", "c"), ("k3", "a")):
        cli.sql(INSERT, key, name, None)
    assert cli.sql("SELECT name FROM packages ORDER BY name DESC LIMIT 2") == [{"name": "c"}, {"name": "b"}]


def test_affected_rows_are_counted(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo", None)
    done = cli.run("exec-json", str(cli.data_dir), "UPDATE packages SET name = 'x'")
    assert json.loads(done.stdout) == {"rows": [], "affected": 1}


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "syntax"),
        ("SELECT name FROM nowhere", "no such table"),
        ("SELECT nothing FROM packages", "no such column"),
        ("SELECT name FROM packages; DELETE FROM packages", "one statement"),
        ("INSERT INTO packages (id, name) VALUES ('k1', 'again')", "primary key exists"),
        ("INSERT INTO packages (id) VALUES ('k2')", "may not be null"),
        ("INSERT INTO packages (id, name) VALUES ('k2', 7)", "does not take"),
        ("SELECT name FROM packages WHERE id = ?", "takes 1 parameters, got 0"),
    ],
)
def test_wrong_statement_is_refused(cli: Cli, sql: str, reason: str) -> None:
    cli.sql(INSERT, "k1", "demo", None)
    assert reason in cli.refused(sql)
    assert cli.sql("SELECT id, name FROM packages") == [{"id": "k1", "name": "demo"}]


@pytest.mark.parametrize("args", [[], ["unknown"], ["exec", "only-a-directory"], ["open"]])
def test_wrong_usage_exits_2(cli: Cli, args: list[str]) -> None:
    done = cli.run(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("lidb_embed open|migrate|exec|exec-json")
