"""Quarantine: which known failures do not decide, until when, and when one can be released. Pure.

A quarantined job does not decide at all. Of a job with quarantined cases everything else decides: it is judged once
more without them, by the same rules of evidence.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from phdb_ci.base.text import counted
from phdb_ci.judging import evidence
from phdb_ci.judging.forgiving import forgiven
from phdb_ci.models.base import glob_matches
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.results import Case, Facts, LegResult, Suite
from phdb_ci.models.verdict import Quarantined, VerdictLeg

RELEASE = 5  # runs in a row in which all that a quarantine names has passed: it can be released
MOST_TITLES = 50


def holds(row: Quarantine, today: date) -> bool:
    """Whether its end date is not over: the last day belongs to it."""
    return today <= row.until


def decides(rows: Iterable[Quarantine], today: date) -> bool:
    """Whether a job with these quarantines counts for the gate: the whole job is in none that holds."""
    return not any(row.case is None and holds(row, today) for row in rows)


def names(row: Quarantine, case: Case) -> bool:
    """Whether a case is quarantined by a row: its name or its title matches; of a whole job every case is."""
    return row.case is None or case.is_named(row.case)


def held_cases(rows: Iterable[Quarantine], today: date) -> tuple[Quarantine, ...]:
    """The rows that name cases and hold."""
    return tuple(row for row in rows if row.case is not None and holds(row, today))


def without(facts: Facts, held: Sequence[Quarantine]) -> Facts:
    """The facts without what these rows name: failing cases, and critical checks that are called like the row."""
    facts = forgiven(facts, lambda case: any(names(row, case) for row in held))
    return facts.model_copy(update={"suites": tuple(_critical(suite, held) for suite in facts.suites)})


def excused(job: Job, result: LegResult, rows: Iterable[Quarantine], today: date) -> bool:
    """Whether a leg is not green by quarantined cases alone."""
    held = held_cases(rows, today)
    return bool(held) and result.status != "passed" and evidence.judge(job, without(result.facts, held))[0] == "passed"


def quarantined(
    result: LegResult, rows: Iterable[Quarantine], today: date, before: VerdictLeg | None
) -> tuple[Quarantined, ...]:
    """What became of each row in a leg; `before` is the same leg on the base, where the passes are counted on from."""
    return tuple(_quarantined(result, row, today, before) for row in rows)


def notes(legs: Iterable[VerdictLeg]) -> Iterator[str]:
    """What somebody should do about quarantines: release one, or put one right that names nothing."""
    for leg in legs:
        for item in leg.quarantine:
            name = f"{leg.result.leg} {item.row.case}" if item.row.case else leg.result.leg
            if item.passes >= RELEASE:
                passed = f"passed in {counted(item.passes, 'run')} in a row"
                yield f"{name}: {passed}: its quarantine can be released ({item.row.issue})"
            if _names_nothing(item.row, leg.result):
                yield f"{name}: its quarantine names no case that ran ({item.row.issue})"


def _quarantined(result: LegResult, row: Quarantine, today: date, before: VerdictLeg | None) -> Quarantined:
    titles = [case.title for case in result.facts.failing if names(row, case)]
    earlier = next((item.passes for item in before.quarantine if _is_same(item.row, row)), 0) if before else 0
    passed = result.status == "passed" if row.case is None else not titles and any(_executed(result, row))
    bad = bool(titles) or (row.case is None and not passed)
    return Quarantined(
        row=row, holds=holds(row, today), failing=tuple(titles[:MOST_TITLES]),
        passes=0 if bad else earlier + passed,
    )  # fmt: skip


def _is_same(one: Quarantine, other: Quarantine) -> bool:
    return (one.job, one.case, one.issue) == (other.job, other.case, other.issue)


def _executed(result: LegResult, row: Quarantine) -> Iterator[bool]:
    """Whether it is named by the row, of each case that ran."""
    return (names(row, case) for case in result.facts.executed)


def _names_nothing(row: Quarantine, result: LegResult) -> bool:
    """Whether cases ran and all are known, and the row names none of them."""
    suites = result.facts.counted_suites
    all_kept = any(suite.counts.executed for suite in suites) and not any(suite.dropped for suite in suites)
    return row.case is not None and all_kept and not any(_executed(result, row))


def _critical(suite: Suite, held: Sequence[Quarantine]) -> Suite:
    rules = tuple(
        rule.model_copy(update={"matched": rule.matched or 1})
        if any(row.case and glob_matches(row.case, rule.pattern) for row in held)
        else rule
        for rule in suite.critical_rules
    )
    return suite.model_copy(update={"critical_rules": rules})
