"""Any report of a job → Suite. It never raises for what is in a report: what cannot be believed is a `problem`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from phdb_ci.models.matrix import Report
from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import Suite
from phdb_ci.reports import dialects, runner_output
from phdb_ci.reports.input import Refused, check_file, lines_with
from phdb_ci.reports.junit import JunitReader
from phdb_ci.reports.lines import LinesReader
from phdb_ci.reports.tally import Tally
from phdb_ci.reports.text import message_line


class Reading(NamedTuple):
    """How the reports of one kind are read: their cases, and what their runner prints beside them."""

    cases: Callable[[Tally], JunitReader | LinesReader] | None
    output: runner_output.Output | None


READERS: Mapping[ReportKind, Reading] = {
    "pytest": Reading(lambda tally: JunitReader(tally, dialects.PYTEST), None),
    "node": Reading(lambda tally: JunitReader(tally, dialects.NODE), None),
    "lines": Reading(LinesReader, None),
    "junit": Reading(lambda tally: JunitReader(tally, dialects.ANY), None),
    "exit": Reading(None, runner_output.EXIT),
}


def read_suite(report: Report, path: Path, log: Path, output_from: int) -> Suite:
    """The suite of one report that is at `path`, and what the log says of it from the byte `output_from` on."""
    suite = read_report(report.kind, path, skips=report.skips, critical=report.critical, start=output_from)
    return with_output(suite, log, output_from)


def read_report(
    kind: ReportKind, path: Path, *, skips: Mapping[str, str], critical: Sequence[str], start: int = 0
) -> Suite:
    """Read one report; with a `problem` where the file cannot be believed, and with whatever could be counted.

    `path` is the job's log for a kind that is read from it, and `start` the byte at which the run commands' output
    begins there. `skips` are the named ones with their reasons.
    """
    tally = Tally(kind, skips, critical)
    new = READERS[kind].cases
    if new is None:
        return tally.finish(None, ())
    reader, problem = new(tally), None
    try:
        check_file(path)
        reader.read(path, start)
    except (Refused, OSError) as error:
        problem = _problem(path, error)
    return tally.finish(*reader.finish(problem))


def with_output(suite: Suite, log: Path, start: int) -> Suite:
    """The suite, and what the job's output says of it from the byte `start` of its log on."""
    output = READERS[suite.kind].output
    if output is None:
        return suite
    try:
        return output.apply(suite, lines_with(log, start, output.signs))
    except (Refused, OSError) as error:
        return runner_output.with_problem(suite, _problem(log, error))


def _problem(path: Path, error: Refused | OSError) -> str:
    if isinstance(error, OSError):
        return message_line(f"{path.name} cannot be read: {error.strerror or error}")
    return message_line(f"{path.name} {error}")
