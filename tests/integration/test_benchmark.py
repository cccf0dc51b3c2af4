"""The benchmark's pure parts: rounds, ratios, bounds, tables. What it measures is nobody's test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmark import table
from tests.benchmark.bare import makefile
from tests.benchmark.measure import OURS, Limit, Row, Work, best, bound, critical_path, interleave, ratio, rows

TIMES = table.TIMES
MACHINE = {"cpu": "Some CPU", "cores": "2"}


def row(ratio: float = 0.5, ours: float = 1.0, theirs: float = 2.0, limit: Limit | None = None) -> Row:
    return Row("gate", "pr-gate, warm", "make -j2", ratio, ours, theirs, limit=limit)


def test_rounds_alternate_their_order() -> None:
    calls: list[str] = []

    def contestant(name: str) -> Callable[[], float]:
        return lambda: calls.append(name) or float(len(calls))  # type: ignore[func-returns-value]

    times = interleave({"a": contestant("a"), "b": contestant("b")}, 3)
    assert calls == ["a", "b", "b", "a", "a", "b"]
    assert times == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # The machine was ten times slower in the second round, for both.
    assert ratio([1.0, 10.0, 1.2], [2.0, 20.0, 2.0]) == 0.5


def test_ratio_of_different_rounds_is_that_of_the_medians() -> None:
    assert ratio([1.0, 2.0, 3.0], [4.0]) == 0.5


def test_rows_leave_out_ourselves_and_keep_limits() -> None:
    limit = Limit("ratio", 1.0, below=True)
    found = rows("checkouts", "4 pins", {OURS: [1.0], "west": [4.0], "git": [0.5]}, {"west": limit})
    assert [(one.other, one.ratio, one.met) for one in found] == [("west", 0.25, True), ("git", 2.0, None)]


def test_best_is_the_lowest_median_among_those_asked_for() -> None:
    assert best({"a": [1.0, 9.0, 9.0], "b": [5.0, 5.0, 5.0], "c": [1.0]}, ["a", "b"]) == "b"


@pytest.mark.parametrize(
    ("limit", "met"),
    [
        pytest.param(Limit("ratio", 0.5), True, id="reached"),
        pytest.param(Limit("ratio", 0.5, below=True), False, id="reached, but it must be less"),
        pytest.param(Limit("ratio", 0.4), False, id="missed"),
        pytest.param(Limit("ours", 1.0), True, id="the figure itself"),
        pytest.param(Limit("ours", 0.9), False, id="the figure itself is more"),
        pytest.param(None, None, id="none"),
    ],
)
def test_limit(limit: Limit | None, met: bool) -> None:
    assert row(limit=limit).met is met


JOBS = {
    "build": Work((), 10.0, 19.0),
    "first": Work(("build",), 3.0, 1.0),
    "second": Work(("build",), 5.0, 2.0),
    "alone": Work((), 12.0, 12.0),
}


def test_critical_path_is_the_longest_chain() -> None:
    assert critical_path(JOBS) == 15.0


@pytest.mark.parametrize(
    ("cores", "seconds"),
    [
        pytest.param(1, 34.0, id="one core: all the work"),
        pytest.param(2, 17.0, id="two cores: half of it"),
        pytest.param(8, 15.0, id="many cores: the longest chain"),
    ],
)
def test_bound(cores: int, seconds: float) -> None:
    assert bound(JOBS, cores) == seconds


def test_makefile_starts_jobs_in_the_order_given_after_their_needs() -> None:
    scripts = {"build": Path("/b.sh"), "job": Path("/j.sh")}
    assert makefile(scripts, {"build": (), "job": ("build",)}, ["job", "build"]).splitlines() == [
        ".PHONY: all job build",
        "all: job build",
        "job: build",
        "\t@sh /j.sh",
        "build:",
        "\t@sh /b.sh",
    ]


def test_table_shows_ratio_target_figures_and_machine() -> None:
    lines = table.text([row(limit=Limit("ratio", 1.1))], MACHINE).splitlines()
    assert lines[3].split() == [
        "pr-gate,",
        "warm",
        "make",
        "-j2",
        f"0.50{TIMES}",
        "pass",
        "(≤",
        f"1.1{TIMES})",
        "1.00",
        "s",
        "2.00",
        "s",
    ]
    assert lines[-2:] == ["Targets: 1 of 1 met.", "Machine: cpu Some CPU · cores 2"]


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        pytest.param(row(ratio=0.005, ours=0.00077), [f"0.005{TIMES}", "0.77 ms"], id="small"),
        pytest.param(row(limit=Limit("ours", 0.6)), ["MISS (≤ 0.6 s)"], id="miss"),
        pytest.param(Row("junit", "memory", "x", 1.0, 21.0, 21.0, "MB"), ["21.0 MB"], id="memory"),
        pytest.param(Row("junit", "a|b", "x", 1.0, 1.0, 1.0), ["a\\|b"], id="a bar is escaped"),
    ],
)
def test_markdown_cells(one: Row, cells: list[str]) -> None:
    line = table.markdown([one], MACHINE).splitlines()[2]
    assert all(f"| {cell} |" in line for cell in cells), line


def test_json_has_every_row_with_its_result() -> None:
    document = json.loads(table.as_json([row(limit=Limit("ratio", 0.1))], MACHINE, 12.34))
    assert document["machine"] == MACHINE
    assert document["seconds"] == 12.3
    assert document["rows"][0]["limit"] == {"of": "ratio", "value": 0.1, "below": False}
    assert document["rows"][0]["met"] is False
