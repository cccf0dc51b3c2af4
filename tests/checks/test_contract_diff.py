"""contracts-diff: what readers of the old answers would fail on is a break unless the major version says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from checks.contracts.diff import LIMIT, RECORD, changes, compare, main
from checks.contracts.record import documents

BASE = {"$": "object", "$.ok": "boolean", "$.rows": "array", "$.rows[]": "object", "$.row_count": "integer"}


def shape(*versions: object, family: str = "", **fields: str | None) -> dict[str, Any]:
    """One contract of a record; a field set to None is not there."""
    merged = BASE | {f"$.{path}": kind for path, kind in fields.items()}
    fields = {path: kind for path, kind in merged.items() if kind}
    return {"contract": "1.0.0", "family": family, "versions": list(versions), "fields": fields}


DOCUMENT = "docs/plans/lidb-bridge-protocol.md"


def content(contracts: dict[str, Any], failed: tuple[str, ...] = (), document: str | None = None) -> dict[str, Any]:
    """A record; `document` is the version that the bridge's protocol document says."""
    documents = {"bridge": {"path": DOCUMENT, "version": document}}
    return {"schema": 1, "status": "recorded", "failed": failed, "contracts": contracts, "documents": documents}


def record(path: Path, failed: tuple[str, ...] = (), **contracts: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content(contracts, failed)))
    return path


def diff(old: Path, new: Path) -> int:
    return main([str(old), str(new)])


# Fields


@pytest.mark.parametrize(
    ("old", "new", "breaks", "added"),
    [
        pytest.param({"$.a": "string"}, {"$.a": "string"}, [], [], id="same"),
        pytest.param({"$.a": "string"}, {}, ["$.a removed (string)"], [], id="removed"),
        pytest.param({}, {"$.a": "string?"}, [], ["$.a added (string, not in every answer)"], id="added"),
        pytest.param(
            {"$.a": "string"}, {"$.a": "integer|string"}, ["$.a retyped: string became integer or string"], [],
            id="one more type",
        ),
        pytest.param({"$.a": "integer|string"}, {"$.a": "string"}, [], [], id="one type less"),
        pytest.param({"$.a": "number"}, {"$.a": "integer"}, [], [], id="a whole number is a number"),
        pytest.param({"$.a": "integer"}, {"$.a": "number"}, ["$.a retyped: integer became number"], [], id="fraction"),
        pytest.param(
            {"$.a": "string"}, {"$.a": "null|string"}, ["$.a became nullable: string became null or string"], [],
            id="nullable",
        ),
        pytest.param({"$.a": "null|string"}, {"$.a": "string"}, [], [], id="nullable no more"),
        pytest.param({"$.a": "string"}, {"$.a": "null"}, ["$.a retyped: string became null"], [], id="but null"),
        pytest.param({"$.a": "null"}, {"$.a": "string"}, [], [], id="type known at last"),
        pytest.param({"$.a": "string"}, {"$.a": "string?"}, ["$.a is no longer in every answer"], [], id="at times"),
        pytest.param({"$.a": "string?"}, {"$.a": "string"}, [], [], id="always at last"),
        pytest.param(
            {"$.a": "string"}, {"$.b": "string"}, ["$.a removed (string)"], ["$.b added (string)"], id="renamed",
        ),
        pytest.param(
            {"$.c": "object", "$.c.x": "string", "$.c.y": "array", "$.c.y[]": "string", "$.c-d": "string"}, {},
            ["$.c removed (object)", "$.c-d removed (string)"], [], id="only the top of what is gone",
        ),
        pytest.param(
            {"$.r": "array", "$.r[]": "object", "$.r[].a": "string"}, {"$.r": "array"}, [], [],
            id="in an array that had no item",
        ),
        pytest.param(
            {"$.r": "array", "$.r[]": "object", "$.r[].a": "string"}, {"$.r": "array", "$.r[]": "object"},
            ["$.r[].a removed (string)"], [], id="of the items of an array",
        ),
    ],
)  # fmt: skip
def test_change_of_a_field_is_told(
    old: dict[str, str], new: dict[str, str], breaks: list[str], added: list[str]
) -> None:
    assert changes(old, new) == (breaks, added)


# Versions


