"""What a row says comes back as it went in, and a query gives the rows that it asks for and no other."""

import json

import pytest

from checks.contracts.answers import fields
from checks.contracts.data.writes import expect, is_written
from checks.contracts.programs import Done
from checks.contracts.stack import INSERT, Bridge, LidbEmbed, as_read, new_run

TEXTS = {
    "quote": 'a "quoted" word',
    "apostrophe": "it's '); DELETE FROM packages; --",
    "bar": "one|two",
    "equals": "name=other",
    "newline": "one\ntwo\r\n@table:packages",
    "backslash": "C:\\new\\table\\",
    "control": "a tab\t, a bell\x07",
    "unicode": "é 漢 😀",
    "blanks": "  before and behind  ",
    "empty": "",
    "json": '{"rows":[]}',
    "long": "long text " * 10_000,
}
COLOURS = (("1", "red", "big"), ("2", "red", "small"), ("3", "blue", "big"), ("4", "blue", "small"))
IDS = "SELECT id FROM packages WHERE"
QUERIES = {
    "one-condition": (f"{IDS} name = ?", ["red"], ["1", "2"]),
    "second-condition": (f"{IDS} name = ? AND description = ?", ["red", "small"], ["2"]),
    "third-condition": (f"{IDS} name = ? AND description = ? AND id = ?", ["red", "big", "4"], []),
    "condition-that-fails": (f"{IDS} id = ? AND name = ?", ["1", "blue"], []),
    "literals": (f"{IDS} name = 'blue' AND description = 'big'", [], ["3"]),
    "value-of-none": (f"{IDS} name = ?", ["green"], []),
    "limit": (f"{IDS} id = ? LIMIT 1", ["4"], ["4"]),
    "limit-of-many": ("SELECT id FROM packages ORDER BY id LIMIT 2", [], ["1", "2"]),
    "order": ("SELECT id FROM packages ORDER BY id DESC", [], ["4", "3", "2", "1"]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_by_engine(database: LidbEmbed, kind: str) -> None:
    """Three rows, the text in the middle one: what spoils its neighbours is seen, too."""
    rows = [{"id": key, "name": name, "description": name} for key, name in between(TEXTS[kind])]
    for row in rows:
        done = database.exec_json(INSERT, *row.values())
        expect(is_written(done.out), f"an INSERT of a text with {kind} was refused: {done.ending}")
    assert_read(database.exec_json("SELECT id, name, description FROM packages"), rows, kind)


@pytest.mark.parametrize("kind", [kind for kind in TEXTS if kind != "empty"])  # the bridge has a default for no agent
def test_text_by_bridge(bridge: Bridge, kind: str) -> None:
    runs = [new_run(run_id=f"run-{key}", agent_id=text) for key, text in between(TEXTS[kind])]
    for run in runs:
        done = bridge.run("upsert_agent_run", json.dumps(run))
        expect(fields(done.out).get("ok") is True, f"an upsert of a text with {kind} was refused: {done.ending}")
    assert_read(bridge.run("read_liq", "read agent_runs { id, agent_id, status }"), [*map(as_read, runs)], kind)


@pytest.mark.parametrize("kind", QUERIES)
def test_query(database: LidbEmbed, kind: str) -> None:
    for row in COLOURS:
        database.rows(INSERT, *row)
    sql, parameters, expected = QUERIES[kind]
    found = [str(row.get("id")) for row in database.rows(sql, *parameters)]
    found = found if "ORDER BY" in sql else sorted(found)
    given, wanted = (f"{len(ids)} ({', '.join(ids) or 'none'})" for ids in (found, expected))
    expect(found == expected, f"{sql} with {parameters} asks for the rows {wanted} and is given {given}")


def test_count(database: LidbEmbed) -> None:
    for row in COLOURS:
        database.rows(INSERT, *row)
    rows = database.rows("SELECT COUNT(*) AS n FROM packages WHERE name = ?", "red")
    number = str(rows[0].get("n")) if rows else "nothing"
    expect(number == "2", f"COUNT(*) of the rows that a condition fits gives {number}, and 2 of {len(COLOURS)} fit")


def test_second_insert_of_an_id(database: LidbEmbed) -> None:
    """The second is refused, or replaces the first; an id has one row, which says what was acknowledged last."""
    done = {name: database.exec_json(INSERT, "same", name, "a package") for name in ("first", "second")}
    written = [name for name, each in done.items() if is_written(each.out)]
    names = [row["name"] for row in database.rows("SELECT id, name FROM packages")]
    expect(
        names == written[-1:],
        f"of {len(done)} INSERTs of one id {len(written)} were acknowledged ({', '.join(written)}), "
        f"and {len(names)} rows have it ({', '.join(names)})",
    )


def test_second_upsert_of_a_run(bridge: Bridge, database: LidbEmbed) -> None:
    """The run says what was acknowledged last."""
    last = ""
    for status in ("running", "done"):
        done = bridge.run("upsert_agent_run", json.dumps(new_run(run_id="run-1", status=status)))
        last = status if fields(done.out).get("ok") is True else last
    expect(last, "no upsert of a run was acknowledged")
    found = [row["status"] for row in database.rows("SELECT id, status FROM agent_runs")]
    expect(
        found == [last],
        f"of 2 upserts of one run the last that was acknowledged says {last!r}, and its {len(found)} rows say {found}",
    )


def between(text: str) -> list[tuple[str, str]]:
    """Keys and texts of three rows."""
    return [("1", "plain"), ("2", text), ("3", "plain")]


def assert_read(done: Done, rows: list[dict[str, str]], kind: str) -> None:
    """The rows are read back as they went in, and no other."""
    read = fields(done.out).get("rows")
    if not isinstance(read, list):
        count = len(rows)
        pytest.fail(
            f"{count} of {count} rows cannot be read back beside a text with {kind}: {done.out[:120]!r}", pytrace=False
        )
    changed = sum(row not in read for row in rows)
    shown = next((row for row in read if row not in rows), "nothing")
    expect(
        not changed and len(read) == len(rows),
        f"{changed} of {len(rows)} rows do not come back as they went in beside a text with {kind}, "
        f"{len(read)} rows are read: {str(shown)[:120]}",
    )
