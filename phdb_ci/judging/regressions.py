"""What is worse than on the base? An answer beside the verdict: it makes nothing green and nothing red. Pure.

Compared is the same leg (`job@os`) of both. A case that failed on the base is not new, whatever it costs the verdict;
a case that is gone, a job that is gone and evidence that is gone are worse. Cases are known by their titles, and
counted: a title may stand for several. Where something could not be compared the answer is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from phdb_ci.base.text import counted
from phdb_ci.judging import evidence
from phdb_ci.judging.forgiving import forgiven
from phdb_ci.judging.gathered import Gathered
from phdb_ci.judging.quarantine import names, without
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.results import Case, Facts, LegResult
from phdb_ci.models.statuses import Status
from phdb_ci.models.verdict import Missing, Regression, RegressionKind, Regressions, Verdict, VerdictLeg

MOST = 200
# How much is known of a leg that ended so, from most to least; of any other status nothing is.
KNOWN: tuple[Status, ...] = ("passed", "failed", "unproven")
KINDS = get_args(RegressionKind)

Finding = Regression | str  # what is worse, or why something could not be compared


def regressions(
    gathered: Gathered, legs: Sequence[VerdictLeg], missing: Sequence[Missing], baseline: Verdict | None
) -> Regressions:
    """What is worse than in the baseline. Where a rule says that nothing could be affected, nothing is."""
    if gathered.unaffected and not legs and not missing:
        return Regressions(unknown=())
    if baseline is None:
        return Regressions()
    if (baseline.stack == "stand-in") != (gathered.stack == "stand-in"):
        return Regressions(unknown=("the baseline is of another stack",))
    before = {leg.result.leg: leg.result for leg in baseline.legs}
    if not any(leg.result.leg in before for leg in legs):
        return Regressions(unknown=("the baseline has no job in common with this run",))
    findings = [finding for leg in legs for finding in _leg(leg, before.get(leg.result.leg), gathered)]
    findings += [finding for item in missing if item.decides for finding in _missing(item, before)]
    findings += _gone(gathered, legs, missing, baseline)
    worse = sorted((finding for finding in findings if isinstance(finding, Regression)), key=_weight)
    unknown = [finding for finding in findings if isinstance(finding, str)]
    return Regressions(worse=tuple(worse[:MOST]), more=max(0, len(worse) - MOST), unknown=tuple(unknown[:MOST]))


def _leg(leg: VerdictLeg, before: LegResult | None, gathered: Gathered) -> Iterator[Finding]:
    """What is worse in a leg that left a result."""
    now = leg.result
    if not leg.decides:
        return
    if before is None or before.status not in KNOWN:
        if leg.counts_as != "passed":
            yield f"{now.leg} is {now.status}, and the baseline has no result of it"
    elif now.status == "cancelled":
        yield f"{now.leg} was cancelled"
    elif now.status not in KNOWN:
        yield _worse(now, "less evidence", _ended(now))
    else:
        held = [item.row for item in leg.quarantine if item.holds]
        yield from _compared(gathered.jobs[now.job], before, now, held)


def _missing(item: Missing, before: Mapping[str, LegResult]) -> Iterator[Finding]:
    """A leg without a result, where the base had one."""
    leg = f"{item.job}@{item.os}"
    if leg in before and before[leg].status in KNOWN:
        yield _worse(item, "less evidence", item.reason)
    else:
        yield f"{leg} left no result, here and in the baseline"


def _gone(
    gathered: Gathered, legs: Iterable[VerdictLeg], missing: Iterable[Missing], baseline: Verdict
) -> Iterator[Regression]:
    """The legs of the base that the gate does not run any more; one that is run elsewhere is not gone."""
    here = {leg.result.leg for leg in legs} | {f"{item.job}@{item.os}" for item in missing}
    idle = {f"{item.job}@{item.os}": item for item in gathered.idle}
    for gone in (leg.result for leg in baseline.legs if leg.result.leg not in here):
        leg = idle.get(gone.leg)
        if leg and leg.kind == "skipped":
            yield _worse(gone, "job is gone", leg.reason)
        elif not leg and baseline.gate == gathered.gate:
            yield _worse(gone, "job is gone", "no job of the gate any more")


def _compared(job: Job, before: LegResult, now: LegResult, held: Sequence[Quarantine]) -> Iterator[Regression]:
    """A leg against the same one on the base: its cases, and where they say nothing, what else is left of it.

    Where none ran any more, that is one thing that is worse, and not as many as there were cases.
    """
    if before.facts.executed_count and not now.facts.executed_count:
        yield _worse(now, "less evidence", _ended(now))
        return
    cases = [*_cases(before, now, held)]
    yield from cases or _remains(job, before, now, held)


def _cases(before: LegResult, now: LegResult, held: Sequence[Quarantine]) -> Iterator[Regression]:
    more = now.facts.failing_count - before.facts.failing_count
    if _failing_kept(before.facts) and _failing_kept(now.facts):
        for title in _titles(now.facts.failing, held) - _titles(before.facts.failing):
            yield _worse(now, "new failure", title)
    elif more > 0:
        yield _worse(now, "new failure", f"{counted(more, 'test')} more than on the base")
    fewer = before.facts.executed_count - now.facts.executed_count
    if _all_kept(before.facts) and _all_kept(now.facts):
        for title in _titles(before.facts.executed, held) - _titles(now.facts.executed):
            yield _worse(now, "case is gone", title)
    elif fewer > 0:
        yield _worse(now, "fewer tests", f"{counted(fewer, 'test')} fewer")


def _remains(job: Job, before: LegResult, now: LegResult, held: Sequence[Quarantine]) -> Iterator[Regression]:
    """What is wrong beside the cases that failed on the base, when nothing was there, or less."""
    known = _titles(before.facts.failing)

    def failed_already(case: Case) -> bool:
        known[case.title] -= 1
        return known[case.title] >= 0

    status, reasons, _ = evidence.judge(job, forgiven(without(now.facts, held), failed_already))
    earlier, _, _ = evidence.judge(job, forgiven(before.facts, lambda _: True))
    if _place(status) > _place(earlier):
        yield _worse(now, "new failure" if status == "failed" else "less evidence", f"{status}: {reasons[0]}")


def _titles(cases: Iterable[Case], but: Sequence[Quarantine] = ()) -> Counter[str]:
    """How many cases have each title, without those that these rows name."""
    return Counter(case.title for case in cases if not any(names(row, case) for row in but))


def _failing_kept(facts: Facts) -> bool:
    return len(facts.failing) == facts.failing_count


def _all_kept(facts: Facts) -> bool:
    return not any(suite.dropped for suite in facts.suites)


def _place(status: Status) -> int:
    return KNOWN.index(status) if status in KNOWN else len(KNOWN)


def _ended(result: LegResult) -> str:
    return ": ".join([result.status, *result.reasons[:1]])


def _weight(item: Regression) -> int:
    """What comes first in the list: what fails now."""
    return KINDS.index(item.kind)


def _worse(leg: LegResult | Missing, kind: RegressionKind, text: str) -> Regression:
    return Regression(job=leg.job, os=leg.os, kind=kind, text=text)
