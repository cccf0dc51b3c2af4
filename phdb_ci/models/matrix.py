"""The matrix: what matrix.toml says, after it was checked. The file format is described in docs/matrix.md.

Descriptions and examples of the keys show in editors (schemas/matrix.schema.json) and in messages.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from phdb_ci.models import texts
from phdb_ci.models.base import Name, Record, RepoName, Sha, Text
from phdb_ci.models.figures import MOST, ROUNDS, Label, Value
from phdb_ci.models.hosting import Action, Home, OwnJob, Service
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind

TRIGGERS = Literal["pull_request", "push", "merge_group", "schedule", "workflow_dispatch"]
# Variables that the harness sets for every job by itself, so that a job may not.
HARNESS_ENV = (
    "HOME", "TMPDIR", "PATH", "VIRTUAL_ENV", "PHDB_CI_RECORDS", "PHDB_CI_INSIDE",
    *(name for kind in REPORT_KINDS.values() for name in kind.env),
)  # fmt: skip
# The entry of `faults` whose command breaks nothing: what jobs are measured with before and after the faults.
CONTROL = "control"


class Breakable(Record):
    """What `phdb-ci prove` can put a broken variant in the place of, each made by a command of the matrix.

    The commands run in the folder of matrix.toml. A fault has one owner in the whole file; only the entry `control`,
    which must break nothing, may stand at several.
    """

    faults: dict[Name, texts.Command] = Field(
        {},
        description="commands that break it: an artifact, from `{real.OUTPUT}` to `{out.OUTPUT}`; a repo, in its "
        "checkout `{tree}`. `control` breaks nothing",
        examples=[{"dead": "cp /bin/false {out.tool}"}],
    )
    hangs: tuple[Name, ...] = Field(
        (), description="faults with which a job may never end: only then is a time limit a notice", examples=[["hang"]]
    )

    @property
    def fault_names(self) -> tuple[str, ...]:
        """The faults by name; `control` is none."""
        return tuple(name for name in self.faults if name != CONTROL)


class Override(Record):
    """Environment variables that replace a repo's pin: `path` ones name a directory, `ref` ones a ref."""

    path: tuple[texts.EnvName, ...] = Field((), description="variables naming a directory", examples=[["ENGINE_REPO"]])
    ref: tuple[texts.EnvName, ...] = Field(
        (), description="variables naming a branch, tag or commit", examples=[["ENGINE_REF"]]
    )


class Repo(Breakable):
    """A git repository and the commit it is pinned at."""

    url: texts.Url = Field(description="where it is cloned from", examples=["https://github.com/acme/engine.git"])
    pin: Sha = Field(description="its full commit id", examples=["0123456789abcdef0123456789abcdef01234567"])
    track: texts.Branch = Field("main", description="the branch that `phdb-ci bump` moves the pin along")
    override: Override = Field(default_factory=Override, description="variables that replace the pin for one run")
    docs: tuple[Text, ...] = Field(
        (),
        description="paths that no job reads (`*` is any text): a pull request of these alone is not run",
        examples=[["docs/*"]],
    )
    ci: tuple[OwnJob, ...] = Field((), description="jobs of its own CI that no gate runs")


class Artifact(Breakable):
    """What is built once per platform from repos and other artifacts, and shared by jobs."""

    model_config = ConfigDict(populate_by_name=True)

    repo: Name = Field(description="the repo that it is built in", examples=["engine"])
    with_: tuple[Name, ...] = Field(
        (), alias="with", description="other repos that it is built from, beside it", examples=[["protocol"]]
    )
    needs: tuple[Name, ...] = Field(
        (), description="artifacts that its build needs; `{NAME.OUTPUT}` is where one lies", examples=[["compiler"]]
    )
    inputs: tuple[texts.Input, ...] = Field(
        min_length=1,
        description="the files and folders that decide its key; those of another repo are `REPO:PATH`",
        examples=[["CMakeLists.txt", "src", "protocol:schema"]],
    )
    tools: tuple[Text, ...] = Field(
        (), description="programs that build it; their versions are part of the key", examples=[["cmake"]]
    )
    build: tuple[texts.Command, ...] = Field(
        min_length=1,
        description="commands, run in the repo; `{build}` is the build directory, `{cpus}` a number",
        examples=[["cmake -S . -B {build}", "cmake --build {build} -j {cpus}"]],
    )
    outputs: tuple[texts.RelPath, ...] = Field(
        min_length=1, description="the files that it leaves below the build directory", examples=[["engine"]]
    )
    program: bool = Field(True, description="false: a library, whose use leaves no calls that a witness could count")
    timeout: texts.Duration = Field("30m", description="how long the build may take, at most 6h", examples=["30m"])

    @property
    def repos(self) -> tuple[str, ...]:
        """Every repo that it is built from, its own first."""
        return (self.repo, *(name for name in self.with_ if name != self.repo))

    def inputs_of(self, repo: str) -> tuple[str, ...]:
        """The paths of one repo that decide the key."""
        pairs = (text.rpartition(":")[::2] for text in self.inputs)
        return tuple(path for name, path in pairs if (name or self.repo) == repo)


