"""Plan: the graph of what will run, on which commits, and why each node runs."""

from typing import Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, RepoName
from phdb_ci.models.inventory import KeyInputs, Stored
from phdb_ci.models.sources import Sources
from phdb_ci.models.statuses import IdleStatus
from phdb_ci.models.texts import Os


class ArtifactNode(Record):
    """An artifact of this run: reused, handed in, published elsewhere, or built, and why; it waits for its `needs`."""

    name: Name
    key: str
    inputs: KeyInputs
    needs: tuple[Name, ...] = ()
    action: Literal["reuse", "build", "given", "published"]
    why: tuple[str, ...]
    stored: Stored | None = None
    expected: float | None = None
    missing_tools: tuple[str, ...] = ()


class JobNode(Record):
    """A leg that runs here and waits for its `needs`; `claimed` says how much of its `claims` was measured.

    `quarantined`: the whole job is.
    `versions`: the first line of `TOOL --version`, of the tools that the row wants in a version.
    """

    job: Name
    os: Os
    summary: str
    needs: tuple[Name, ...] = ()
    repos: tuple[RepoName, ...]
    evidence: tuple[str, ...]
    claims: tuple[str, ...] = ()
    claimed: str = ""
    quarantined: bool = False
    expected: float | None = None
    missing_tools: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def leg(self) -> str:
        """`job@os`."""
        return f"{self.job}@{self.os}"


class IdleLeg(Record):
    """A leg that does not run here, and why: `elsewhere` (its platform) or `skipped` (a written rule)."""

    job: Name
    os: Os
    summary: str
    kind: IdleStatus
    reason: str


class Plan(Record):
    """What `plan` shows and `run` does.

    `gate` is a gate's name, or the names that were asked for, joined by `+`; `named` are the artifacts among them.
    """

    schema_version: Literal[1] = 1
    gate: str
    jobs: tuple[Name, ...]
    lead: Name | None
    sources: Sources
    artifacts: tuple[ArtifactNode, ...]
    named: tuple[Name, ...] = ()
    legs: tuple[JobNode, ...]
    idle: tuple[IdleLeg, ...]
    platform: str
    cpus: int
    notes: tuple[str, ...] = ()
