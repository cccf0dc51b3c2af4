"""What was measured: each figure with its interval beside the threshold, and a chart. Finished Markdown.

The chart is mermaid's `xychart-beta`; the table above it says the same in numbers, with a row of bars that needs no
diagram.
"""

import math
from collections.abc import Iterable, Sequence

from phdb_ci.base.text import counted
from phdb_ci.judging.figures import Interval, digits, interval
from phdb_ci.models.figures import Figure
from phdb_ci.models.results import FiguresFact, LegResult
from phdb_ci.rendering.markdown import cells, code, word

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 12  # figures of one job
CAP = 1e6  # what a chart can show
Row = tuple[Figure, Interval]


def section(results: Iterable[LegResult]) -> tuple[str, ...]:
    """The lines for every leg that has measured something; none when there is none."""
    return tuple(line for result in results for line in _leg(result))


def in_words(result: LegResult) -> str:
    """In a few words, for a table: `9 rounds, medians 0.37 to 0.98, threshold 1.20`; empty for nothing measured."""
    rows, fact = _rows(result), result.facts.figures
    if not rows or fact is None:
        return ""
    medians = sorted(over.median for _, over in rows)
    span = " to ".join(dict.fromkeys(map(digits, (medians[0], medians[-1]))))
    return f"{counted(rows[0][1].rounds, 'round')}, medians {span}, {_limit(fact)}"


def _leg(result: LegResult) -> list[str]:
    rows, fact = _rows(result), result.facts.figures
    if not rows or fact is None:
        return []
    confidence = math.floor(1000 * rows[0][1].confidence) / 10
    unit = f" of {code(fact.unit, 60)}" if code(fact.unit) else ""
    title = f"Measured: {word(result.job)}, {counted(rows[0][1].rounds, 'round')}, {_limit(fact)}"
    sentence = f"Medians{unit} over the rounds; each interval holds one with {confidence:g} % (order statistics)."
    names = [code(figure.name, 60) or "`?`" for figure, _ in rows]
    names += [] if fact.threshold is None else [f"the threshold {digits(fact.threshold)}"]
    legend = ", ".join(f"line {number} {name}" for number, name in enumerate(names, 1))
    return [
        "<details open>", f"<summary>{title}</summary>", "",
        "| figure | compares | median | interval | over the rounds |", "|:--|:--|--:|:--|:--|",
        *(f"| {' | '.join(_cells(figure, over))} |" for figure, over in rows),
        "", f"{sentence} In the chart: {legend}.", "",
        "```mermaid", *_chart(rows, fact.threshold), "```", "", "</details>", "",
    ]  # fmt: skip


def _rows(result: LegResult) -> list[Row]:
    figures = result.facts.figures.figures if result.facts.figures else ()
    return [(figure, interval(figure.values)) for figure in figures if figure.values and not figure.problem][:SHOWN]


def _cells(figure: Figure, over: Interval) -> tuple[str, ...]:
    compared = " by ".join(code(side, 40) for side in figure.compared)
    span = f"{digits(over.low)} to {digits(over.high)}"
    return cells(code(figure.name, 60), compared, f"**{digits(over.median)}**", span, bars(figure.values))


def bars(values: Sequence[float]) -> str:
    """One bar per round, from the least to the most, on a scale of orders of magnitude where they differ so much."""
    low, high = min(values), max(values)
    if high / low > 8:
        values, low, high = [math.log(value) for value in values], math.log(low), math.log(high)
    width = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int((value - low) / width * len(BARS)))] for value in values)


def _chart(rows: Sequence[Row], threshold: float | None) -> list[str]:
    """A line per figure, and one for the threshold.

    The axis holds that and every interval; what lies beyond is an outlier and would flatten the rest.
    """
    count = max(len(figure.values) for figure, _ in rows)
    limits = [] if threshold is None else [threshold]
    top = min(CAP, max(1.5, 1.25 * max([over.high for _, over in rows] + limits)))
    drawn = [figure.values for figure, _ in rows] + [(limit,) * count for limit in limits]
    return [
        "xychart-beta",
        f'    x-axis "round" [{", ".join(str(number + 1) for number in range(count))}]',
        f"    y-axis 0 --> {top:.2f}",
        *(f"    line [{', '.join(f'{min(value, top):.3f}' for value in values)}]" for values in drawn),
    ]


def _limit(fact: FiguresFact) -> str:
    return "no threshold" if fact.threshold is None else f"threshold {digits(fact.threshold)}"
