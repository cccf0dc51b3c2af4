"""Rows of the matrix in words, for every place that shows them: plan, page, workflows."""

from collections.abc import Mapping

from phdb_ci.base.text import counted
from phdb_ci.models.matrix import Job, Report
from phdb_ci.models.proofs import ProofFile, Proofs
from phdb_ci.models.report_kinds import REPORT_KINDS
from phdb_ci.models.statuses import STATUSES, AnyStatus


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
    if job.evidence.figures:
        figures = job.evidence.figures
        limit = "" if figures.threshold is None else f", none above {figures.threshold:g}"
        lines.append(f"{figures.file}: {', '.join(figures.names)} over ≥ {figures.rounds} rounds{limit}")
    if not job.network:
        lines.append("no network but loopback")
    return lines


def _report(report: Report) -> str:
    if not REPORT_KINDS[report.kind].cases:
        return "exit code alone (no test cases counted)"
    if not report.skips:
        skipped = "none skipped"
    else:
        most = f"at most {report.max_skips} skipped, and" if report.max_skips is not None else "skipped"
        skipped = f"{most} only by {counted(len(report.skips), 'named rule')}"
    return f"{report.kind}: ≥ {report.min_tests} executed, {skipped}"


def unbuilt(name: str, status: AnyStatus) -> str:
    """That an artifact is not there: `engine does not build`, `engine timed out`."""
    return f"{name} {'does not build' if status == 'failed' else STATUSES[status].phrase}"


def claims(name: str, job: Job, proofs: Proofs | None) -> str:
    """What a job claims to notice (`notices`), and how much of it was measured on this kind of stack."""
    if not job.notices:
        return "claims none"
    proof = proofs.of(name) if proofs else None
    if proof is None or all(proof.noticed(fault) is None for fault in job.notices):
        return f"claims {len(job.notices)}, none measured on this stack"
    if proof.row != job.digest:
        return f"claims {len(job.notices)}, none measured since its row of the matrix was changed"
    true = sum(proof.noticed(fault) is True for fault in job.notices)
    return f"claims {len(job.notices)}, measured {true} on {commits_told(proof.commits)}"


def commits_told(commits: Mapping[str, str]) -> str:
    """`agents 78783a6 + engine df5d76e`: repos by name with the beginning of their commit."""
    return " + ".join(f"{repo} {commit[:7]}" for repo, commit in commits.items())


def claims_everywhere(name: str, job: Job, proofs: ProofFile) -> str:
    """The same over every kind of stack that was measured, for a page about none in particular."""
    if not job.notices:
        return "claims none"
    measured = [f"{claims(name, job, table)} ({table.stack})" for table in proofs.tables if table.of(name)]
    return "; ".join(measured) or f"claims {len(job.notices)}, none measured yet"
