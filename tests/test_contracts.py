"""Contracts: every schema is sound and versioned, and what breaks one is said in one line that names the field."""

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from phdb_ci.contracts import stage
from phdb_ci.contracts.checks import CHECKS, lis
from phdb_ci.contracts.drive import Done
from phdb_ci.contracts.report import line, write_report
from phdb_ci.contracts.schemas import FAULTS, NotAnAnswerError, contracts, faults, parse
from phdb_ci.contracts.shapes import Recorder, canonical
from phdb_ci.contracts.stage import BrokenError, Case, Check, SkippedError, chosen
from phdb_ci.reports import read_report

LIS: dict[str, Any] = {
    "protocol_version": "1", "ready": True, "live": True, "profile": "registry-min", "data_dir": "/d",
    "lidb_repo": "/l", "catalog": "/d/c", "migrated": True, "engine": "lidb_embed", "embed_binary": "/e",
    "plans_registered": ["a.b"],
    "checks": {"catalog": True, "engine": True, "plans": True, "tcp_listen": True}, "tcp_listen": False, "tcp_port": 0,
    "embed_mode": "subprocess", "started_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
NO_NUMBERS = {"p50_ms": None, "p95_ms": None}
NUMBERS = {"p50_ms": 1.5, "p95_ms": 2}
SCENARIO: dict[str, Any] = {
    "id": "registry_publish", "engines": {"lidb": NO_NUMBERS, "postgres": NO_NUMBERS}, "ratio_vs_postgres": None,
    "status": "stub",
}  # fmt: skip
MEASURED = {
    **SCENARIO, "engines": {"lidb": NUMBERS, "postgres": NUMBERS}, "ratio_vs_postgres": 1.0, "status": "pass",
}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "tier": "tier_db_registry", "profile": "ci", "status": "stub", "engine_mode": None,
    "threshold_ratio_vs_postgres": 1.2, "scenarios": [SCENARIO],
}  # fmt: skip
GOOD: dict[str, Any] = {
    "lis-start": LIS,
    "lis-status": LIS | {"state_file": "/s", "probe": "ok", "error": None},
    "bridge-probe": {"ok": True, "engine": False, "protocol_version": 1},
    "bridge-read_liq": {"ok": True, "rows": [{"id": "a"}], "row_count": 1},
    "bridge-exec_sql": {"ok": True, "rows": []},
    "bridge-upsert_agent_run": {"ok": True, "run_id": "r", "protocol_version": 1},
    "bridge-error": {"ok": False, "error": "no"},
    "exec-json": {"rows": [{"id": "k1", "name": None}], "affected": 0},
    "tier-db-registry": MANIFEST,
}


# Schemas


