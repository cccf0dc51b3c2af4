"""Gathered → Verdict: the outcome of a gate, a pure function of records. Never green by absence.

The one place that makes a verdict, whether one machine ran it or many.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from phdb_ci.base.text import counted
from phdb_ci.judging import evidence, quarantine
from phdb_ci.judging.gathered import Gathered
from phdb_ci.judging.quarantine import decides
from phdb_ci.judging.regressions import regressions
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.models.statuses import STATUSES, AnyStatus, Outcome
from phdb_ci.models.verdict import Missing, Unaffected, Verdict, VerdictArtifact, VerdictLeg


def make_verdict(
    gathered: Gathered, *, tool: str, today: date, baseline: Verdict | None = None, notes: Sequence[str] = ()
) -> Verdict:
    """The verdict over what was gathered: which legs decide, what follows, how it compares with the baseline."""
    legs = [_leg(result, gathered, baseline, today) for result in gathered.legs]
    missing = [
        item.model_copy(update={
            "decides": decides(_rows(gathered, item.job), today), "repeat": gathered.repeat(item.job),
        })
        for item in gathered.missing
    ]  # fmt: skip
    artifacts = [_artifact(artifact, gathered) for artifact in gathered.artifacts]
    named = [artifact for artifact in artifacts if artifact.name in gathered.named]
    result = outcome(legs, missing, artifacts=named, unaffected=gathered.unaffected)
    run = gathered.run
    return Verdict(
        tool=tool, gate=gathered.gate, lead=gathered.lead, outcome=result,
        headline=headline(result, legs, missing, artifacts, gathered.unaffected, gathered.named),
        run_id=run.id or "unknown", attempt=run.attempt or 1, run_url=run.url, head=run.head,
        platform=gathered.platform, started=gathered.started, seconds=round(gathered.seconds, 3),
        stack=gathered.stack, sources=tuple(gathered.sources), artifacts=tuple(artifacts), legs=tuple(legs),
        missing=tuple(missing), idle=tuple(gathered.idle), unaffected=gathered.unaffected,
        regressions=regressions(gathered, legs, missing, baseline),
        baseline=baseline.run_id if baseline else None,
        baseline_commits={source.repo: source.commit for source in baseline.sources} if baseline else {},
        reproduce=gathered.reproduce, notes=(*gathered.notes, *notes, *quarantine.notes(legs)),
    )  # fmt: skip


def outcome(
    legs: Iterable[VerdictLeg], missing: Iterable[Missing], *, artifacts: Iterable[VerdictArtifact] = (),
    unaffected: Unaffected | None = None,
) -> Outcome:  # fmt: skip
    """What follows from everything that decides, by STATUSES.

    `fail` when one is failed, unproven, timeout or blocked; else `incomplete` when one is not passed or not there; one
    that is excused counts as passed. A gate of which no leg decides is never a pass. `artifacts` are those that were
    asked for by name: they decide as well, and alone where no job was asked for. Where a written rule says that nothing
    could be affected, and nothing was run, it is a pass.
    """
    legs, artifacts = list(legs), list(artifacts)
    deciding: list[AnyStatus] = [leg.counts_as for leg in legs if leg.decides]
    deciding += [item.status for item in missing if item.decides]
    ends = {STATUSES[status].gate for status in (*deciding, *(artifact.status for artifact in artifacts))}
    if "fail" in ends:
        return "fail"
    by_rule = unaffected is not None and not legs and not deciding
    decided = bool(deciding) or (bool(artifacts) and not legs)
    return "pass" if ends <= {"pass"} and (decided or by_rule) else "incomplete"


def judged_anew(result: LegResult, job: Job) -> LegResult:
    """The result with the status that its facts have by this row, whatever it called itself; its machine is another."""
    status, reasons, notes = evidence.judge(job, result.facts)
    if status != result.status:
        notes = (*notes, f"it called itself {result.status}")
    return result.model_copy(update={
        "status": status, "reasons": reasons, "notes": notes, "summary": job.summary, "workspace": None,
    })  # fmt: skip


def headline(
    result: Outcome, legs: Sequence[VerdictLeg], missing: Sequence[Missing],
    artifacts: Sequence[VerdictArtifact] = (), unaffected: Unaffected | None = None, named: Sequence[str] = (),
) -> str:  # fmt: skip
    """One sentence: what does not build, how many of how many, and which. `named`: artifacts that were asked for."""
    if unaffected and not legs and not missing:
        paths = counted(len(unaffected.paths) + unaffected.more, "path")
        return f"not run: nothing that a job reads has changed in {unaffected.repo} ({paths})"
    ends = [unbuilt(item.name, item.status) for item in artifacts if not item.is_there]
    ends += [f"{item.name} {item.status}" for item in artifacts if item.is_there and item.name in named]
    built = ", ".join(ends)
    if built and not legs and not missing:
        return built
    total = len(legs) + len(missing)
    jobs = counted(total, "job")
    excused = sum((leg.excused or not leg.decides) and leg.result.status != "passed" for leg in legs)
    excused += sum(not item.decides for item in missing)
    tail = (f", {excused} quarantined" if excused else "") + (f"; {built}" if built else "")
    if result == "pass":
        share = f"{total - excused} of " if excused else "all " if total > 1 else ""
        return f"{share}{jobs} passed{tail}"
    parts = _not_green(legs, missing)
    if parts:
        return f"of {jobs}, {' · '.join(parts)}{tail}"
    return f"{jobs} passed{tail}" if built else f"nothing that decides was run{tail}"


def _not_green(legs: Sequence[VerdictLeg], missing: Sequence[Missing]) -> list[str]:
    """`2 failed (a, b)`, `1 missing (c)`: what decides and did not pass, by how it ended."""
    ended: list[tuple[AnyStatus, str]] = [(leg.counts_as, leg.result.job) for leg in legs if leg.decides]
    ended += [(item.status, item.job) for item in missing if item.decides]
    jobs: dict[AnyStatus, list[str]] = {}
    for status, job in ended:
        if status != "passed":
            jobs.setdefault(status, []).append(job)
    return [
        f"{len(names)} {status} ({', '.join(names[:4])}{', …' if len(names) > 4 else ''})"
        for status, names in jobs.items()
    ]


def _leg(result: LegResult, gathered: Gathered, baseline: Verdict | None, today: date) -> VerdictLeg:
    """A leg's result as the verdict holds it: whether it decides, and what became of what is quarantined in it."""
    before = next((leg for leg in baseline.legs if leg.result.leg == result.leg), None) if baseline else None
    rows = _rows(gathered, result.job)
    return VerdictLeg(
        result=result, decides=decides(rows, today),
        excused=quarantine.excused(gathered.jobs[result.job], result, rows, today),
        quarantine=quarantine.quarantined(result, rows, today, before), claimed=gathered.claimed[result.job],
        repeat=gathered.repeat(result.job, [source.repo for source in result.sources]),
    )  # fmt: skip


def _rows(gathered: Gathered, job: str) -> list[Quarantine]:
    return [row for row in gathered.quarantine if row.job == job]


def _artifact(result: ArtifactResult, gathered: Gathered) -> VerdictArtifact:
    """An artifact with the jobs that used it and the calls that the witnesses saw."""
    uses = [
        (leg.job, use.calls)
        for leg in gathered.legs
        for use in leg.facts.artifacts
        if use.name == result.name and result.os in (None, leg.os)
    ]
    return VerdictArtifact(
        **result.model_dump(exclude={"stored", "seconds", "offset"}), seconds=round(result.seconds, 3),
        offset=round(result.offset, 3), used_by=tuple(job for job, _ in uses), calls=sum(calls for _, calls in uses),
        repeat=gathered.repeat(result.name),
    )  # fmt: skip
