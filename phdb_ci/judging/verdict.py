"""Results → Verdict: the outcome of a gate, a pure function of records. Never green by absence."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import date

from phdb_ci.base.github_url import page_of
from phdb_ci.judging import evidence
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import LegResult
from phdb_ci.models.sources import Source
from phdb_ci.models.statuses import STATUSES, AnyStatus, Outcome
from phdb_ci.models.verdict import Missing, Unaffected, Verdict, VerdictArtifact, VerdictLeg, VerdictSource


def outcome(
    legs: Iterable[VerdictLeg], missing: Iterable[Missing], *, artifacts: Iterable[VerdictArtifact] = (),
    unaffected: Unaffected | None = None,
) -> Outcome:  # fmt: skip
    """What follows from everything that decides, by STATUSES.

    `fail` when one is failed, unproven, timeout or blocked; else `incomplete` when one is not passed or not there; a
    gate of which no leg decides is never a pass. `artifacts` are those that were asked for by name: they decide as
    well, and alone where no job was asked for. Where a written rule says that nothing could be affected, and nothing
    was run, it is a pass.
    """
    legs, artifacts = list(legs), list(artifacts)
    deciding: list[AnyStatus] = [leg.result.status for leg in legs if leg.decides]
    deciding += [item.status for item in missing if item.decides]
    ends = {STATUSES[status].gate for status in (*deciding, *(one.status for one in artifacts))}
    if "fail" in ends:
        return "fail"
    by_rule = unaffected is not None and not legs and not deciding
    decided = bool(deciding) or (bool(artifacts) and not legs)
    return "pass" if ends <= {"pass"} and (decided or by_rule) else "incomplete"


def decides(quarantine: Quarantine | None, today: date) -> bool:
    """Whether a leg counts for the gate: a quarantine holds up to and including its end date."""
    return quarantine is None or today > quarantine.until


def make_verdict(
    plan: Plan, legs: Sequence[LegResult], artifacts: Sequence[VerdictArtifact], *, tool: str, run_id: str,
    platform: str, started: str, seconds: float, today: date, reproduce: str, attempt: int = 1,
    head: str | None = None, run_url: str | None = None, baseline: Verdict | None = None,
    notes: Sequence[str] = (),
) -> Verdict:  # fmt: skip
    """The verdict over what ran. A leg of the plan that left no result is missing, and keeps it from green.

    A result cannot quarantine itself: it is quarantined only where the plan says so too.
    """
    by_leg = {leg.leg: leg for leg in legs}
    shown = [
        shown_leg(by_leg[node.leg], node.quarantined, baseline, today, node.claimed)
        for node in plan.legs
        if node.leg in by_leg
    ]
    missing = [
        Missing(job=node.job, os=node.os, reason="left no result")
        for node in plan.legs
        if node.leg not in by_leg
    ]
    named = [artifact for artifact in artifacts if artifact.name in plan.named]
    result = outcome(shown, missing, artifacts=named)
    return Verdict(
        tool=tool, gate=plan.gate, lead=plan.lead, outcome=result,
        headline=headline(result, shown, missing, named),
        run_id=run_id, attempt=attempt, run_url=run_url, head=head, platform=platform, started=started,
        seconds=round(seconds, 3), stack=plan.sources.stack,
        sources=tuple(shown_source(source) for source in plan.sources.repos.values()),
        artifacts=tuple(artifacts), legs=tuple(shown), missing=tuple(missing), idle=plan.idle,
        baseline=baseline.run_id if baseline else None,
        baseline_commits={source.repo: source.commit for source in baseline.sources} if baseline else {},
        reproduce=reproduce, notes=tuple(notes),
    )  # fmt: skip


def headline(
    result: Outcome, legs: Sequence[VerdictLeg], missing: Sequence[Missing],
    artifacts: Sequence[VerdictArtifact] = (), unaffected: Unaffected | None = None,
) -> str:  # fmt: skip
    """One sentence: how many of how many, and which."""
    if unaffected and not legs and not missing:
        count = len(unaffected.paths) + unaffected.more
        paths = f"{count} path{'' if count == 1 else 's'}"
        return f"not run: nothing that a job reads has changed in {unaffected.repo} ({paths})"
    built = ", ".join(f"{one.name} {one.status}" for one in artifacts)
    if artifacts and not legs and not missing:
        return built
    total = len(legs) + len(missing)
    jobs = f"{total} job{'' if total == 1 else 's'}"
    excused = sum(not leg.decides and leg.result.status != "passed" for leg in legs)
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
    words: dict[str, list[str]] = {}
    for leg in legs:
        if leg.decides and leg.result.status != "passed":
            words.setdefault(leg.result.status, []).append(leg.result.job)
    for item in missing:
        if item.decides:
            words.setdefault(item.status, []).append(item.job)
    return [
        f"{len(names)} {word} ({', '.join(names[:4])}{', …' if len(names) > 4 else ''})"
        for word, names in words.items()
    ]


def reproduce(
    gate: str, is_gate: bool, sources: Iterable[Source | VerdictSource], options: Sequence[str] = ()
) -> str:
    """The command that runs the same again: `--repo` for every source that is not the matrix's pin."""
    words = ["nox", "-s", gate, "--"] if is_gate else ["phdb-ci", "run", *gate.split("+")]
    for source in sources:
        spec = _spec(source)
        if spec and not _covered(source, options):
            words += ["--repo", f"{source.repo}={spec}"]
    words += options
    if words[-1] == "--":
        words.pop()
    return shlex.join(words)


