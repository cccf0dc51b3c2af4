"""Which legs of a gate are there, which are missing and why: facts judged anew by the matrix. Pure.

Every leg that the gate has is expected. A result of another run, commit or artifact is stale and counts as missing; of
several attempts the newest counts. The clock is that of the results: the same results give the same answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar, get_args

from phdb_ci.base.github_url import page_of
from phdb_ci.base.strict_json import parse
from phdb_ci.base.text import bounded, harmless
from phdb_ci.errors import ResultsError
from phdb_ci.judging.fanin.doubt import Expected, LegName, blocked, doubt, newest, plan_doubt
from phdb_ci.judging.fanin.read import LEG, Needs, ResultFile
from phdb_ci.judging.gathered import Gathered, Run, reproduce, shown_source
from phdb_ci.judging.quarantine import decides
from phdb_ci.models.base import Record, first_problem, glob_matches
from phdb_ci.models.hosting import CANCELLED, job_id
from phdb_ci.models.labels import claims
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.proofs import ProofFile
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.models.sources import Sources, StackKind
from phdb_ci.models.statuses import BuiltStatus
from phdb_ci.models.verdict import Missing, Unaffected, VerdictSource

MOST_WORDS = 20  # lines of a build's own words
_CLOCK = "%Y-%m-%dT%H:%M:%SZ"
AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True)
class _Fan:
    """All that the answer depends on. `legs` are those that the gate expects, `planned` the sources of its plan."""

    matrix: Matrix
    legs: Sequence[LegName]
    files: Sequence[ResultFile]
    needs: Needs
    planned: Sources | None
    run: Run
    today: date

    @property
    def builds(self) -> list[LegName]:
        """The artifacts that the legs need, each with its runner."""
        return list(
            dict.fromkeys((artifact, os) for name, os in self.legs for artifact in self.matrix.jobs[name].artifacts)
        )


def gather(
    matrix: Matrix, gate: str, files: Sequence[ResultFile], needs: Needs, run: Run, today: date,
    proofs: ProofFile | None = None,
) -> Gathered:  # fmt: skip
    """The gate's legs from the files: judged, missing with a reason, or not run by a written rule."""
    run = replace(run, id=run.id or _only_run(files))
    jobs = {name: matrix.jobs[name] for name in matrix.gates[gate].jobs}
    expected = [(name, os) for name, job in jobs.items() for os in job.os]
    fan = _Fan(matrix, expected, files, needs, _from_plan(Sources, needs, "sources"), run, today)
    _check_jobs(fan, gate)
    nobody = plan_doubt(needs, fan.planned)
    unaffected, notes = (None, []) if nobody else _unaffected(fan)
    legs, missing = ([], []) if unaffected else _legs(fan, nobody)
    started, length, legs = _placed(legs)
    sources = _sources(fan, legs)
    stack = fan.planned.stack if fan.planned else _stack(sources)
    known = {"@".join(leg) for leg in expected}
    foreign = [file for file in files if file.leg not in known]  # named by whoever made the folder
    return Gathered(
        gate=gate, lead=matrix.gates[gate].lead, started=started, seconds=length,
        run=replace(run, attempt=run.attempt or max([leg.attempt for leg in legs], default=1)),
        platform=", ".join(dict.fromkeys(leg.os for leg in legs)) or "none", stack=stack, sources=sources,
        artifacts=_artifacts(fan), legs=legs, missing=missing,
        idle=_idle(matrix, jobs, expected, unaffected), unaffected=unaffected,
        jobs=jobs, quarantine=matrix.quarantine,
        claimed={name: claims(name, job, proofs.of(stack) if proofs else None) for name, job in jobs.items()},
        reproduce=reproduce(gate, True, sources),
        notes=[*_bundle(needs), *notes, *map(_foreign, foreign)],
    )  # fmt: skip


def _legs(fan: _Fan, nobody: str | None) -> tuple[list[LegResult], list[Missing]]:
    """The results that are believed, and for every other leg why there is none. `nobody`: why none is believed."""
    results = {leg: newest(leg, fan.files, fan.run, fan.matrix) for leg in fan.legs}
    expected = _expected(fan, results)
    legs, missing = [], []
    for (name, os), result in results.items():
        no_artifact = None if nobody else blocked(fan.matrix.jobs[name], os, fan.needs)
        reason = nobody or no_artifact
        if isinstance(result, str):
            reason = reason or result
        elif not reason and not (reason := doubt(result, fan.matrix, fan.needs, expected)):
            legs.append(result)
        if reason:
            missing.append(Missing(job=name, os=os, reason=reason, blocked=no_artifact is not None))
    return legs, missing


