"""What can be wrong with a report: it holds no test, skips them all, or ends after half of them. No job runs for that.

Each tampered suite is counted from the cases that were read of the sound report, and judged as if the job had left it.
"""

from collections.abc import Iterator
from pathlib import Path

from phdb_ci.judging import evidence
from phdb_ci.models.matrix import Job, Report
from phdb_ci.models.proofs import REPORT_FAULTS, Proof
from phdb_ci.models.results import Facts, Suite
from phdb_ci.models.statuses import Status
from phdb_ci.reports import with_output
from phdb_ci.reports.tally import RawCase, Tally

UNTOUCHED = "untouched"


def report_proofs(job: Job, facts: Facts, log: Path) -> Iterator[Proof]:
    """What becomes of a green job when its reports are tampered with, one at a time; `log` is the leg's.

    Nothing when the reports, counted again as they are, are not as good as before: any change would be noticed then.
    """
    untouched = list(_judged(job, facts, UNTOUCHED, log))
    if not untouched or any(status != "passed" for status, _ in untouched):
        return
    for fault in REPORT_FAULTS:
        judged = list(_judged(job, facts, fault, log))
        status, reason = next((verdict for verdict in judged if verdict[0] == "passed"), judged[0])
        yield Proof(fault=fault, status=status, noticed=status != "passed", reason=reason)


def tampered(report: Report, sound: Suite, fault: str) -> Suite:
    """The suite with one of REPORT_FAULTS, or UNTOUCHED."""
    cases = {"emptied": (), "truncated": sound.cases[: len(sound.cases) // 2]}.get(fault, sound.cases)
    tally = Tally(report.kind, report.skips, report.critical)
    for case in cases:
        status = "skipped" if fault == "skipped" else case.status
        tally.add(RawCase(case.suite, case.name, status, case.seconds, case.message, case.detail))
    return tally.finish(None, sound.notes)


def _judged(job: Job, facts: Facts, fault: str, log: Path) -> Iterator[tuple[Status, str]]:
    """Status and reason with the fault in each report by itself of which every case is known."""
    for report, sound in zip(job.reports, facts.suites, strict=True):
        if sound.cases and not sound.dropped:
            suite = with_output(tampered(report, sound, fault), log, facts.output_from)
            suites = tuple(suite if other is sound else other for other in facts.suites)
            status, reasons, _ = evidence.judge(job, facts.model_copy(update={"suites": suites}))
            yield status, "".join(reasons[:1])[:300]