def _covered(source: Source | VerdictSource, options: Sequence[str]) -> bool:
    return source.via.startswith("--stack") and "--stack" in options


def _spec(source: Source | VerdictSource) -> str | None:
    if source.origin in ("pin", "folder"):
        return None
    if source.origin == "tree":
        return source.where
    return f"{source.where}@{source.commit}" if source.where.startswith("/") else source.commit


def judged_anew(result: LegResult, job: Job) -> LegResult:
    """The result with the status that its facts have by this row, whatever it called itself."""
    status, reasons, notes = evidence.judge(job, result.facts)
    if status != result.status:
        notes = (*notes, f"it called itself {result.status}")
    return result.model_copy(update={
        "status": status, "reasons": reasons, "notes": notes, "quarantine": job.quarantine, "summary": job.summary,
    })  # fmt: skip


def shown_leg(
    result: LegResult, quarantined: bool, baseline: Verdict | None, today: date, claimed: str
) -> VerdictLeg:
    """A leg's result as the verdict holds it: whether it decides, and how it compares with the baseline."""
    decisive = decides(result.quarantine if quarantined else None, today)
    return VerdictLeg(
        result=result, decides=decisive, new_failures=_new_failures(result, baseline),
        fewer_tests=_fewer_tests(result, baseline), claimed=claimed,
    )  # fmt: skip


def failing_titles(result: LegResult) -> set[str]:
    """The titles of a leg's failing cases."""
    return {
        case.title
        for suite in result.facts.suites
        for case in suite.cases
        if case.status in ("failed", "error")
    }


def _new_failures(result: LegResult, baseline: Verdict | None) -> int | None:
    """How many failing cases the baseline did not have; None without a baseline for this leg."""
    for leg in baseline.legs if baseline else ():
        if leg.result.leg == result.leg:
            return len(failing_titles(result) - failing_titles(leg.result))
    return None


def _fewer_tests(result: LegResult, baseline: Verdict | None) -> int | None:
    """How many cases fewer were executed than in the baseline; None without a baseline for this leg."""
    for leg in baseline.legs if baseline else ():
        if leg.result.leg == result.leg:
            return max(0, _executed(leg.result) - _executed(result))
    return None


def _executed(result: LegResult) -> int:
    return sum(suite.counts.executed for suite in result.facts.suites)


def shown_source(source: Source) -> VerdictSource:
    """A source as the verdict holds it."""
    return VerdictSource(
        repo=source.repo, commit=source.id, origin=source.origin, via=source.via, where=source.where,
        web=page_of(source.where), pin=source.pin, dirty=source.dirty, reachable=source.reachable,
        notes=source.notes,
    )  # fmt: skip
