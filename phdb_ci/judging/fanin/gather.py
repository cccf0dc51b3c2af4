"""Which legs of a gate are there, which are missing and why: facts judged anew by the matrix. Pure.

Every leg that the gate has is expected. A result of another run, commit or artifact is stale and counts as missing; of
several attempts the newest counts. Where GitHub's own word on a job is worse than its result, GitHub's counts; a job
that it says nothing of is not believed either.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar, get_args

from phdb_ci.errors import ResultsError
from phdb_ci.judging import evidence
from phdb_ci.judging.fanin.read import Found, Needs
from phdb_ci.judging.verdict import decides, judged_anew
from phdb_ci.models.base import glob_matches
from phdb_ci.models.hosting import job_id
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.results import LegResult
from phdb_ci.models.sources import Sources
from phdb_ci.models.statuses import BuiltStatus
from phdb_ci.models.verdict import Missing, Unaffected, VerdictArtifact

STATES = ("success", "failure", "cancelled", "skipped")
LegName = tuple[str, str]
Key = TypeVar("Key")


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


@dataclass(frozen=True)
class Expected:
    """What a result must be about: the run, its commits, and its artifacts by name and runner.

    `planned`: the commits are those of the plan, and a repo that it does not know is none of this run.
    """

    run: Run
    commits: Mapping[str, str]
    planned: bool
    digests: Mapping[LegName, str]


def gather(
    matrix: Matrix, gate: str, found: Sequence[Found], needs: Needs, run: Run, today: date
) -> Gathered:
    """The gate's legs from what was found: judged, missing with a reason, or not run by a written rule."""
    run = Run(run.run_id or _only_run(found), run.attempt, run.head)
    jobs = matrix.gates[gate].jobs
    legs = [(name, os_) for name in jobs for os_ in matrix.jobs[name].os]
    _check_jobs(matrix, gate, legs, needs)
    gathered = Gathered(run_id=run.run_id, sources=_sources(needs), artifacts=_artifacts(matrix, legs, needs))
    doubt = _plan_doubt(needs, gathered.sources)
    gathered.unaffected = None if doubt else _unaffected(matrix, legs, found, needs, gathered)
    for name in jobs:
        for os_, reason in matrix.jobs[name].skip.items():
            gathered.idle.append(_idle(matrix.jobs[name], name, os_, reason))
    newest = {leg: _newest(leg, found, run) for leg in legs}
    expected = _expected(matrix, newest, needs, gathered.sources, run, today)
    for leg in legs:
        _leg(gathered, matrix, leg, newest[leg], needs, expected, doubt)
    known = {f"{name}@{os_}" for name, os_ in legs}
    gathered.notes += [
        f"a result of {one.leg} is no part of this gate" for one in found if one.leg not in known
    ]
    return gathered


def _leg(
    gathered: Gathered, matrix: Matrix, leg: LegName, newest: tuple[LegResult | None, str], needs: Needs,
    expected: Expected, doubt: str | None,
) -> None:  # fmt: skip
    name, os_ = leg
    job = matrix.jobs[name]
    if gathered.unaffected:
        reason = f"nothing that a job reads has changed in {gathered.unaffected.repo}"
        gathered.idle.append(_idle(job, name, os_, reason))
        return
    result, why = newest
    blocked = _blocked(job, os_, needs)
    why_not = doubt or blocked or (why if result is None else _doubt(result, matrix, needs, expected))
    if result is None or why_not:
        is_blocked = blocked is not None and doubt is None
        gathered.missing.append(Missing(job=name, os=os_, reason=why_not or why, blocked=is_blocked))
    else:
        gathered.legs.append(judged_anew(result, job))


def _idle(job: Job, name: str, os_: str, reason: str) -> IdleLeg:
    return IdleLeg(job=name, os=os_, summary=job.summary, kind="skipped", reason=reason)