def _idle(matrix: Matrix, jobs: Iterable[str], legs: Iterable[LegName], unaffected: Unaffected | None) -> list[IdleLeg]:
    """The legs that a rule of the matrix skips; all of them where nothing could be affected."""
    reasons = [(name, os, reason) for name in jobs for os, reason in matrix.jobs[name].skip.items()]
    if unaffected:
        reasons += [(name, os, f"nothing that a job reads has changed in {unaffected.repo}") for name, os in legs]
    return [
        IdleLeg(job=name, os=os, summary=matrix.jobs[name].summary, kind="skipped", reason=reason)
        for name, os, reason in reasons
    ]  # fmt: skip


def _bundle(needs: Needs) -> list[str]:
    """What the plan says of the bundle that all sources of the run came in."""
    size = needs.output("plan", "bytes") or ""
    return [f"the sources of all jobs came in one bundle of {size} bytes"] if size.isdigit() and len(size) < 16 else []


def _foreign(file: ResultFile) -> str:
    """What is said of a result that is of no leg of this gate, or of none that can be told."""
    if file.problem and not LEG.fullmatch(file.leg):
        return f"the result in {harmless(file.leg)} cannot be read: {harmless(file.problem)}"
    return f"a result of {harmless(file.leg)} is no part of this gate"


def _check_jobs(fan: _Fan, gate: str) -> None:
    """Every job that did not succeed is one whose end has its place in the verdict. Raises ResultsError for another."""
    ids = {"plan", CANCELLED, *(job_id(name, os) for name, os in (*fan.legs, *fan.builds))}
    for job, state in fan.needs.results.items():
        if job not in ids and state != "success":
            raise ResultsError(
                f"GitHub says {harmless(state, 40)} of job {harmless(job, 100)}, which gate {gate} does not have",
                tries=["the workflow is of another matrix than this one: phdb-ci render --check"],
            )


def _expected(fan: _Fan, results: Mapping[LegName, LegResult | str]) -> Expected:
    """What results must be about: what plan and builds say; outside of GitHub, the first leg that decides."""
    voters = [
        result
        for (name, _), result in reversed(list(results.items()))
        if isinstance(result, LegResult) and decides(fan.matrix.quarantine_of(name), fan.today)
    ]
    if fan.needs.given:
        digests = {(artifact, os): _digest(fan.needs, artifact, os) for artifact, os in fan.builds}
    else:
        digests = {(use.name, voter.os): use.digest for voter in voters for use in voter.facts.artifacts}
    if fan.planned is not None:
        commits = {name: source.id for name, source in fan.planned.repos.items()}
    else:
        commits = {source.repo: source.commit for voter in voters for source in voter.sources}
    return Expected(fan.run, commits, fan.planned is not None, digests)


def _digest(needs: Needs, artifact: str, os: str) -> str:
    """The digest of what this run made for a runner. What it did not make has none."""
    build = job_id(artifact, os)
    return (needs.output(build, "digest") if needs.results.get(build) == "success" else None) or "none"


def _artifacts(fan: _Fan) -> list[ArtifactResult]:
    """The artifacts by the outputs of the run's own build jobs."""
    needs, runners = fan.needs, Counter(artifact for artifact, _ in fan.builds)
    results = []
    for artifact, os in fan.builds:
        build = job_id(artifact, os)
        state, status = needs.results.get(build), needs.output(build, "status")
        if state is None or state == "skipped":
            continue
        is_there = state == "success" and status in get_args(BuiltStatus)
        ended: Any = status if is_there else {"cancelled": "cancelled", "failure": "failed"}.get(state, "error")
        results.append(ArtifactResult(
            name=artifact, os=os if runners[artifact] > 1 else None, status=ended,
            key=needs.output(build, "key") or "", digest=needs.output(build, "digest") if is_there else None,
            seconds=_seconds(needs.output(build, "seconds")), words=_words(needs.output(build, "words")),
        ))  # fmt: skip
    return results


