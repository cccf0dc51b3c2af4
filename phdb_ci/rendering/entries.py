"""One entry per leg that the gate knows of (ran, missing, elsewhere, skipped), in the order of reading."""

from collections import Counter
from dataclasses import dataclass
from typing import get_args

from phdb_ci.models.results import LegResult
from phdb_ci.models.statuses import AnyStatus, IdleStatus
from phdb_ci.models.verdict import Verdict, VerdictLeg
from phdb_ci.rendering.markdown import word

GREEN = "passed"
IDLE = get_args(IdleStatus)


@dataclass(frozen=True)
class Entry:
    """A leg. `status` is the result's own, or `missing`, `elsewhere`, `skipped`.

    `name` is how a person calls it: letters, digits, `_ - . ( )` and spaces alone, so it may stand in HTML.
    """

    job: str
    os: str
    name: str
    status: AnyStatus
    reasons: tuple[str, ...]
    decides: bool
    leg: VerdictLeg | None = None

    @property
    def label(self) -> str:
        """The name as Markdown."""
        return word(self.name)

    @property
    def result(self) -> LegResult | None:
        """What it left, if it ran."""
        return self.leg.result if self.leg else None

    @property
    def rank(self) -> int:
        """What decides and is not green, what is excused, what passed, what did not run here."""
        if self.status == GREEN:
            return 2
        if self.leg is None and self.status in IDLE:
            return 3
        return 0 if self.decides else 1


def entries(verdict: Verdict) -> list[Entry]:
    """All entries: the lead job first, then failures first, then as the gate lists them."""
    several = Counter(leg.result.job for leg in verdict.legs)
    several += Counter(one.job for one in verdict.missing) + Counter(one.job for one in verdict.idle)

    def entry(
        job: str, os: str, status: AnyStatus, reasons: tuple[str, ...], leg: VerdictLeg | None = None, *,
        decides: bool = False,
    ) -> Entry:  # fmt: skip
        name = f"{job} ({os})" if several[job] > 1 else job
        return Entry(job, os, name, status, reasons, leg.decides if leg else decides, leg)

    found = [
        entry(leg.result.job, leg.result.os, leg.result.status, leg.result.reasons, leg)
        for leg in verdict.legs
    ]
    found += [
        entry(one.job, one.os, one.status, (one.reason,), decides=one.decides) for one in verdict.missing
    ]
    found += [entry(one.job, one.os, one.kind, (one.reason,)) for one in verdict.idle]
    return sorted(found, key=lambda one: (one.job != verdict.lead, one.rank))
