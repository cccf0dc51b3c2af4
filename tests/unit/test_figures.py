"""The document of figures: what it may hold; the interval of a median; values with three digits."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci import schemas
from phdb_ci.judging.figures import digits, interval
from phdb_ci.models.matrix import Figures
from phdb_ci.models.results import FiguresFact
from phdb_ci.reports.documents import read_figures

WANTED = Figures(file="figures.json", names=("publish", "read"), rounds=6, threshold=1.2, unit="ratio of P95")


def figure(name: str = "publish", **fields: Any) -> dict[str, Any]:
    return {"name": name, "compared": ["new", "old"], "values": [1.0, 2, 0.5], "problem": None} | fields


def document(*figures: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"schema_version": 1, "figures": list(figures), "notes": []} | fields


def read(text: object) -> FiguresFact:
    data = text if isinstance(text, str) else json.dumps(text)
    return read_figures(data.encode(), "b/figures.json", WANTED)


def test_figures_are_read() -> None:
    told = document(figure(), figure("read", values=[], problem="no server"), notes=["against version 16"])
    fact = read(told)

    assert fact.problems == ()
    assert [(one.name, one.values, one.problem) for one in fact.figures] == [
        ("publish", (1.0, 2.0, 0.5), None), ("read", (), "no server"),
    ]  # fmt: skip
    assert (fact.figures[0].compared, fact.notes) == (("new", "old"), ("against version 16",))
    assert (fact.file, fact.unit, fact.threshold) == ("b/figures.json", "ratio of P95", 1.2)
    jsonschema.validate(told, schemas.schemas()["figures"])


def test_figure_needs_no_more_than_a_name() -> None:
    assert read({"schema_version": 1, "figures": [{"name": "x"}]}).problems == ()


@pytest.mark.parametrize("value", [True, "1.0", 0, -1, [1.0], None, float("inf"), 10**400], ids=str)
def test_value_that_is_no_figure_is_a_problem(value: object) -> None:
    fact = read(json.dumps(document(figure(values=[1.0, value]))).replace("Infinity", "1e999"))

    assert fact.figures == ()
    assert len(fact.problems) == 1
    assert fact.problems[0].startswith("b/figures.json: figures.0.values.1: ")


@pytest.mark.parametrize(
    "text",
    [
        "[]", "3", "null", "{}", "[" * 100_000, '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "",
        json.dumps(document(schema_version=2)), json.dumps(document(more=1)), json.dumps(document(figure(other=1))),
        json.dumps(document(figure(name=""))), json.dumps(document(figure(name="a\nb"))),
        json.dumps(document(figure(name="a" * 101))), json.dumps(document(figure(compared=["a", "b", "c"]))),
        json.dumps(document(figure(values=[1.0] * 101))), json.dumps(document(*[figure()] * 65)),
        json.dumps(document(notes=["x"] * 65)), json.dumps(document(figure(problem="x" * 2001))),
    ],
)  # fmt: skip
def test_text_that_is_no_document_of_figures_is_a_problem(text: str) -> None:
    fact = read(text)
    assert fact.problems
    assert fact.figures == ()
    assert len(fact.problems) <= 5


# The interval


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    [
        (1, 1, 1, 0.0), (5, 1, 5, 0.9375), (6, 1, 6, 0.96875), (8, 1, 8, 0.9921875), (9, 2, 8, 0.9609375),
        (20, 6, 15, 0.9586),
    ],
)  # fmt: skip
def test_interval_of_the_median_is_that_of_the_tables(count: int, low: int, high: int, confidence: float) -> None:
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.06149, "0.0615"), (0.978, "0.978"), (1.2, "1.20"), (16.34, "16.3"), (412.7, "413"), (0.001, "0.00100"),
        (0.0001, "0.0001"), (0.0, "0"), (999_999.0, "999999"), (1e6, "1e+06"), (1e-308, "1e-308"),
        (1.7e308, "1.7e+308"),
    ],
)  # fmt: skip
def test_figures_show_three_digits(value: float, text: str) -> None:
    assert digits(value) == text
