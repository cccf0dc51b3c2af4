"""The section of what was measured: its table, its bars, its chart; nothing in it that a name could break."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.models.figures import Figure
from phdb_ci.models.results import FiguresFact
from phdb_ci.models.verdict import VerdictLeg
from phdb_ci.rendering.comment import comment
from phdb_ci.rendering.figures import bars, in_words, section
from phdb_ci.rendering.verdict_text import verdict_text
from tests.builders import result, verdict


def fact(*values: float, name: str = "publish", **fields: Any) -> FiguresFact:
    """One figure, over as many rounds as there are values."""
    figure = Figure.model_construct(name=name, compared=("lidb", "postgres"), values=values, problem=None)
    told: dict[str, Any] = {"figures": (figure,), "unit": "ratio of P95", "threshold": 1.2}
    return FiguresFact(**told | fields)


def shown(measured: FiguresFact | None = None) -> str:
    block = section(result("bench-compare", figures=measured))
    return block.text if block else ""


def test_figures_stand_with_their_interval_beside_the_threshold() -> None:
    text = shown(fact(0.97, 0.95, 1.02, 0.98, 1.0, 0.99, 0.96, 1.01, 16.3))

    assert "<summary>Measured: bench-compare, 9 rounds, threshold 1.20</summary>" in text
    assert "| figure | compares | median | interval | over the rounds |" in text
    row = next(line for line in text.splitlines() if line.startswith("| `publish`"))
    assert row == "| `publish` | `lidb` by `postgres` | **0.990** | 0.960 to 1.02 | ▁▁▁▁▁▁▁▁█ |"
    assert "Medians of `ratio of P95` over the rounds; each interval holds one with 96 %" in text


def test_figures_without_a_threshold_say_so() -> None:
    text = shown(fact(*[0.5] * 6, threshold=None))

    assert "6 rounds, no threshold</summary>" in text


def test_many_figures_are_cut() -> None:
    many = tuple(Figure(name=f"f{number}", values=(1.0, 2.0)) for number in range(64))
    assert shown(fact(figures=many)).count("| `") == 12


@pytest.mark.parametrize(
    ("values", "text"), [((1.0, 2.0, 3.0), "▁▅█"), ((1.0, 1.0), "▁▁"), ((5.0,), "▁"), ((0.1, 1.0, 100.0), "▁▃█")]
)
def test_bars_show_the_rounds(values: tuple[float, ...], text: str) -> None:
    assert bars(values) == text


def test_leg_that_measured_nothing_has_no_section() -> None:
    assert shown() == ""
    assert shown(FiguresFact(problems=("not JSON",))) == ""
    assert shown(FiguresFact(figures=(Figure(name="publish", problem="no server"),))) == ""
    assert in_words(result("smoke")) == ""


def test_values_beside_a_problem_are_shown_and_have_no_interval() -> None:
    void = Figure(name="read", compared=("lidb", "postgres"), values=(27.0, 28.0, 29.0), problem="answers were empty")
    measured = FiguresFact(figures=(Figure(name="publish", values=(0.5, 0.6, 0.7)), void), threshold=1.2)

    row = next(line for line in shown(measured).splitlines() if line.startswith("| `read`"))
    assert row == "| `read` | `lidb` by `postgres` | 28.0 | not measured: `answers were empty` | ▁▅█ |"
    assert in_words(result("bench-compare", figures=measured)) == "3 rounds, medians 0.600, threshold 1.20"
    assert in_words(result("bench-compare", figures=FiguresFact(figures=(void,), threshold=1.2))) == ""


def test_few_words_say_rounds_and_range() -> None:
    two = FiguresFact(
        figures=(Figure(name="a", values=(0.5, 0.6, 0.7)), Figure(name="b", values=(1.5, 1.6, 1.7))), threshold=1.2
    )
    one = result("bench-compare", figures=two)
    words = "3 rounds, medians 0.600 to 1.60, threshold 1.20"
    assert in_words(one) == words
    told = verdict(VerdictLeg(result=one))
    assert words in verdict_text(told)
    assert words in comment(told)


@given(name=st.text(min_size=1, max_size=30), values=st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=12))
def test_no_name_and_no_number_breaks_the_section(name: str, values: list[float]) -> None:
    lines = shown(fact(*values, name=name, unit=name)).splitlines()

    assert len(lines) == 10
    assert [line.count(" | ") for line in lines if line.startswith("| ")] == [4, 4]
