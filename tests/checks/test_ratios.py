"""The check `ratios`: what is a figure in a manifest, what is a time of its round; when a ratio may be believed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from checks.ratios.manifest import SCENARIOS, Measured, RefusedError, Round, Written, read
from checks.ratios.rules import RULES, problems
from checks.ratios.watch import Opened

BEGAN = 1_795_597_590.5  # 2026-11-25T09:06:30Z
PUBLISH, BY_NAME, LATEST = SCENARIOS


def scenario(name: str = PUBLISH, **fields: Any) -> dict[str, Any]:
    engine = {"p50_ms": 1.0, "p95_ms": 2.0, "rows": 9}
    return {"id": name, "engines": {"lidb": engine, "postgres": engine}, "ratio_vs_postgres": 1.0} | fields


def parsed(document: Any, written: float = BEGAN + 5) -> Round:
    text = document if isinstance(document, str) else json.dumps(document)
    return read(1, Written("b/m.json", text.encode(), written, BEGAN, BEGAN + 10))


def told(*scenarios: dict[str, Any], **fields: Any) -> dict[str, Any]:
    now = {"measured_at": "2026-11-25T09:06:35Z", "status": "pass"}
    return {"engine_mode": "compare", "scenarios": list(scenarios)} | now | fields


def test_figures_are_read() -> None:
    one = parsed(told(scenario(), scenario(BY_NAME), scenario("unknown")))

    assert list(one.scenarios) == [PUBLISH, BY_NAME]
    assert one.scenarios[PUBLISH].p95_ms == {"lidb": 2.0, "postgres": 2.0}
    assert one.scenarios[PUBLISH].rows == {"lidb": 9, "postgres": 9}
    assert (one.problems, one.is_whole) == ([], False)


@pytest.mark.parametrize("value", [True, "1.0", 0, -1, [1.0], {"a": 1}, float("inf"), 10**400], ids=str)
def test_value_that_is_no_figure_is_told(value: object) -> None:
    one = parsed(json.dumps(told(scenario(ratio_vs_postgres=value))).replace("Infinity", "1e999"))

    (text,) = one.scenarios[PUBLISH].odd
    assert text.startswith(f"{PUBLISH}: ratio_vs_postgres is ")
    assert one.scenarios[PUBLISH].ratio is None


@pytest.mark.parametrize("rows", [-1, 1.5, "9", True, 1 << 70])
def test_rows_that_are_no_count_are_told(rows: object) -> None:
    one = parsed(told(scenario(engines={"lidb": {"p95_ms": 1.0, "rows": rows}})))
    assert one.scenarios[PUBLISH].odd[0].startswith(f"{PUBLISH}: rows of lidb is ")


def test_scenario_that_stands_twice_is_told() -> None:
    assert parsed(told(scenario(), scenario())).scenarios[PUBLISH].odd == [f"{PUBLISH} stands twice in it"]


@pytest.mark.parametrize(
    "text", [b"[]", b"3", b'"x"', b"null", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\xff"}', b""]
)
def test_text_that_is_no_object_is_a_problem(text: bytes) -> None:
    with pytest.raises(RefusedError, match=r"b/m\.json is (not JSON|no JSON object)"):
        read(1, Written("b/m.json", text, BEGAN + 5, BEGAN, BEGAN + 10))


@pytest.mark.parametrize("scenarios", [None, {}, "x", [None, 3, {"id": []}], [{"id": PUBLISH, "engines": [1]}]])
def test_scenarios_of_another_shape_are_no_figures(scenarios: object) -> None:
    one = parsed(told() | {"scenarios": scenarios})
    assert not [each for each in one.scenarios.values() if each.p95_ms or each.ratio]


@pytest.mark.parametrize(
    ("status", "mode"), [("stub", "compare"), (None, "compare"), ("pass", "lidb_only"), ("pass", None)]
)
def test_manifest_of_no_comparison_is_told(status: object, mode: object) -> None:
    one = parsed(told(scenario(), status=status, engine_mode=mode))
    assert len(one.problems) == 1


# Times


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-25T09:06:30Z", "2026-11-25T09:06:35+00:00", "2026-11-25T10:06:35+01:00", "2026-11-25 09:06:31.5",
        "2026-11-25", 1_795_597_591, 1_795_597_591_000,
    ],
    ids=str,
)  # fmt: skip
def test_time_of_this_round_is_fresh(stamp: object) -> None:
    assert parsed(told(scenario(), measured_at=stamp)).problems == []


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        ("2026-11-25T09:06:00Z", "30 s before this round began"),
        ("2026-11-25T08:06:00+00:00", "1 h before this round began"),
        ("2026-11-24", "9 h before this round began"),
        ("2025-11-25T09:06:30Z", "365 d before this round began"),
        (1_795_597_000, "10 min before this round began"),
        ("2026-11-25T09:16:30Z", "which has not come yet"),
        ("yesterday", "is no time"),
        (10**400, "is no time"),
        (True, "is no time"),
    ],
    ids=str,
)
@pytest.mark.parametrize("key", ["measured_at", "generated_at", "timestamp", "run_timestamp"])
def test_time_of_another_round_is_told(stamp: object, why: str, key: str) -> None:
    one = parsed(told(scenario(), provenance=[{key: stamp}]))

    assert len(one.problems) == 1
    assert one.problems[0].startswith(f"provenance[0].{key} is ")
    assert why in one.problems[0]


@pytest.mark.parametrize("fields", [{}, {"measured_at": None}, {"update_interval": "2026-11-25"}], ids=str)
def test_manifest_that_does_not_say_when_it_was_measured_is_told(fields: dict[str, Any]) -> None:
    document = told(scenario())
    del document["measured_at"]

    assert parsed(document | fields).problems == [
        "b/m.json does not say when it was measured: no time stands in it, such as measured_at"
    ]


def test_file_from_before_the_round_is_told() -> None:
    assert parsed(told(scenario()), written=BEGAN - 120).problems == [
        "b/m.json was written 2 min before this round began"
    ]
    assert parsed(told(scenario()), written=BEGAN - 1).problems == []


# Other engines


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"fallback": True}, "fallback says True"),
        ({"engine": {"fallback_reason": "no psycopg"}}, "engine.fallback_reason says 'no psycopg'"),
        ({"engine": "sqlite"}, "engine is 'sqlite'"),
        ({"engines": ["lidb", "sqlite3"]}, "engines[1] is 'sqlite3'"),
        ({"engines": {"sqlite": {"p95_ms": 1}}}, "engines.sqlite says more than nothing"),
        ({"mode": "Mock"}, "mode is 'Mock'"),
    ],
)
def test_other_engine_is_told(fields: dict[str, Any], place: str) -> None:
    assert parsed(told(scenario(), **fields)).problems == [f"measured on a fallback: {place}"]


@pytest.mark.parametrize(
    "fields",
    [{"fallback": False}, {"fallback": None}, {"sqlite": 0}, {"note": "no sqlite3 anywhere"}, {"profile": "nightly"}],
)
def test_engine_that_was_not_used_is_not_told(fields: dict[str, Any]) -> None:
    assert parsed(told(scenario(), **fields)).problems == []


# When a ratio may be believed


def figures(ratio: float | None = 0.5, **fields: Any) -> Measured:
    """A scenario on both engines."""
    given: dict[str, Any] = {
        "p95_ms": {"lidb": ratio or 1.0, "postgres": 1.0}, "rows": {"lidb": 40, "postgres": 40},
    }  # fmt: skip
    return Measured(ratio=ratio, **given | fields)


def timed(lidb: float, postgres: float) -> dict[str, Measured]:
    """All scenarios with both percentiles of both engines."""
    return {
        name: Measured(
            ratio=round(lidb / postgres, 3), rows={"lidb": 40, "postgres": 40},
            p50_ms={"lidb": lidb / half, "postgres": postgres / half}, p95_ms={"lidb": lidb, "postgres": postgres},
        )
        for half, name in enumerate(SCENARIOS, 2)
    }  # fmt: skip


def one_round(number: int, publish: Measured | None = None, **fields: Any) -> Round:
    """A round that was measured, with figures of its own."""
    own = 0.5 + number / 1000
    scenarios = {PUBLISH: publish or figures(own), BY_NAME: figures(own - 0.1), LATEST: figures(own - 0.2)}
    given: dict[str, Any] = {"scenarios": scenarios, "written": 40, "read": 80, "opened": 3, "launched": 0}
    return Round(number, **given | {"launched": 0 if number else 3} | fields)


def rounds(*changed: Round) -> list[Round]:
    """The witnessed round and six timed ones, some of them replaced."""
    by_number = {one.number: one for one in changed}
    return [by_number.get(number, one_round(number)) for number in range(7)]


def found(*changed: Round, every: Sequence[Round] | None = None) -> dict[str, list[str]]:
    return problems(rounds(*changed) if every is None else every, 6)


@pytest.mark.parametrize(
    "changed",
    [
        (),
        (one_round(0, opened=0), one_round(1, opened=None, launched=None)),
        (one_round(1, figures(7.0)),),
        (one_round(1, figures(0.5, p95_ms={"lidb": 1.0, "postgres": 1.9992})),),
        (one_round(1, figures(17.3515, p95_ms={"lidb": 29.3299, "postgres": 1.6903})),),
        (one_round(2, scenarios=dict.fromkeys(SCENARIOS, figures(0.6))),),
    ],
    ids=["measured", "starts that nobody sees", "an outlier", "three decimals", "four decimals", "agree by chance"],
)
def test_scenarios_without_a_problem_may_be_believed(changed: Sequence[Round]) -> None:
    assert found(*changed) == {name: [] for name in SCENARIOS}


ALL = tuple(SCENARIOS)


@pytest.mark.parametrize(
    ("changed", "names", "text"),
    [
        ([one_round(2, problems=["m.json is not JSON"])], ALL, "round 2: m.json is not JSON"),
        ([one_round(0, problems=["the job wrote no m.json"])], ALL, "the witnessed round: the job wrote no m.json"),
        (
            [one_round(0, problems=["engine_mode is None"]), one_round(3, problems=["engine_mode is None"])],
            ALL, "the witnessed round: engine_mode is None (and in 1 more)",
        ),
        ([one_round(6, Measured(odd=["x is inf"]))], (PUBLISH,), "round 6: x is inf"),
        (
            [one_round(1, scenarios={PUBLISH: figures(0.51), BY_NAME: figures(0.4)})],
            (LATEST,), f"round 1: {LATEST} is not in the manifest",
        ),
        ([one_round(1, figures(None))], (PUBLISH,), f"round 1: {PUBLISH} has no ratio_vs_postgres"),
        (
            [one_round(1, figures(None, p95_ms={"lidb": 2.0}))],
            (PUBLISH,), f"round 1: {PUBLISH} has no ratio_vs_postgres and no p95_ms of postgres",
        ),
        (
            [one_round(4, scenarios=one_round(2).scenarios)],
            ALL, "round 4: every figure is that of round 2, to the last digit: not measured again",
        ),
        (
            [one_round(4, scenarios=timed(0.7, 0.004)), one_round(5, scenarios=timed(0.7, 0.005))],
            ALL, "round 5: every figure of lidb is that of round 4, to the last digit: not measured again",
        ),
        (
            [one_round(4, scenarios=timed(0.004, 0.7)), one_round(5, scenarios=timed(0.005, 0.7))],
            ALL, "round 5: every figure of postgres is that of round 4, to the last digit: not measured again",
        ),
        (
            [
                one_round(n, scenarios={PUBLISH: figures(n / 9), BY_NAME: figures(n / 9), LATEST: figures(n)})
                for n in (2, 5)
            ],
            (PUBLISH, BY_NAME),
            f"{BY_NAME}: in 2 rounds every figure is that of {PUBLISH}, to the last digit: not measured",
        ),
        (
            [one_round(1, figures(0.5, p95_ms={"lidb": 3.0, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 0.5, and its P95, 3 ms by 1 ms, give 3",
        ),
        (
            [one_round(1, figures(1.2, p95_ms={"lidb": 1.211, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 1.2, and its P95, 1.211 ms by 1 ms, give 1.211",
        ),
        (
            [one_round(1, figures(0.001, p95_ms={"lidb": 0.002, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 0.001, and its P95, 0.002 ms by 1 ms, give 0.002",
        ),
        (
            [one_round(1, figures(1.0, p95_ms={"lidb": 1e308, "postgres": 1e-9}))],
            (PUBLISH,),
            f"round 1: {PUBLISH}: ratio_vs_postgres is 1, and its P95, 1e+308 ms by 1e-09 ms, give no ratio",
        ),
        (
            [one_round(1, figures(rows={"lidb": 0, "postgres": 40}))],
            (PUBLISH,), f"round 1: {PUBLISH}: lidb returned no rows, so its time is that of nothing",
        ),
        (
            [one_round(1, figures(rows={"lidb": 40}))],
            (PUBLISH,), f"round 1: {PUBLISH}: the manifest does not say how many rows postgres returned",
        ),
        (
            [one_round(1, figures(rows={"lidb": 19, "postgres": 19}))],
            (PUBLISH,), f"round 1: {PUBLISH}: a P95 of lidb over 19 rows is none; it takes 20",
        ),
        (
            [one_round(1, figures(rows={"lidb": 20, "postgres": 40}))],
            (PUBLISH,), f"round 1: {PUBLISH}: rows 20 of lidb and 40 of postgres: the engines did not do the same",
        ),
        (
            [one_round(1, written=0)],
            ALL, "round 1: by its own count postgres wrote 0 of 40 rows: the figures are not its own",
        ),
        (
            [one_round(1, read=79)],
            ALL, "round 1: by its own count postgres read 79 of 80 rows: the figures are not its own",
        ),
        ([one_round(1, written=None)], ALL, "round 1: postgres was not asked how many rows it wrote"),
        ([one_round(1, opened=0)], ALL, "round 1: the engine was never started: the figures are not its own"),
        ([one_round(1, launched=3)], ALL, "round 1: timed through the witness"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_of_the_scenarios_that_it_is_wrong_with(
    changed: Sequence[Round], names: Sequence[str], text: str
) -> None:
    said = found(*changed)
    assert {name: texts[0] for name, texts in said.items() if texts} == dict.fromkeys(names, text)


def test_fault_of_another_scenario_in_a_later_round_is_not_lost() -> None:
    late = one_round(4)
    late.scenarios[LATEST].rows = {"lidb": 0, "postgres": 0}
    said = found(one_round(1, figures(rows={"lidb": 0, "postgres": 40})), late)

    assert said[LATEST][0] == f"round 4: {LATEST}: lidb returned no rows, so its time is that of nothing"


def test_rounds_that_are_missing_are_told() -> None:
    assert found(every=rounds()[:5])[PUBLISH] == ["4 of 6 timed rounds were measured"]
    assert all(found(every=[]).values())


def test_every_rule_explains_itself() -> None:
    assert all(rule.__doc__ for rule in RULES)


def test_opened_file_is_counted(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("x")
    opened = Opened(program)
    for _ in range(2):
        program.read_text()

    assert opened.count() == 2
    assert opened.count() == 0
