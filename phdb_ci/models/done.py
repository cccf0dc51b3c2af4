"""The definition of done, judged: each condition with the evidence that it rests on; the record of `phdb-ci dod`."""

from typing import Literal

from phdb_ci.models.base import Name, Record, Sha
from phdb_ci.models.matrix import Os
from phdb_ci.models.results import Status
from phdb_ci.models.sources import StackKind

State = Literal["met", "not met", "unknown"]


class Seen(Record):
    """What one verdict showed of one leg.

    Attributes:
        status: by the facts and the matrix of today, whatever the verdict says; `missing`: it left no result.
        reasons: why it is not `passed`.
        answered: every figure that it is for was measured.
        gate, run, platform: of the verdict.
        measured: when the job began (UTC, ISO 8601).
        days: its age in days; None when its clock says nothing, or the future.
        counts: it is about the public stack at its pins, ran by today's row of the matrix, and is not too old.
        why_not: why it does not count.
    """

    job: Name
    os: Os
    status: Status | Literal["missing"]
    reasons: tuple[str, ...] = ()
    answered: bool = False
    stack: StackKind
    commits: dict[Name, Sha]
    gate: str
    run: str
    platform: str
    measured: str
    days: int | None
    counts: bool = False
    why_not: str = ""


class Judged(Record):
    """A condition: its state, why, and everything that was seen of its jobs, what does not count included."""

    text: str
    state: State
    why: tuple[str, ...]
    seen: tuple[Seen, ...] = ()


class Done(Record):
    """All conditions."""

    schema_version: Literal[1] = 1
    conditions: tuple[Judged, ...]

    @property
    def met(self) -> int:
        """How many are met."""
        return sum(one.state == "met" for one in self.conditions)
