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
from phdb_ci.models.results import LegResult, LegSource

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
        (9, 10, False), ("9", "10", False),
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


@pytest.mark.parametrize(
    "odd",
    ["two", "banana", "v2", "01", "1.", "0.9-beta", "9999999999", "1.2.3.4", "", " 2", -1, 9_999_999_999],
)
def test_version_that_is_none_is_broken(odd: object) -> None:
    for old, new in (("1", odd), (odd, "1"), (odd, odd)):
        (verdict,) = compare(shapes(old), shapes(new))
        assert verdict.broken
        assert verdict.reason == f"'{odd}' is no protocol version: 1, 1.2 or 1.2.3 is one"


def test_lower_version_is_broken_even_without_a_change() -> None:
    (verdict,) = compare(shapes(2), shapes(1))
    assert verdict.broken
    assert verdict.reason == "the protocol version went down: 2 became 1"


def family(**versions: object) -> Shapes:
    """A record of some commands of the bridge."""
    one = record(1, "", BASE)["contracts"][""] | {"family": "bridge"}
    contracts = {f"bridge-{name}": one | {"protocol_version": version} for name, version in versions.items()}
    return Shapes.model_validate({"schema": 1, "status": "recorded", "contracts": contracts})


@pytest.mark.parametrize(
    ("rest", "broken"),
    [({}, True), ({"probe": 1}, True), ({"probe": 2}, False), ({"probe": 2, "upsert": 1}, True)],
)
def test_contract_that_is_gone_is_announced_by_its_family(rest: dict[str, object], *, broken: bool) -> None:
    verdicts = {one.contract: one for one in compare(family(probe=1, upsert=1, read_liq=1), family(**rest))}
    assert verdicts["bridge-read_liq"].broken is broken
    assert "no answer of bridge-read_liq was recorded" in verdicts["bridge-read_liq"].changes[0].text


def test_family_with_two_versions_is_broken_and_excuses_nothing() -> None:
    new = family(probe=2, upsert=1, read_liq=1)
    del new.contracts["bridge-read_liq"].fields["$.row_count"]
    verdicts = {one.contract: one for one in compare(family(probe=1, upsert=1, read_liq=1), new)}
    told = "bridge-probe says 2 where another contract of bridge says 1: they share one version"
    assert verdicts["bridge-probe"].reason == told
    assert verdicts["bridge-read_liq"].reason == "$.row_count removed, and the protocol version is still 1"
    assert not verdicts["bridge-upsert"].broken


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
        "old: commits not known",
        "new: commits not known",
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
    assert document["old"] == {"commits": {}, "failed": []}
    assert document["contracts"][0]["changes"][0]["field"] == "$.row_count"


@pytest.mark.parametrize("as_json", [False, True])
def test_record_without_a_contract_is_an_error(tmp_path: Path, *, as_json: bool) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps(record(1, "x", {}) | {"contracts": {}}))
    for old, new in (
        (empty, empty),
        (written(tmp_path / "some.json"), empty),
        (empty, tmp_path / "some.json"),
    ):
        with pytest.raises(ResultsError, match="holds no contract"):
            diff(old, new, as_json=as_json)


def two(path: Path, *failed: str) -> Path:
    """A record of two contracts, of a run in which these checks have failed."""
    both = record(1, "bridge-read_liq", BASE)
    both["contracts"] |= record(1, "x", {"$": "object"})["contracts"]
    path.write_text(json.dumps(both | {"failed": failed}))
    return path


def test_old_record_of_a_failed_run_that_lacks_contracts_is_an_error(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.json"), two(tmp_path / "new.json")
    old.write_text(json.dumps(json.loads(old.read_text()) | {"failed": ["bridge/probe"]}))
    with pytest.raises(ResultsError, match=r"lacks x, and 1 checks have failed in its run \(bridge/probe\)"):
        diff(old, new)


def test_contract_that_the_old_record_lacks_is_said_not_to_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(written(tmp_path / "old.json"), two(tmp_path / "new.json", "bridge/probe")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "old: commits not known",
        "new: commits not known; 1 check has failed there",
        "ok     x (protocol version none → 1)",
        "         $ added: no answer of x was recorded before",
        "1 contract is the same",
        "1 not compared: the old record lacks it",
    ]


def test_version_that_changes_alone_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(written(tmp_path / "old.json", "1"), written(tmp_path / "new.json", "1.1")) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "ok     bridge-read_liq (protocol version 1 → 1.1)",
        "0 contracts are the same",
    ]


def result(leg: Path, commit: str) -> None:
    """The result of a leg as a run leaves it."""
    source = LegSource(repo="lidb", commit=commit, origin="pin")
    leg_result = LegResult(
        gate="g", job="contracts", os="ubuntu-24.04", summary="s", run_id="1", status="passed", sources=(source,),
        started="2026-01-01T00:00:00Z",
    )  # fmt: skip
    (leg / "result.json").write_text(leg_result.model_dump_json())


def test_commits_of_a_run_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, commit in (("old", "a" * 40), ("new", "b" * 40)):
        written(tmp_path / name / "contracts@ubuntu-24.04" / "reports" / FILE)
        result(tmp_path / name / "contracts@ubuntu-24.04", commit)

    assert diff(tmp_path / "old", tmp_path / "new") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["old: lidb aaaaaaa", "new: lidb bbbbbbb"]
    assert diff(tmp_path / "old", tmp_path / "new", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["new"]["commits"] == {"lidb": "b" * 40}


@pytest.mark.parametrize("text", ["", "{}", '{"sources": [{"repo": "\\u001b[2J"}]}'])
def test_result_that_is_none_names_no_commits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    place = written(tmp_path / "leg" / "reports" / FILE)
    (tmp_path / "leg" / "result.json").write_text(text)
    assert diff(place, place) == 0
    assert capsys.readouterr().out.startswith("old: commits not known\n")


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
        pytest.param(json.dumps(record(True, "x", {})), "not a record", id="true as a version"),
        pytest.param(json.dumps(record(1.0, "x", {})), "not a record", id="1.0 as a version"),
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
    before = record(f"1{hostile}", f"x{hostile}", {f"$.{hostile}": f"str{hostile}"})
    old.write_text(json.dumps(before | {"failed": [f"x/{hostile}"]}))
    new.write_text(json.dumps(record(f"1{hostile}", f"x{hostile}", {})))

    assert diff(old, new) == 1

    told = capsys.readouterr().out
    assert "removed" in told
    assert all(line.isprintable() for line in told.split("\n"))
    assert len(told.splitlines()) == 7


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
