"""How much to show: a ladder from everything to the least, and the first rung whose text fits its budget.

A text is never cut: it is made again from less, so that no fence, table or section is left open.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

COMMENT_BUDGET = 65_000  # GitHub takes 65,536 characters; counted in bytes, which are never fewer
SUMMARY_BUDGET = 1_000_000  # over 1 MiB GitHub shows nothing at all


@dataclass(frozen=True)
class Level:
    """What is shown. `left_out` names what the budget took away, for the reader.

    Attributes:
        lists: the complete lists of commands, notes and skipped tests (the summary's).
        excerpts: how many failing tests of a job show their traceback, in at most `lines` lines.
        passed: what each passed job rests on; basis: what any job rests on.
        tests: how many failing tests of a job are listed.
        sources: commits with their origin, artifacts.
        blocks: how many jobs that are not green are explained below the table.
        rows: how many rows the table has.
    """

    budget: int
    lists: bool = False
    timeline: bool = True
    excerpts: int = 5
    lines: int = 12
    passed: bool = True
    basis: bool = True
    tests: int = 200
    sources: bool = True
    blocks: int = 50
    rows: int = 200
    left_out: tuple[str, ...] = ()


COMMENT = Level(COMMENT_BUDGET)
SUMMARY = Level(SUMMARY_BUDGET, lists=True, excerpts=200, lines=40, tests=2_000, blocks=500, rows=2_000)

_STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the lists of commands and skips", {"lists": False}),
    ("the timeline", {"timeline": False}),
    ("tracebacks", {"excerpts": 0}),
    ("what passed jobs rest on", {"passed": False}),
    ("tests beyond 20 per job", {"tests": 20}),
    ("details of the sources", {"sources": False}),
    ("what jobs rest on", {"basis": False}),
    ("tests beyond 5 per job", {"tests": 5, "blocks": 20}),
    ("the failing tests", {"tests": 0, "blocks": 0}),
    ("rows of the table", {"rows": 40}),
    ("rows of the table", {"rows": 10}),
)


def ladder(level: Level) -> Iterator[Level]:
    """The level, then each with one thing less. A step that takes nothing away is left out."""
    yield level
    for name, change in _STEPS:
        smaller = replace(level, **change)
        if smaller != level:
            level = replace(smaller, left_out=tuple(dict.fromkeys((*level.left_out, name))))
            yield level


def rungs(level: Level, render: Callable[[Level], str]) -> Iterator[str]:
    """The texts that fit, each shorter than the one before; the last one always fits: all in it is bounded."""
    text, shortest = "", level.budget + 1
    for one in ladder(level):
        text = render(one)
        size = len(text.encode())
        if size < shortest:
            shortest = size
            yield text
    if shortest > level.budget:
        yield text
