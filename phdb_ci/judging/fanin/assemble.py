"""What was gathered → Verdict. Pure: its clock is that of the results, so the same results give the same verdict."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from phdb_ci.base.github_url import page_of
from phdb_ci.judging.fanin.gather import Gathered, Run
from phdb_ci.judging.verdict import decides, headline, outcome, reproduce, shown_leg, shown_source
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.proofs import ProofFile
from phdb_ci.models.results import LegResult
from phdb_ci.models.sources import StackKind
from phdb_ci.models.verdict import Verdict, VerdictArtifact, VerdictSource
from phdb_ci.models.wording import claims

_CLOCK = "%Y-%m-%dT%H:%M:%SZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def verdict_of(
    matrix: Matrix, gate: str, gathered: Gathered, *, tool: str, run: Run, today: date, run_url: str | None,
    baseline: Verdict | None = None, notes: Sequence[str] = (), proofs: ProofFile | None = None,
) -> Verdict:  # fmt: skip
    """The verdict over what was gathered. Its clock is that of the results: the same results give the same verdict."""
    started, ended = _span(gathered.legs)
    sources = _shown_sources(matrix, gathered)
    stack = gathered.sources.stack if gathered.sources else _stack(sources)
    measured = proofs.of(stack) if proofs else None
    legs = [
        shown_leg(
            _placed(leg, started), leg.quarantine is not None, baseline, today,
            claims(leg.job, matrix.jobs[leg.job], measured),
        )
        for leg in gathered.legs
    ]  # fmt: skip
    missing = [
        item.model_copy(update={"decides": decides(matrix.jobs[item.job].quarantine, today)})
        for item in gathered.missing
    ]
    found = outcome(legs, missing, unaffected=gathered.unaffected)
    return Verdict(
        tool=tool, gate=gate, lead=matrix.gates[gate].lead, outcome=found,
        headline=headline(found, legs, missing, unaffected=gathered.unaffected),
        run_id=gathered.run_id or "unknown",
        attempt=run.attempt or max([leg.attempt for leg in gathered.legs], default=1),
        run_url=run_url, head=run.head, platform=", ".join(dict.fromkeys(leg.os for leg in gathered.legs)) or "none",
        started=started.strftime(_CLOCK), seconds=round((ended - started).total_seconds(), 3),
        stack=stack, sources=sources,
        artifacts=tuple(_used(artifact, gathered.legs) for artifact in gathered.artifacts), legs=tuple(legs),
        missing=tuple(missing), idle=tuple(gathered.idle),
        unaffected=gathered.unaffected if not legs and not missing else None,
        baseline=baseline.run_id if baseline else None,
        baseline_commits={source.repo: source.commit for source in baseline.sources} if baseline else {},
        reproduce=reproduce(gate, True, sources), notes=(*gathered.notes, *notes),
    )  # fmt: skip


def _span(legs: Iterable[LegResult]) -> tuple[datetime, datetime]:
    """From the start of the first leg to the end of the last, by their own clocks."""
    times = [(when, _end(when, leg.seconds)) for leg in legs if (when := _time(leg.started))]
    if not times:
        return _EPOCH, _EPOCH
    return min(start for start, _ in times), max(end for _, end in times)


def _end(start: datetime, seconds: float) -> datetime:
    """When something ended that took so long; a time that no calendar has counts as none."""
    try:
        return start + timedelta(seconds=max(0.0, seconds))
    except OverflowError:
        return start


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _CLOCK).replace(tzinfo=UTC)
    except ValueError:
        return None


def _placed(leg: LegResult, started: datetime) -> LegResult:
    """The leg with its place on the run's own clock: each ran on a machine of its own and counted from zero."""
    when = _time(leg.started)
    return leg.model_copy(update={"offset": (when - started).total_seconds() if when else 0.0})


def _shown_sources(matrix: Matrix, gathered: Gathered) -> tuple[VerdictSource, ...]:
    """The plan's sources; where nobody planned, what the results say that they ran on."""
    if gathered.sources is not None:
        return tuple(map(shown_source, gathered.sources.repos.values()))
    found = {source.repo: source for leg in gathered.legs for source in leg.sources}
    return tuple(
        VerdictSource(
            repo=name, commit=found[name].commit, origin=found[name].origin, via="its results", where=repo.url,
            web=page_of(repo.url), pin=repo.pin,
        )
        for name, repo in matrix.repos.items()
        if name in found
    )  # fmt: skip


def _stack(sources: Iterable[VerdictSource]) -> StackKind:
    """The stack where nobody planned: a directory among the sources is nothing that anybody else has."""
    return "local" if any(source.origin == "tree" for source in sources) else "public"


def _used(artifact: VerdictArtifact, legs: Iterable[LegResult]) -> VerdictArtifact:
    """The artifact with the jobs that used it and the calls that the witnesses saw."""
    uses = [
        (leg.job, use.calls)
        for leg in legs
        for use in leg.facts.artifacts
        if use.name == artifact.name and artifact.os in (None, leg.os)
    ]
    return artifact.model_copy(update={
        "used_by": tuple(job for job, _ in uses), "calls": sum(calls for _, calls in uses),
    })  # fmt: skip
