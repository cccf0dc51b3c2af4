"""From the reports of a job that has ended to its suites; a copy of each stays in the leg's folder, secrets masked."""

from contextlib import closing
from pathlib import Path

from phdb_ci.base.files import is_borrowed
from phdb_ci.execution.process import Log
from phdb_ci.execution.workspace import observe
from phdb_ci.execution.workspace.make import Workspace
from phdb_ci.models.matrix import Report
from phdb_ci.models.results import Case, Suite
from phdb_ci.reports import read_suite
from phdb_ci.reports.own_words import place_of, seen_from

LIMIT = 256 * 1024 * 1024  # bytes of a report that are kept in the run directory


def read_suites(space: Workspace, folder: Path, masked: tuple[str, ...], output_from: int) -> tuple[Suite, ...]:
    """One suite per report of the job, in its order. `output_from`: where in the log the run commands begin.

    One whose report was there before the job, or replaced in it, proves nothing, whatever it says.
    """
    suites = []
    for index, report in enumerate(space.job.reports):
        suite = _read(space, report, index, folder, masked, output_from)
        problem = suite.problem or space.early.get(index)
        cases = tuple(_placed(case, str(space.trees)) if case.failing else case for case in suite.cases)
        suites.append(suite.model_copy(update={"problem": problem, "cases": cases}))
    return tuple(suites)


def _placed(case: Case, root: str) -> Case:
    """A case that failed with the place where it did, and its texts with paths as seen from the checkouts' folder."""
    return case.model_copy(update={
        "place": place_of(case.detail, root), "message": seen_from(root, case.message),
        "detail": seen_from(root, case.detail),
    })  # fmt: skip


def _read(
    space: Workspace, report: Report, index: int, folder: Path, masked: tuple[str, ...], output_from: int
) -> Suite:
    log, path = folder / "log.txt", space.report_path(index)
    if path is None:
        return read_suite(report, log, log, output_from)
    if is_borrowed(path, space.cwd if report.path else space.root):
        return Suite(kind=report.kind, problem=f"{path.name} is a link, not a file that this job wrote")
    twins: tuple[str, ...] = ()
    if path.is_file() and path.stat().st_size <= LIMIT:
        twins = observe.twins(space, path) if report.path else ()
        path = _copy_masked(path, folder / "reports" / f"{index + 1}-{report.kind}.xml", masked)
    suite = read_suite(report, path, log, output_from)
    return suite.model_copy(update={"copy_of": twins[0]}) if twins else suite


def _copy_masked(source: Path, target: Path, masked: tuple[str, ...]) -> Path:
    with closing(Log(target, masked, limit=LIMIT)) as copy, source.open("rb") as reading:
        while chunk := reading.read(1 << 20):
            copy.write(chunk)
    return target