def _newest(leg: LegName, found: Iterable[Found], run: Run) -> tuple[LegResult | None, str]:
    """The newest attempt's result of a leg in this run, or why there is none."""
    own = [one for one in found if one.leg == "@".join(leg)]
    results = [one.result for one in own if one.result]
    of_run = [one for one in results if one.run_id == run.run_id]
    broken = next((one.problem for one in own if one.problem), None)
    if broken:
        return None, f"its result cannot be read: {broken}"
    if of_run:
        newest = max(one.attempt for one in of_run)
        first, *others = (one for one in of_run if one.attempt == newest)
        if any(other != first for other in others):
            return None, f"it left several results of attempt {newest}, which differ"
        return first, ""
    if results:
        return None, f"stale: its result is of run {results[0].run_id[:40]}"
    return None, "left no result"


def _doubt(result: LegResult, matrix: Matrix, needs: Needs, expected: Expected) -> str | None:
    """Why a result is not believed: it is of something else, or GitHub says that its job went otherwise."""
    job = matrix.jobs[result.job]
    return (
        _other_run(result, expected.run)
        or _other_commit(result, matrix, expected)
        or _other_artifact(result, job, expected)
        or _other_word(result, job, needs)
    )


def _other_run(result: LegResult, run: Run) -> str | None:
    if result.attempt < 1 or (run.attempt is not None and result.attempt > run.attempt):
        return f"stale: it says attempt {result.attempt}, and this is attempt {run.attempt or 'unknown'}"
    if run.head is not None and result.head != run.head:
        return f"stale: it is for {result.head[:7] if result.head else 'no commit'}, not for {run.head[:7]}"
    return None


def _other_commit(result: LegResult, matrix: Matrix, expected: Expected) -> str | None:
    job = matrix.jobs[result.job]
    told = {source.repo: source.commit for source in result.sources}
    built_from = [repo for one in matrix.needed(job.artifacts) for repo in matrix.artifacts[one].repos]
    for repo in (*job.repos, *built_from):
        if repo not in told:
            return f"it does not say at which commit it tested {repo}"
    for source in result.sources:
        wanted = expected.commits.get(source.repo, "none" if expected.planned else source.commit)
        if source.commit != wanted:
            return f"stale: it tested {source.repo} at {source.commit[:7]}, this run is about {wanted[:7]}"
    return None


def _other_artifact(result: LegResult, job: Job, expected: Expected) -> str | None:
    for use in result.facts.artifacts:
        wanted = expected.digests.get((use.name, result.os), use.digest)
        if use.digest != wanted:
            return f"stale: it used {use.name} sha256:{use.digest[:12]}, this run built sha256:{wanted[:12]}"
    used = {use.name for use in result.facts.artifacts}
    absent = [name for name in job.artifacts if name not in used]
    if absent and evidence.judge(job, result.facts)[0] == "passed":
        return f"it does not say which {absent[0]} it used"
    return None


def _other_word(result: LegResult, job: Job, needs: Needs) -> str | None:
    """Why GitHub's word on the job does not let its result stand. Of the two the worse counts."""
    state = needs.results.get(job_id(result.job, result.os))
    if not needs.given or state == "success":
        return None
    if state is None:
        return "GitHub says nothing of its job; the result that it left is not believed"
    if state == "failure" and evidence.judge(job, result.facts)[0] != "passed":
        return None
    return f"GitHub says of its job: {state if state in STATES else 'unknown'}; the result that it left is not believed"


def _blocked(job: Job, os_: str, needs: Needs) -> str | None:
    """The artifact whose build failed: no leg of its runner can have started on it."""
    for artifact in job.artifacts:
        if needs.results.get(job_id(artifact, os_)) == "failure":
            return f"blocked: {artifact} did not build on {os_}"
    return None


def _check_jobs(matrix: Matrix, gate: str, legs: Iterable[LegName], needs: Needs) -> None:
    """Every job that did not succeed is one whose end has its place in the verdict. Raises ResultsError for another."""
    ids = {"plan"} | {job_id(one, os_) for name, os_ in legs for one in (name, *matrix.jobs[name].artifacts)}
    for job, state in needs.results.items():
        if job not in ids and state != "success":
            raise ResultsError(
                f"GitHub says {state[:40]} of job {job[:100]}, which gate {gate} does not have",
                tries=["the workflow is of another matrix than this one: phdb-ci render --check"],
            )


def _plan_doubt(needs: Needs, sources: Sources | None) -> str | None:
    """Why nothing of a run is believed: which commits it is about is not settled."""
    if not needs.given:
        return None
    state = needs.results.get("plan", "nothing")
    if state != "success":
        return f"GitHub says of the run's plan: {state if state in STATES else 'nothing'}"
    return "the run's plan does not say which commits it is about" if sources is None else None