class Report(Record):
    """A file of test results that a job leaves, and what must be in it."""

    kind: ReportKind = Field(
        description="; ".join(f"`{name}`: {kind.words}" for name, kind in REPORT_KINDS.items()), examples=["pytest"]
    )
    path: texts.RelPath | None = Field(None, description="kind `junit` alone: the job's file", examples=["report.xml"])
    min_tests: int = Field(
        ge=0, le=1_000_000, description="how many cases must have run, at least; 0 for kind `exit`", examples=[4]
    )
    skips: dict[Text, Text] = Field({}, description="tests that may be skipped (`*` is any text), each with its reason")
    max_skips: int | None = Field(
        None, ge=0, le=1_000_000, description="how many cases may be skipped by those names, at most", examples=[3]
    )
    critical: tuple[Text, ...] = Field((), description="patterns of checks that must run", examples=[["cve-*"]])
    words: dict[texts.LineWord, Literal["passed", "skipped", "failed"]] = Field(
        {},
        description="kind `lines` alone: other first words of a line, beside PASS, SKIP and FAIL, and what they mean",
    )


class Witness(Record):
    """The artifact's binary must have been called at least this often during the run commands."""

    artifact: Name = Field(description="the artifact whose calls are counted", examples=["engine"])
    min_calls: int = Field(ge=1, le=1_000_000, description="how many calls there must be, at least", examples=[4])
    verbs: tuple[texts.Verb, ...] = Field(
        (), description="the first arguments that count as a call; all do when there are none", examples=[["exec-json"]]
    )


class Document(Record):
    """A JSON document that the job must write: one that is as it was before the job counts as none."""

    file: texts.RelPath = Field(description="path below the workspace (`*`, `**`)", examples=["**/manifest.json"])

    @property
    def kept(self) -> str:
        """The name under which it is kept among the job's reports."""
        return re.sub(r"[^A-Za-z0-9._-]", "_", self.file.rsplit("/", 1)[-1])


class Manifest(Document):
    """A document of the job's, with one of these statuses.

    `numbers = false`: nothing measured may stand in it (`p50_ms`, `throughput`, `speedup`), and no part of it
    may have the status `pass` or `fail`.
    """

    status: tuple[Text, ...] = Field(min_length=1, description="the statuses that it may have", examples=[["stub"]])
    numbers: bool = Field(False, description="whether it may hold measured numbers")


class Figures(Document):
    """A document of figures (models/figures.py), measured by the job over several rounds.

    Each figure that is named here must be there, with a value of every round. When the whole interval of its median
    lies above the threshold, the job fails.
    """

    names: tuple[Label, ...] = Field(
        min_length=1, max_length=MOST, description="the figures that must be there", examples=[["publish"]]
    )
    rounds: int = Field(
        9,
        ge=6,
        le=ROUNDS,
        description="how many values each must have; under six no interval has 95 %, from nine on it bears an outlier",
        examples=[9],
    )
    threshold: Value | None = Field(None, description="the value above which a figure is too high", examples=[1.2])
    unit: Label = Field("ratio", description="what the values are, in a word or two", examples=["ratio of P95"])


