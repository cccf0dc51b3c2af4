"""What was measured: each ratio with its interval, and a chart of the ratios over the rounds. Finished Markdown.

Ratios alone are charted, beside the threshold that they were held against: an absolute time is that of one machine on
one day. The chart is mermaid's `xychart-beta`; the table above it says the same in numbers, with a row of bars that
needs no diagram.
"""

import math
from collections.abc import Iterable, Sequence

from phdb_ci.base.text import counted
from phdb_ci.models.measured import Interval, Round, all_ratios, figure, interval
from phdb_ci.models.results import LegResult
from phdb_ci.rendering.markdown import cells, code, word

BARS = "▁▂▃▄▅▆▇█"
MOST = 12  # scenarios of one job
ROUNDS = 100  # of one scenario; the matrix allows no more
CAP = 1e6  # what a chart can show


def measured(results: Iterable[LegResult]) -> tuple[str, ...]:
    """The lines of the section for every leg that has timed rounds; none when there is none."""
    lines: list[str] = []
    for result in results:
        if any(one.number and one.measured for one in result.facts.rounds):
            lines += _leg(result)
    return tuple(lines)


def in_words(result: LegResult) -> str:
    """In a few words, for a table: `9 rounds, ratios 0.37 to 0.98, threshold 1.20`; empty when nothing was measured."""
    found = [interval(values) for values in _ratios(result).values()]
    if not found:
        return ""
    middle = sorted(one.median for one in found)
    span = figure(middle[0]) if len(middle) == 1 else f"{figure(middle[0])} to {figure(middle[-1])}"
    return f"{counted(found[0].rounds, 'round')}, ratios {span}, {_limit(_timed(result)[0].threshold)}"


def _leg(result: LegResult) -> list[str]:
    found = [(name, values, interval(values)) for name, values in list(_ratios(result).items())[:MOST]]
    if not found:
        return []
    timed = _timed(result)
    threshold, engines = timed[0].threshold, timed[0].engines
    rounds, confidence = found[0][2].rounds, math.floor(1000 * found[0][2].confidence) / 10
    servers = (
        ", ".join(f"{word(one.name)} {code(one.version, 20)}" for one in result.facts.services)
        or "no service"
    )
    title = f"Measured: {word(result.job)}, {counted(rounds, 'round')} against {servers.replace('`', '')}"
    title += f", {_limit(threshold)}"
    lines = ["<details open>", f"<summary>{title}</summary>", ""]
    heads = cells(*(f"P95 {code(engine, 20)}" for engine in engines))
    lines += [
        f"| scenario | ratio | interval | {' | '.join(heads)} | over the rounds |",
        "|:--|--:|:--|--:|--:|:--|",
    ]
    for name, values, one in found:
        lines.append(f"| {' | '.join(_row(timed, engines, name, values, one))} |")
    held = (
        f"Medians over the rounds; each interval holds the median with {confidence:g} % (order statistics)."
    )
    lines += ["", f"{held} In the chart: {_legend(found, threshold)}.", ""]
    lines += ["```mermaid", *_chart(found, threshold), "```", "", "</details>", ""]
    return lines


def _row(
    timed: Sequence[Round], engines: Sequence[str], name: str, values: Sequence[float], one: Interval
) -> tuple[str, ...]:
    span = f"{figure(one.low)} to {figure(one.high)}"
    times = (_p95(timed, name, engine) for engine in engines)
    return cells(code(name, 60), f"**{figure(one.median)}**", span, *times, bars(values))


def _p95(timed: Sequence[Round], name: str, engine: str) -> str:
    """The median P95 of an engine; empty when it has none."""
    every = (one for each in timed for one in each.measured if one.scenario == name)
    found = [one.p95_ms[engine] for one in every if engine in one.p95_ms]
    return f"{figure(interval(found).median)} ms" if found else ""


def bars(values: Sequence[float]) -> str:
    """One bar per round, from the least to the most, on a scale of orders of magnitude where they differ so much."""
    low, high = min(values), max(values)
    if high / low > 8:
        values, low, high = [math.log(value) for value in values], math.log(low), math.log(high)
    width = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int((value - low) / width * len(BARS)))] for value in values)


def _chart(found: Sequence[tuple[str, Sequence[float], Interval]], threshold: float | None) -> list[str]:
    """A line per scenario, and one for the threshold.

    The axis holds that and every interval; what lies beyond is an outlier and would flatten the rest.
    """
    count = max(len(values) for _, values, _ in found)
    limits = [] if threshold is None else [threshold]
    top = min(CAP, max(1.5, 1.25 * max([one.high for _, _, one in found] + limits)))
    lines = [
        "xychart-beta",
        '    title "ratio_vs_postgres over the rounds"',
        f'    x-axis "round" [{", ".join(str(number + 1) for number in range(count))}]',
        f'    y-axis "ratio" 0 --> {top:.2f}',
    ]
    drawn = [values for _, values, _ in found] + [[limit] * count for limit in limits]
    lines += [f"    line [{', '.join(f'{min(value, top):.3f}' for value in values)}]" for values in drawn]
    return lines


def _legend(found: Sequence[tuple[str, Sequence[float], Interval]], threshold: float | None) -> str:
    """The scenarios in the order of the lines: this kind of diagram has no legend of its own."""
    names = [code(name, 60) or "`?`" for name, _, _ in found]
    names += [] if threshold is None else [f"the threshold {figure(threshold)}"]
    return ", ".join(f"line {number} {name}" for number, name in enumerate(names, 1))


def _timed(result: LegResult) -> list[Round]:
    return [one for one in result.facts.rounds if one.number and one.measured]


def _limit(threshold: float | None) -> str:
    return "no threshold" if threshold is None else f"threshold {figure(threshold)}"


def _ratios(result: LegResult) -> dict[str, list[float]]:
    """Every scenario that has ratios, by its name."""
    return {name: values[:ROUNDS] for name, values in all_ratios(result.facts.rounds).items()}
