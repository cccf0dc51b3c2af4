"""STATUSES: every status and outcome, said once: its sign, its colour, its words, and what follows from it.

To add a status: add its word to the type below that it belongs to, add its row to STATUSES, and write the schemas anew
(`python -m phdb_ci.schemas`). tests/unit/test_statuses.py names what is missing.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Outcome = Literal["pass", "fail", "incomplete"]  # of a gate
Status = Literal[  # of a leg that ran
    "passed", "failed", "unproven", "error", "timeout", "cancelled", "blocked", "skipped"
]
MissingStatus = Literal["missing", "blocked"]  # of a leg that left no result
IdleStatus = Literal["elsewhere", "skipped"]  # of a leg that is not run here
BuiltStatus = Literal["built", "reused", "given", "published"]  # of an artifact that jobs can use
UnbuiltStatus = Literal["failed", "error", "timeout", "cancelled"]  # of one that they cannot
ArtifactStatus = Literal[BuiltStatus, UnbuiltStatus]
FaultStatus = Literal["noticed", "missed"]  # of a fault that was put before a job
AnyStatus = Literal[Status, MissingStatus, IdleStatus, ArtifactStatus, FaultStatus, Outcome]

QUARANTINED = "\N{ADHESIVE BANDAGE}"  # the sign of what is not green and does not decide

Colour = Literal["green", "red", "yellow", "dim"]


class Meaning(NamedTuple):
    """What one status means.

    Attributes:
        icon: its sign in Markdown.
        colour: its colour on a terminal.
        phrase: how it reads behind a name: "db-smoke could not run".
        gate: what a gate becomes at best when a leg or an artifact that decides ended so; None for a status that cannot
            decide. Whatever is not `pass` keeps a gate from green.
        junit: the element that stands for it in JUnit; None for no element, which is green there.
        noticed: whether a job that ended so has noticed a fault that was put before it; None when it says nothing.
    """

    icon: str
    colour: Colour
    phrase: str
    gate: Outcome | None
    junit: Literal["failure", "error", "skipped"] | None = None
    noticed: bool | None = None


QUARANTINED = "🩹"  # of what is not green and does not decide

STATUSES: Mapping[AnyStatus, Meaning] = {
    "passed": Meaning("✅", "green", "passed", "pass", None, noticed=False),
    "failed": Meaning("❌", "red", "failed", "fail", "failure", noticed=True),
    "unproven": Meaning("❓", "red", "unproven", "fail", "failure", noticed=True),
    "timeout": Meaning("⏰", "red", "timed out", "fail", "failure", noticed=True),
    "blocked": Meaning("⛔", "red", "blocked", "fail", "error"),
    "error": Meaning("💥", "yellow", "could not run", "incomplete", "error"),
    "cancelled": Meaning("🚫", "yellow", "cancelled", "incomplete", "error"),
    "missing": Meaning("🕳️", "yellow", "left no result", "incomplete", "error"),
    "skipped": Meaning("⚪", "dim", "skipped", None, "skipped"),
    "elsewhere": Meaning("⚪", "dim", "runs elsewhere", None, "skipped"),
    "built": Meaning("✅", "green", "built", "pass"),
    "reused": Meaning("✅", "green", "reused", "pass"),
    "given": Meaning("✅", "green", "given", "pass"),
    "published": Meaning("✅", "green", "published", "pass"),
    "noticed": Meaning("✅", "green", "noticed", None),
    "missed": Meaning("❌", "red", "missed", None),
    "pass": Meaning("✅", "green", "passes", "pass"),
    "fail": Meaning("❌", "red", "fails", "fail"),
    "incomplete": Meaning("⚠️", "yellow", "is incomplete", "incomplete"),
}
