"""lidb_embed by its command line: open, migrate, exec-json. What it prints is what liorm reads."""

import re

import pytest

from checks.contracts.answers import answer
from checks.contracts.programs import Done
from checks.contracts.stack import INSERT, READ, LidbEmbed

UPDATE = "UPDATE packages SET name = ? WHERE id = ?"
DELETE = "DELETE FROM packages WHERE id = ?"
OPENED = re.compile(r"open ok wal_lsn=\d+ catalog=\S.* backend=\w+\n")
HOSTILE = "it's \"quoted\" \\ back, a line\nend, é 漢 😀, '); DELETE FROM packages; --"


def test_embed_open(engine: LidbEmbed) -> None:
    """`open` says where it stands in one line."""
    done = engine.run("open")
    assert (done.code, done.problem) == (0, ""), done.ending
    assert OPENED.fullmatch(done.out)


def test_embed_migrate(engine: LidbEmbed) -> None:
    """`migrate`, and again: the schema is there, and nothing is lost."""
    engine.run("open")
    for _ in range(2):
        done = engine.run("migrate")
        assert (done.code, done.out, done.problem) == (0, "migrate ok\n", ""), done.ending


def test_exec_json_shape(database: LidbEmbed) -> None:
    written = answer("exec-json", database.exec_json(INSERT, "k1", "a name", "a package"))
    assert (written["affected"], written["rows"]) == (1, [])
    assert database.rows(READ, "k1") == [{"id": "k1", "name": "a name"}]


def test_exec_json_changes(database: LidbEmbed) -> None:
    """`affected` counts the rows that an UPDATE or a DELETE has changed, and no other row has changed."""
    for key in ("k1", "k2"):
        database.rows(INSERT, key, "before", "a package")
    for sql, parameters, affected, rows in (
        (UPDATE, ("after", "k1"), 1, [{"id": "k1", "name": "after"}]),
        (UPDATE, ("after", "k-nobody"), 0, [{"id": "k1", "name": "after"}]),
        (DELETE, ("k1",), 1, []),
        (DELETE, ("k1",), 0, []),
    ):
        assert answer("exec-json", database.exec_json(sql, *parameters))["affected"] == affected, sql
        assert database.rows(READ, "k1") == rows, sql
        assert database.rows(READ, "k2") == [{"id": "k2", "name": "before"}], sql


def test_exec_json_text_unchanged(database: LidbEmbed) -> None:
    """Whatever a text holds, the answer is JSON and the text comes back as it was."""
    database.rows(INSERT, "k1", "hostile", HOSTILE)
    assert database.rows("SELECT description FROM packages WHERE id = ?", "k1") == [{"description": HOSTILE}]


def test_exec_json_failure(database: LidbEmbed) -> None:
    assert_fails(database.exec_json("SELEC 1"))


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        pytest.param(INSERT, ("key", "another", "a package"), id="key-that-is-there"),
        pytest.param("SELECT id FROM no_such_table", (), id="read-of-no-table"),
        pytest.param("INSERT INTO no_such_table (id) VALUES (?)", ("a",), id="write-to-no-table"),
        pytest.param("UPDATE packages SET nothing = ? WHERE id = ?", ("a", "key"), id="no-column"),
        pytest.param(UPDATE, ("lost", "key"), id="full-disk"),
    ],
)
def test_exec_json_failure_in_execution(
    database: LidbEmbed, request: pytest.FixtureRequest, sql: str, parameters: tuple[str, ...]
) -> None:
    """What is SQL and cannot be done changes nothing."""
    database.rows(INSERT, "key", "once", "a package")
    full_disk = "full-disk" in request.node.name
    assert_fails(
        (LidbEmbed(database.stack.with_engine("full-disk")) if full_disk else database).exec_json(sql, *parameters)
    )
    assert database.rows(READ, "key") == [{"id": "key", "name": "once"}]


def test_exec_json_usage(engine: LidbEmbed) -> None:
    done = engine.run("no-such-command")
    assert (done.code, done.problem) == (2, ""), done.ending


def assert_fails(done: Done) -> None:
    """Exit 1, a reason on standard error, no answer."""
    assert (done.code, done.problem) == (1, ""), f"exit 1 expected, got {done.ending}"
    assert done.err.strip(), "a reason on standard error expected, got nothing"
    assert not done.out.strip(), "no answer expected beside the failure"
