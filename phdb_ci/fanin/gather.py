"""Which legs of a gate are there, which are missing and why: facts judged anew by the matrix. Pure.

Every leg that the gate has is expected. A result of another run, commit or artifact is stale and counts as missing; of
several attempts the newest counts. Where GitHub's own word on a job is worse than its result, GitHub's counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phdb_ci import evidence
from phdb_ci.errors import ResultsError
from phdb_ci.fanin.read import Found, Needs
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.results import LegResult
from phdb_ci.models.sources import Sources
from phdb_ci.models.verdict import Missing, Unaffected, VerdictArtifact
from phdb_ci.render.workflows import job_id

STATES = ("success", "failure", "cancelled", "skipped")


@dataclass(frozen=True)
class Run:
    """Which run is expected: None where nobody said so, and the results decide."""

    run_id: str | None = None
    attempt: int | None = None
    head: str | None = None


@dataclass
class Gathered:
    """What a verdict is made of."""

    legs: list[LegResult] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    idle: list[IdleLeg] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sources: Sources | None = None
    artifacts: list[VerdictArtifact] = field(default_factory=list)
    unaffected: Unaffected | None = None
    run_id: str | None = None


def gather(matrix: Matrix, gate: str, found: Sequence[Found], needs: Needs, run: Run) -> Gathered:
    """The gate's legs from what was found: judged, missing with a reason, or not run by a written rule."""
    run = Run(run.run_id or _only_run(found), run.attempt, run.head)
    gathered = Gathered(run_id=run.run_id, sources=_sources(needs), unaffected=_unaffected(needs))
    commits = _commits(found, gathered.sources)
    expected = [(name, os_) for name in matrix.gates[gate].jobs for os_ in matrix.jobs[name].os]
    for name in matrix.gates[gate].jobs:
        job = matrix.jobs[name]
        for os_, reason in job.skip.items():
            gathered.idle.append(
                IdleLeg(job=name, os=os_, summary=job.summary, kind="skipped", reason=reason)
            )
    gathered.artifacts = _artifacts(matrix, expected, needs)
    for name, os_ in expected:
        _leg(gathered, matrix, name, os_, found, needs, run, commits)
    known = {f"{name}@{os_}" for name, os_ in expected}
    gathered.notes += [
        f"a result of {one.leg} is no part of this gate" for one in found if one.leg not in known
    ]
    return gathered


def _leg(
    gathered: Gathered, matrix: Matrix, name: str, os_: str, found: Sequence[Found], needs: Needs, run: Run,
    commits: Mapping[str, str],
) -> None:  # fmt: skip
    job = matrix.jobs[name]
    state = needs.results.get(job_id(name, os_))
    if (
        gathered.unaffected
        and state in ("skipped", None)
        and not any(one.leg == f"{name}@{os_}" for one in found)
    ):
        reason = f"nothing that a job reads has changed in {gathered.unaffected.repo}"
        gathered.idle.append(IdleLeg(job=name, os=os_, summary=job.summary, kind="skipped", reason=reason))
        return
    result, why = _newest(name, os_, found, run)
    if result is None:
        blocked = _blocked(job, os_, needs)
        gathered.missing.append(Missing(job=name, os=os_, reason=blocked or why, blocked=blocked is not None))
        return
    doubt = _stale(result, run, commits, _digests(matrix, job, os_, needs)) or _doubted(result, job, state)
    if doubt:
        gathered.missing.append(Missing(job=name, os=os_, reason=doubt))
    else:
        gathered.legs.append(_judged(result, job))


def _judged(result: LegResult, job: Job) -> LegResult:
    """The result with the status that its facts have by this matrix, whatever it called itself."""
    status, reasons, notes = evidence.judge(job, result.facts)
    if status != result.status:
        notes = (*notes, f"it called itself {result.status}")
    return result.model_copy(update={
        "status": status, "reasons": reasons, "notes": notes, "quarantine": job.quarantine, "summary": job.summary,
    })  # fmt: skip


def _newest(name: str, os_: str, found: Iterable[Found], run: Run) -> tuple[LegResult | None, str]:
    """The newest attempt's result of a leg in this run, or why there is none."""
    own = [one for one in found if one.leg == f"{name}@{os_}"]
    results = [one.result for one in own if one.result]
    of_run = [one for one in results if one.run_id == run.run_id and (one.job, one.os) == (name, os_)]
    broken = next((one.problem for one in own if one.problem), None)
    if broken:
        return None, f"its result cannot be read: {broken}"
    if of_run:
        return max(of_run, key=lambda one: one.attempt), ""
    if results:
        return None, f"stale: its result is of run {results[0].run_id[:40]}, or of another leg"
    return None, "left no result"