def reason(old: dict[str, Any], new: dict[str, Any], name: str = "x") -> str:
    """Why the contract is broken."""
    return compare(name, content(old), content(new))[3]


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ((1,), (1,), True), ((1,), (2,), False), ((2,), (1,), True), (("1",), ("2",), False), (("1",), ("1.1",), True),
        (("1.9",), ("2.0",), False), (("1.2.3",), ("1.3.0",), True), ((), (), True), ((), (1,), True),
        ((), (2,), False), ((2,), (), True), ((9,), (10,), False), (("9",), ("10",), False),
    ],
)  # fmt: skip
def test_removed_field_needs_a_higher_major_version(old: tuple[object], new: tuple[object], *, broken: bool) -> None:
    text = reason({"x": shape(*old)}, {"x": shape(*new, row_count=None)})
    assert ("$.row_count removed, and" in text or "went down" in text) is broken is bool(text)


@pytest.mark.parametrize(("old", "new"), [((1,), (1,)), ((1,), (2,)), ((), ()), ((), (1,)), (("1",), ("1.1",))])
def test_added_field_passes(old: tuple[object], new: tuple[object]) -> None:
    assert not reason({"x": shape(*old)}, {"x": shape(*new, extra="string")})


@pytest.mark.parametrize(
    "odd", ["two", "v2", "01", "1.", "0.9-beta", "9999999999", "1.2.3.4", "", " 2", -1, 9_999_999_999, "true"]
)
def test_version_that_is_none_is_broken(odd: object) -> None:
    for old, new in (("1", odd), (odd, "1"), (odd, odd)):
        text = f"'{odd}' is no protocol version: 1, 1.2 or 1.2.3 is one"
        assert reason({"x": shape(old)}, {"x": shape(new)}) == text


def test_two_versions_of_one_contract_are_none() -> None:
    assert "'1 and 2' is no protocol version" in reason({"x": shape(1)}, {"x": shape(1, 2)})


def test_lower_version_is_broken_even_without_a_change() -> None:
    assert reason({"x": shape(2)}, {"x": shape(1)}) == "the protocol version went down: 2 became 1"


def family(**versions: int | None) -> dict[str, Any]:
    """Some commands of the bridge; None says no version."""
    return {name: shape(*([] if version is None else [version]), family="bridge") for name, version in versions.items()}


def test_family_with_two_versions_is_broken_and_excuses_nothing() -> None:
    new = family(probe=2, upsert=1, read_liq=None)
    del new["read_liq"]["fields"]["$.row_count"]
    old = family(probe=1, upsert=1, read_liq=None)
    text = "says 2 where another contract of its family says 1: they share one version"
    assert reason(old, new, "probe") == text
    assert reason(old, new, "read_liq") == "$.row_count removed, and the protocol version is still 1"
    assert not reason(old, new, "upsert")


@pytest.mark.parametrize(
    ("said", "old", "new", "expected"),
    [
        (None, None, None, "and the protocol version is still 1"),
        (None, "1", "1", "and the protocol version is still 1"),
        (None, "1", "2", ""),
        (None, None, "2", ""),
        (1, "1", "2", "says 1 where the document of its protocol says 2"),
        (2, "1", "1", "says 2 where the document of its protocol says 1"),
        (2, "1", "2", ""),
        (2, "1", None, ""),
    ],
)
def test_break_asks_for_a_higher_version_in_the_document(
    said: int | None, old: str | None, new: str | None, expected: str
) -> None:
    before, after = family(probe=1 if said else None, read_liq=None), family(probe=said, read_liq=None)
    del after["read_liq"]["fields"]["$.row_count"]
    text = compare("read_liq", content(before, document=old), content(after, document=new))[3]
    assert expected in text
    assert bool(text) is bool(expected)


def test_document_of_a_family_says_nothing_of_another() -> None:
    assert not compare("x", content({"x": shape()}, document="1"), content({"x": shape()}, document="7"))[3]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("# A protocol\n\n**Version:** `1` (field `protocol_version` on probe)\n", "1"), ("Version 2.1.\n", "2.1"),
        ("**Version:** none is said in the answers yet.\n", None), ("the version 3 of something\n", None), (None, None),
    ],
)  # fmt: skip
def test_version_of_a_document_is_read(tmp_path: Path, text: str | None, version: str | None) -> None:
    if text is not None:
        path = tmp_path / DOCUMENT
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert documents({"agents": tmp_path}) == {"bridge": {"path": DOCUMENT, "version": version}}


# The program


