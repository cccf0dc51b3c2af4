"""The CI matrix as a Markdown page: what each job claims, when it runs, what it must leave, and what nothing covers.

A function of the matrix alone: no source is resolved, nothing was run. Text of the matrix is our own and still
made safe, as it may hold what Markdown or a table would take for its own.
"""

import re
from collections.abc import Iterable, Sequence

from phdb_ci.base.text import DASH, counted, listed
from phdb_ci.models.labels import claims_everywhere, evidence
from phdb_ci.models.matrix import Gate, Job, Matrix, Quarantine
from phdb_ci.models.proofs import ProofFile
from phdb_ci.rendering.markdown import code, issue_link, one_line, points, table, word

EVENTS = (
    "pull_request",
    "push",
    "merge_group",
    "schedule",
    "workflow_dispatch",
)  # in the order in which they are shown
HEAD = (
    "repo", "job", "triggers", "runners", "what it claims", "faults it notices", "evidence it must leave", "gaps",
)  # fmt: skip
OWN = ("repo", "job", "triggers", "what it shows", "gaps")
LIMIT = 600
# An underscore inside a word is no emphasis; a pipe is left to `table`.
_SIGNS = re.compile(r"[\\`*\[\]<&~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def matrix_page(matrix: Matrix, gates: Sequence[str], proofs: ProofFile | None = None) -> str:
    """The jobs of these gates, then the repositories' own jobs that no gate runs; ends in a line end."""
    chosen = {name: matrix.gates[name] for name in gates}
    jobs = {name: matrix.jobs[name] for gate in chosen.values() for name in gate.jobs}
    rows = [
        _row(matrix, repo, name, job, proofs or ProofFile())
        for repo in dict.fromkeys([*matrix.repos, *(job.repo for job in jobs.values())])  # folders come last
        for name, job in jobs.items()
        if job.repo == repo
    ]
    summaries = [f"**{word(name)}** ({triggers([gate])}): {prose(gate.summary)}" for name, gate in chosen.items()]
    parts = [points(summaries), table(HEAD, rows)]
    unrun = [
        (word(name), *map(prose, (job.job, job.on, job.shows, job.gap)))
        for name, repo in matrix.repos.items()
        for job in repo.ci
    ]
    if unrun:
        count = f"{counted(len(unrun), 'job')} of the repositories' own CI that no gate runs"
        text = f"{count} {'is' if len(unrun) == 1 else 'are'} listed, not covered:"
        parts += [text, table(OWN, unrun)]
    return "\n\n".join(parts) + "\n"


def triggers(gates: Iterable[Gate]) -> str:
    """The events that start any of these gates, each once, as finished Markdown."""
    starts = [(event, gate) for gate in gates for event in gate.on]
    starts.sort(key=lambda item: EVENTS.index(item[0]))
    return ", ".join(dict.fromkeys(_event(event, gate) for event, gate in starts)) or "no event"


def prose(text: str) -> str:
    """Text of the matrix as Markdown that shows it as it is."""
    return _SIGNS.sub(lambda sign: "\\" + sign[0], one_line(text, LIMIT))


def _event(event: str, gate: Gate) -> str:
    if event == "push":
        return f"push {'/'.join(map(prose, gate.branches))}"
    if event == "schedule":
        return f"schedule {code(gate.cron)} UTC" if gate.cron else "schedule"
    return {"pull_request": "pull request", "merge_group": "merge queue"}.get(event, "by hand")


def _row(matrix: Matrix, repo: str, name: str, job: Job, proofs: ProofFile) -> tuple[str, ...]:
    starts = triggers(gate for gate in matrix.gates.values() if name in gate.jobs)
    runners = ", ".join(os for os in job.os if os not in job.skip) or DASH
    claimed = prose(claims_everywhere(name, job, proofs))
    must = prose("; ".join(evidence(job)))
    gaps = _gaps(job, matrix.quarantine_of(name))
    return word(repo), word(name), starts, runners, prose(job.summary), claimed, must, gaps


def _gaps(job: Job, quarantine: Iterable[Quarantine]) -> str:
    gaps = [
        f"{f'{code(row.case)} ' if row.case else ''}quarantined until {row.until} "
        f"({issue_link(row.issue)}, {code(row.owner)}): {prose(row.reason)}"
        for row in quarantine
    ]
    for reason in dict.fromkeys(job.skip.values()):
        runners = [os for os in job.skip if job.skip[os] == reason]
        gaps.append(f"not on {listed(runners, len(runners))}: {prose(reason)}")
    return "; ".join(gaps) or DASH
