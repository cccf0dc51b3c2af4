"""How much to show: three levels of detail, and the first whose text fits its budget.

A text is never cut: it is made again from less, so that no fence, table or section is left open.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

COMMENT_BUDGET = 65_000  # GitHub takes 65,536 characters; counted in bytes, which are never fewer
SUMMARY_BUDGET = 1_000_000  # over 1 MiB GitHub shows nothing at all


@dataclass(frozen=True)
class Level:
    """What is shown, and `left_out`: what the budget took away, for the reader."""

    rows: int = 200  # of the table
    blocks: int = 50  # jobs that are not green, explained below the table
    tests: int = 100  # that failed, of such a job
    excerpts: int = 5  # tracebacks of these
    lines: int = 12  # of a traceback
    passed: bool = True  # the evidence of jobs that passed, and the diagrams
    sources: bool = True  # commits with their origin, artifacts, and the evidence of jobs that did not pass
    lists: bool = False  # all commands, notes and skipped tests (the summary's)
    left_out: str = ""


FULL = Level()
SHORT = replace(
    FULL, blocks=20, tests=20, excerpts=0, passed=False,
    left_out="the timeline, tracebacks, the evidence of jobs that passed, tests beyond 20 per job",
)  # fmt: skip
LEAST = Level(
    rows=10, blocks=0, passed=False, sources=False,
    left_out="all but the first rows of the table and the commits",
)  # fmt: skip
COMMENT = (FULL, SHORT, LEAST)
SUMMARY = (Level(rows=2_000, blocks=500, tests=2_000, excerpts=200, lines=40, lists=True), *COMMENT)


def fitting(levels: Sequence[Level], budget: int, render: Callable[[Level], str]) -> Iterator[str]:
    """The texts that fit, each shorter than the one before; the last level always fits: all in it is bounded."""
    shortest = budget + 1
    for level in levels:
        text = render(level)
        size = len(text.encode())
        if size < shortest or (shortest > budget and level is levels[-1]):
            shortest = size
            yield text
