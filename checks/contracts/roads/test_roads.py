"""What PH-DB wants and nobody promises yet. Each case is skipped and says so: it is never red and never a pass.

A road is there, or a program answers otherwise, or it refuses. Anything else is a fault, and fails.
"""

import json
from typing import NoReturn

import pytest

from checks.contracts.answers import fields
from checks.contracts.data.writes import POINTS, insert, update
from checks.contracts.programs import Done
from checks.contracts.stack import INSERT, Bridge, LidbEmbed, Lis


def test_bridge_session(bridge: Bridge) -> None:
    done = bridge.run("serve", stdin=json.dumps({"cmd": "probe", "args": []}) + "\n")
    tell("a process of the bridge that answers many requests", fields(done.out).get("ok"))


def test_second_writer_refused(database: LidbEmbed) -> None:
    """At some point of a write that is held another one is refused."""
    stack, refused = database.stack.copy("held"), False
    with insert("first").trace(stack, touching=True) as first:
        for number in range(POINTS):
            if refused or not first.advance():
                break
            refused = not acknowledged(insert(f"second-{number}").start(stack).finish())
    tell("a second writer of a data directory is refused", refused)


def test_update(database: LidbEmbed) -> None:
    database.rows(INSERT, "row", "written", "a package")
    tell("UPDATE by lidb_embed", acknowledged(update("row").start(database.stack).finish()))


def test_error_of_an_unknown_table(database: LidbEmbed) -> None:
    done = database.exec_json("SELECT id FROM no_such_table")
    assert done.code == 1 or fields(done.out).get("rows") == [], f"an error or no row expected, got {done.ending}"
    tell("an error for a table that is not there", done.code == 1)


def test_tcp(lis: Lis) -> None:
    tell("lis listens on TCP", fields(lis.db("start").out).get("tcp_listen"))


def acknowledged(done: Done) -> bool:
    """Whether a write was done; exit 1 is a refusal."""
    assert not done.problem and done.code in (0, 1), f"exit 0 or 1 expected, got {done.ending}"
    assert done.code or fields(done.out).get("affected") == 1, f"one affected row expected, got {done.out[:120]!r}"
    return done.code == 0


def tell(wish: str, there: object) -> NoReturn:
    """Skip, with the state of a wish as the reason."""
    assert isinstance(there, bool), f"true or false expected, got {there!r}"
    pytest.skip(f"{'there now' if there else 'not there yet'}: {wish}")
