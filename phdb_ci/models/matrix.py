"""The matrix: what matrix.toml says, after it was checked. The file format is described in README.md.

`phdb_ci.matrix` reads the file, locates faults and checks what takes more than one value; here are shapes.
Descriptions and examples of the keys show in editors (schemas/matrix.schema.json) and in messages.
"""

import hashlib
import re
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from phdb_ci.models.base import Name, Record, Sha, Text
from phdb_ci.models.hosting import Action, ActionName, Cron, Home, OwnJob, Service

ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
ENV_VALUE = r"^[^\x00]*$"
DURATION = r"^[1-9][0-9]{0,4}(s|m|h)$"
VERB = r"^[A-Za-z-]{1,32}$"
OS = r"^(ubuntu|macos|windows)-[a-z0-9.]+$"
BRANCH = r"^[A-Za-z0-9_][A-Za-z0-9_./+-]*$"
URL = r"^(https://|ssh://|git@|file://|/)[^\x00-\x1f\x7f]+$"
ISSUE = r"^https://[^\s\x00-\x1f\x7f]+$"
# A command may have several lines; it is not blank and holds no control character but line end and tab.
COMMAND = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"

EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME)]
EnvValue = Annotated[str, StringConstraints(pattern=ENV_VALUE)]
Duration = Annotated[str, StringConstraints(pattern=DURATION)]
Verb = Annotated[str, StringConstraints(pattern=VERB)]
Os = Annotated[str, StringConstraints(pattern=OS)]
Branch = Annotated[str, StringConstraints(pattern=BRANCH)]
Command = Annotated[str, StringConstraints(pattern=COMMAND)]


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts:
        raise ValueError("must be a path below the repository, with no '..' in it")
    return path


RelPath = Annotated[Text, AfterValidator(_inside)]
Url = Annotated[str, StringConstraints(pattern=URL)]
IssueUrl = Annotated[str, StringConstraints(pattern=ISSUE)]

