"""What was measured: each figure with its interval beside the threshold, and its rounds as a row of bars.

Values beside a problem have no interval: in its place stands why they measure nothing.
"""

import math
from collections.abc import Sequence

from phdb_ci.base.text import counted
from phdb_ci.judging.figures import Interval, digits, interval
from phdb_ci.models.figures import Figure
from phdb_ci.models.results import FiguresFact, LegResult
from phdb_ci.rendering.markdown import Section, code, table, word

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 12  # figures of one job
PROBLEM = 120  # characters of why values measure nothing
HEAD = ("figure", "compares", "median", "interval", "over the rounds")
ALIGN = (":--", ":--", "--:", ":--", ":--")
Row = tuple[Figure, Interval]


def section(result: LegResult) -> Section | None:
    """What a leg has measured; None when that is nothing."""
    rows, fact = _rows(result), result.facts.figures
    if not rows or fact is None:
        return None
    first = next((over for figure, over in rows if not figure.problem), rows[0][1])
    confidence = math.floor(1000 * first.confidence) / 10
    unit = f" of {code(fact.unit, 60)}" if code(fact.unit) else ""
    title = f"Measured: {word(result.job)}, {counted(first.rounds, 'round')}, {_limit(fact)}"
    sentence = f"Medians{unit} over the rounds; each interval holds one with {confidence:g} % (order statistics)."
    return Section(title, (table(HEAD, [_cells(*row) for row in rows], ALIGN), sentence), opened=True)


def in_words(result: LegResult) -> str:
    """In a few words, for a table: `9 rounds, medians 0.37 to 0.98, threshold 1.20`; empty for nothing measured."""
    fact, measured = result.facts.figures, [over for figure, over in _rows(result) if not figure.problem]
    if not measured or fact is None:
        return ""
    medians = sorted(over.median for over in measured)
    span = " to ".join(dict.fromkeys(map(digits, (medians[0], medians[-1]))))
    return f"{counted(measured[0].rounds, 'round')}, medians {span}, {_limit(fact)}"


def _rows(result: LegResult) -> list[Row]:
    figures = result.facts.figures.figures if result.facts.figures else ()
    return [(figure, interval(figure.values)) for figure in figures if figure.values][:SHOWN]


def _cells(figure: Figure, over: Interval) -> tuple[str, ...]:
    compared = " by ".join(code(side, 40) for side in figure.compared)
    median, span = f"**{digits(over.median)}**", f"{digits(over.low)} to {digits(over.high)}"
    if figure.problem:
        median, span = digits(over.median), f"not measured: {code(figure.problem, PROBLEM)}"
    return (code(figure.name, 60), compared, median, span, bars(figure.values))


def bars(values: Sequence[float]) -> str:
    """One bar per round, from the least to the most, on a scale of orders of magnitude where they differ so much."""
    low, high = min(values), max(values)
    if high / low > 8:
        values, low, high = [math.log(value) for value in values], math.log(low), math.log(high)
    width = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int((value - low) / width * len(BARS)))] for value in values)


def _limit(fact: FiguresFact) -> str:
    return "no threshold" if fact.threshold is None else f"threshold {digits(fact.threshold)}"
