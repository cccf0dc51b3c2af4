"""Rules about names: what is named must exist, once, and nothing may be called what is taken."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from phdb_ci.matrix.locate import Path
from phdb_ci.matrix.problems import Problem, shown_text
from phdb_ci.matrix.table import Table, repeated
from phdb_ci.models.matrix import CONTROL, is_folder

SECTIONS = frozenset({"schema", "repos", "artifacts", "jobs", "gates", "quarantine", "services", "actions", "self"})
# nox has a session for each of these, for each gate, artifact and job.
SESSIONS = frozenset({
    "render", "verdict", "publish", "bump", "prove", "doctor", "plan", "cache", "demo", "tests", "unit", "lint", "act",
    "fakegreen", "benchmark",
})  # fmt: skip
USES = (  # a section, keys of its rows, and what they name
    ("artifacts", ("repo", "with"), "repo"), ("jobs", ("repo", "with"), "repo"), ("artifacts", ("needs",), "artifact"),
    ("jobs", ("artifacts", "builds"), "artifact"), ("jobs", ("services",), "service"), ("gates", ("jobs",), "job"),
)  # fmt: skip
COMMANDS = ("build", "setup", "run")
# The first word of a placeholder is one of these or an artifact.
PLACEHOLDERS = frozenset({"repos", "services", "build", "data", "tmp", "home", "cpus"})


def unknown(root: Table) -> Iterator[Problem]:
    """What a row names stands in the file; a repo may also be a folder beside the matrix."""
    for section, keys, kind in USES:
        for row in root.tables(section):
            uses = row.texts(*keys) + (_witnessed(row) if kind == "artifact" else [])
            yield from _unknown(kind, uses, _known(root, f"{kind}s"))
    for row in root.rows("quarantine"):
        yield from _unknown("job", row.texts("job"), _known(root, "jobs"))


def inputs(root: Table) -> Iterator[Problem]:
    """The inputs of an artifact are of repos that it is built from."""
    for artifact in root.tables("artifacts"):
        sources = artifact.words("repo", "with")
        for path, text in artifact.texts("inputs"):
            repo = text.rpartition(":")[0]
            if repo and repo not in sources:
                yield Problem(path, f'it is not built from repo {shown_text(repo)}; add `with = ["{repo}"]`')


def artifacts(root: Table) -> Iterator[Problem]:
    """What a job builds or counts, it uses; it counts the calls of a program."""
    for job in root.tables("jobs"):
        used = job.words("artifacts")
        for path, name in job.texts("builds") + _witnessed(job):
            if name not in used and {name, *used} <= set(root.keys("artifacts")):
                yield Problem(path, f'the job does not use {name}; add `artifacts = ["{name}"]` to it')
        for path, name in _witnessed(job):
            if root.table("artifacts").table(name).values.get("program") is False:
                yield Problem(path, f"{name} is a library (program = false): nothing sees its calls")


def builds(root: Table) -> Iterator[Problem]:
    """What a job builds again needs nothing and is built from the job's own repo."""
    for job in root.tables("jobs"):
        for path, name in job.texts("builds"):
            artifact, repo = root.table("artifacts").table(name), job.text("repo")
            home = artifact.text("repo")
            if artifact.words("needs"):
                yield Problem(path, f"{name} needs other artifacts, so no job can build it again by itself")
            if home != repo and {home, repo} <= set(root.keys("repos")):
                yield Problem(path, f"{name} is built from repo {home}, and this job runs in {repo}")


def _witnessed(job: Table) -> list[tuple[Path, str]]:
    return job.table("evidence").table("witness").texts("artifact")


