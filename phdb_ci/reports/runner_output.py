"""What a runner prints and its report does not show → what the suite says of it.

A report tells of the tests that ran. That others were deselected, that the run was stopped, that a test cannot fail, or
that a hook failed stands in the output alone; of a job without a report, so does everything but its exit code. Only the
output of the run commands counts. The last summary is that of the report: a second run would have overwritten it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from phdb_ci.models.results import ReportKind, Suite
from phdb_ci.reports.log import lines_with
from phdb_ci.reports.source import Refused
from phdb_ci.reports.text import counted, cut, message_line

SHOWN = 160  # characters of a failure that was printed

_SIGNS: Mapping[ReportKind, tuple[re.Pattern[bytes], ...]] = {
    "pytest": tuple(
        map(re.compile, (rb"PytestReturnNot", rb"PytestUnhandled", rb"!!!", rb"! _pytest", rb" in [0-9.]+s"))
    ),
    "node": (re.compile(b"\xe2\x9c\x96 "),),
    "exit": (re.compile(rb"FAIL"),),
}
_WARNING = re.compile(r".*\b(Pytest(?:ReturnNotNone|UnhandledThreadException)Warning): .*")
_STOPPED = re.compile(r"!{3,} (.{1,200}?) !{3,}|!+ (_pytest\.outcomes\.Exit: .*)")
_SUMMARY = re.compile(r"(?:=+ )?([0-9]+ [a-z]+(?: [a-z]+)?(?:, [0-9]+ [a-z]+(?: [a-z]+)?)*) in [0-9.]+s.*")
_DESELECTED = re.compile(r"\b([0-9]+) deselected\b")
_FAILING = (
    "\N{HEAVY MULTIPLICATION X} failing tests:"  # the head of what node's spec reporter lists at its end
)
_ENTRY = re.compile(
    r"\N{HEAVY MULTIPLICATION X} .*\)( # .*)?"
)  # `# …` stands behind a todo, and behind it alone
_FAILED = re.compile(r"\s*(?:\[[^\]]{1,60}\] )?FAIL(?:ED|URE)?[:!].*")


def with_output(suite: Suite, log: Path, start: int) -> Suite:
    """The suite, and what the job's output says of it; never raises for what is in the log.

    Args:
        suite: what the report says.
        log: the job's log.
        start: the byte at which the run commands' output begins.
    """
    read = _READERS.get(suite.kind)
    if read is None:
        return suite
    try:
        return read(suite, lines_with(log, start, _SIGNS[suite.kind]))
    except Refused as refused:
        return _with_problem(suite, f"{log.name} {refused}")
    except OSError as error:
        return _with_problem(suite, f"{log.name} cannot be read: {error.strerror or error}")


def _pytest(suite: Suite, lines: Iterator[str]) -> Suite:
    """Deselected tests are skipped without a rule; a test that cannot fail or a run that was stopped is a problem."""
    deselected, warned, stopped = 0, None, None
    for line in lines:
        if found := _WARNING.fullmatch(line):
            warned = found[1]
        elif found := _STOPPED.fullmatch(line):
            stopped = found[1] or found[2].rstrip("! ")
        elif found := _SUMMARY.fullmatch(line):
            counts = _DESELECTED.search(found[1])
            deselected = int(counts[1][:9]) if counts else 0
    if warned:
        suite = _with_problem(suite, f"a test of it cannot fail: pytest warned {warned}")
    if stopped and not suite.counts.failed + suite.counts.error:
        suite = _with_problem(suite, f"pytest stopped before its end: {stopped}")
    if not deselected:
        return suite
    told = counted(deselected, "test that was deselected", "tests that were deselected")
    return suite.model_copy(update={
        "unnamed_skips": (*suite.unnamed_skips, told), "unnamed_skip_count": suite.unnamed_skip_count + 1,
    })  # fmt: skip


def _node(suite: Suite, lines: Iterator[str]) -> Suite:
    """An `after` hook that fails is listed as failing, and neither a case nor a total of the report shows it."""
    if suite.counts.failed + suite.counts.error:
        return suite
    listed = False
    for line in lines:
        if line.strip() == _FAILING:
            listed = True
        elif listed and (found := _ENTRY.fullmatch(line)) and not found[1]:
            return _with_problem(suite, "node printed failing tests, and the report shows none")
    return suite


def _exit(suite: Suite, lines: Iterator[str]) -> Suite:
    """The first failure that was printed under an exit code."""
    first = next((line for line in lines if _FAILED.fullmatch(line)), None)
    return suite if first is None else suite.model_copy(update={"printed": cut(message_line(first), SHOWN)})


_READERS: Mapping[ReportKind, Callable[[Suite, Iterator[str]], Suite]] = {
    "pytest": _pytest, "node": _node, "exit": _exit,
}  # fmt: skip


def _with_problem(suite: Suite, problem: str) -> Suite:
    """The suite with a problem, unless it has one."""
    return suite if suite.problem is not None else suite.model_copy(update={"problem": message_line(problem)})
