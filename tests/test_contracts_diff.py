"""contracts diff: what readers of the old answers would fail on is a break unless the major version says so."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.commands.contracts import main, read_shapes
from phdb_ci.contracts.diff import CONTRACTS, PAIRS, Shapes, compare, fields
from phdb_ci.contracts.shapes import FIELDS, FILE
from phdb_ci.errors import ResultsError

BASE = {"$": "object", "$.ok": "boolean", "$.rows": "array", "$.rows[]": "object", "$.row_count": "integer"}


def shapes(version: object = 1, name: str = "bridge-read_liq", **changes: str | None) -> Shapes:
    """A record of one contract; a field set to None is not there."""
    new = BASE | {f"$.{path}": kind for path, kind in changes.items()}
    return Shapes.model_validate(record(version, name, {path: kind for path, kind in new.items() if kind}))


def record(version: object, name: str, fields: dict[str, str]) -> dict[str, Any]:
    contract = {"contract": "1.0.0", "protocol_version": version, "fields": fields}
    return {"schema": 1, "status": "recorded", "contracts": {name: contract}}


# Fields


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param({"$.a": "string"}, {"$.a": "string"}, [], id="same"),
        pytest.param({"$.a": "string"}, {}, ["$.a removed (string)"], id="removed"),
        pytest.param({}, {"$.a": "string"}, ["$.a added (string)"], id="added"),
        pytest.param({}, {"$.a": "string?"}, ["$.a added (string, not in every answer)"], id="added at times"),
        pytest.param(
            {"$.a": "string"}, {"$.a": "integer"}, ["$.a retyped: string became integer, integer is new"], id="retyped"
        ),
        pytest.param(
            {"$.a": "string"}, {"$.a": "integer|string"},
            ["$.a retyped: string became integer or string, integer is new"], id="one more type",
        ),
        pytest.param({"$.a": "integer|string"}, {"$.a": "string"}, [], id="one type less"),
        pytest.param({"$.a": "number"}, {"$.a": "integer"}, [], id="a whole number is a number"),
        pytest.param(
            {"$.a": "integer"}, {"$.a": "number"}, ["$.a retyped: integer became number, number is new"], id="fraction"
        ),
        pytest.param(
            {"$.a": "string"}, {"$.a": "null|string"}, ["$.a became nullable: string became null or string"],
            id="nullable",
        ),
        pytest.param({"$.a": "null|string"}, {"$.a": "string"}, [], id="nullable no more"),
        pytest.param(
            {"$.a": "string"}, {"$.a": "null"}, ["$.a retyped: string became null, null is new"], id="nothing but null"
        ),
        pytest.param({"$.a": "null"}, {"$.a": "string"}, [], id="type known at last"),
        pytest.param({"$.a": "string"}, {"$.a": "string?"}, ["$.a is no longer in every answer"], id="at times"),
        pytest.param({"$.a": "string?"}, {"$.a": "string"}, [], id="always at last"),
        pytest.param(
            {"$.row_count": "integer"}, {"$.rowcount": "integer"}, ["$.row_count renamed, it seems, to $.rowcount"],
            id="renamed",
        ),
        pytest.param(
            {"$.row_count": "integer"}, {"$.rowcount": "string"},
            ["$.row_count removed (integer)", "$.rowcount added (string)"], id="alike but of another type",
        ),
        pytest.param(
            {"$.row_count": "integer"}, {"$.xyz": "integer"},
            ["$.row_count removed (integer)", "$.xyz added (integer)"], id="not alike",
        ),
        pytest.param(
            {"$.a.count": "integer"}, {"$.b": "object", "$.b.count": "integer"},
            ["$.a.count removed (integer)", "$.b added (object)"], id="moved",
        ),
        pytest.param(
            {"$.c": "object", "$.c.x": "string", "$.c.y[]": "string", "$.cd": "string"}, {},
            ["$.c removed (object)", "$.cd removed (string)"], id="only the top of what is gone",
        ),
        pytest.param(
            {"$.c": "object", "$.c-d": "string", "$.c.x": "string", "$.c[]": "string"}, {},
            ["$.c removed (object)", "$.c-d removed (string)"], id="a name between a field and what is below it",
        ),
        pytest.param(
            {"$.count_a": "integer", "$.count_b": "integer"}, {"$.count_c": "integer"},
            ["$.count_a removed (integer)", "$.count_b renamed, it seems, to $.count_c"], id="a new name once",
        ),
    ],
)  # fmt: skip
def test_change_of_a_field_is_told(old: dict[str, str], new: dict[str, str], told: list[str]) -> None:
    assert [change.text for change in fields(old, new)] == told


def many(count: int, name: str) -> dict[str, str]:
    return {f"$.{name}{n:04}": "string" for n in range(count)}


def test_many_fields_are_compared_at_once() -> None:
    started = time.monotonic()
    found = fields(many(FIELDS, "old"), many(FIELDS, "new"))
    assert time.monotonic() - started < 2
    assert {change.kind for change in found} == {"removed", "added"}
    assert len(found) == 2 * FIELDS


def test_names_are_guessed_up_to_a_bound() -> None:
    most = int(PAIRS**0.5)
    kinds = [change.kind for change in fields(many(most, "count_a"), many(most, "count_b"))]
    assert kinds == ["renamed"] * most
    kinds = [change.kind for change in fields(many(most + 1, "count_a"), many(most + 1, "count_b"))]
    assert "renamed" not in kinds


# Versions


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        (1, 1, True), (1, 2, False), (2, 1, True), ("1", "2", False), ("1", "1.1", True), ("1.9", "2.0", False),
        ("1.2.3", "1.3.0", True), (None, None, True), (None, 1, True), (None, 2, False), (2, None, True),
        ("1", "two", True), (9, 10, False), ("9", "10", False),
    ],
)  # fmt: skip
def test_removed_field_needs_a_higher_major_version(old: object, new: object, *, broken: bool) -> None:
    (verdict,) = compare(shapes(old), shapes(new, row_count=None))
    assert verdict.broken is broken
    assert verdict.changes[0].field == "$.row_count"
    assert ("$.row_count" in verdict.reason or "went down" in verdict.reason) is broken


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 2), (None, None), (None, 1), ("1", "1.1")])
def test_added_field_passes(old: object, new: object) -> None:
    (verdict,) = compare(shapes(old), shapes(new, extra="string"))
    assert not verdict.broken
    assert [change.kind for change in verdict.changes] == ["added"]


def test_lower_version_is_broken_even_without_a_change() -> None:
    (verdict,) = compare(shapes(2), shapes(1))
    assert verdict.broken
    assert verdict.reason == "the protocol version went down: 2 became 1"


def test_contract_that_is_gone_is_broken() -> None:
    new = Shapes.model_validate({"schema": 1, "status": "recorded", "contracts": {}})
    (verdict,) = compare(shapes(), new)
    assert verdict.broken
    assert "no answer of bridge-read_liq was recorded" in verdict.changes[0].text


def test_new_contract_passes() -> None:
    both = record(1, "x", {})
    both["contracts"] |= record(1, "bridge-read_liq", BASE)["contracts"]
    verdicts = compare(shapes(), Shapes.model_validate(both))
    assert [(one.contract, one.broken, len(one.changes)) for one in verdicts] == [
        ("bridge-read_liq", False, 0),
        ("x", False, 1),
    ]


# The command


def written(path: Path, version: object = 1, **changes: str | None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(shapes(version, "bridge-read_liq", **changes).model_dump(by_alias=True)))
    return path


def diff(old: Path, new: Path, *, as_json: bool = False) -> int:
    return main(argparse.Namespace(old=old, new=new, json=as_json))


def test_command_names_the_field_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = written(tmp_path / "old.json"), written(tmp_path / "new.json", row_count=None, extra="string")

    assert diff(old, new) == 1

    assert capsys.readouterr().out.splitlines() == [
        "BROKEN bridge-read_liq (protocol version 1 → 1)",
        "         $.row_count removed (integer)",
        "         $.extra added (string)",
        "       ✗ $.row_count removed, and the protocol version is still 1",
        "0 contracts are the same",
        "1 broken: give a higher major protocol version, or bring the fields back",
    ]


def test_command_passes_with_a_higher_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = written(tmp_path / "old.json"), written(tmp_path / "new.json", 2, row_count="string")

    assert diff(old, new) == 0

    assert "ok     bridge-read_liq (protocol version 1 → 2)" in capsys.readouterr().out


def test_command_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = written(tmp_path / "old.json"), written(tmp_path / "new.json", row_count=None)

    assert diff(old, new, as_json=True) == 1

    document = json.loads(capsys.readouterr().out)
    assert document["broken"] == ["bridge-read_liq"]
    assert document["contracts"][0]["changes"][0]["field"] == "$.row_count"


def test_run_directories_are_searched_for_their_record(tmp_path: Path) -> None:
    written(tmp_path / "run" / "contracts@ubuntu-24.04" / "reports" / FILE)
    assert diff(tmp_path / "run", tmp_path / "run" / "contracts@ubuntu-24.04") == 0


def test_several_equal_records_are_one(tmp_path: Path) -> None:
    for leg in ("a", "b"):
        written(tmp_path / leg / FILE)
    assert read_shapes(tmp_path).contracts


def test_several_records_that_differ_are_an_error(tmp_path: Path) -> None:
    written(tmp_path / "a" / FILE)
    written(tmp_path / "b" / FILE, row_count=None)
    with pytest.raises(ResultsError, match="2 records that differ"):
        read_shapes(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "not a record", id="empty"),
        pytest.param("{}", "not a record", id="no fields"),
        pytest.param("[" * 100_000, "not a record", id="nested"),
        pytest.param('{"schema": 2, "status": "recorded", "contracts": {}}', "not a record", id="version"),
        pytest.param(" " * (8 * 1024 * 1024 + 1), "larger than", id="large"),
        pytest.param(json.dumps(record(1, "x", many(FIELDS + 1, "k"))), "not a record", id="too many fields"),
        pytest.param(
            json.dumps(
                record(1, "x", {})
                | {"contracts": {f"x{n}": {"contract": "1", "fields": {}} for n in range(CONTRACTS + 1)}}
            ),
            "not a record",
            id="too many contracts",
        ),
    ],
)
def test_file_that_is_no_record_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ResultsError, match=message):
        read_shapes(tmp_path / "x.json")


def test_place_without_a_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="there is no such file"):
        read_shapes(tmp_path / "nowhere")
    with pytest.raises(ResultsError, match=f"holds no {FILE}"):
        read_shapes(tmp_path)
    (tmp_path / FILE).symlink_to("/dev/zero")
    with pytest.raises(ResultsError, match=f"holds no {FILE}"):
        read_shapes(tmp_path)


def test_record_as_large_as_the_recorder_makes_it_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(record(1, "x", many(FIELDS, "k"))))
    assert len(read_shapes(tmp_path).contracts["x"].fields) == FIELDS


@pytest.mark.parametrize("hostile", ["\x1b]0;owned\x07", "\x1b[2J", "a\nFAKE", "\u202e"])
def test_record_of_strangers_tells_the_terminal_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hostile: str
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(record(f"1{hostile}", f"x{hostile}", {f"$.{hostile}": f"str{hostile}"})))
    new.write_text(json.dumps(record(f"1{hostile}", f"x{hostile}", {})))

    assert diff(old, new) == 1

    told = capsys.readouterr().out
    assert "removed" in told
    assert all(line.isprintable() for line in told.split("\n"))
    assert len(told.splitlines()) == 5


def test_name_of_a_folder_tells_the_terminal_nothing(tmp_path: Path) -> None:
    for leg in ("a\x1b]0;owned\x07", "b"):
        written(tmp_path / leg / FILE, row_count="string" if leg == "b" else None)
    with pytest.raises(ResultsError) as caught:
        read_shapes(tmp_path)
    assert "\x1b" not in caught.value.render()


def test_link_to_itself_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("x.json")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_shapes(tmp_path / "x.json")


def test_record_that_cannot_be_opened_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    written(tmp_path / FILE)
    monkeypatch.setattr("phdb_ci.commands.contracts.open_regular", refuse)
    with pytest.raises(ResultsError, match="cannot be read: Permission denied"):
        read_shapes(tmp_path)


def test_folder_that_may_not_be_entered_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    for question in ("is_file", "is_dir"):
        written(tmp_path / FILE)
        monkeypatch.setattr(Path, question, refuse)
        with pytest.raises(ResultsError, match="cannot be read: Permission denied"):
            read_shapes(tmp_path)


def test_pipe_below_a_run_directory_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    written(tmp_path / "leg" / FILE)
    assert read_shapes(tmp_path).contracts


def test_record_that_is_named_may_be_a_link(tmp_path: Path) -> None:
    written(tmp_path / "real.json")
    (tmp_path / "link.json").symlink_to("real.json")
    assert read_shapes(tmp_path / "link.json").contracts
