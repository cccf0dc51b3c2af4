"""Results: what running left behind, one record per leg. Facts first, then the status that follows."""

from typing import Annotated, Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, RepoName, Sha, glob_matches
from phdb_ci.models.figures import MOST, Figure, Value, Words
from phdb_ci.models.inventory import Stored
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind
from phdb_ci.models.runs import Run
from phdb_ci.models.sources import Origin
from phdb_ci.models.statuses import ArtifactStatus, Status
from phdb_ci.models.texts import Os

CaseStatus = Literal["passed", "failed", "error", "skipped", "todo"]
OwnWords = Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=20)]


class Counts(Record):
    """How many cases of a report ended how. `executed` is what really ran."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    todo: int = 0

    @property
    def executed(self) -> int:
        """Cases that ran to an end: passed, failed or error."""
        return self.passed + self.failing

    @property
    def failing(self) -> int:
        """Cases that failed, those that ended in an error included."""
        return self.failed + self.error

    @property
    def left_out(self) -> int:
        """Cases that did not run: skipped, or still to be written."""
        return self.skipped + self.todo

    @property
    def total(self) -> int:
        """All cases."""
        return self.executed + self.left_out


class Case(Record):
    """One test case.

    Text is already free of control characters and cut to a bound; it is still hostile Markdown.

    Attributes:
        suite: the names of the enclosing suites or the class name, outermost first, joined by ` > `.
        seconds: its own time, never negative, never NaN.
        message: why it failed or was skipped, on one line.
        detail: the traceback; of a long one both ends.
        place: of a case that failed, the innermost `file:line` of a checkout that its traceback names.
    """

    suite: str = ""
    name: str
    status: CaseStatus
    seconds: float = 0.0
    message: str = ""
    detail: str = ""
    place: str = ""

    @property
    def failing(self) -> bool:
        """Whether it failed or ended in an error."""
        return self.status in ("failed", "error")

    @property
    def title(self) -> str:
        """Suite and name as a person would write them."""
        return f"{self.suite} > {self.name}" if self.suite else self.name

    def is_named(self, pattern: str) -> bool:
        """Whether a pattern (`*` is any text) names it, by its name or its title."""
        return glob_matches(pattern, self.name) or glob_matches(pattern, self.title)


class Rule(Record):
    """A written rule over case names (a named skip, a critical check) and how many cases it met."""

    pattern: str
    reason: str = ""
    matched: int = 0


class Suite(Record):
    """The cases read from one report.

    Every case is counted; `cases` keeps those worth showing (not passed first), up to a bound, and `dropped`
    says how many are counted but not kept. `problem` is why the report cannot be believed (missing, empty,
    truncated, foreign, DOCTYPE): with a problem the report is a failure whatever the counts say. `notes` are
    oddities that were repaired.
    """

    kind: ReportKind
    counts: Counts = Field(default_factory=Counts)
    seconds: float = 0.0
    cases: tuple[Case, ...] = ()
    dropped: int = 0
    repeated: int = 0  # executed cases that have the name of another one
    printed: str | None = None  # the first failure in the job's output
    doubted: tuple[str, ...] = ()  # critical cases that passed, and what was printed of them before
    copy_of: str | None = None  # the committed file that the report is a copy of
    problem: str | None = None
    notes: tuple[str, ...] = ()
    unnamed_skips: tuple[str, ...] = ()
    unnamed_skip_count: int = 0
    excused_critical: tuple[str, ...] = ()  # critical cases that a named skip would excuse
    skip_rules: tuple[Rule, ...] = ()
    critical_rules: tuple[Rule, ...] = ()


class Command(Record):
    """One command that was run.

    Attributes:
        phase: `build` of an artifact; `env` (Python environment), `setup` or `run` of a job.
        exit_code: as the shell shows it; a signal is 128 + its number.
        leftovers: programs that were still running when the command ended, and were ended by the supervisor.
        network: `open`, `isolated` (loopback alone, enforced) or `unenforced` (isolation was asked for and
            not to be had).
    """

    phase: Literal["build", "env", "setup", "run"]
    text: str
    exit_code: int
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    leftovers: tuple[str, ...] = ()
    network: Literal["open", "isolated", "unenforced"] = "open"
    problem: str | None = None


class ArtifactUse(Record):
    """An artifact as one job met it.

    Attributes:
        digest: sha256 over its outputs at the store; `before`/`after` are what the job's copy had.
        calls: launches of its binary that the witness saw during the run commands; `verbs`: by first argument, and
            `failed`: those of them that ended with another exit code than 0.
        rebuilt: a job that declares `builds` compiled it again; `rebuilt_as` is the digest of what it made.
    """

    name: Name
    key: str
    digest: str
    before: str
    after: str
    calls: int = 0
    verbs: dict[str, int] = Field(default_factory=dict)
    failed: dict[str, int] = Field(default_factory=dict)
    builds: bool = False
    rebuilt: bool = False
    rebuilt_as: str | None = None


class ServiceUse(Record):
    """A server as one job met it, from the caller's variable or a wheel; `problem`: why it did not last as long."""

    name: Name
    version: str
    origin: str
    remote: bool = False
    problem: str | None = None