class Evidence(Record):
    """Facts that must be there, beside the exit code, before a job counts as passed."""

    witness: Witness | None = Field(None, description="calls of the artifact that must have been seen")
    forbid_env: tuple[texts.EnvName, ...] = Field(
        (), description="variables that must not be in the job's environment", examples=[["ENGINE_MOCK"]]
    )
    manifest: Manifest | None = Field(None, description="a JSON document that the job must write")
    figures: Figures | None = Field(None, description="what the job must have measured, over several rounds")


class Quarantine(Record):
    """A known failure that does not decide the gate until `until`, and who answers for it."""

    job: Name = Field(description="the job that fails", examples=["smoke"])
    case: Text | None = Field(
        None,
        description="its cases that fail (`*` is any text), by name or title; absent: the whole job",
        examples=["test_replay*"],
    )
    issue: texts.IssueUrl = Field(
        description="where the failure is tracked", examples=["https://github.com/acme/engine/issues/42"]
    )
    owner: Text = Field(description="who answers for it", examples=["@acme/db"])
    until: date = Field(description="the last day on which it does not decide", examples=["2027-01-31"])
    reason: Text = Field(description="what fails", examples=["the WAL replay test is flaky on slow disks"])


class Job(Record):
    """One row of the matrix: commands in a workspace, an environment, reports, the evidence it must leave."""

    model_config = ConfigDict(populate_by_name=True)

    summary: Text = Field(description="one line for people: what a pass shows", examples=["the engine answers"])
    repo: RepoName = Field(
        description="the repo in whose checkout the commands run, or a folder beside the matrix (`./checks`)",
        examples=["engine"],
    )
    with_: tuple[RepoName, ...] = Field(
        (), alias="with", description="other repos and folders, checked out beside it", examples=[["engine"]]
    )
    notices: tuple[Name, ...] = Field(
        (), description="faults of its artifacts and repos that this job is known to notice", examples=[["dead"]]
    )
    artifacts: tuple[Name, ...] = Field((), description="the artifacts that it uses", examples=[["engine"]])
    services: tuple[Name, ...] = Field((), description="servers that it talks to", examples=[["postgres"]])
    builds: tuple[Name, ...] = Field(
        (),
        max_length=1,
        description="the one artifact that it builds again, in a build directory of its own",
        examples=[["engine"]],
    )
    tools: tuple[Text, ...] = Field((), description="programs that must be on PATH", examples=[["bash", "python3"]])
    versions: dict[Text, texts.VersionPrefix] = Field(
        {},
        description="the version that it wants of a tool: GitHub gets that node; another one is noted",
        examples=[{"node": "24"}],
    )
    writes: tuple[texts.RelPath, ...] = Field(
        (),
        description="committed files of `repo` that it is there to write: no change of them counts against it",
        examples=[["results/latest.csv"]],
    )
    python: tuple[Text, ...] | None = Field(
        None, description="packages for the job's Python environment", examples=[["pytest"]]
    )
    lock: texts.RelPath | None = Field(
        None, description="requirements with hashes in `repo`, for that environment", examples=["requirements.lock"]
    )
    env: dict[texts.EnvName, texts.EnvValue] = Field(
        {}, description="its environment; placeholders such as `{repos.engine}` are filled in"
    )
    setup: tuple[texts.Command, ...] = Field((), description="commands before the run: installs", examples=[["npm ci"]])
    run: tuple[texts.Command, ...] = Field(
        min_length=1, description="the commands that are the job", examples=[["bash scripts/smoke.sh"]]
    )
    reports: tuple[Report, ...] = Field(
        min_length=1, description="the results that it leaves", examples=[[{"kind": "pytest", "min_tests": 4}]]
    )
    timeout: texts.Duration = Field("10m", description="how long the job may take, at most 6h", examples=["10m"])
    os: tuple[texts.Os, ...] = Field(
        ("ubuntu-24.04",), min_length=1, description="the runners that it runs on", examples=[["ubuntu-24.04"]]
    )
    skip: dict[texts.Os, Text] = Field({}, description="runners that it does not run on, each with its reason")
    network: bool = Field(True, description="false: the run commands see loopback alone")
    evidence: Evidence = Field(default_factory=Evidence, description="what must be there beside the exit code")

    @property
    def repos(self) -> tuple[str, ...]:
        """Every repo that is checked out for this job, its own first."""
        return (self.repo, *(name for name in self.with_ if name != self.repo))

    @property
    def uses_python(self) -> bool:
        """Whether it gets a Python environment of its own."""
        return self.python is not None or self.lock is not None or "python3" in self.tools

    @property
    def digest(self) -> str:
        """The sha256 of what makes this row the test that it is: what was measured of one row says nothing of another.

        Its words, its claims and the runners that it has are no part of that.
        """
        row = self.model_dump_json(exclude={"summary", "notices", "os", "skip"}, exclude_defaults=True)
        return f"sha256:{hashlib.sha256(row.encode()).hexdigest()}"


