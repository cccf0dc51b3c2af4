"""The definition of done, judged: each condition with the evidence that it rests on; the record of `phdb-ci dod`."""

from typing import Literal

from phdb_ci.models.base import Name, Record, Sha
from phdb_ci.models.matrix import Os
from phdb_ci.models.results import Status
from phdb_ci.models.sources import StackKind

State = Literal["met", "not met", "unknown"]


class Seen(Record):
    """What one verdict showed of one leg. `counts`: it is about the public stack at its pins, and not too old."""

    job: Name
    os: Os
    status: Status
    stack: StackKind
    commits: dict[Name, Sha]
    run: str
    measured: str
    days: int
    quarantined: bool = False
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
