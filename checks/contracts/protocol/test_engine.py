"""lidb_embed by its command line: open, migrate, exec-json. What it prints is what liorm reads."""

import re

import pytest

from checks.contracts.answers import answer
from checks.contracts.programs import Done, Program
from checks.contracts.stack import INSERT, READ, LidbEmbed

OPENED = re.compile(r'open ok wal_lsn=\d+ catalog="(\S.*)" backend=(\w+)\n')
VERBS = ("open", "migrate", "exec", "exec-json")


def test_open(engine: LidbEmbed) -> None:
    """`open` says where it stands in one line, and the catalog that it names is there."""
    done = engine.run("open")
    assert (done.code, done.problem) == (0, ""), done.ending
    opened = OPENED.fullmatch(done.out)
    assert opened, f"open ok wal_lsn=… catalog=… backend=… expected, got {done.out[:200]!r}"
    assert opened[1] == str(engine.stack.data / ".lidb" / "catalog.heap")


def test_migrate(engine: LidbEmbed) -> None:
    """`migrate`, and again: it says so in one line."""
    engine.run("open")
    for _ in range(2):
        done = engine.run("migrate")
        assert (done.code, done.out, done.problem) == (0, "migrate ok\n", ""), done.ending


def test_exec_json_write(database: LidbEmbed) -> None:
    """An INSERT gives no row and counts one."""
    written = answer("exec-json", database.exec_json(INSERT, "k1", "a name", "a package"), one_line=True)
    assert (written["affected"], written["rows"]) == (1, [])


def test_exec_json_read(database: LidbEmbed) -> None:
    """A SELECT gives the columns that it names, as texts, and counts nothing."""
    database.rows(INSERT, "k1", "a name", "a package")
    read = answer("exec-json", database.exec_json(READ, "k1"), one_line=True)
    assert read == {"rows": [{"id": "k1", "name": "a name"}], "affected": 0}
    assert database.rows(READ, "k2") == []
    assert database.rows("SELECT COUNT(*) AS n FROM packages") == [{"n": "1"}]


def test_exec_json_missing_value(database: LidbEmbed) -> None:
    """A column that was not given has no key, whether the statement names its columns or all."""
    database.rows("INSERT INTO packages (id, name) VALUES (?, ?)", "k1", "a name")
    for sql in ("SELECT id, name, description FROM packages", "SELECT * FROM packages"):
        assert database.rows(sql) == [{"id": "k1", "name": "a name"}]


@pytest.mark.parametrize("sql", ["NOT SQL", "SELEC 1", ""], ids=["no-sql", "misspelt", "empty"])
def test_exec_json_failure(database: LidbEmbed, sql: str) -> None:
    """Exit 1, a reason on standard error, no answer."""
    done = database.exec_json(sql)
    assert (done.code, done.problem) == (1, ""), f"exit 1 expected, got {done.ending}"
    assert done.err.strip(), "a reason on standard error expected, got nothing"
    assert not done.out.strip(), "no answer expected beside the failure"


@pytest.mark.parametrize("arguments", [(), ("no-such-command",), ("exec-json",)], ids=["nothing", "no-verb", "no-sql"])
def test_usage(engine: LidbEmbed, arguments: tuple[str, ...]) -> None:
    """Exit 2, and what it can do on standard error."""
    done = engine.run(*arguments) if arguments else alone(engine)
    assert (done.code, done.problem) == (2, ""), f"exit 2 expected, got {done.ending}"
    missing = [verb for verb in VERBS if verb not in done.err]
    assert not missing, f"the usage does not name {', '.join(missing)}"


def alone(engine: LidbEmbed) -> Done:
    """The engine without an argument."""
    stack = engine.stack
    return Program([stack.env["LIDB_EMBED"]], env=stack.env, cwd=stack.folder, stdin="").finish()