def _words(text: str | None) -> tuple[str, ...]:
    """The words of a build as its job handed them on: a JSON list of lines; nothing of what is no such list."""
    try:
        lines = parse((text or "[]").encode(errors="replace"))
    except ValueError:
        return ()
    if not isinstance(lines, list):
        return ()
    return tuple(harmless(line) for line in lines[:MOST_WORDS] if isinstance(line, str))


def _seconds(text: str | None) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e6 else 0.0


def _from_plan(kind: type[AnyRecord], needs: Needs, output: str) -> AnyRecord | None:
    """A record among the outputs of the run's own plan, which no other job of the run can change."""
    text = needs.output("plan", output)
    try:
        return None if text is None else kind.model_validate_json(text)
    except ValueError as error:
        name = "sources are" if output == "sources" else f"`{output}` is"
        raise ResultsError(f"the plan's {name} no record of ours: {first_problem(error)}") from error


def _unaffected(fan: _Fan) -> tuple[Unaffected | None, list[str]]:
    """The plan's word that nothing could be affected: when it says, too, that nothing shall run, and nothing did.

    Where that does not hold, a note says why.
    """
    nothing_to_run = fan.needs.output("plan", "run") == "false"
    claim = _from_plan(Unaffected, fan.needs, "unaffected") if nothing_to_run else None
    if claim is None:
        return None, []
    docs = fan.matrix.repos[claim.repo].docs if claim.repo in fan.matrix.repos else ()
    repos = fan.planned.repos if fan.planned else {}
    read = [path for path in claim.paths if not any(glob_matches(rule, path) for rule in docs)]
    moved = [name for name, source in repos.items() if name != claim.repo and source.origin not in ("pin", "folder")]
    if read or moved or not claim.paths or claim.repo not in repos or repos[claim.repo].commit != claim.head:
        return None, ["the plan says that nothing could be affected; by this matrix that is not so"]
    present = {file.leg for file in fan.files}
    for name, os in fan.legs:
        if f"{name}@{os}" in present or fan.needs.results.get(job_id(name, os)) != "skipped":
            return None, [f"the plan says that nothing needs to run, and yet {name}@{os} was not skipped"]
    return claim, []


def _only_run(files: Iterable[ResultFile]) -> str | None:
    """The run that all results are of. Raises ResultsError when they are of several."""
    runs = sorted({file.result.run_id for file in files if file.result})
    if len(runs) > 1:
        raise ResultsError(
            f"the results are of {len(runs)} runs: {', '.join(run[:40] for run in runs[:5])}",
            tries=["say which one counts: --run-id ID"],
        )
    return runs[0] if runs else None


def _sources(fan: _Fan, legs: Iterable[LegResult]) -> tuple[VerdictSource, ...]:
    """The plan's sources; where nobody planned, what the results say that they ran on."""
    if fan.planned is not None:
        return tuple(map(shown_source, fan.planned.repos.values()))
    tested = {source.repo: source for leg in legs for source in leg.sources}
    return tuple(
        VerdictSource(
            repo=name, commit=tested[name].commit, origin=tested[name].origin, via="its results", where=repo.url,
            web=page_of(repo.url), pin=repo.pin,
        )
        for name, repo in fan.matrix.repos.items()
        if name in tested
    )  # fmt: skip


def _stack(sources: Iterable[VerdictSource]) -> StackKind:
    """The stack where nobody planned: a directory among the sources is nothing that anybody else has."""
    return "local" if any(source.origin == "tree" for source in sources) else "public"


def _placed(legs: Sequence[LegResult]) -> tuple[str, float, list[LegResult]]:
    """The start of the first leg, the seconds to the end of the last, and each leg with its place in that.

    Each ran on a machine of its own and counted from zero.
    """
    starts = [(leg, start) for leg in legs if (start := _time(leg.started)) is not None]
    first = min([start for _, start in starts], default=0.0)
    last = max([start + bounded(leg.seconds) for leg, start in starts], default=first)
    offsets = {leg.leg: start - first for leg, start in starts}
    placed = [leg.model_copy(update={"offset": offsets.get(leg.leg, 0.0)}) for leg in legs]
    return datetime.fromtimestamp(first, UTC).strftime(_CLOCK), last - first, placed


def _time(text: str) -> float | None:
    """Seconds since 1970; None for what is no time."""
    try:
        return datetime.strptime(text, _CLOCK).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
