"""The rules of evidence over what runners recorded of themselves: each run stands for itself, whatever was printed."""

from collections.abc import Iterable, Iterator

from phdb_ci.base.text import counted, cut, listed
from phdb_ci.models.matrix import Job
from phdb_ci.models.report_kinds import REPORT_KINDS
from phdb_ci.models.results import Facts, Suite
from phdb_ci.models.runs import Run

SHOWN = 200
MOST = 3  # of one kind
OUTCOME_CODES = (0, 5)  # of pytest and node: all passed; pytest's 5, no test, is for other rules


def run_failed(_job: Job, facts: Facts) -> Iterable[str]:
    """A run failed by its runner's own word, and no report shows it."""
    for run in facts.runs:
        if any(suite.kind == run.runner and suite.counts.failing for suite in facts.suites):
            continue
        if run.failed:
            first = f": {run.failing[0]}" if run.failing else ""
            yield cut(
                f"{run.failed} of {max(run.executed, run.failed)} tests failed in `{run.command}`{first}", 2 * SHOWN
            )
        elif run.ended and run.stopped is None and run.exit_code not in (None, *OUTCOME_CODES):
            yield f"`{run.command}` ended with exit {run.exit_code}"


def run_unfinished(_job: Job, facts: Facts) -> Iterable[str]:
    """A run began and never came to its end: something ended its process, or it was stopped."""
    for run in facts.runs:
        if not run.ended:
            yield f"{run.runner} did not come to its end, something ended its process: `{run.command}`"
        elif run.stopped and not run.failed:
            yield f"{run.runner} stopped before its end: {run.stopped}"


def cannot_fail(_job: Job, facts: Facts) -> Iterable[str]:
    """A test ran and could not fail."""
    for run in facts.runs:
        for text in run.cannot_fail[:MOST]:
            yield f"a test of it cannot fail: {cut(text, SHOWN)}"


def overwritten(_job: Job, facts: Facts) -> Iterable[str]:
    """Two runs wrote one report: it holds the last one's cases alone."""
    for suite in facts.suites:
        runs = [run for run in facts.runs if run.runner == suite.kind and run.report == "asked"]
        if len(runs) > 1:
            yield f"{suite.kind} report: it was written by more than one test run, and holds the last one's cases alone"


def report_elsewhere(_job: Job, facts: Facts) -> Iterable[str]:
    """The runner was told to write its report to another place than it was asked for."""
    for suite in facts.suites:
        for run in facts.runs:
            if suite.problem is not None and run.runner == suite.kind and run.report not in (None, "asked"):
                yield f"{run.runner} wrote its report to {run.report}, which `{run.command}` names, and not where asked"


def left_out(_job: Job, facts: Facts) -> Iterable[str]:
    """A test was there and ran in no run of the job."""
    for run in facts.runs:
        if run.left_out_count:
            tests = counted(run.left_out_count, "test")
            yield cut(f"{tests} deselected or dropped, and run nowhere else: {listed(run.left_out)}", 2 * SHOWN)


def cut_off(_job: Job, facts: Facts) -> Iterable[str]:
    """A test ended the process: what came after it was not executed."""
    for run in facts.runs:
        if run.cut_off is not None:
            yield f"{run.runner}: {run.cut_off}"


def not_collected(_job: Job, facts: Facts) -> Iterable[str]:
    """What looks like a test was not collected."""
    for run in facts.runs:
        for text in run.not_collected:
            yield f"{run.runner} did not collect everything: {cut(text, SHOWN)}"


def record_missing(_job: Job, facts: Facts) -> Iterable[str]:
    """A report is there and no run that recorded itself wrote it: it may be anybody's."""
    if facts.records_problem is not None:
        yield facts.records_problem
    for suite in _reports_of_runners(facts):
        if not any(run.runner == suite.kind and run.report is not None for run in facts.runs):
            yield f"{suite.kind} report: no {suite.kind} that loaded the harness's recorder wrote it"


def record_differs(_job: Job, facts: Facts) -> Iterable[str]:
    """The report shows another number of passed tests than the run that wrote it.

    Of node no: a test with subtests is a suite in its report, and the report is held against its own totals.
    """
    for suite in _reports_of_runners(facts):
        runs = [run for run in facts.runs if run.runner == suite.kind and run.report == "asked" and run.comparable]
        if len(runs) == 1 and suite.counts.passed != (passed := _passed(runs[0], suite)):
            yield f"the {suite.kind} report shows {suite.counts.passed} passed tests, {suite.kind} itself saw {passed}"


def _passed(run: Run, suite: Suite) -> int:
    """What a report must show: tests whose parts were skipped stand there as skipped, those run again may twice."""
    low, high = run.passed - run.subtests_skipped, run.passed
    return min(max(suite.counts.passed, low), high)


def _reports_of_runners(facts: Facts) -> Iterator[Suite]:
    asked = (suite for suite in facts.suites if REPORT_KINDS[suite.kind].place == "asked")
    return (suite for suite in asked if suite.problem is None)


def notes(facts: Facts) -> Iterable[str]:
    """What a reader should see of the runs in any case."""
    for run in facts.runs:
        yield from run.notes
        if run.subtests_skipped:
            yield f"skipped without a rule: {counted(run.subtests_skipped, 'subtest')}"
        if run.empty_files:
            yield f"no test in {counted(len(run.empty_files), 'test file')}: {listed(run.empty_files)}"


FAILED = (run_failed, run_unfinished, cannot_fail, overwritten)
UNPROVEN = (left_out, cut_off, not_collected, record_missing, record_differs)