def _stale(result: LegResult, run: Run, commits: Mapping[str, str], digests: Mapping[str, str]) -> str | None:
    """Why a result is not one of this run: attempt, head, commits, artifact."""
    if run.attempt is not None and not 1 <= result.attempt <= run.attempt:
        return f"stale: it says attempt {result.attempt}, and this is attempt {run.attempt}"
    if run.head is not None and result.head != run.head:
        return f"stale: it is for {(result.head or 'no commit')[:7]}, not for {run.head[:7]}"
    for source in result.sources:
        if commits.get(source.repo, source.commit) != source.commit:
            own = commits[source.repo][:7]
            return f"stale: it tested {source.repo} at {source.commit[:7]}, this run is about {own}"
    for use in result.facts.artifacts:
        if digests.get(use.name, use.digest) != use.digest:
            return f"stale: it used {use.name} sha256:{use.digest[:12]}, this run built sha256:{digests[use.name][:12]}"
    return None


def _doubted(result: LegResult, job: Job, state: str | None) -> str | None:
    """Why GitHub's word on the job does not let its result stand. Of the two the worse counts."""
    if state is None or state == "success":
        return None
    if state == "failure" and evidence.judge(job, result.facts)[0] != "passed":
        return None
    return f"GitHub says of its job: {state if state in STATES else 'unknown'}; the result that it left is not believed"


def _blocked(job: Job, os_: str, needs: Needs) -> str | None:
    """The artifact whose build failed, so that the leg did not start."""
    for artifact in job.artifacts:
        if needs.results.get(job_id(artifact, os_)) == "failure":
            return f"blocked: {artifact} did not build on {os_}"
    return None


def _digests(matrix: Matrix, job: Job, os_: str, needs: Needs) -> dict[str, str]:
    """The digests of the artifacts that this run made for a runner. An artifact that it did not make has no digest."""
    if not needs.results:
        return {}
    return {
        one: needs.output(job_id(one, os_), "digest") or "none"
        for one in job.artifacts
        if one in matrix.artifacts
    }


def _artifacts(matrix: Matrix, expected: Iterable[tuple[str, str]], needs: Needs) -> list[VerdictArtifact]:
    """The artifacts as the run's own build jobs told of them."""
    wanted = dict.fromkeys((one, os_) for name, os_ in expected for one in matrix.jobs[name].artifacts)
    several = Counter(one for one, _ in wanted)
    found = []
    for one, os_ in wanted:
        state = needs.results.get(job_id(one, os_))
        if state is None or state == "skipped":
            continue
        told = needs.output(job_id(one, os_), "status")
        there = state == "success" and told in ("built", "reused", "given", "published")
        ended: Any = told if there else {"cancelled": "cancelled", "failure": "failed"}.get(state, "error")
        found.append(VerdictArtifact(
            name=one, os=os_ if several[one] > 1 else None, key=needs.output(job_id(one, os_), "key") or "",
            status=ended, digest=needs.output(job_id(one, os_), "digest") if there else None,
            seconds=_number(needs.output(job_id(one, os_), "seconds")),
        ))  # fmt: skip
    return found


def _number(text: str | None) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e6 else 0.0


def _sources(needs: Needs) -> Sources | None:
    """The sources as the run's own plan resolved them; a job output, which no other job of the run can change."""
    told = needs.output("plan", "sources")
    if told is None:
        return None
    try:
        return Sources.model_validate_json(told)
    except ValueError as error:
        raise ResultsError(
            f"the plan's sources are no record of ours: {str(error).splitlines()[0]}"
        ) from error


def _unaffected(needs: Needs) -> Unaffected | None:
    """The plan's word that nothing could be affected; only together with its word that nothing shall run."""
    told = needs.output("plan", "unaffected")
    if needs.results.get("plan") != "success" or needs.output("plan", "run") != "false" or told is None:
        return None
    try:
        return Unaffected.model_validate_json(told)
    except ValueError as error:
        raise ResultsError(
            f"the plan's `unaffected` is no record of ours: {str(error).splitlines()[0]}"
        ) from error


def _commits(found: Iterable[Found], sources: Sources | None) -> dict[str, str]:
    """The commits that this run is about: the plan's, else those that most results agree on."""
    if sources is not None:
        return {name: source.commit for name, source in sources.repos.items()}
    votes: dict[str, Counter[str]] = {}
    for one in found:
        for source in one.result.sources if one.result else ():
            votes.setdefault(source.repo, Counter())[source.commit] += 1
    return {repo: count.most_common(1)[0][0] for repo, count in votes.items()}


def _only_run(found: Iterable[Found]) -> str | None:
    """The run that all results are of. Raises ResultsError when they are of several."""
    runs = sorted({one.result.run_id for one in found if one.result})
    if len(runs) > 1:
        raise ResultsError(
            f"the results are of {len(runs)} runs: {', '.join(run[:40] for run in runs[:5])}",
            tries=["say which one counts: --run-id ID"],
        )
    return runs[0] if runs else None
