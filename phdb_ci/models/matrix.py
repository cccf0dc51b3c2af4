"""The matrix: what matrix.toml says, after it was checked. The file format is described in README.md.

`phdb_ci.matrix` reads the file and locates faults; here stand the shapes and the checks that need no file.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from phdb_ci.models.base import Name, Record, Sha, Text

EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(s|m|h)$")]
Os = Annotated[str, StringConstraints(pattern=r"^(ubuntu|macos|windows)-[a-z0-9.]+$")]


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts:
        raise ValueError("must be a path below the repository, with no '..' in it")
    return path


RelPath = Annotated[str, StringConstraints(min_length=1), AfterValidator(_inside)]
Url = Annotated[str, StringConstraints(pattern=r"^(https://|ssh://|git@|file://|/).+$")]
IssueUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$")]

# The faults that `prove` can put into an engine; a job's `notices` is its claim over them.
FAULTS = (
    "dead", "null", "drops-writes", "empty-reads", "foreign-rows", "corrupt-value", "hang", "other-commit",
)  # fmt: skip
Fault = Literal[
    "dead", "null", "drops-writes", "empty-reads", "foreign-rows", "corrupt-value", "hang", "other-commit"
]
TRIGGERS = Literal["pull_request", "push", "schedule", "workflow_dispatch"]


class Override(Record):
    """Environment variables that replace a repo's pin: `path` ones name a directory, `ref` ones a ref."""

    path: tuple[EnvName, ...] = ()
    ref: tuple[EnvName, ...] = ()


class Repo(Record):
    """A git repository and the commit it is pinned at."""

    url: Url
    pin: Sha
    track: Text = "main"
    override: Override = Field(default_factory=Override)


class Artifact(Record):
    """What is built once per platform from a repo and shared by jobs."""

    repo: Name
    inputs: tuple[RelPath, ...] = Field(min_length=1)
    tools: tuple[Text, ...] = ()
    build: tuple[Text, ...] = Field(min_length=1)
    outputs: tuple[RelPath, ...] = Field(min_length=1)
    timeout: Duration = "30m"


class Report(Record):
    """A file of test results that a job leaves, and what must be in it.

    `pytest`, `node`: JUnit, asked for through the runner's own environment variable. `lines`: `PASS|SKIP|FAIL name`
    lines in the job's output. `junit`: a file that the job writes by itself at `path`. `exit`: the exit code alone.
    """

    kind: Literal["pytest", "node", "lines", "junit", "exit"]
    path: RelPath | None = None
    min_tests: int = Field(ge=0)
    skips: dict[Text, Text] = {}
    critical: tuple[Text, ...] = ()


class Witness(Record):
    """The artifact's binary must have been called at least this often during the run commands."""

    artifact: Name
    min_calls: int = Field(ge=1)


class Manifest(Record):
    """A JSON document that the job must write: matched by `file` below the workspace, with one of these statuses.

    `numbers = false`: nothing measured may stand in it (`p50_ms`, `p95_ms`, `ratio_vs_postgres` all null or absent).
    """

    file: RelPath
    status: tuple[Text, ...] = Field(min_length=1)
    numbers: bool = False


class Evidence(Record):
    """Facts that must be there, beside the exit code, before a job counts as passed."""

    witness: Witness | None = None
    forbid_env: tuple[EnvName, ...] = ()
    manifest: Manifest | None = None


class Quarantine(Record):
    """A known failure that does not decide the gate until `until`, and who answers for it."""

    issue: IssueUrl
    owner: Text
    until: date
    reason: Text


class Job(Record):
    """One row of the matrix: commands in a workspace, an environment, reports, the evidence it must leave."""

    model_config = ConfigDict(populate_by_name=True)

    summary: Text
    repo: Name
    with_: tuple[Name, ...] = Field(default=(), alias="with")
    notices: tuple[Fault, ...] = ()
    artifact: Name | None = None
    builds: tuple[Name, ...] = ()
    tools: tuple[Text, ...] = ()
    python: tuple[Text, ...] | None = None
    env: dict[EnvName, str] = {}
    setup: tuple[Text, ...] = ()
    run: tuple[Text, ...] = Field(min_length=1)
    reports: tuple[Report, ...] = Field(min_length=1)
    timeout: Duration = "10m"
    os: tuple[Os, ...] = Field(default=("ubuntu-24.04",), min_length=1)
    skip: dict[Os, Text] = {}
    network: bool = True
    evidence: Evidence = Field(default_factory=Evidence)
    quarantine: Quarantine | None = None

    @property
    def repos(self) -> tuple[str, ...]:
        """Every repo that is checked out for this job, its own first."""
        return (self.repo, *(name for name in self.with_ if name != self.repo))

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Every artifact this job needs before it can start."""
        return tuple(dict.fromkeys(([self.artifact] if self.artifact else []) + list(self.builds)))


class Gate(Record):
    """A named set of jobs that gets one verdict; `lead` is shown first."""

    summary: Text = "a gate"
    on: tuple[TRIGGERS, ...] = ()
    jobs: tuple[Name, ...] = Field(min_length=1)
    lead: Name | None = None


class Matrix(Record):
    """A whole matrix.toml."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal[1] = Field(alias="schema")
    repos: dict[Name, Repo] = Field(min_length=1)
    artifacts: dict[Name, Artifact] = {}
    jobs: dict[Name, Job] = Field(min_length=1)
    gates: dict[Name, Gate] = {}


def seconds(duration: str) -> int:
    """A duration such as `90s`, `10m` or `2h`, in seconds."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
