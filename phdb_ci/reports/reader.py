"""Any report of a job → Suite. It never raises for what is in a report: what cannot be believed is a `problem`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from phdb_ci.models.matrix import Report
from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import CaseStatus, Suite
from phdb_ci.reports import dialects, printed
from phdb_ci.reports.input import Refused, check_file, lines_with
from phdb_ci.reports.junit import JunitReader
from phdb_ci.reports.lines import LinesReader
from phdb_ci.reports.tally import Tally
from phdb_ci.reports.text import message_line


class Reading(NamedTuple):
    """How the reports of one kind are read; `loud`: of the job's output, only what shouts a failure counts."""

    cases: Callable[[Tally, Mapping[str, CaseStatus]], JunitReader | LinesReader] | None
    loud: bool = True


READERS: Mapping[ReportKind, Reading] = {
    "pytest": Reading(lambda tally, _: JunitReader(tally, dialects.PYTEST)),
    "node": Reading(lambda tally, _: JunitReader(tally, dialects.NODE)),
    "lines": Reading(LinesReader),
    "junit": Reading(lambda tally, _: JunitReader(tally, dialects.ANY)),
    "exit": Reading(None, loud=False),
}


def read_suite(report: Report, path: Path, log: Path, output_from: int) -> Suite:
    """The suite of one report that is at `path`; what was printed counts from the byte `output_from` on."""
    suite = read_report(
        report.kind, path, skips=report.skips, critical=report.critical, words=report.words, start=output_from
    )
    return with_output(suite, log, output_from)


def read_report(
    kind: ReportKind, path: Path, *, skips: Mapping[str, str], critical: Sequence[str],
    words: Mapping[str, CaseStatus] | None = None, start: int = 0,
) -> Suite:  # fmt: skip
    """Read one report; with a `problem` where the file cannot be believed, and with whatever could be counted.

    `path` is the job's log for a kind that is read from it, and `start` the byte at which the run commands' output
    begins there. `skips` are the named ones with their reasons; `words` what else a line may say, and what it means.
    """
    tally = Tally(kind, skips, critical)
    new = READERS[kind].cases
    if new is None:
        return tally.finish(None, ())
    reader, problem = new(tally, words or {}), None
    try:
        check_file(path)
        reader.read(path, start)
    except (Refused, OSError) as error:
        problem = _problem(path, error)
    return tally.finish(*reader.finish(problem))


def with_output(suite: Suite, log: Path, start: int) -> Suite:
    """The suite with the first failure that the job printed, from the byte `start` of its log on."""
    loud = READERS[suite.kind].loud
    try:
        line = printed.first_failure(lines_with(log, start, printed.signs(loud=loud)), loud=loud)
    except (Refused, OSError) as error:
        return suite.model_copy(update={"problem": suite.problem or _problem(log, error)})
    return suite if line is None else suite.model_copy(update={"printed": line})


def _problem(path: Path, error: Refused | OSError) -> str:
    if isinstance(error, OSError):
        return message_line(f"{path.name} cannot be read: {error.strerror or error}")
    return message_line(f"{path.name} {error}")
