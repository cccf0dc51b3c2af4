"""Verdict: a gate's outcome with its evidence; written as verdict.json."""

from typing import Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, RepoName, Sha
from phdb_ci.models.matrix import Quarantine
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.results import ArtifactOutcome, LegResult, LegSource
from phdb_ci.models.sources import Merged, StackKind
from phdb_ci.models.statuses import STATUSES, MissingStatus, Outcome, Status
from phdb_ci.models.texts import Os

RegressionKind = Literal["new failure", "less evidence", "job is gone", "fewer tests", "case is gone"]


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
    """An artifact of the run with the jobs that used it and the calls that their witnesses saw.

    `repeat`: the command that makes it alone.
    """

    used_by: tuple[Name, ...] = ()
    calls: int = 0
    repeat: str = ""

    @property
    def is_there(self) -> bool:
        """Whether jobs can use it."""
        return STATUSES[self.status].gate == "pass"


class Quarantined(Record):
    """A quarantine of the matrix as it met one leg.

    Attributes:
        holds: its end date is not over.
        failing: the titles of the failing cases that it names, the first ones.
        passes: in how many runs in a row all that it names has passed, this one included.
    """

    row: Quarantine
    holds: bool
    failing: tuple[str, ...] = ()
    passes: int = 0


class VerdictLeg(Record):
    """One leg's result and what it is to the gate.

    Attributes:
        decides: false while the whole job is quarantined.
        excused: it is not green by quarantined cases alone, so that to the gate it is as one that passed.
        claimed: what the job claims to notice, and how much of it was measured.
        repeat: the command that runs it alone.
    """

    result: LegResult
    decides: bool = True
    excused: bool = False
    quarantine: tuple[Quarantined, ...] = ()
    claimed: str = ""
    repeat: str = ""

    @property
    def counts_as(self) -> Status:
        """The status with which it decides."""
        return "passed" if self.excused else self.result.status


class Missing(Record):
    """A leg that the gate expects and that left no result: never green.

    `blocked`: an artifact that it needs did not build. `decides` is false where a quarantine says so.
    `repeat`: the command that runs it alone.
    """

    job: Name
    os: Os
    reason: str
    blocked: bool = False
    decides: bool = True
    repeat: str = ""

    @property
    def status(self) -> MissingStatus:
        """`missing`, or `blocked`."""
        return "blocked" if self.blocked else "missing"


class Regression(Record):
    """Something of a leg that is worse than on the base; `text` is the title of a case, or a reason."""

    job: Name
    os: Os
    kind: RegressionKind
    text: str

    @property
    def leg(self) -> str:
        """`job@os`."""
        return f"{self.job}@{self.os}"


class Regressions(Record):
    """What is worse than on the base: an answer beside the verdict, which it never changes.

    Attributes:
        worse: all that is worse, the first ones; `more` are not kept.
        unknown: why not everything could be compared. It is empty only where everything was.
    """

    worse: tuple[Regression, ...] = ()
    more: int = 0
    unknown: tuple[str, ...] = ("no baseline to compare with",)

    @property
    def count(self) -> int:
        """How much is worse."""
        return len(self.worse) + self.more

    @property
    def answer(self) -> Literal["worse", "none worse", "unknown"]:
        """`none worse` only where everything was compared."""
        return "worse" if self.count else "unknown" if self.unknown else "none worse"

    @property
    def words(self) -> str:
        """`2 worse`, `none worse`, `unknown`."""
        return f"{self.count} worse" if self.count else self.answer


class Unaffected(Record):
    """Why nothing was run: every path that changed since `base` is one that no job reads, by a rule of the matrix."""

    repo: Name
    base: Sha
    head: Sha
    paths: tuple[str, ...]
    more: int = 0


class Verdict(Record):
    """The answer. `headline` is one sentence; `outcome` follows from `legs` and `missing` alone.

    `regressions` is the second answer: what is worse than on the base.
    """

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
    regressions: Regressions = Field(default_factory=Regressions)
    baseline: str | None = None
    baseline_commits: dict[RepoName, Sha] = Field(default_factory=dict)
    reproduce: str
    notes: tuple[str, ...] = ()
