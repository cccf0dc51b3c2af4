"""lidb_embed by its command line: open, migrate, exec-json. What it prints is what liorm reads."""

import re
import secrets

from phdb_ci.contracts.checks.engines import full_disk
from phdb_ci.contracts.drive import Done
from phdb_ci.contracts.stage import Check, Stage, demand

INSERT = "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)"
READ = "SELECT id, name FROM packages WHERE id = ?"
UPDATE = "UPDATE packages SET name = ? WHERE id = ?"
DELETE = "DELETE FROM packages WHERE id = ?"
NO_STATEMENT = "SELEC 1"
OPENED = re.compile(r"open ok wal_lsn=\d+ catalog=\S.* backend=\w+\n")
HOSTILE = "it's \"quoted\" \\ back, a line\nend, é 漢 😀, '); DELETE FROM packages; --"


def opens(stage: Stage) -> None:
    """`open` says where it stands in one line."""
    done = stage.stack.engine("open")
    demand(done.code == 0 and not done.problem, f"open: exit 0 expected, got {done.told}")
    demand(
        OPENED.fullmatch(done.out),
        f"'open ok wal_lsn=N catalog=… backend=…' expected, got {done.out[:120]!r}",
    )


def migrates(stage: Stage) -> None:
    """`migrate`, and again: the schema is there, and nothing is lost."""
    for _ in range(2):
        done = stage.stack.engine("migrate")
        demand(done.code == 0 and not done.problem, f"migrate: exit 0 expected, got {done.told}")
        demand(done.out == "migrate ok\n", f"'migrate ok' expected, got {done.out[:120]!r}")


def shape(stage: Stage) -> None:
    """A row is written and read: `affected` counts it, `rows` holds it."""
    package = {"id": f"k-{secrets.token_hex(6)}", "name": f"n-{secrets.token_hex(6)}"}
    written = stage.answer("exec-json", stage.stack.exec_json(INSERT, *package.values(), "a package"))
    demand(written["affected"] == 1, f"$.affected: 1 expected for one new row, got {written['affected']}")
    demand(written["rows"] == [], f"$.rows: none expected of an INSERT, got {written['rows']}")
    read = stage.answer("exec-json", stage.stack.exec_json(READ, package["id"]))
    demand(read["rows"] == [package], f"$.rows: {[package]} expected, got {read['rows']}")
    stage.package = package


def changes(stage: Stage) -> None:
    """`affected` counts the rows that an UPDATE or a DELETE has changed, and they are changed."""
    key, other = (f"k-{secrets.token_hex(6)}" for _ in range(2))
    for one in (key, other):
        stage.answer("exec-json", stage.stack.exec_json(INSERT, one, "before", "a package"))
    kept = [{"id": other, "name": "before"}]
    for sql, parameters, affected, rows in (
        (UPDATE, ("after", key), 1, [{"id": key, "name": "after"}]),
        (UPDATE, ("after", "k-nobody"), 0, [{"id": key, "name": "after"}]),
        (DELETE, (key,), 1, []),
        (DELETE, (key,), 0, []),
    ):
        told = f"{sql.split()[0]} of {affected} rows"
        got = stage.answer("exec-json", stage.stack.exec_json(sql, *parameters))["affected"]
        demand(got == affected, f"$.affected: {affected} expected of {told}, got {got}")
        read = stage.answer("exec-json", stage.stack.exec_json(READ, key))["rows"]
        demand(read == rows, f"$.rows: {rows} expected after {told}, got {read}")
        read = stage.answer("exec-json", stage.stack.exec_json(READ, other))["rows"]
        demand(read == kept, f"$.rows: {kept} expected, which {told} does not name, got {read}")


def text_unchanged(stage: Stage) -> None:
    """Whatever a text holds, the answer is JSON and the text comes back as it was."""
    key = f"k-{secrets.token_hex(6)}"
    stage.answer("exec-json", stage.stack.exec_json(INSERT, key, "hostile", HOSTILE))
    done = stage.stack.exec_json("SELECT description FROM packages WHERE id = ?", key)
    rows = stage.answer("exec-json", done)["rows"]
    demand(
        rows == [{"description": HOSTILE}], f"$.rows[0].description: the text as written expected, got {rows}"
    )


def failure(stage: Stage) -> None:
    """What cannot be done is exit 1 with a reason on standard error, and no answer."""
    _fails(stage.stack.exec_json(NO_STATEMENT), "what is no SQL")


def execution_failure(stage: Stage) -> None:
    """So is what is SQL and cannot be done: a key that is there, a table or column that is not; nothing has changed."""
    stack, key = stage.stack, f"k-{secrets.token_hex(6)}"
    package = {"id": key, "name": "once"}
    stage.answer("exec-json", stack.exec_json(INSERT, *package.values(), "a package"))
    _fails(stack.exec_json(INSERT, key, "another", "a package"), "an INSERT of a key that is there")
    _fails(stack.exec_json("SELECT id FROM no_such_table"), "a table that is not there")
    _fails(stack.exec_json("INSERT INTO no_such_table (id) VALUES (?)", "a"), "a table that is not there")
    _fails(
        stack.exec_json("UPDATE packages SET nothing = ? WHERE id = ?", "a", key),
        "a column that is not there",
    )
    _fails(stack.with_engine(full_disk(stage)).exec_json(UPDATE, "lost", key), "a write to a full disk")
    rows = stage.answer("exec-json", stack.exec_json(READ, key))["rows"]
    demand(rows == [package], f"$.rows: {[package]} expected after what has failed, got {rows}")


def _fails(done: Done, what: str) -> None:
    demand(done.code == 1 and not done.problem, f"exit 1 expected for {what}, got {done.told}")
    demand(done.err.strip(), f"a reason on standard error expected for {what}, got nothing")
    demand(not done.out.strip(), f"no answer expected beside the failure, got {done.out[:120]!r}")


def usage(stage: Stage) -> None:
    """A command line that is none is exit 2."""
    done = stage.stack.engine("no-such-command")
    demand(done.code == 2 and not done.problem, f"exit 2 expected for an unknown command, got {done.told}")


CHECKS = (
    Check("embed/open", opens),
    Check("embed/migrate", migrates),
    Check("exec-json/shape", shape),
    Check("exec-json/changes", changes),
    Check("exec-json/text-unchanged", text_unchanged),
    Check("exec-json/failure", failure),
    Check("exec-json/failure-in-execution", execution_failure),
    Check("exec-json/usage", usage),
)