def test_every_contract_has_an_example_here() -> None:
    assert sorted(contracts()) == sorted(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_schema_is_sound_and_names_itself(name: str) -> None:
    contract = contracts()[name]
    Draft202012Validator.check_schema(contract.schema)
    assert contract.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert contract.schema["$id"] == f"urn:phdb-ci:contract:{name}:{contract.version}"
    assert [part.isdigit() for part in contract.version.split(".")] == [True, True, True]
    assert contract.version_field in {"", *contract.schema["properties"]}


@pytest.mark.parametrize("name", GOOD)
def test_every_required_field_has_a_type(name: str) -> None:
    for field in contracts()[name].schema["required"]:
        rules = contracts()[name].schema["properties"][field]
        assert rules.keys() & {"type", "const", "enum"}, field


@pytest.mark.parametrize("name", GOOD)
def test_good_answer_keeps_its_contract(name: str) -> None:
    assert faults(name, GOOD[name]) == []


@pytest.mark.parametrize("name", GOOD)
def test_unknown_field_is_allowed(name: str) -> None:
    assert faults(name, GOOD[name] | {"brand_new": {"a": [1]}}) == []


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, good in GOOD.items() for field in good], ids="-".join
)
def test_field_that_is_gone_is_named(name: str, field: str) -> None:
    rest = {key: value for key, value in GOOD[name].items() if key != field}
    (told,) = faults(name, rest)
    assert told.startswith(f"$.{field}: ")
    assert told.endswith("expected, got nothing")


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, good in GOOD.items() for field in good], ids="-".join
)
def test_field_of_another_type_is_named(name: str, field: str) -> None:
    found = faults(name, GOOD[name] | {field: ["x"] if not isinstance(GOOD[name][field], list) else "x"})
    assert [told.partition(":")[0] for told in found] == [f"$.{field}"]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        pytest.param(
            "lis-status", {"engine": None}, ["$.engine: 'string' expected, got null"], id="null for text"
        ),
        pytest.param(
            "lis-status", {"error": 5}, ["$.error: 'string' or 'null' expected, got 'integer'"], id="two types"
        ),
        pytest.param(
            "lis-status", {"probe": "fine"},
            ['$.probe: "ok" or "skipped" or "failed" expected, got \'fine\''], id="not one of",
        ),
        pytest.param(
            "lis-start", {"checks": LIS["checks"] | {"engine": "yes"}},
            ["$.checks.engine: 'boolean' expected, got 'string'"], id="nested",
        ),
        pytest.param(
            "lis-start", {"plans_registered": ["a", 7]},
            ["$.plans_registered[1]: 'string' expected, got 'integer'"], id="in a list",
        ),
        pytest.param(
            "lis-start", {"tcp_port": True}, ["$.tcp_port: 'integer' expected, got 'boolean'"], id="true is no number"
        ),
        pytest.param(
            "bridge-probe", {"protocol_version": 2},
            ["$.protocol_version: 1 expected, got 2: this is the contract of version 1"], id="raised",
        ),
        pytest.param(
            "bridge-probe", {"protocol_version": "1"},
            ["$.protocol_version: 'integer' expected, got 'string': this is the contract of version 1"], id="text",
        ),
        pytest.param("lis-start", {"tcp_port": 0.0}, ["$.tcp_port: 'integer' expected, got 'number'"], id="0.0"),
        pytest.param(
            "bridge-probe", {"protocol_version": 1.0},
            ["$.protocol_version: 'integer' expected, got 'number': this is the contract of version 1"], id="1.0",
        ),
        pytest.param("tier-db-registry", {"threshold_ratio_vs_postgres": 1}, [], id="a whole number is a number"),
        pytest.param("lis-start", {"protocol_version": "1.4"}, [], id="minor version raised"),
        pytest.param("bridge-probe", {"ok": False}, ["$.ok: true expected, got false"], id="not ok"),
        pytest.param(
            "exec-json", {"rows": [["k1"]]}, ["$.rows[0]: 'object' expected, got 'array'"], id="rows as lists"
        ),
        pytest.param("exec-json", {"affected": -1}, ["$.affected: minimum 0 expected, got -1"], id="below zero"),
        pytest.param(
            "tier-db-registry", {"scenarios": [SCENARIO | {"ratio_vs_postgres": 1.0}]},
            ["$.scenarios[0].ratio_vs_postgres: 'null' expected, got 'number'"], id="stub with a number",
        ),
        pytest.param(
            "tier-db-registry", {"scenarios": [MEASURED | {"ratio_vs_postgres": None}]},
            ["$.scenarios[0].ratio_vs_postgres: 'number' expected, got null"], id="verdict without a number",
        ),
        pytest.param("tier-db-registry", {"status": "pass", "scenarios": [MEASURED]}, [], id="measured"),
    ],
)  # fmt: skip
def test_fault_names_field_and_what_was_expected(name: str, change: dict[str, Any], told: list[str]) -> None:
    assert faults(name, GOOD[name] | change) == told


def test_renamed_field_is_recognised() -> None:
    answer = {"ok": True, "rows": [], "rowcount": 0}
    assert faults("bridge-read_liq", answer) == [
        "$.row_count: 'integer' expected, got nothing; was it renamed to 'rowcount'?"
    ]


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_answer_that_is_no_object_is_one_fault(document: object) -> None:
    (told,) = faults("exec-json", document)
    assert told.startswith("$: 'object' expected, got ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "got nothing", id="nothing"),
        pytest.param("Traceback\n", "got 'Traceback'", id="text"),
        pytest.param("{} {}", "got '{} {}'", id="two documents"),
        pytest.param('{"a": 1, "a": 2}', "(a key stands twice in an object)", id="key twice"),
        pytest.param('{"a": NaN}', "(NaN is no number)", id="NaN"),
        pytest.param("[" * 100_000, "got '[[[", id="nested without end"),
        pytest.param("\x1b[31m", 'got "\\u001b[31m"', id="control characters"),
    ],
)
def test_output_that_is_no_answer_is_refused(text: str, told: str) -> None:
    with pytest.raises(NotAnAnswerError) as caught:
        parse(text)
    assert told in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1e999", "$: a finite number"),
        ("-1e999", "$: a finite number"),
        ('{"threshold_ratio_vs_postgres": 1e999}', "$.threshold_ratio_vs_postgres: a finite number"),
        ('{"rows": [{"id": 1.5}, {"a.b": 1e400}]}', '$.rows[1]."a\\u002eb": a finite number'),
        ("[" * 800 + "1e999" + "]" * 800, "$" + "[0]" * 800 + ": a finite number"),
    ],
    ids=["alone", "below zero", "field", "column of a row", "nested"],
)
def test_number_beyond_all_bounds_is_named(text: str, told: str) -> None:
    with pytest.raises(NotAnAnswerError) as caught:
        parse(text)
    assert str(caught.value) == f"{told} expected, got one beyond all bounds"