# The faults that `prove` can put into an engine; a job's `notices` is its claim over them.
Fault = Literal[
    "dead", "null", "drops-writes", "empty-reads", "foreign-rows", "corrupt-value", "hang", "other-commit"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
TRIGGERS = Literal["pull_request", "push", "schedule", "workflow_dispatch"]
# Variables that the harness sets for every job by itself, so that a job may not.
HARNESS_ENV = ("HOME", "TMPDIR", "PATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "NODE_OPTIONS")


class Override(Record):
    """Environment variables that replace a repo's pin: `path` ones name a directory, `ref` ones a ref."""

    path: tuple[EnvName, ...] = Field(
        (), description="variables that name a directory", examples=[["LIDB_REPO"]]
    )
    ref: tuple[EnvName, ...] = Field(
        (), description="variables that name a branch, tag or commit", examples=[["LIDB_CI_REF"]]
    )


class Repo(Record):
    """A git repository and the commit it is pinned at."""

    url: Url = Field(
        description="where it is cloned from", examples=["https://github.com/li-langverse/lidb.git"]
    )
    pin: Sha = Field(
        description="the full commit id at which it is taken",
        examples=["0123456789abcdef0123456789abcdef01234567"],
    )
    track: Branch = Field("main", description="the branch that `phdb-ci bump` moves the pin along")
    override: Override = Field(
        default_factory=Override, description="environment variables that replace the pin for one run"
    )
    docs: tuple[Text, ...] = Field(
        (),
        description="paths that no job reads (`*` is any text): a pull request that changes nothing else is not run",
        examples=[["docs/*"]],
    )
    ci: tuple[OwnJob, ...] = Field((), description="jobs of its own CI that no gate runs")


class Artifact(Record):
    """What is built once per platform from a repo and shared by jobs."""

    repo: Name = Field(description="the repo that it is built from", examples=["lidb"])
    inputs: tuple[RelPath, ...] = Field(
        min_length=1,
        description="the files and folders of the repo that decide its key",
        examples=[["CMakeLists.txt", "src"]],
    )
    tools: tuple[Text, ...] = Field(
        (), description="programs that build it; their versions are part of the key", examples=[["cmake"]]
    )
    build: tuple[Command, ...] = Field(
        min_length=1,
        description="commands, run in the repo; `{build}` is the build directory, `{cpus}` a number",
        examples=[["cmake -S . -B {build}", "cmake --build {build} -j {cpus}"]],
    )
    outputs: tuple[RelPath, ...] = Field(
        min_length=1,
        description="the files that it leaves below the build directory",
        examples=[["lidb_embed"]],
    )
    timeout: Duration = Field("30m", description="how long the build may take, at most 6h", examples=["30m"])


class Report(Record):
    """A file of test results that a job leaves, and what must be in it.

    `pytest`, `node`: JUnit, asked for through the runner's own environment variable. `lines`: the
    `PASS|SKIP|FAIL name` lines of the job's output. `junit`: a file that the job writes by itself at `path`.
    `exit`: the exit code alone.
    """

    kind: Literal["pytest", "node", "lines", "junit", "exit"] = Field(
        description="how the results are had", examples=["pytest"]
    )
    path: RelPath | None = Field(
        None, description="kind `junit` alone: the file that the job writes", examples=["report.xml"]
    )
    min_tests: int = Field(
        ge=0,
        le=1_000_000,
        description="how many cases must have run, at least; 0 for kind `exit`",
        examples=[4],
    )
    skips: dict[Text, Text] = Field(
        {}, description="tests that may be skipped (`*` is any text), each with its reason"
    )
    max_skips: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="how many cases may be skipped by those names, at most",
        examples=[3],
    )
    critical: tuple[Text, ...] = Field(
        (), description="checks that must run: patterns of their names", examples=[["cve-*"]]
    )


class Witness(Record):
    """The artifact's binary must have been called at least this often during the run commands.

    With `verbs`, a call counts only when its first argument begins with one of these words (`exec-json`).
    """

    artifact: Name = Field(description="the artifact whose calls are counted", examples=["embed"])
    min_calls: int = Field(
        ge=1, le=1_000_000, description="how many calls there must be, at least", examples=[4]
    )
    verbs: tuple[Verb, ...] = Field(
        (),
        description="the first arguments that count as a call; all do when there are none",
        examples=[["exec-json"]],
    )


class Manifest(Record):
    """A JSON document that the job must write: `file` below the workspace, with one of these statuses.

    One that was there before the job is put away, so that what is found was written by the job. `numbers =
    false`: nothing measured may stand in it (`p50_ms`, `throughput`, `ratio_vs_postgres`), and no part of it
    may have the status `pass` or `fail`.
    """

    file: RelPath = Field(
        description="its path below the workspace, `*` and `**` allowed", examples=["**/manifest.json"]
    )
    status: tuple[Text, ...] = Field(
        min_length=1, description="the statuses that it may have", examples=[["stub"]]
    )
    numbers: bool = Field(False, description="whether it may hold measured numbers")

    @property
    def kept(self) -> str:
        """The name under which it is kept among the job's reports."""
        return re.sub(r"[^A-Za-z0-9._-]", "_", self.file.rsplit("/", 1)[-1])


class Metrics(Record):
    """What the manifest must hold of each scenario, measured `rounds` times by running the commands so often.

    A witnessed round comes first and its times do not count: in it `{embed.real.lidb_embed}` is the launcher, so that
    the calls are seen; in the timed rounds it is the engine itself. Of each scenario every engine must have its
    `p95_ms` and the rows that it wrote or returned (`rows`, as many for both), and `ratio_vs_postgres` must be what
    they give: the first engine by the second. By its own count the server must have written the rows of `writes`, and
    read those of the other scenarios. What this cannot see: the statements that the first engine ran (only that it was
    started), how many samples a P95 is of (only rows), and on which disk its data lay.
    """

    scenarios: tuple[Text, ...] = Field(
        min_length=1, max_length=64, description="the ids that must be there", examples=[["registry_publish"]]
    )
    writes: tuple[Text, ...] = Field(
        (),
        description="the scenarios whose rows are written; of the others they are read",
        examples=[["registry_publish"]],
    )
    engines: tuple[Text, ...] = Field(
        ("lidb", "postgres"), min_length=2, max_length=2, description="the engines that are compared"
    )
    mode: Text = Field(
        "compare", description="the `engine_mode` that the manifest must have", examples=["compare"]
    )
    rounds: int = Field(
        9,
        ge=6,
        le=100,
        description="how many timed rounds there are; under six no interval has 95 %, from nine on it bears an outlier",
        examples=[9],
    )
    rows: bool = Field(True, description="false: the manifest need not say how many rows were returned")
    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="the ratio above which the job fails, when its whole interval lies above it",
        examples=[1.2],
    )

    @field_validator("writes")
    @classmethod
    def _known(cls, writes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in writes:
            if name not in info.data.get("scenarios", writes):
                raise ValueError(f"{name} is none of the scenarios")
        return writes


class Evidence(Record):
    """Facts that must be there, beside the exit code, before a job counts as passed."""

    witness: Witness | None = Field(None, description="calls of the artifact that must have been seen")
    forbid_env: tuple[EnvName, ...] = Field(
        (), description="variables that must not be in the job's environment", examples=[["LI_LIDB_MOCK"]]
    )
    manifest: Manifest | None = Field(None, description="a JSON document that the job must write")
    metrics: Metrics | None = Field(
        None, description="the figures that the manifest must hold, over several rounds"
    )


class Quarantine(Record):
    """A known failure that does not decide the gate until `until`, and who answers for it."""

    issue: IssueUrl = Field(
        description="where the failure is tracked",
        examples=["https://github.com/li-langverse/lidb/issues/42"],
    )
    owner: Text = Field(description="who answers for it", examples=["@li-langverse/db"])
    until: date = Field(description="the last day on which it does not decide", examples=["2027-01-31"])
    reason: Text = Field(description="what fails", examples=["the WAL replay test is flaky on slow disks"])


class Job(Record):
    """One row of the matrix: commands in a workspace, an environment, reports, the evidence it must leave."""

    model_config = ConfigDict(populate_by_name=True)

    summary: Text = Field(
        description="one line for people: what a pass shows", examples=["lidb's own smoke test"]
    )
    repo: Name = Field(description="the repo whose checkout the commands run in", examples=["lidb"])
    with_: tuple[Name, ...] = Field(
        (), alias="with", description="other repos, checked out beside it", examples=[["lidb"]]
    )
    notices: tuple[Fault, ...] = Field(
        (), description="faults of the engine that this job is known to notice", examples=[["dead"]]
    )
    artifact: Name | None = Field(None, description="the artifact that it uses", examples=["embed"])
    services: tuple[Name, ...] = Field((), description="servers that it talks to", examples=[["postgres"]])
    builds: tuple[Name, ...] = Field(
        (),
        max_length=1,
        description="the artifact that the job builds again by itself, in its own build directory",
        examples=[["embed"]],
    )
    tools: tuple[Text, ...] = Field(
        (), description="programs that must be on PATH", examples=[["bash", "python3"]]
    )
    python: tuple[Text, ...] | None = Field(
        None, description="packages for the job's Python environment", examples=[["pytest"]]
    )
    env: dict[EnvName, EnvValue] = Field(
        {}, description="its environment; placeholders such as `{repos.lidb}` are filled in"
    )
    setup: tuple[Command, ...] = Field(
        (), description="commands before the run: installs", examples=[["npm ci"]]
    )
    run: tuple[Command, ...] = Field(
        min_length=1, description="the commands that are the job", examples=[["bash scripts/smoke.sh"]]
    )
    reports: tuple[Report, ...] = Field(
        min_length=1,
        description="the results that it leaves",
        examples=[[{"kind": "pytest", "min_tests": 4}]],
    )
    timeout: Duration = Field("10m", description="how long the job may take, at most 6h", examples=["10m"])
    os: tuple[Os, ...] = Field(
        ("ubuntu-24.04",),
        min_length=1,
        description="the runners that it runs on",
        examples=[["ubuntu-24.04"]],
    )
    skip: dict[Os, Text] = Field({}, description="runners that it does not run on, each with its reason")
    network: bool = Field(True, description="false: the run commands see loopback alone")
    evidence: Evidence = Field(
        default_factory=Evidence, description="what must be there beside the exit code"
    )
    quarantine: Quarantine | None = Field(
        None, description="a known failure that does not decide, until a date"
    )

    @property
    def repos(self) -> tuple[str, ...]:
        """Every repo that is checked out for this job, its own first."""
        return (self.repo, *(name for name in self.with_ if name != self.repo))

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Every artifact this job needs before it can start."""
        return tuple(dict.fromkeys(([self.artifact] if self.artifact else []) + list(self.builds)))

    @property
    def digest(self) -> str:
        """The sha256 of what makes this row the test that it is: what was measured of one row says nothing of another.

        Its words, its claims, its quarantine and the runners that it has are no part of that.
        """
        row = self.model_dump_json(
            exclude={"summary", "notices", "quarantine", "os", "skip"}, exclude_defaults=True
        )
        return f"sha256:{hashlib.sha256(row.encode()).hexdigest()}"


class Gate(Record):
    """A named set of jobs that gets one verdict; `lead` is shown first."""

    summary: Text = Field("a gate", description="one line for people: what it asks")
    on: tuple[TRIGGERS, ...] = Field(
        (), description="the events on GitHub that start it", examples=[["pull_request"]]
    )
    branches: tuple[Branch, ...] = Field(
        ("main",), min_length=1, description="the branches whose pushes start it", examples=[["main", "dev"]]
    )
    cron: Cron | None = Field(None, description="when it starts by itself, in UTC", examples=["17 3 * * *"])
    jobs: tuple[Name, ...] = Field(min_length=1, description="the jobs that decide it", examples=[["smoke"]])
    lead: Name | None = Field(None, description="the job that is shown first", examples=["smoke"])


class Condition(Record):
    """One condition of the programme's definition of done, and the jobs that show whether it is met.

    A condition is met when each of its jobs has, on the public stack at its pins and on every runner of the job, what
    its key asks for, and nothing of it is unseen.
    """

    text: Text = Field(description="what must be true", examples=["lidb: smoke, tests and security pass"])
    jobs: tuple[Name, ...] = Field((), description="jobs that must have passed", examples=[["smoke"]])
    tracked: tuple[Name, ...] = Field(
        (),
        description="jobs that must have passed, or fail and be quarantined with their issue",
        examples=[["e2e-engine"]],
    )
    answered: tuple[Name, ...] = Field(
        (),
        description="jobs that must have answered in the last two days: a pass, or a failure over measured figures",
        examples=[["bench"]],
    )
    unseen: Text | None = Field(None, description="what of it no job shows, so that a person has to look")


class Matrix(Record):
    """Repos, artifacts, jobs and gates of a stack: a whole matrix.toml."""

    model_config = ConfigDict(populate_by_name=True, title="phdb-ci: matrix.toml")

    schema_: Literal[1] = Field(alias="schema", description="the version of this format", examples=[1])
    repos: dict[Name, Repo] = Field(min_length=1, description="the repositories, by name")
    artifacts: dict[Name, Artifact] = Field({}, description="what is built once and shared, by name")
    jobs: dict[Name, Job] = Field(min_length=1, description="the jobs, by name")
    gates: dict[Name, Gate] = Field({}, description="sets of jobs with one verdict, by name")
    services: dict[Name, Service] = Field({}, description="servers that jobs talk to, by name")
    actions: dict[ActionName, Action] = Field({}, description="the GitHub actions of the workflows, by name")
    done: tuple[Condition, ...] = Field((), description="the programme's definition of done")
    self_: Home | None = Field(None, alias="self", description="this project on GitHub")


def seconds(duration: str) -> int:
    """A duration such as `90s`, `10m` or `2h`, in seconds."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
