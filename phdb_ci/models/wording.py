"""Rows of the matrix in words, for every place that shows them: plan, page, workflows."""

from phdb_ci.models.matrix import Job, Report


def evidence(job: Job) -> list[str]:
    """What a job must leave to be green, one line each."""
    lines = [_report(report) for report in job.reports]
    if job.evidence.witness:
        witness = job.evidence.witness
        verbs = f" with {' or '.join(witness.verbs)}" if witness.verbs else ""
        lines.append(f"{witness.artifact} called ≥ {witness.min_calls}×{verbs}")  # noqa: RUF001 - a sign for people
    if job.evidence.forbid_env:
        lines.append(f"no {', '.join(job.evidence.forbid_env)} in the environment")
    if job.evidence.manifest:
        manifest = job.evidence.manifest
        numbers = "" if manifest.numbers else ", no number in it"
        lines.append(f"{manifest.file} is {' or '.join(manifest.status)}{numbers}")
    if not job.network:
        lines.append("no network but loopback")
    return lines


def _report(report: Report) -> str:
    if report.kind == "exit":
        return "exit code alone (no test cases counted)"
    if not report.skips:
        skipped = "none skipped"
    else:
        most = f"at most {report.max_skips} skipped, and" if report.max_skips is not None else "skipped"
        rules = len(report.skips)
        skipped = f"{most} only by {rules} named rule{'' if rules == 1 else 's'}"
    return f"{report.kind}: ≥ {report.min_tests} executed, {skipped}"