def test_large_finite_numbers_are_numbers() -> None:
    assert parse("[1e308, -1e-400, 123456789012345678901234567890]")[0] == 1e308


def test_infinite_threshold_breaks_the_manifest() -> None:
    text = json.dumps(MANIFEST).replace("1.2", "1e999")
    with pytest.raises(BrokenError, match="threshold_ratio_vs_postgres: a finite number expected"):
        stage.Stage(NoLis()).document("tier-db-registry", text)  # type: ignore[arg-type]


def test_answer_of_wrong_rows_alone_is_told_in_bounds_and_at_once() -> None:
    started = time.monotonic()
    found = faults("exec-json", {"rows": [1] * 500_000, "affected": 0})
    assert time.monotonic() - started < 2
    assert len(found) == FAULTS + 1
    assert found[0] == "$.rows[0]: 'object' expected, got 'integer'"
    assert found[-1] == "and more faults"


def test_object_of_unknown_fields_alone_is_told_in_bounds_and_at_once() -> None:
    started = time.monotonic()
    found = faults("lis-status", {f"unknown_{n}": n for n in range(100_000)})
    assert time.monotonic() - started < 2
    assert len(found) == len(contracts()["lis-status"].schema["required"])


def test_message_shows_the_beginning_of_a_large_value() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    for value in (["x" * 100] * 10_000, "y" * 1_000_000, {"z" * 1_000_000: 1}, deep):
        (told,) = faults("bridge-probe", GOOD["bridge-probe"] | {"ok": value})
        assert len(told) < 120
        assert told.endswith("…")


# Shapes


def recorded(**answers: list[Any]) -> dict[str, Any]:
    recorder = Recorder()
    for name, documents in answers.items():
        for document in documents:
            recorder.add(name.replace("__", "-"), document)
    found: dict[str, Any] = recorder.record()["contracts"]
    return found


def test_shape_merges_answers() -> None:
    status = GOOD["lis-status"]
    seen = recorded(
        lis__status=[status | {"checks": {"engine": True, "x": 1}}, status | {"error": "no", "tcp_port": 1.5}]
    )

    fields = seen["lis-status"]["fields"]
    assert fields["$.error"] == "null|string"
    assert fields["$.tcp_port"] == "integer|number"
    assert fields["$.checks.engine"] == "boolean"
    assert fields["$.checks.x"] == "integer?"
    assert fields["$.plans_registered[]"] == "string"
    assert seen["lis-status"]["protocol_version"] == "1"


def test_columns_of_a_row_are_no_part_of_the_shape() -> None:
    fields = recorded(exec__json=[{"rows": [{"id": 1, "name": None}], "affected": 0}])["exec-json"]["fields"]
    assert fields == {"$": "object", "$.rows": "array", "$.rows[]": "object", "$.affected": "integer"}


def test_family_shares_its_protocol_version() -> None:
    seen = recorded(
        bridge__read_liq=[GOOD["bridge-read_liq"]],
        bridge__probe=[GOOD["bridge-probe"]],
        exec__json=[GOOD["exec-json"]],
    )
    assert {name: one["protocol_version"] for name, one in seen.items()} == {
        "bridge-read_liq": 1, "bridge-probe": 1, "exec-json": None,
    }  # fmt: skip


def test_family_shares_the_lowest_version_that_one_of_it_has() -> None:
    seen = recorded(
        bridge__probe=[GOOD["bridge-probe"] | {"protocol_version": 2}],
        bridge__read_liq=[GOOD["bridge-read_liq"]],
        bridge__upsert_agent_run=[GOOD["bridge-upsert_agent_run"]],
    )
    versions = {name: one["protocol_version"] for name, one in seen.items()}
    assert versions == {"bridge-probe": 2, "bridge-read_liq": 1, "bridge-upsert_agent_run": 1}


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ([[1]], "[1]"), ([{"a": 1}], '{"a": 1}'), ([True], "true"), ([1.5], "1.5"), ([1.0], "1.0"), ([None], None),
        ([1, 1], 1), ([1, 2], "1 and 2"), ([1, "1"], '1 and "1"'), ([1, True], "1 and true"), (["banana"], "banana"),
        ([None, 1], 1), (["x" * 99, 1], '"' + "x" * 39 + " and 1"),
    ],
)  # fmt: skip
def test_version_is_recorded_as_the_answers_said_it(versions: list[object], told: object) -> None:
    seen = recorded(bridge__probe=[{"protocol_version": version} for version in versions])
    assert seen["bridge-probe"]["protocol_version"] == told


