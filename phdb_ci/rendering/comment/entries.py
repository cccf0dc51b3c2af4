"""Verdict → Shown: one entry per leg that the gate knows of (ran, missing, idle), in the order of reading."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import get_args

from phdb_ci.models.posting import Posting
from phdb_ci.models.results import LegResult
from phdb_ci.models.statuses import QUARANTINED, STATUSES, AnyStatus, IdleStatus, Outcome
from phdb_ci.models.verdict import Unaffected, Verdict, VerdictLeg


@dataclass(frozen=True)
class Entry:
    """A leg; `status` is that of its result, or why there is none.

    `name` has letters, digits, `_ - . ( )` and spaces alone, so it may stand in HTML.
    """

    job: str
    os: str
    status: AnyStatus
    reasons: tuple[str, ...]
    decides: bool
    leg: VerdictLeg | None = None
    repeat: str = ""
    name: str = ""

    @property
    def icon(self) -> str:
        """Its sign: of its status, or of a quarantine where that is why it makes nothing red."""
        return QUARANTINED if self.is_quarantined else STATUSES[self.status].icon

    @property
    def is_excused(self) -> bool:
        """Whether quarantined cases alone keep it from green."""
        return self.leg is not None and self.leg.excused

    @property
    def is_quarantined(self) -> bool:
        """Whether it is not green, and a quarantine keeps that from the gate."""
        return not self.is_green and not self.is_idle and (self.is_excused or not self.decides)

    @property
    def result(self) -> LegResult | None:
        """What it left, if it ran."""
        return self.leg.result if self.leg else None

    @property
    def failing(self) -> int:
        """How many of its cases failed."""
        return self.result.facts.failing_count if self.result else 0

    @property
    def is_green(self) -> bool:
        """Whether it passed."""
        return self.status == "passed"

    @property
    def is_idle(self) -> bool:
        """Whether it was not to run here."""
        return self.leg is None and self.status in get_args(IdleStatus)

    @property
    def is_bad(self) -> bool:
        """Whether it decides and is not green."""
        return self.decides and not self.is_excused and not self.is_green and not self.is_idle


@dataclass(frozen=True)
class Shown:
    """A verdict with its entries, and where it is published, if that is known."""

    verdict: Verdict
    posting: Posting | None
    entries: tuple[Entry, ...]

    @property
    def expected(self) -> list[Entry]:
        """The entries of all legs that were to run."""
        return [entry for entry in self.entries if not entry.is_idle]

    @property
    def idle(self) -> list[Entry]:
        """The entries of all legs that were not to run."""
        return [entry for entry in self.entries if entry.is_idle]

    @property
    def unaffected(self) -> Unaffected | None:
        """Why nothing was run, by a rule of the matrix: a record that holds a result is no such verdict."""
        verdict = self.verdict
        ran = verdict.legs or verdict.missing or verdict.outcome != "pass"
        return None if ran else verdict.unaffected

    @property
    def outcome(self) -> Outcome:
        """The verdict's own outcome, but never green over rows that are not: a record may come from anywhere."""
        deciding = {"passed" if entry.is_excused else entry.status for entry in self.expected if entry.decides}
        doubtful = self.verdict.outcome == "pass" and deciding != {"passed"} and not self.unaffected
        return "incomplete" if doubtful else self.verdict.outcome


def shown(verdict: Verdict, posting: Posting | None = None) -> Shown:
    """All entries by worth: bad, excused, passed, idle; among equals the lead job is the first."""
    entries = [
        Entry(leg.result.job, leg.result.os, leg.result.status, leg.result.reasons, leg.decides, leg, leg.repeat)
        for leg in verdict.legs
    ]
    entries += [
        Entry(leg.job, leg.os, leg.status, (leg.reason,), leg.decides, repeat=leg.repeat) for leg in verdict.missing
    ]
    entries += [Entry(leg.job, leg.os, leg.kind, (leg.reason,), decides=False) for leg in verdict.idle]
    ran, known = Counter(entry.job for entry in entries if not entry.is_idle), Counter(entry.job for entry in entries)
    entries = [
        replace(
            entry, name=f"{entry.job} ({entry.os})" if (known if entry.is_idle else ran)[entry.job] > 1 else entry.job
        )
        for entry in entries
    ]
    entries.sort(key=lambda entry: (entry.is_idle, entry.is_green, not entry.is_bad, entry.job != verdict.lead))
    return Shown(verdict, posting, tuple(entries))