def test_program_names_the_field_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = record(tmp_path / "old.json", x=shape(1))
    new = record(tmp_path / "new.json", ("a", "b"), x=shape(1, row_count=None, extra="string"), y=shape(1))

    assert diff(old, new) == 1

    assert capsys.readouterr().out.splitlines() == [
        "old: commits not known",
        "new: commits not known; 2 cases have failed there",
        "BROKEN x (protocol version 1 → 1)",
        "         $.row_count removed (integer)",
        "         $.extra added (string)",
        "       ✗ $.row_count removed, and the protocol version is still 1",
        "not reached: y, in the old run",
        "0 the same, 1 broken, 1 not reached",
        f"give a higher major protocol version (the bridge's stands in {DOCUMENT}), or bring the fields back",
    ]


def test_program_passes_with_a_higher_version_and_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(record(tmp_path / "old.json", x=shape("1")), record(tmp_path / "new.json", x=shape("1.1"))) == 0
    assert "ok     x (protocol version 1 → 1.1)" in capsys.readouterr().out


@pytest.mark.parametrize(("failed", "code"), [((), 0), (("probe",), 2)])
def test_contract_that_the_old_run_did_not_reach_is_new_unless_cases_failed_there(
    tmp_path: Path, failed: tuple[str, ...], code: int
) -> None:
    old, new = record(tmp_path / "old.json", failed, x=shape(1)), record(tmp_path / "new.json", x=shape(1), y=shape(1))
    assert diff(old, new) == code


def test_contract_that_the_new_run_did_not_reach_is_no_break_and_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = record(tmp_path / "old.json", x=shape(1), y=shape(1))
    assert diff(old, record(tmp_path / "new.json", ("probe",), x=shape(1))) == 2
    told = capsys.readouterr().out
    assert "not reached: y, in the new run" in told
    assert "BROKEN" not in told


def test_run_directories_are_searched_and_their_commits_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, commit in (("old", "a" * 40), ("new", "b" * 40)):
        leg = tmp_path / name / "contracts@ubuntu-24.04"
        record(leg / "reports" / RECORD, x=shape(1))
        (leg / "result.json").write_text(json.dumps({"sources": [{"repo": "lidb", "commit": commit}]}))
    assert diff(tmp_path / "old", tmp_path / "new" / "contracts@ubuntu-24.04") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["old: lidb aaaaaaa", "new: lidb bbbbbbb"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="no fields"),
        pytest.param("[" * 100_000, id="nested"),
        pytest.param('{"schema": 1, "status": "recorded", "failed": [], "contracts": {}}', id="no contract"),
        pytest.param('{"schema": 2, "status": "recorded", "failed": [], "contracts": {"x": {}}}', id="another version"),
        pytest.param('{"schema": 1, "status": "recorded", "failed": [], "contracts": {"x": 5}}', id="no shape"),
        pytest.param(" " * (LIMIT + 1), id="large"),
    ],
)  # fmt: skip
def test_file_that_is_no_record_compares_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    assert diff(record(tmp_path / "good.json", x=shape(1)), tmp_path / "x.json") == 2
    assert "not two records" in capsys.readouterr().err


def test_directory_with_none_or_several_records_compares_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / RECORD).symlink_to("/dev/zero")
    for place in (tmp_path, tmp_path / "nowhere"):
        assert diff(place, place) == 2
    record(tmp_path / "a" / RECORD, x=shape(1))
    assert diff(tmp_path, tmp_path) == 0
    record(tmp_path / "b" / RECORD, x=shape(1))
    assert diff(tmp_path, tmp_path) == 0
    record(tmp_path / "b" / RECORD, x=shape(2))
    assert diff(tmp_path, tmp_path) == 2
    assert "that differ" in capsys.readouterr().err


@pytest.mark.parametrize("hostile", ["\x1b]0;owned\x07", "\x1b[2J", "a\nFAKE", "\u202e"])
def test_record_of_strangers_tells_the_terminal_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hostile: str
) -> None:
    odd, name = shape(f"1{hostile}", **{hostile: f"str{hostile}"}), f"x{hostile}"
    diff(record(tmp_path / "old", (), **{name: odd}), record(tmp_path / "new", (), **{name: shape(1)}))
    printed = capsys.readouterr().out
    assert "removed" in printed
    assert all(line.isprintable() for line in printed.split("\n"))
    assert len(printed.splitlines()) == 7