def test_record_names_the_checks_that_have_failed() -> None:
    assert Recorder().record(["b/y", "a/x"])["failed"] == ["a/x", "b/y"]


def test_hostile_answer_gives_a_bounded_record() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a.b[]": [deep]}
    wide = {f"k{n}": n for n in range(10_000)}
    text = json.dumps(recorded(exec__json=[deep, wide]))
    assert len(text) < 200_000
    assert "a\\\\u002eb\\\\u005b]" in text


def test_record_is_canonical() -> None:
    answers = [
        {"ok": True, "engine": True, "protocol_version": 1},
        {"protocol_version": 1, "engine": True, "ok": True},
    ]
    texts = set()
    for order in (answers, answers[::-1]):
        recorder = Recorder()
        for answer in order:
            recorder.add("bridge-probe", answer)
        texts.add(canonical(recorder.record()))
    assert len(texts) == 1


# Checks


def test_check_names_are_unique_and_stable() -> None:
    names = [check.id for check in CHECKS]
    assert len(set(names)) == len(names) == 55
    assert {name.partition("/")[0] for name in names} == {
        "lis-start", "lis-status", "lis-stop", "lis-migrate", "embed", "exec-json", "bridge", "one-store", "rawsql",
        "mode", "manifest", "crash", "single-writer",
    }  # fmt: skip


def test_checks_are_chosen_by_pattern() -> None:
    names = [check.id for check in chosen(CHECKS, ["single-writer/*", "mode/*"], ["mode/tcp"])]
    assert names == [
        "mode/embed", "mode/lis-supervisor", "mode/bridge", "single-writer/second-refused",
        "single-writer/update-held", "single-writer/migration-held", "single-writer/session-beside-others",
        "single-writer/stale-first-writer", "single-writer/many-writers", "single-writer/mixed-writers",
    ]  # fmt: skip


def _broken(_stage: stage.Stage) -> None:
    raise BrokenError("$.a: 'string' expected,\x1b[31m got null")


def _skipped(_stage: stage.Stage) -> None:
    raise SkippedError("not implemented")


def _bug(_stage: stage.Stage) -> None:
    raise KeyError("a")


def _noted(stage: stage.Stage) -> None:
    stage.notes.append("5 calls, median 1.0 ms")


class NoLis:
    lis = None


def test_report_is_read_back_as_it_was(tmp_path: Any) -> None:
    checks = [
        Check("a/kept", _noted),
        Check("a/broken", _broken),
        Check("mode/tcp", _skipped),
        Check("a/bug", _bug),
    ]
    checks.append(Check("lis/none", _noted, ("lis",)))
    cases = list(stage.run(checks, stage.Stage(NoLis())))  # type: ignore[arg-type]
    write_report(tmp_path / "c.xml", cases)

    suite = read_report("junit", tmp_path / "c.xml", skips={"mode/tcp": "why"}, critical=["a/broken"])
    assert suite.problem is None
    assert {case.name: case.status for case in suite.cases} == {
        "a/kept": "passed", "a/broken": "failed", "mode/tcp": "skipped", "a/bug": "error", "lis/none": "skipped",
    }  # fmt: skip
    assert suite.unnamed_skips == ("contracts > lis/none",)
    assert suite.critical_rules[0].matched == 1
    assert (
        next(case.message for case in suite.cases if case.name == "a/broken")
        == "$.a: 'string' expected, got null"
    )


def test_line_shows_notes_below_the_case() -> None:
    case = Case("bridge/cost", "passed", 1.234, detail="probe: 5 calls")
    assert line(case) == "PASS  bridge/cost (1.23 s)\n        probe: 5 calls"


def test_start_is_kept_for_the_next_check() -> None:
    class Lis:
        def db(self, command: str) -> Done:
            return Done(0, json.dumps(GOOD[f"lis-{command}"]), "", 0.0)

    set_up = stage.Stage(Lis())  # type: ignore[arg-type]
    with pytest.raises(BrokenError, match="there is no answer of start"):
        lis.start_ready(set_up)
    lis.start_shape(set_up)
    assert set_up.started == LIS
