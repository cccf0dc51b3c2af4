"""What a runner prints and its report does not show → what the suite says of it.

A report shows the tests that ran. That others were deselected, that the run was stopped, that a test cannot fail, or
that a hook failed stands in the output alone; of a job without a report, so does everything but its exit code. Only the
output of the run commands counts. The last summary is that of the report: a second run would have overwritten it.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from phdb_ci.base.text import cut
from phdb_ci.models.results import Suite
from phdb_ci.reports.text import message_line

SHOWN = 160  # characters of a failure that was printed

_FAILED = re.compile(r"\s*(?:\[[^\]]{1,60}\] )?FAIL(?:ED|URE)?[:!].*")


class Output(NamedTuple):
    """How one runner's output is read: the signs that a line must hold, and what such lines mean."""

    signs: tuple[re.Pattern[bytes], ...]
    apply: Callable[[Suite, Iterator[str]], Suite]


def with_problem(suite: Suite, problem: str) -> Suite:
    """The suite with a problem, unless it has one."""
    return suite if suite.problem is not None else suite.model_copy(update={"problem": message_line(problem)})


def _exit(suite: Suite, lines: Iterator[str]) -> Suite:
    """The first failure that was printed under an exit code."""
    first = next((line for line in lines if _FAILED.fullmatch(line)), None)
    return suite if first is None else suite.model_copy(update={"printed": cut(message_line(first), SHOWN)})


def _signs(*signs: bytes) -> tuple[re.Pattern[bytes], ...]:
    return tuple(map(re.compile, signs))


EXIT = Output(_signs(b"FAIL"), _exit)
