"""Matrix and verdicts → the definition of done, each condition met, not met or unknown. Pure.

A verdict's facts are judged anew by the matrix of today: its words are not believed. Only the public stack at the pins
of the matrix counts, by jobs whose row of the matrix is still the same, and nothing older than a month; what was seen
elsewhere, on a stand-in or on other commits, is shown and makes no condition met. Nothing measured is unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from phdb_ci.judging.verdict import decides, judged_anew
from phdb_ci.models.done import Done, Judged, Seen, State
from phdb_ci.models.matrix import Condition, Job, Matrix
from phdb_ci.models.results import Facts, LegResult
from phdb_ci.models.verdict import Missing, Verdict
from phdb_ci.models.wording import commits_told

OLDEST = 31  # days
LAST_NIGHT = 2  # days: how old an answer may be that is to be given every night
REASONS = 3  # of a leg, that are kept
_CLOCK = "%Y-%m-%dT%H:%M:%SZ"
UNKNOWN = ("error", "cancelled", "skipped", "missing", "blocked")


def judge(matrix: Matrix, verdicts: Iterable[Verdict], now: datetime) -> Done:
    """Every condition of the matrix, by the newest that was seen of each leg on each kind of stack."""
    seen = _newest(one for verdict in verdicts for one in _seen(matrix, verdict, now))
    return Done(conditions=tuple(_judged(matrix, condition, seen, now) for condition in matrix.done))


def _judged(matrix: Matrix, condition: Condition, seen: Sequence[Seen], now: datetime) -> Judged:
    states: list[State] = []
    why: list[str] = []
    jobs = tuple(dict.fromkeys((*condition.jobs, *condition.tracked, *condition.answered)))
    for job in jobs:
        for os in matrix.jobs[job].os:
            state, reason = _leg(matrix, condition, job, os, seen, now)
            states.append(state)
            if reason:
                why.append(f"{job}@{os}: {reason}")
    if condition.unseen:
        states.append("unknown")
        why.append(f"nobody measured it: {condition.unseen}")
    worst: State = "not met" if "not met" in states else "unknown" if "unknown" in states else "met"
    own = tuple(one for one in seen if one.job in jobs)
    return Judged(text=condition.text, state=worst, why=tuple(why), seen=own)


def _leg(
    matrix: Matrix, condition: Condition, job: str, os: str, seen: Sequence[Seen], now: datetime
) -> tuple[State, str]:
    """What is known of a leg on the public stack, and the reason unless that is that it passed."""
    own = [one for one in seen if (one.job, one.os) == (job, os)]
    found = next((one for one in own if one.counts), None)
    if found is None:
        others = ", ".join(f"{one.status} on the {one.stack} stack ({one.why_not})" for one in own)
        return "unknown", "not measured" + (f"; {others}" if others else "")
    told = f"{found.status} on {commits_told(found.commits)}{_because(found)}"
    if job in condition.answered and (found.days or 0) > LAST_NIGHT:
        return "unknown", f"no answer in the last {LAST_NIGHT} days; {told}"
    if found.status == "passed":
        return "met", ""
    if job in condition.tracked and found.status in ("failed", "timeout"):
        quarantine = matrix.jobs[job].quarantine
        if quarantine and not decides(quarantine, now.date()):
            return "met", f"{told}; tracked by {quarantine.issue} until {quarantine.until}"
    if job in condition.answered and found.status == "failed":
        return (
            ("met", f"an honest failure: {told}")
            if found.answered
            else ("unknown", f"nothing measured: {told}")
        )
    return ("unknown" if found.status in UNKNOWN else "not met"), told


def _because(seen: Seen) -> str:
    return f": {seen.reasons[0]}" if seen.reasons else ""


def _seen(matrix: Matrix, verdict: Verdict, now: datetime) -> Iterator[Seen]:
    for leg in verdict.legs:
        job = matrix.jobs.get(leg.result.job)
        if job:
            yield _of_leg(matrix, job, verdict, judged_anew(leg.result, job), now)
    for missing in verdict.missing:
        if missing.job in matrix.jobs:
            yield _of_missing(matrix, verdict, missing, now)


def _of_leg(matrix: Matrix, job: Job, verdict: Verdict, result: LegResult, now: datetime) -> Seen:
    commits = {source.repo: source.commit for source in result.sources}
    days = _days(result.started, now)
    why = _why_not(matrix, verdict, commits, days)
    if not why and result.row != job.digest:
        why = "its row of the matrix was another one"
    return Seen(
        job=result.job, os=result.os, status=result.status, reasons=result.reasons[:REASONS],
        answered=_answered(job, result.facts), stack=verdict.stack, commits=commits, gate=verdict.gate,
        run=verdict.run_id, platform=verdict.platform, measured=result.started, days=days, counts=not why, why_not=why,
    )  # fmt: skip


def _of_missing(matrix: Matrix, verdict: Verdict, missing: Missing, now: datetime) -> Seen:
    """A leg that left no result: what is known of it from before is not what is known of it now."""
    repos = matrix.jobs[missing.job].repos
    commits = {source.repo: source.commit for source in verdict.sources if source.repo in repos}
    days = _days(verdict.started, now)
    why = _why_not(matrix, verdict, commits, days)
    return Seen(
        job=missing.job, os=missing.os, status="blocked" if missing.blocked else "missing", reasons=(missing.reason,),
        stack=verdict.stack, commits=commits, gate=verdict.gate, run=verdict.run_id, platform=verdict.platform,
        measured=verdict.started, days=days, counts=not why, why_not=why,
    )  # fmt: skip


def _why_not(matrix: Matrix, verdict: Verdict, commits: Mapping[str, str], days: int | None) -> str:
    if verdict.stack == "stand-in":
        return "a stand-in shows nothing about the public stack"
    off = [
        name
        for name, commit in commits.items()
        if name not in matrix.repos or matrix.repos[name].pin != commit
    ]
    if off or not commits:
        return f"not at the pin: {', '.join(off)}" if off else "on no commit"
    if days is None:
        return "of no known age"
    return f"{days} days old" if days > OLDEST else ""


def _answered(job: Job, facts: Facts) -> bool:
    """Whether a job that failed has measured what it is for: all its rounds; without rounds, any case."""
    metrics = job.evidence.metrics
    if metrics is None:
        return any(suite.counts.executed for suite in facts.suites)
    timed = [one for one in facts.rounds if one.number > 0 and not one.problems]
    whole = [one for one in timed if {each.scenario for each in one.measured} >= set(metrics.scenarios)]
    figures = (each for one in whole for each in one.measured)
    return len(whole) >= metrics.rounds and all(
        each.p95_ms.keys() >= set(metrics.engines) for each in figures
    )


def _days(started: str, now: datetime) -> int | None:
    """The age of a result in days; None for one from the future or without a clock."""
    try:
        age = now - datetime.strptime(started, _CLOCK).replace(tzinfo=UTC)
    except ValueError:
        return None
    return age.days if age.days >= 0 else None


def _newest(seen: Iterable[Seen]) -> list[Seen]:
    """The newest of each leg and stack, what counts before what does not."""
    newest: dict[tuple[str, str, str, bool], Seen] = {}
    for one in seen:
        key = (one.job, one.os, one.stack, one.counts)
        if key not in newest or one.measured > newest[key].measured:
            newest[key] = one
    return sorted(newest.values(), key=lambda one: (one.job, one.os, not one.counts, one.stack))
