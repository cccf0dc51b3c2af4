"""What was measured: each ratio with its interval, and a chart of the ratios over the rounds. Finished Markdown.

Ratios alone are charted: an absolute time is that of one machine on one day. The chart is mermaid's `xychart-beta`; the
table below it says the same in numbers, with a row of bars that needs no diagram.
"""

import math
from collections.abc import Sequence

from phdb_ci.models.measured import Interval, Round, figure, interval, ratios
from phdb_ci.models.results import LegResult
from phdb_ci.render.entries import Entry
from phdb_ci.render.markdown import cells, code, word
from phdb_ci.render.words import counted

BARS = "▁▂▃▄▅▆▇█"
MOST = 12  # scenarios of one job
CAP = 1e6  # what a chart can show


def measured(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The lines of the section for every leg that has timed rounds; none when there is none."""
    lines: list[str] = []
    for entry in entries:
        if entry.result and any(one.number and one.measured for one in entry.result.facts.rounds):
            lines += _leg(entry.result)
    return tuple(lines)


def in_words(result: LegResult) -> str:
    """In a few words, for a table: `9 rounds, ratios 0.37 to 0.98`; empty for a leg that measured nothing."""
    found = [interval(values) for _, values in _scenarios(result) if values]
    if not found:
        return ""
    middle = sorted(one.median for one in found)
    span = figure(middle[0]) if len(middle) == 1 else f"{figure(middle[0])} to {figure(middle[-1])}"
    return f"{counted(found[0].rounds, 'round')}, ratios {span}"


def _leg(result: LegResult) -> list[str]:
    found = [(name, values, interval(values)) for name, values in _scenarios(result) if values][:MOST]
    if not found:
        return []
    rounds, confidence = found[0][2].rounds, math.floor(1000 * found[0][2].confidence) / 10
    servers = (
        ", ".join(f"{word(one.name)} {code(one.version, 20)}" for one in result.facts.services)
        or "no service"
    )
    title = f"Measured: {word(result.job)}, {counted(rounds, 'round')} against {servers.replace('`', '')}"
    lines = ["<details open>", f"<summary>{title}</summary>", ""]
    lines += [
        "| scenario | ratio | interval | P95 first | P95 second | over the rounds |",
        "|:--|--:|:--|--:|--:|:--|",
    ]
    for name, values, one in found:
        lines.append(f"| {' | '.join(_row(result.facts.rounds, name, values, one))} |")
    held = (
        f"Medians over the rounds; each interval holds the median with {confidence:g} % (order statistics)."
    )
    lines += ["", f"{held} In the chart: {_legend(found)}.", ""]
    lines += ["```mermaid", *_chart(found), "```", "", "</details>", ""]
    return lines


def _row(rounds: Sequence[Round], name: str, values: Sequence[float], one: Interval) -> tuple[str, ...]:
    first, second = (_p95(rounds, name, index) for index in (0, 1))
    span = f"{figure(one.low)} to {figure(one.high)}"
    return cells(code(name, 60), f"**{figure(one.median)}**", span, first, second, bars(values))


def _p95(rounds: Sequence[Round], name: str, index: int) -> str:
    """The median P95 of the first or second engine, with its name."""
    found: dict[str, list[float]] = {}
    for each in rounds:
        for one in each.measured if each.number else ():
            if one.scenario == name and len(one.p95_ms) > index:
                engine = list(one.p95_ms)[index]
                found.setdefault(engine, []).append(one.p95_ms[engine])
    return ", ".join(
        f"{code(engine, 20)} {figure(interval(values).median)} ms" for engine, values in found.items()
    )


def bars(values: Sequence[float]) -> str:
    """One bar per round, from the least to the most, on a scale of orders of magnitude where they differ so much."""
    low, high = min(values), max(values)
    if high / low > 8:
        values, low, high = [math.log(value) for value in values], math.log(low), math.log(high)
    width = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int((value - low) / width * len(BARS)))] for value in values)


def _chart(found: Sequence[tuple[str, Sequence[float], Interval]]) -> list[str]:
    """A line per scenario. The axis holds every interval; what lies beyond is an outlier and would flatten the rest."""
    count = max(len(values) for _, values, _ in found)
    top = min(CAP, max(1.5, 1.25 * max(one.high for _, _, one in found)))
    lines = [
        "xychart-beta",
        '    title "ratio_vs_postgres over the rounds"',
        f'    x-axis "round" [{", ".join(str(number + 1) for number in range(count))}]',
        f'    y-axis "ratio" 0 --> {top:.2f}',
    ]
    lines += [
        f"    line [{', '.join(f'{min(value, top):.3f}' for value in values)}]" for _, values, _ in found
    ]
    return lines


def _legend(found: Sequence[tuple[str, Sequence[float], Interval]]) -> str:
    """The scenarios in the order of the lines: this kind of diagram has no legend of its own."""
    return ", ".join(
        f"line {number} {code(name, 60) or '`?`'}" for number, (name, _, _) in enumerate(found, 1)
    )


def _scenarios(result: LegResult) -> list[tuple[str, list[float]]]:
    names = dict.fromkeys(one.scenario for each in result.facts.rounds for one in each.measured)
    return [(name, ratios(result.facts.rounds, name)) for name in names]
