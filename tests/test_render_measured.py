"""The section of what was measured: its table, its bars, its chart; nothing in it that a name could break."""

import io
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.models.measured import Measured, Round, ServiceUse
from phdb_ci.models.verdict import Verdict, VerdictLeg
from phdb_ci.rendering.comment import comment
from phdb_ci.rendering.measured import bars, in_words, measured
from phdb_ci.terminal import Console, verdict_text
from tests.builders import leg, result, verdict

POSTGRES = ServiceUse(name="postgres", version="16.14", origin="a wheel")


def rounds(*ratios: float, name: str = "registry_publish") -> tuple[Round, ...]:
    """The witnessed round, then one per ratio against a Postgres that takes 2 ms."""
    every = [99.0, *ratios]
    return tuple(
        Round(
            number=number,
            threshold=1.2,
            measured=(Measured(scenario=name, ratio=ratio, p95_ms={"lidb": ratio * 2, "postgres": 2.0}),),
        )
        for number, ratio in enumerate(every)
    )


def shown(*found: Round, **fields: Any) -> str:
    one: Verdict = verdict(leg("bench-compare", rounds=found, services=(POSTGRES,), **fields))
    return "\n".join(measured(leg.result for leg in one.legs))


def test_ratios_stand_with_their_interval_and_the_witnessed_round_does_not_count() -> None:
    text = shown(*rounds(0.97, 0.95, 1.02, 0.98, 1.0, 0.99, 0.96, 1.01, 16.3))

    assert (
        "<summary>Measured: bench-compare, 9 rounds against postgres 16.14, threshold 1.20</summary>" in text
    )
    assert "| scenario | ratio | interval | P95 `lidb` | P95 `postgres` | over the rounds |" in text
    row = next(line for line in text.splitlines() if line.startswith("| `registry_publish`"))
    assert row.startswith("| `registry_publish` | **0.990** | 0.960 to 1.02 | 1.98 ms | 2.00 ms | ")
    assert "each interval holds the median with 96 % (order statistics)" in text
    assert row.endswith(" ▁▁▁▁▁▁▁▁█ |")


def test_chart_has_a_line_per_scenario_and_no_outlier_flattens_it() -> None:
    lines = shown(*rounds(*[0.5] * 9, 16.3)).splitlines()
    start = lines.index("```mermaid")

    assert "In the chart: line 1 `registry_publish`, line 2 the threshold 1.20." in lines[start - 2]
    assert lines[start + 1 : start + 8] == [
        "xychart-beta",
        '    title "ratio_vs_postgres over the rounds"',
        '    x-axis "round" [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]',
        '    y-axis "ratio" 0 --> 1.50',
        f"    line [{', '.join(['0.500'] * 9)}, 1.500]",
        f"    line [{', '.join(['1.200'] * 10)}]",
        "```",
    ]


def test_chart_holds_a_threshold_above_all_ratios() -> None:
    high = [one.model_copy(update={"threshold": 4.0}) for one in rounds(*[0.5] * 6)]
    text = shown(*high)

    assert 'y-axis "ratio" 0 --> 5.00' in text
    assert f"    line [{', '.join(['4.000'] * 6)}]" in text


def test_ratios_without_a_threshold_say_so() -> None:
    text = shown(*(one.model_copy(update={"threshold": None}) for one in rounds(*[0.5] * 6)))

    assert "against postgres 16.14, no threshold</summary>" in text
    assert "In the chart: line 1 `registry_publish`." in text
    assert text.count("    line [") == 1


def test_columns_are_the_engines_names_whatever_their_order_in_the_record() -> None:
    turned = [
        one.model_copy(
            update={
                "measured": tuple(
                    each.model_copy(update={"p95_ms": dict(reversed(each.p95_ms.items()))})
                    for each in one.measured
                )
            }
        )
        for one in rounds(*[0.5] * 6)
    ]
    assert shown(*turned) == shown(*rounds(*[0.5] * 6))


def test_many_scenarios_are_grouped_in_one_pass() -> None:
    """A record of a stranger's: 64 scenarios with names of their own in each of 3000 rounds."""
    many = tuple(
        Round(
            number=number,
            measured=tuple(
                Measured(scenario=f"{number}-{index}", p95_ms={"lidb": 1.0, "postgres": 1.0})
                for index in range(64)
            ),
        )
        for number in range(1, 3001)
    )
    began = time.monotonic()
    assert shown(*many).count("| `") == 12
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("values", "text"),
    [((1.0, 2.0, 3.0), "▁▅█"), ((1.0, 1.0), "▁▁"), ((5.0,), "▁"), ((0.1, 1.0, 100.0), "▁▃█")],
)
def test_bars_show_the_rounds(values: tuple[float, ...], text: str) -> None:
    assert bars(values) == text


def test_leg_that_measured_nothing_has_no_section() -> None:
    assert shown() == ""
    assert shown(Round(number=1, problems=("not JSON",))) == ""
    assert in_words(result("smoke")) == ""


def test_few_words_say_rounds_and_range() -> None:
    one = result("bench-compare", rounds=rounds(0.5, 0.6, 0.7))
    words = "3 rounds, ratios 0.600, threshold 1.20"
    assert in_words(one) == words
    told = verdict(VerdictLeg(result=one))
    assert words in verdict_text(told, Console(io.StringIO(), colour=False, live=False))
    assert words in comment(told)


@given(name=st.text(min_size=1, max_size=30), values=st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=12))
def test_no_name_and_no_number_breaks_the_section(name: str, values: list[float]) -> None:
    lines = shown(*rounds(*values, name=name)).split("\n")

    assert [line for line in lines if line.startswith("```")] == ["```mermaid", "```"]
    inside = lines[lines.index("```mermaid") + 1 : lines.index("```")]
    assert len(inside) == 6
    assert all(re.fullmatch(r"    line \[[0-9., ]+\]", line) for line in inside[4:])
    assert next(line for line in lines if line.startswith("| ")).count(" | ") == 5
