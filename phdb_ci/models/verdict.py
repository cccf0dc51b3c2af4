"""Verdict: a gate's outcome with its evidence; written as verdict.json."""

from typing import Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, RepoName, Sha
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.results import ArtifactOutcome, LegResult, LegSource
from phdb_ci.models.sources import Merged, StackKind
from phdb_ci.models.statuses import STATUSES, MissingStatus, Outcome
from phdb_ci.models.texts import Os


class VerdictSource(LegSource):
    """One repo of the run, as shown: what was tested and where it came from."""

    via: str
    where: str
    web: str | None = None
    pin: Sha | None
    dirty: bool = False
    merged: Merged | None = None
    reachable: bool = True
    notes: tuple[str, ...] = ()


class VerdictArtifact(ArtifactOutcome):
    """An artifact of the run with the jobs that used it and the calls that their witnesses saw."""

    used_by: tuple[Name, ...] = ()
    calls: int = 0

    @property
    def is_there(self) -> bool:
        """Whether jobs can use it."""
        return STATUSES[self.status].gate == "pass"


class VerdictLeg(Record):
    """One leg's result and whether it decides the gate (a quarantined one does not, until its end date).

    `claimed`: what the job claims to notice, and how much of it was measured.
    """

    result: LegResult
    decides: bool = True
    new_failures: int | None = None
    fewer_tests: int | None = None
    claimed: str = ""


class Missing(Record):
    """A leg that the gate expects and that left no result: never green.

    `blocked`: an artifact that it needs did not build. `decides` is false where a quarantine says so.
    """

    job: Name
    os: Os
    reason: str
    blocked: bool = False
    decides: bool = True

    @property
    def status(self) -> MissingStatus:
        """`missing`, or `blocked`."""
        return "blocked" if self.blocked else "missing"


class Unaffected(Record):
    """Why nothing was run: every path that changed since `base` is one that no job reads, by a rule of the matrix."""

    repo: Name
    base: Sha
    head: Sha
    paths: tuple[str, ...]
    more: int = 0


class Verdict(Record):
    """The answer. `headline` is one sentence; `outcome` follows from `legs` and `missing` alone."""

    schema_version: Literal[1] = 1
    tool: str
    gate: str
    lead: Name | None
    outcome: Outcome
    headline: str
    run_id: str
    attempt: int = 1
    run_url: str | None = None
    head: Sha | None = None
    platform: str
    started: str
    seconds: float
    stack: StackKind
    sources: tuple[VerdictSource, ...]
    artifacts: tuple[VerdictArtifact, ...]
    legs: tuple[VerdictLeg, ...]
    missing: tuple[Missing, ...] = ()
    idle: tuple[IdleLeg, ...] = ()
    unaffected: Unaffected | None = None
    baseline: str | None = None
    baseline_commits: dict[RepoName, Sha] = Field(default_factory=dict)
    reproduce: str
    notes: tuple[str, ...] = ()
