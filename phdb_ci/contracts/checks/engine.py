"""lidb_embed by its command line: open, migrate, exec-json. What it prints is what liorm reads."""

import re
import secrets

from phdb_ci.contracts.stage import Check, Stage, demand

INSERT = "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)"
READ = "SELECT id, name FROM packages WHERE id = ?"
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
    done = stage.stack.exec_json(NO_STATEMENT)
    demand(done.code == 1 and not done.problem, f"exit 1 expected for what is no SQL, got {done.told}")
    demand(done.err.strip(), "a reason on standard error expected, got nothing")
    demand(not done.out.strip(), f"no answer expected beside the failure, got {done.out[:120]!r}")


def usage(stage: Stage) -> None:
    """A command line that is none is exit 2."""
    done = stage.stack.engine("no-such-command")
    demand(done.code == 2 and not done.problem, f"exit 2 expected for an unknown command, got {done.told}")


CHECKS = (
    Check("embed/open", opens),
    Check("embed/migrate", migrates),
    Check("exec-json/shape", shape),
    Check("exec-json/text-unchanged", text_unchanged),
    Check("exec-json/failure", failure),
    Check("exec-json/usage", usage),
)
