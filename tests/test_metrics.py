"""Figures in a manifest: what is one, what is a time of this round, what names another engine; the interval."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from phdb_ci.models.matrix import Metrics
from phdb_ci.models.measured import Measured, Round, figure, interval, ratios
from phdb_ci.reports import metrics
from phdb_ci.reports.manifest import Found

WANTED = Metrics(scenarios=("publish", "read"))
BEGAN = 1_795_597_590.5  # 2026-11-25T09:06:30Z
SPAN = metrics.Span(BEGAN, BEGAN + 10)


def scenario(name: str = "publish", **fields: Any) -> dict[str, Any]:
    engine = {"p50_ms": 1.0, "p95_ms": 2.0, "rows": 9}
    return {"id": name, "engines": {"lidb": engine, "postgres": engine}, "ratio_vs_postgres": 1.0} | fields


def read(document: Any, written: float = BEGAN + 5) -> Round:
    text = document if isinstance(document, str) else json.dumps(document)
    return metrics.read(1, Found("b/m.json", Path("m.json"), text.encode(), written), (), WANTED, SPAN)


def told(*scenarios: dict[str, Any], **fields: Any) -> dict[str, Any]:
    now = {"measured_at": "2026-11-25T09:06:35Z"}
    return {"engine_mode": "compare", "scenarios": list(scenarios)} | now | fields


def test_figures_are_read() -> None:
    one = read(told(scenario(), scenario("read"), scenario("unknown")))

    assert [each.scenario for each in one.measured] == ["publish", "read"]
    assert one.measured[0].p95_ms == {"lidb": 2.0, "postgres": 2.0}
    assert one.measured[0].rows == {"lidb": 9, "postgres": 9}
    assert (one.mode, one.not_finite, one.stale, one.fallback) == ("compare", (), (), ())
    assert (one.engines, one.threshold) == (WANTED.engines, WANTED.threshold)


@pytest.mark.parametrize("value", [True, "1.0", 0, -1, [1.0], {"a": 1}, float("inf"), 10**400], ids=str)
def test_value_that_is_no_figure_is_told(value: object) -> None:
    text = json.dumps(told(scenario(ratio_vs_postgres=value))).replace("Infinity", "1e999")
    one = read(text)

    assert len(one.not_finite) == 1
    assert one.not_finite[0].startswith("publish: ratio_vs_postgres is ")
    assert one.measured[0].ratio is None


@pytest.mark.parametrize("rows", [-1, 1.5, "9", True, 1 << 70])
def test_rows_that_are_no_count_are_told(rows: object) -> None:
    engines = {"lidb": {"p95_ms": 1.0, "rows": rows}}
    assert read(told(scenario(engines=engines))).not_finite[0].startswith("publish: rows of lidb is ")


def test_scenario_that_stands_twice_is_told() -> None:
    assert read(told(scenario(), scenario())).not_finite == ("publish stands twice in it",)


@pytest.mark.parametrize(
    "document",
    ["[]", "3", '"x"', "null", "[" * 100_000, '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}'],
)
def test_text_that_is_no_object_is_a_problem(document: str) -> None:
    assert read(document).problems


@pytest.mark.parametrize(
    "scenarios", [None, {}, "x", [None, 3, {"id": []}], [{"id": "publish", "engines": [1]}]]
)
def test_scenarios_of_another_shape_are_no_figures(scenarios: object) -> None:
    assert not [one for one in read({"scenarios": scenarios}).measured if one.p95_ms or one.ratio]


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
    assert read(told(scenario(), measured_at=stamp)).stale == ()


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
    one = read(told(scenario(), provenance=[{key: stamp}]))

    assert len(one.stale) == 1
    assert one.stale[0].startswith(f"provenance[0].{key} is ")
    assert why in one.stale[0]


@pytest.mark.parametrize("fields", [{}, {"measured_at": None}, {"update_interval": "2026-11-25"}], ids=str)
def test_manifest_that_does_not_say_when_it_was_measured_is_told(fields: dict[str, Any]) -> None:
    document = told(scenario())
    del document["measured_at"]

    assert read(document | fields).stale == (
        "b/m.json does not say when it was measured: no time stands in it, such as measured_at",
    )


def test_file_from_before_the_round_is_told() -> None:
    assert read(told(scenario()), written=BEGAN - 120).stale == (
        "b/m.json was written 2 min before this round began",
    )
    assert read(told(scenario()), written=BEGAN - 1).stale == ()


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
    assert read(told(scenario(), **fields)).fallback == (place,)


@pytest.mark.parametrize(
    "fields",
    [
        {"fallback": False},
        {"fallback": None},
        {"sqlite": 0},
        {"note": "no sqlite3 anywhere"},
        {"profile": "nightly"},
    ],
)
def test_engine_that_was_not_used_is_not_told(fields: dict[str, Any]) -> None:
    assert read(told(scenario(), **fields)).fallback == ()


# The interval


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    [
        (1, 1, 1, 0.0), (5, 1, 5, 0.9375), (6, 1, 6, 0.96875), (8, 1, 8, 0.9921875), (9, 2, 8, 0.9609375),
        (20, 6, 15, 0.9586),
    ],
)  # fmt: skip
def test_interval_of_the_median_is_that_of_the_tables(
    count: int, low: int, high: int, confidence: float
) -> None:
    found = interval([float(n) for n in range(count, 0, -1)])

    assert (found.low, found.high, found.rounds) == (low, high, count)
    assert found.median == (count + 1) / 2
    assert found.confidence == pytest.approx(confidence, abs=1e-4)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60))
def test_interval_holds_the_median_and_no_order_changes_it(values: list[float]) -> None:
    found = interval(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    assert found == interval(sorted(values)) == interval(values[::-1])


def test_one_outlier_of_nine_does_not_move_the_interval() -> None:
    values = [0.9, 0.95, 0.97, 0.98, 1.0, 1.01, 1.02, 1.03]
    assert interval([*values, 16.3]).high == 1.03


def of(first: float, second: float, ratio: float = 1.0) -> tuple[Measured, ...]:
    return (Measured(scenario="a", ratio=ratio, p95_ms={"postgres": second, "lidb": first}),)


def test_ratios_are_those_of_timed_rounds() -> None:
    found = [Round(number=n, measured=of(n + 1.0, 1.0)) for n in range(3)]
    assert ratios(found, "a") == [2.0, 3.0]
    assert ratios(found, "b") == []


def test_ratio_is_what_the_p95s_give_and_not_what_is_told() -> None:
    assert ratios([Round(number=1, measured=of(1.211, 1.0, ratio=1.2))], "a") == [1.211]


@pytest.mark.parametrize(("first", "second"), [(1e308, 1e-9), (1e-308, 1e308), (-1.0, -2.0), (0.0, 1.0)])
def test_p95s_that_give_no_number_give_no_ratio(first: float, second: float) -> None:
    assert ratios([Round(number=1, measured=of(first, second))], "a") == []


def test_engines_are_told_by_name_and_not_by_their_place() -> None:
    one = Round(number=1, engines=("postgres", "lidb"), measured=of(4.0, 2.0))
    assert ratios([one], "a") == [0.5]


def test_median_of_the_largest_numbers_is_a_number() -> None:
    assert interval([1.7e308, 1.7e308]).median == 1.7e308


@pytest.mark.parametrize("field", ["measured", "problems", "not_finite", "stale", "fallback"])
def test_record_of_a_round_that_is_too_long_is_refused(field: str) -> None:
    one: object = Measured(scenario="a") if field == "measured" else "x"
    with pytest.raises(ValidationError, match="at most 64 items"):
        Round.model_validate({"number": 1, field: [one] * 65})


def test_scenario_with_too_many_engines_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 8 items"):
        Measured(scenario="a", p95_ms={str(n): 1.0 for n in range(9)})


def test_writing_scenario_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="raed is none of the scenarios"):
        Metrics(scenarios=("publish", "read"), writes=("publish", "raed"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.06149, "0.0615"), (0.978, "0.978"), (1.2, "1.20"), (16.34, "16.3"), (412.7, "413"), (0.001, "0.00100"),
        (0.0001, "0.0001"), (0.0, "0"), (999_999.0, "999999"), (1e6, "1e+06"), (1e-308, "1e-308"),
        (1.7e308, "1.7e+308"),
    ],
)  # fmt: skip
def test_figures_show_three_digits(value: float, text: str) -> None:
    assert figure(value) == text