def _expected(
    matrix: Matrix, newest: Mapping[LegName, tuple[LegResult | None, str]], needs: Needs,
    sources: Sources | None, run: Run, today: date,
) -> Expected:  # fmt: skip
    """What results must be about: what plan and builds say; outside of GitHub, what most of those that decide say."""
    voters = [
        result
        for (name, _), (result, _) in newest.items()
        if result and decides(matrix.jobs[name].quarantine, today)
    ]
    if needs.given:
        digests = {
            (one, os_): _digest(needs, one, os_)
            for name, os_ in newest
            for one in matrix.jobs[name].artifacts
        }
    else:
        digests = _most(((use.name, one.os), use.digest) for one in voters for use in one.facts.artifacts)
    if sources is not None:
        commits = {name: source.id for name, source in sources.repos.items()}
    else:
        commits = _most((source.repo, source.commit) for one in voters for source in one.sources)
    return Expected(run, commits, sources is not None, digests)


def _digest(needs: Needs, artifact: str, os_: str) -> str:
    """The digest of what this run made for a runner. What it did not make has none."""
    build = job_id(artifact, os_)
    return (needs.output(build, "digest") if needs.results.get(build) == "success" else None) or "none"


def _most(votes: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """For each key what was said most often; of two that were said as often, the one that sorts last."""
    counts: dict[Key, Counter[str]] = {}
    for key, said in votes:
        counts.setdefault(key, Counter())[said] += 1
    return {key: max(count, key=lambda said: (count[said], said)) for key, count in counts.items()}


def _artifacts(matrix: Matrix, legs: Iterable[LegName], needs: Needs) -> list[VerdictArtifact]:
    """The artifacts as the run's own build jobs told of them."""
    wanted = dict.fromkeys((one, os_) for name, os_ in legs for one in matrix.jobs[name].artifacts)
    several = Counter(one for one, _ in wanted)
    found = []
    for one, os_ in wanted:
        state = needs.results.get(job_id(one, os_))
        if state is None or state == "skipped":
            continue
        told = needs.output(job_id(one, os_), "status")
        there = state == "success" and told in get_args(BuiltStatus)
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


def _unaffected(
    matrix: Matrix, legs: Iterable[LegName], found: Iterable[Found], needs: Needs, gathered: Gathered
) -> Unaffected | None:
    """The plan's word that nothing could be affected: when it says, too, that nothing shall run, and nothing did."""
    told = needs.output("plan", "unaffected")
    if needs.output("plan", "run") != "false" or told is None:
        return None
    try:
        said = Unaffected.model_validate_json(told)
    except ValueError as error:
        raise ResultsError(
            f"the plan's `unaffected` is no record of ours: {str(error).splitlines()[0]}"
        ) from error
    docs = matrix.repos[said.repo].docs if said.repo in matrix.repos else ()
    repos = gathered.sources.repos if gathered.sources else {}
    read = [path for path in said.paths if not any(glob_matches(one, path) for one in docs)]
    moved = [
        name for name, source in repos.items() if name != said.repo and source.origin not in ("pin", "folder")
    ]
    if read or moved or not said.paths or said.repo not in repos or repos[said.repo].commit != said.head:
        gathered.notes.append("the plan says that nothing could be affected; by this matrix that is not so")
        return None
    present = {one.leg for one in found}
    for name, os_ in legs:
        if f"{name}@{os_}" in present or needs.results.get(job_id(name, os_)) != "skipped":
            gathered.notes.append(
                f"the plan says that nothing needs to run, and yet {name}@{os_} was not skipped"
            )
            return None
    return said


def _only_run(found: Iterable[Found]) -> str | None:
    """The run that all results are of. Raises ResultsError when they are of several."""
    runs = sorted({one.result.run_id for one in found if one.result})
    if len(runs) > 1:
        raise ResultsError(
            f"the results are of {len(runs)} runs: {', '.join(run[:40] for run in runs[:5])}",
            tries=["say which one counts: --run-id ID"],
        )
    return runs[0] if runs else None
