"""Answers of the contracts: every schema is sound and versioned, what breaks one is named, the record is canonical."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from checks.contracts.answers import FAULTS, SCHEMAS, SHOWN, SUFFIX, answer, document, faults, parse, schema, version
from checks.contracts.programs import Done
from checks.contracts.record import Recorder

LIS: dict[str, Any] = {
    "protocol_version": "1", "live": True, "ready": True, "profile": "registry-min", "data_dir": "/d",
    "catalog": "/d/c", "migration": "001.sql", "verticals": ["registry"], "migrated": True, "engine": "lidb_embed",
    "checks": {"catalog": "ok", "engine": "ok", "plans": "ok", "tcp_listen": "off"}, "tcp_listen": False, "tcp_port": 0,
    "embed_mode": "in_process", "service": "registry", "readiness_requires": ["engine"], "liveness_interval_sec": 30,
}  # fmt: skip
STARTED = {
    "lidb_repo": "/l", "embed_binary": "/e", "plans_registered": 3, "started_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
TIMES = {"p50_ms": 1.5, "p95_ms": 2}
SCENARIO: dict[str, Any] = {
    "id": "registry_publish", "metric": "latency_p95", "unit": "ms", "lower_is_better": True,
    "threshold_ratio_vs_postgres": 1.2, "engines": {"lidb": None, "postgres": None}, "ratio_vs_postgres": None,
    "status": "stub", "ph_ids": [], "ph_dependencies": [], "notes": "",
}  # fmt: skip
MEASURED = {
    **SCENARIO, "engines": {"lidb": TIMES, "postgres": TIMES}, "ratio_vs_postgres": 1.0, "status": "green",
}  # fmt: skip
SOURCES = (
    "suite_toml", "defaults_toml", "schema_sql", "schema_sqlite_stub", "fixtures_seed", "harness_py", "results_csv",
    "catalog_toml",
)  # fmt: skip
# What must be there, and no more.
GOOD: dict[str, Any] = {
    "lis-start": LIS | STARTED,
    "lis-status": LIS | {"state_file": "/s", "probe": "ok"},
    "lis-migrate": {"migrated": True, "data_dir": "/d"},
    "lis-stop": {"stopped": True, "data_dir": "/d"},
    "bridge-probe": {"ok": True, "engine": False},
    "bridge-read_liq": {"ok": True, "rows": [{"id": "a"}], "row_count": 1},
    "bridge-exec_sql": {"ok": True, "rows": [], "row_count": 0},
    "bridge-upsert_agent_run": {"ok": True, "run_id": "r"},
    "bridge-error": {"ok": False, "error": "no"},
    "exec-json": {"rows": [{"id": "k1", "name": "demo"}], "affected": 0},
    "tier-db-registry": {
        "generated_at": "2026-01-01T00:00:00+00:00", "tier": "tier_db_registry", "profile": "ci", "status": "stub",
        "compare_oracle": "postgres", "postgres_min_version": "15", "nightly_optional": True, "engine_mode": None,
        "threshold_ratio_vs_postgres": 1.2, "ph_plan": {f"PH-DB-{number}": "a step" for number in (1, 4, 5)},
        "sources": dict.fromkeys(SOURCES, "a/path"), "scenarios": [SCENARIO],
        "ci_ingest": {"artifact_path": "a/path", "merge_into_summary": False, "dashboard_section": "database"},
    },
}  # fmt: skip
# What may be there.
MORE: dict[str, dict[str, Any]] = {
    "lis-status": STARTED | {"error": "no engine", "state_error": "not JSON"},
    "bridge-probe": {"protocol_version": 1},
    "bridge-upsert_agent_run": {"protocol_version": 1},
}
FIELDS = [pytest.param(name, field, id=f"{name}-{field}") for name, good in GOOD.items() for field in good]


def test_every_contract_has_an_example_here() -> None:
    assert sorted(path.name.removesuffix(SUFFIX) for path in SCHEMAS.iterdir()) == sorted(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_schema_is_sound_and_names_itself(name: str) -> None:
    content = schema(name)
    Draft202012Validator.check_schema(content)
    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert content["$id"] == f"urn:phdb-ci:contract:{name}:{content['x-version']}"
    assert [part.isdigit() for part in content["x-version"].split(".")] == [True, True, True]
    assert content.get("x-version-field", "") in {"", *content["properties"]}
    assert all(content["properties"][field].keys() & {"type", "const", "enum"} for field in content["required"])


@pytest.mark.parametrize("name", GOOD)
def test_good_answer_keeps_its_contract_with_more_fields_or_without(name: str) -> None:
    for more in ({}, MORE.get(name, {}), {"brand_new": {"a": [1]}}):
        assert faults(name, GOOD[name] | more) == []


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, more in MORE.items() for field in more])
def test_field_that_need_not_be_there_has_a_type(name: str, field: str) -> None:
    wrong = faults(name, GOOD[name] | {field: ["x"]})
    assert {fault.partition(":")[0] for fault in wrong} == {f"$.{field}"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("lis-start", {"protocol_version": "1"}, "version '1'"), ("bridge-probe", {"protocol_version": 1}, "version 1"),
        ("bridge-probe", {}, "unversioned"), ("exec-json", {"protocol_version": 1}, "unversioned"),
        ("bridge-probe", [], "unversioned"), ("bridge-probe", {"protocol_version": "x" * 99}, "version '" + "x" * 39),
    ],
)  # fmt: skip
def test_version_is_said_as_the_answer_says_it(name: str, value: object, said: str) -> None:
    assert version(name, value) == said


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_field_that_is_gone_is_named(name: str, field: str) -> None:
    remaining = {key: value for key, value in GOOD[name].items() if key != field}
    assert faults(name, remaining) == [f"$: '{field}' is a required property"]


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_field_of_another_type_is_named(name: str, field: str) -> None:
    wrong = faults(name, GOOD[name] | {field: ["x"] if not isinstance(GOOD[name][field], list) else "x"})
    assert {fault.partition(":")[0] for fault in wrong} == {f"$.{field}"}


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        pytest.param("lis-status", {"service": None}, "$.service", id="null for text"),
        pytest.param("lis-status", {"probe": "fine"}, "$.probe", id="not one of"),
        pytest.param("lis-start", {"checks": LIS["checks"] | {"engine": True}}, "$.checks.engine", id="no word"),
        pytest.param("lis-start", {"checks": LIS["checks"] | {"plans": "full"}}, "$.checks.plans", id="nested"),
        pytest.param("lis-start", {"verticals": ["a", 7]}, "$.verticals[1]", id="in a list"),
        pytest.param("lis-start", {"plans_registered": ["a"]}, "$.plans_registered", id="a list for a number"),
        pytest.param("lis-start", {"tcp_port": True}, "$.tcp_port", id="true is no number"),
        pytest.param("lis-start", {"tcp_port": 0.0}, "$.tcp_port", id="0.0 is no integer"),
        pytest.param("lis-start", {"protocol_version": "2"}, "$.protocol_version", id="major version raised"),
        pytest.param("lis-start", {"protocol_version": "1.4"}, None, id="minor version raised"),
        pytest.param("bridge-probe", {"protocol_version": 2}, "$.protocol_version", id="raised"),
        pytest.param("bridge-probe", {"protocol_version": "1"}, "$.protocol_version", id="version as text"),
        pytest.param("bridge-probe", {"protocol_version": 1.0}, "$.protocol_version", id="version with a fraction"),
        pytest.param("bridge-probe", {"ok": False}, "$.ok", id="not ok"),
        pytest.param("bridge-error", {"error": ""}, "$.error", id="error without a reason"),
        pytest.param("exec-json", {"rows": [["k1"]]}, "$.rows[0]", id="rows as lists"),
        pytest.param("exec-json", {"rows": [{"n": 1}]}, "$.rows[0].n", id="a number in a cell"),
        pytest.param("exec-json", {"rows": [{"n": None}]}, "$.rows[0].n", id="null in a cell"),
        pytest.param("exec-json", {"affected": -1}, "$.affected", id="below zero"),
        pytest.param("tier-db-registry", {"threshold_ratio_vs_postgres": 1}, None, id="a whole number is a number"),
        pytest.param("tier-db-registry", {"status": "pass", "scenarios": [MEASURED]}, None, id="measured"),
        pytest.param(
            "tier-db-registry", {"scenarios": [SCENARIO | {"ratio_vs_postgres": 1.0}]},
            "$.scenarios[0].ratio_vs_postgres", id="stub with a number",
        ),
        pytest.param(
            "tier-db-registry", {"scenarios": [MEASURED | {"ratio_vs_postgres": None}]},
            "$.scenarios[0].ratio_vs_postgres", id="green without a number",
        ),
    ],
)  # fmt: skip
def test_fault_names_its_field(name: str, change: dict[str, Any], path: str | None) -> None:
    assert {fault.partition(":")[0] for fault in faults(name, GOOD[name] | change)} == ({path} if path else set())


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_answer_that_is_no_object_is_one_fault(value: object) -> None:
    (fault,) = faults("exec-json", value)
    assert fault.startswith("$: ")


def test_answer_full_of_faults_is_told_in_bounds() -> None:
    wrong = faults("exec-json", {"rows": ["x" * 1000] * 500_000, "affected": 0})
    assert len(wrong) == FAULTS
    assert max(map(len, wrong)) < SHOWN + 50


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Traceback\n", id="text"),
        pytest.param("{} {}", id="two documents"),
        pytest.param('{"a": 1, "a": 2}', id="key twice"),
        pytest.param('{"a": NaN}', id="NaN"),
        pytest.param('{"a": -Infinity}', id="infinity"),
        pytest.param('{"rows": [{"a": 1e999}]}', id="beyond all bounds"),
        pytest.param('"\\ud800"', id="half of a pair"),
        pytest.param("[" * 100_000, id="nested without end"),
    ],
)
def test_output_that_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its text
        parse(text)
    with pytest.raises(AssertionError, match="one JSON document expected"):
        document("exec-json", text)


def test_large_finite_numbers_are_numbers() -> None:
    assert parse("[1e308, -1e-400, 123456789012345678901234567890]")[0] == 1e308


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (Done(0, "{}", "", "did not end within 1 s"), "it did not end within 1 s"),
        (Done(3, "{}", "oh no"), "exit 0 expected, got exit 3: oh no"),
        (Done(0, "ready\n{}\n", ""), "one line of JSON expected, got 2 lines"),
    ],
)
def test_answer_of_a_program_that_ended_badly_is_none(done: Done, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        answer("exec-json", done, one_line=True)


# The record


def record(tmp_path: Path, **answers: list[Any]) -> dict[str, Any]:
    recorder = Recorder()
    for name, values in answers.items():
        for value in values:
            recorder.add(name.replace("__", "-"), schema(name.replace("__", "-")), value)
    recorder.write(tmp_path / "r.json", ["b", "a"], {})
    content: dict[str, Any] = json.loads((tmp_path / "r.json").read_text())
    return content


def test_shape_merges_answers(tmp_path: Path) -> None:
    status = GOOD["lis-status"]
    answers = [status | {"checks": {"engine": "ok", "x": 1}}, status | {"service": None, "tcp_port": 1.5}]
    content = record(tmp_path, lis__status=answers)

    shape = content["contracts"]["lis-status"]
    assert shape["fields"]["$.service"] == "null|string"
    assert shape["fields"]["$.tcp_port"] == "integer|number"
    assert shape["fields"]["$.checks.x"] == "integer?"
    assert shape["fields"]["$.verticals[]"] == "string"
    assert (shape["contract"], shape["family"], shape["versions"]) == ("2.0.0", "lis", ["1"])
    assert (content["status"], content["failed"]) == ("recorded", ["a", "b"])


def test_columns_of_a_row_are_no_part_of_the_shape(tmp_path: Path) -> None:
    content = record(tmp_path, exec__json=[{"rows": [{"id": 1, "name": None}], "affected": 0}])
    fields = {"$": "object", "$.rows": "array", "$.rows[]": "object", "$.affected": "integer"}
    assert content["contracts"]["exec-json"]["fields"] == fields


@pytest.mark.parametrize(
    ("versions", "recorded"),
    [
        ([1, 1], [1]), ([1, 2], [1, 2]), ([1, "1"], [1, "1"]), ([True], ["true"]), ([1.0], ["1.0"]), ([None, 1], [1]),
        ([{"a": "x" * 99}], ['{"a": "' + "x" * 33]),
    ],
)  # fmt: skip
def test_versions_are_recorded_as_the_answers_said_them(
    tmp_path: Path, versions: list[object], recorded: list[object]
) -> None:
    content = record(tmp_path, bridge__probe=[{"protocol_version": version} for version in versions])
    assert content["contracts"]["bridge-probe"]["versions"] == recorded


def test_hostile_answer_gives_a_bounded_record(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a.b[]": [deep]}
    record(tmp_path, exec__json=[deep, {f"k{n}": n for n in range(10_000)}])
    text = (tmp_path / "r.json").read_text()
    assert len(text) < 200_000
    assert "a\\\\u002eb\\\\u005b]" in text


def test_record_is_the_same_for_the_same_answers(tmp_path: Path) -> None:
    answers = [GOOD["bridge-probe"], dict(reversed(GOOD["bridge-probe"].items()))]
    assert record(tmp_path, bridge__probe=answers) == record(tmp_path, bridge__probe=answers[::-1])