class Gate(Record):
    """A named set of jobs that gets one verdict; `lead` is shown first."""

    summary: Text = Field("a gate", description="one line for people: what it asks")
    on: tuple[TRIGGERS, ...] = Field((), description="the events on GitHub that start it", examples=[["pull_request"]])
    branches: tuple[texts.Branch, ...] = Field(
        ("main",), min_length=1, description="the branches whose pushes start it", examples=[["main", "dev"]]
    )
    cron: texts.Cron | None = Field(None, description="when it starts by itself, in UTC", examples=["17 3 * * *"])
    jobs: tuple[Name, ...] = Field(min_length=1, description="the jobs that decide it", examples=[["smoke"]])
    lead: Name | None = Field(None, description="the job that is shown first", examples=["smoke"])


class Matrix(Record):
    """Repos, artifacts, jobs and gates of a stack: a whole matrix.toml."""

    model_config = ConfigDict(populate_by_name=True, title="phdb-ci: matrix.toml")

    schema_: Literal[1] = Field(alias="schema", description="the version of this format", examples=[1])
    repos: dict[Name, Repo] = Field(min_length=1, description="the repositories, by name")
    artifacts: dict[Name, Artifact] = Field({}, description="what is built once and shared, by name")
    jobs: dict[Name, Job] = Field(min_length=1, description="the jobs, by name")
    gates: dict[Name, Gate] = Field({}, description="sets of jobs with one verdict, by name")
    quarantine: tuple[Quarantine, ...] = Field(
        (), description="known failures, of a job or of its cases, that do not decide until a date"
    )
    services: dict[Name, Service] = Field({}, description="servers that jobs talk to, by name")
    actions: dict[texts.ActionName, Action] = Field({}, description="the GitHub actions of the workflows, by name")
    self_: Home | None = Field(None, alias="self", description="this project on GitHub")

    def needed(self, artifacts: Iterable[str]) -> tuple[str, ...]:
        """These artifacts and all that their builds need, each once, what is needed before what needs it."""
        ordered: dict[str, None] = {}
        for name in artifacts:
            ordered |= dict.fromkeys(self.needed(self.artifacts[name].needs))
            ordered[name] = None
        return tuple(ordered)

    def quarantine_of(self, job: str) -> tuple[Quarantine, ...]:
        """The known failures of a job and of its cases."""
        return tuple(row for row in self.quarantine if row.job == job)

    @property
    def breakables(self) -> dict[str, Breakable]:
        """Every artifact and repo, by what people call it: `artifact engine`, `repo agents`."""
        artifacts = {f"artifact {name}": artifact for name, artifact in self.artifacts.items()}
        return artifacts | {f"repo {name}": repo for name, repo in self.repos.items()}

    @property
    def faults(self) -> dict[str, str]:
        """Every fault but `control`, with what it breaks: `artifact engine`."""
        return {name: owner for owner, item in self.breakables.items() for name in item.fault_names}

    def faults_of(self, job: Job) -> tuple[str, ...]:
        """The faults that can apply to a job: those of the artifacts that it uses and the repos that it checks out."""
        used = {*(f"artifact {name}" for name in job.artifacts), *(f"repo {name}" for name in job.repos)}
        return tuple(fault for fault, owner in self.faults.items() if owner in used)


def is_folder(name: str) -> bool:
    """Whether the name of a repo is that of a subfolder of the matrix's own folder: `./checks`."""
    return name.startswith("./")
