"""Matrix and verdicts → the definition of done, each condition met, not met or unknown. Pure.

Only the public stack at the pins of the matrix counts, and nothing older than a month; what was seen elsewhere, on a
stand-in or on other commits, is shown and makes no condition met. Nothing measured is unknown, never met.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from phdb_ci.models.done import Done, Judged, Seen, State
from phdb_ci.models.matrix import Condition, Matrix
from phdb_ci.models.verdict import Verdict, VerdictLeg

OLDEST = 31  # days
_CLOCK = "%Y-%m-%dT%H:%M:%SZ"


def judge(matrix: Matrix, verdicts: Iterable[Verdict], now: datetime) -> Done:
    """Every condition of the matrix, by the newest that was seen of each leg on each kind of stack."""
    seen = _newest(one for verdict in verdicts for one in _seen(matrix, verdict, now))
    return Done(conditions=tuple(_judged(matrix, condition, seen) for condition in matrix.done))


def _judged(matrix: Matrix, condition: Condition, seen: Sequence[Seen]) -> Judged:
    states: list[State] = []
    why: list[str] = []
    jobs = (*condition.jobs, *condition.tracked, *condition.answered)
    for job in dict.fromkeys(jobs):
        for os in matrix.jobs[job].os:
            state, reason = _leg(condition, job, os, seen)
            states.append(state)
            if reason:
                why.append(reason)
    if condition.unseen:
        states.append("unknown")
        why.append(f"nobody measured it: {condition.unseen}")
    worst: State = "not met" if "not met" in states else "unknown" if "unknown" in states else "met"
    own = tuple(one for one in seen if one.job in jobs)
    return Judged(text=condition.text, state=worst, why=tuple(why), seen=own)


def _leg(condition: Condition, job: str, os: str, seen: Sequence[Seen]) -> tuple[State, str]:
    """What is known of a leg on the public stack, and the reason where that is not that it passed."""
    own = [one for one in seen if (one.job, one.os) == (job, os)]
    found = next((one for one in own if one.counts), None)
    if found is None:
        others = ", ".join(f"{one.status} on the {one.stack} stack ({one.why_not})" for one in own)
        return "unknown", f"{job}@{os}: not measured" + (f"; {others}" if others else "")
    if found.status == "passed":
        return "met", ""
    if job in condition.tracked and found.quarantined:
        return "met", ""
    if job in condition.answered and found.status == "failed":
        return "met", ""
    state: State = "unknown" if found.status in ("error", "cancelled", "skipped") else "not met"
    return state, f"{job}@{os}: {found.status} on {_commits(found)}"


def _commits(seen: Seen) -> str:
    return " + ".join(f"{repo} {commit[:7]}" for repo, commit in seen.commits.items())


def _seen(matrix: Matrix, verdict: Verdict, now: datetime) -> Iterator[Seen]:
    for leg in verdict.legs:
        if leg.result.job in matrix.jobs:
            yield _of_leg(matrix, verdict, leg, now)


def _of_leg(matrix: Matrix, verdict: Verdict, leg: VerdictLeg, now: datetime) -> Seen:
    result = leg.result
    commits = {source.repo: source.commit for source in result.sources}
    days = _days(result.started, now)
    off = [
        name
        for name, commit in commits.items()
        if name not in matrix.repos or matrix.repos[name].pin != commit
    ]
    why = ""
    if verdict.stack == "stand-in":
        why = "a stand-in shows nothing about the public stack"
    elif off or not commits:
        why = f"not at the pin: {', '.join(off)}" if off else "on no commit"
    elif days > OLDEST:
        why = f"{days} days old"
    return Seen(
        job=result.job, os=result.os, status=result.status, stack=verdict.stack, commits=commits, run=verdict.run_id,
        measured=result.started, days=days, quarantined=result.quarantine is not None and not leg.decides,
        counts=not why, why_not=why,
    )  # fmt: skip


def _days(started: str, now: datetime) -> int:
    """The age of a result; one from the future or without a clock is as old as can be."""
    try:
        age = now - datetime.strptime(started, _CLOCK).replace(tzinfo=UTC)
    except ValueError:
        return 10_000
    return age.days if age.days >= 0 else 10_000


def _newest(seen: Iterable[Seen]) -> list[Seen]:
    """The newest of each leg and stack, what counts before what does not."""
    newest: dict[tuple[str, str, str, bool], Seen] = {}
    for one in seen:
        key = (one.job, one.os, one.stack, one.counts)
        if key not in newest or one.measured > newest[key].measured:
            newest[key] = one
    return sorted(newest.values(), key=lambda one: (one.job, one.os, not one.counts, one.stack))