def circles(root: Table) -> Iterator[Problem]:
    """No artifact needs itself, over however many others."""
    graph = {artifact.name: artifact.words("needs") for artifact in root.tables("artifacts")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        yield Problem(("artifacts", circle[0], "needs"), f"a circle: {' needs '.join(reversed(circle))}")


def faults(root: Table) -> Iterator[Problem]:
    """A fault has one owner, `hangs` names its owner's, and a job claims to notice only what can apply to it."""
    owners: dict[str, str] = {}
    breakables = {f"{owner.path[0]}.{owner.name}": owner for owner in root.tables("artifacts", "repos")}
    for name, owner in breakables.items():
        for fault in owner.keys("faults"):
            if fault in owners:
                yield Problem(owner.table("faults").at(fault), f"{fault} is a fault of {owners[fault]} already")
            elif fault != CONTROL:
                owners[fault] = name
        yield from _unknown("fault", owner.texts("hangs"), owner.keys("faults"))
    for job in root.tables("jobs"):
        yield from _claims(job, owners, breakables)


def _claims(job: Table, owners: Mapping[str, str], known_owners: Collection[str]) -> Iterator[Problem]:
    """The job's `notices`; nothing is said of a job that uses what is not there, which is a problem of its own."""
    used = {f"artifacts.{name}" for name in job.words("artifacts", "builds")}
    used |= {f"repos.{name}" for name in job.words("repo", "with") if not is_folder(name)}
    if not used.issubset(known_owners):
        return
    possible = tuple(fault for fault, owner in owners.items() if owner in used)
    for path, fault in job.texts("notices"):
        if fault in owners and fault not in possible:
            yield Problem(path, f"{fault} is a fault of {owners[fault]}, which this job does not use")
        elif fault not in owners:
            unknown = f"there is no fault {shown_text(fault)} of what this job uses"
            yield Problem(path, unknown, got=fault, near=possible)


def gates(root: Table) -> Iterator[Problem]:
    """The lead of a gate is one of its jobs."""
    for gate in root.tables("gates"):
        jobs = gate.words("jobs")
        for path, name in gate.texts("lead"):
            if jobs and name not in jobs and set(jobs) <= set(root.keys("jobs")):
                yield Problem(path, f"{shown_text(name)} is not among the jobs of this gate", got=name, near=jobs)


def _known(root: Table, section: str) -> tuple[str, ...] | None:
    """The names in a section; None when it is absent by a problem of its own, such as `[artifact.engine]`."""
    names = root.keys(section)
    needed = section in ("repos", "jobs") or not SECTIONS.issuperset(root.values)
    return None if needed and not names else names


def collisions(root: Table) -> Iterator[Problem]:
    """Jobs, gates, artifacts and the sessions of nox share one set of names."""
    users: dict[str, Collection[str]] = {
        "a gate": root.keys("gates"), "an artifact": root.keys("artifacts"), "a placeholder": PLACEHOLDERS,
        "a session of nox": SESSIONS,
    }  # fmt: skip
    for kind, others in {
        "job": ("a gate", "an artifact", "a session of nox"),
        "gate": ("an artifact", "a session of nox"),
        "artifact": ("a placeholder", "a session of nox"),
    }.items():
        for table in root.tables(f"{kind}s"):
            user = next((other for other in others if table.name in users[other]), None)
            if user is not None:
                yield Problem(table.path, f"{table.name} is the name of {user}, so no {kind} can have it")


def outputs(root: Table) -> Iterator[Problem]:
    """An output has a placeholder of its own."""
    for artifact in root.tables("artifacts"):
        for path, output in artifact.texts("outputs"):
            if output == "build":
                text = f"{{{artifact.name}.build}} is the build directory, so no output can be called build"
                yield Problem(path, text)


def lists(table: Table) -> Iterator[Problem]:
    """No list names anything twice. Commands may be run twice; overrides have a rule of their own."""
    for key, value in table.values.items():
        if isinstance(value, dict) and key != "override":
            yield from lists(table.table(key))
        elif isinstance(value, list) and key not in COMMANDS:
            for path, text in repeated(table.texts(key)):
                yield Problem(path, f"{shown_text(text)} stands in this list twice")
            for row in table.rows(key):
                yield from lists(row)


def _unknown(kind: str, uses: Iterable[tuple[Path, str]], names: tuple[str, ...] | None) -> Iterator[Problem]:
    for path, name in uses:
        if names is not None and name not in names and not is_folder(name):
            yield Problem(path, f"there is no {kind} {shown_text(name)}", got=name, near=names)