class DocumentFact(Record):
    """What became of a document that a job must write: `absent` says why there is none to judge."""

    file: str | None = None
    absent: str | None = None
    problems: tuple[str, ...] = ()


class ManifestFact(DocumentFact):
    """A manifest."""

    status: str | None = None


class FiguresFact(DocumentFact):
    """A document of figures; `unit` and `threshold` are the matrix's."""

    unit: str = ""
    threshold: Value | None = None
    figures: tuple[Figure, ...] = Field((), max_length=MOST)
    notes: tuple[Words, ...] = Field((), max_length=MOST)


class Facts(Record):
    """What the harness saw of one job by itself; evidence.py turns this into a status.

    Attributes:
        runs: what the runners of tests recorded of themselves; `records_problem`: why that could not be read.
        versions: the first line of `TOOL --version`, of the tools that the row wants in a version.
        output_from: the byte of log.txt at which the run commands' output begins; the set-up's is before it.
        words: of the command that failed, the lines of its output that say why, cleaned and secrets masked.
    """

    commands: tuple[Command, ...] = ()
    suites: tuple[Suite, ...] = ()
    runs: tuple[Run, ...] = ()
    records_problem: str | None = None
    artifacts: tuple[ArtifactUse, ...] = ()
    env_names: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    links_out: tuple[str, ...] = ()
    manifest: ManifestFact | None = None
    services: tuple[ServiceUse, ...] = ()
    figures: FiguresFact | None = None
    data_was_empty: bool = True
    versions: dict[str, str] = Field(default_factory=dict)
    output_from: int = 0
    words: OwnWords = ()
    error: str | None = None
    cancelled: bool = False
    blocked_by: str | None = None

    @property
    def counted_suites(self) -> tuple[Suite, ...]:
        """The suites whose kind of report has cases."""
        return tuple(suite for suite in self.suites if REPORT_KINDS[suite.kind].cases)

    @property
    def failing(self) -> list[Case]:
        """The failing cases that are kept."""
        return [case for case in self.executed if case.failing]

    @property
    def executed(self) -> list[Case]:
        """The cases that ran to an end and are kept."""
        return [case for suite in self.suites for case in suite.cases if case.failing or case.status == "passed"]

    @property
    def failing_count(self) -> int:
        """How many cases failed, those that are not kept included."""
        return sum(suite.counts.failing for suite in self.suites)

    @property
    def executed_count(self) -> int:
        """How many cases ran to an end, those that are not kept included."""
        return sum(suite.counts.executed for suite in self.suites)


class ArtifactOutcome(Record):
    """What became of an artifact of the run; `os` is the runner that it is for, where one run has several.

    `words`: of a build that failed, the lines of its output that say why.
    """

    name: Name
    os: Os | None = None
    status: ArtifactStatus
    key: str
    digest: str | None
    why: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    words: OwnWords = ()
    seconds: float = 0.0
    offset: float = 0.0


class ArtifactResult(ArtifactOutcome):
    """An artifact as the run has it; `stored` where jobs of this machine can use it."""

    stored: Stored | None = None


class LegSource(Record):
    """The commit of one repo that a job ran on; of a folder the id of its tree."""

    repo: RepoName
    commit: Sha
    origin: Origin


class LegResult(Record):
    """One leg: a job on one OS. Written as result.json in the leg's folder; the unit of the GitHub fan-in.

    `row`: the digest of the job's row of the matrix (models/matrix.py). `workspace`: the folder in which it ran, where
    that is kept on this machine for a look.
    """

    schema_version: Literal[1] = 1
    gate: str
    job: Name
    os: Os
    row: str = ""
    summary: str
    run_id: str
    attempt: int = 1
    head: Sha | None = None
    status: Status
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[LegSource, ...] = ()
    facts: Facts = Field(default_factory=Facts)
    workspace: str | None = None
    started: str
    seconds: float = 0.0
    offset: float = 0.0

    @property
    def leg(self) -> str:
        """`job@os`, the name of everything that belongs to this leg."""
        return f"{self.job}@{self.os}"
