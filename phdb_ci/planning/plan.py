"""Matrix, Sources and Inventory → Plan: which nodes run here, what they wait for, and why. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from phdb_ci.base.nearest import perhaps
from phdb_ci.base.text import counted
from phdb_ci.errors import ArtifactError, UsageError
from phdb_ci.models.inventory import Inventory, KeyInputs, Stored
from phdb_ci.models.labels import claims, evidence
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import ArtifactNode, IdleLeg, JobNode, Plan
from phdb_ci.models.proofs import ProofFile, Proofs
from phdb_ci.models.sources import Sources
from phdb_ci.models.statuses import IdleStatus

HINTS = {
    "bash": "apt-get install bash",
    "c++": "apt-get install g++ · xcode-select --install",
    "cmake": "apt-get install cmake · brew install cmake",
    "git": "apt-get install git · brew install git",
    "node": "https://nodejs.org, apt-get install nodejs · brew install node (20 or newer)",
    "npm": "https://nodejs.org, apt-get install npm · brew install node",
    "python3": "apt-get install python3 python3-venv · brew install python",
}


def select(matrix: Matrix, names: Sequence[str]) -> tuple[str, tuple[str, ...], str | None]:
    """Gate and job names as given → the name of the verdict, the jobs, each once, and the lead job.

    Raises UsageError for a name that is neither, with the nearest one.
    """
    known = [*matrix.gates, *matrix.jobs, *matrix.artifacts]
    chosen: list[str] = []
    for name in names:
        if name in matrix.gates:
            chosen += matrix.gates[name].jobs
        elif name in matrix.jobs:
            chosen.append(name)
        elif name not in matrix.artifacts:
            raise UsageError(
                f'"{name}" is neither a gate nor a job of the matrix.{perhaps(name, known)}',
                tries=[
                    f"gates: {', '.join(matrix.gates) or 'none'}",
                    f"jobs: {', '.join(matrix.jobs)}",
                    f"artifacts: {', '.join(matrix.artifacts) or 'none'}",
                ],
            )
    jobs = tuple(dict.fromkeys(chosen))
    lead = matrix.gates[names[0]].lead if names[0] in matrix.gates else None
    return "+".join(dict.fromkeys(names)), jobs, lead


def artifacts_named(matrix: Matrix, names: Iterable[str]) -> tuple[str, ...]:
    """The artifacts among the names: they are built, whether or not a job needs them."""
    return tuple(dict.fromkeys(name for name in names if name in matrix.artifacts))


def repos_of(matrix: Matrix, jobs: Iterable[str], artifacts: Iterable[str] = ()) -> tuple[str, ...]:
    """Every repo that these jobs check out or build from, and these artifacts are built from.

    In the order of the matrix; folders beside the matrix last.
    """
    jobs = list(jobs)
    needed = dict.fromkeys(repo for name in jobs for repo in matrix.jobs[name].repos)
    used = [*artifacts, *(name for job in jobs for name in matrix.jobs[job].artifacts)]
    needed |= dict.fromkeys(repo for name in matrix.needed(used) for repo in matrix.artifacts[name].repos)
    return (*(name for name in matrix.repos if name in needed), *(name for name in needed if name not in matrix.repos))


def make_plan(
    matrix: Matrix, gate: str, jobs: Sequence[str], lead: str | None, sources: Sources, inventory: Inventory,
    artifacts: Sequence[str] = (), proofs: ProofFile | None = None,
) -> Plan:  # fmt: skip
    """The graph for these jobs here, and for artifacts that were asked for by name.

    Raises ArtifactError for a handed-in artifact of other inputs.
    """
    legs, idle = _legs(matrix, jobs, inventory, proofs.of(sources.stack) if proofs else None)
    wanted = [*artifacts, *(name for leg in legs for name in leg.needs)]
    return Plan(
        gate=gate,
        jobs=tuple(jobs),
        lead=lead,
        sources=sources,
        artifacts=_artifacts(wanted, matrix, inventory),
        named=tuple(artifacts),
        legs=tuple(legs),
        idle=tuple(idle),
        platform=inventory.platform,
        cpus=inventory.cpus,
        notes=inventory.notes,
    )


def hint(tool: str) -> str:
    """How to get a missing tool, in one line."""
    return f"{tool} is not on PATH; get it: {HINTS[tool]}" if tool in HINTS else f"{tool} is not on PATH"


def changes(old: KeyInputs, new: KeyInputs) -> tuple[str, ...]:
    """Which parts of the key differ, one line each."""
    lines = [
        f"input {path} changed ({_short(old.trees.get(path))} → {_short(new.trees.get(path))})"
        for path in _differing(old.trees, new.trees)
    ]
    lines += [
        f"tool {name} changed ({old.tools.get(name, 'none')} → {new.tools.get(name, 'none')})"
        for name in _differing(old.tools, new.tools)
    ]
    lines += [f"artifact {name}, which it needs, changed" for name in _differing(old.needs, new.needs)]
    if old.platform != new.platform:
        lines.append(f"platform changed ({old.platform} → {new.platform})")
    if old.build != new.build:
        lines.append("the build commands changed")
    if old.outputs != new.outputs:
        lines.append("the outputs changed")
    return tuple(lines)


def _differing(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[str]:
    """The names that only one of the two has, or that both have with another value."""
    return sorted({name for name, _ in old.items() ^ new.items()})


def _short(oid: str | None) -> str:
    return oid[:7] if oid else "absent"


def _legs(
    matrix: Matrix, jobs: Sequence[str], inventory: Inventory, proofs: Proofs | None
) -> tuple[list[JobNode], list[IdleLeg]]:
    legs: list[JobNode] = []
    idle: list[IdleLeg] = []
    away = f"this machine is {inventory.platform}"
    for name in jobs:
        job = matrix.jobs[name]
        here = [os for os in job.os if _is_here(os, inventory) and os not in job.skip][:1]
        legs += [_leg(matrix, name, os, inventory, proofs) for os in here]
        for os, reason in ({os: away for os in job.os if os not in here} | job.skip).items():
            kind: IdleStatus = "skipped" if os in job.skip else "elsewhere"
            idle.append(IdleLeg(job=name, os=os, summary=job.summary, kind=kind, reason=reason))
    return legs, idle


def _is_here(os: str, inventory: Inventory) -> bool:
    """Whether this machine is that runner: by name where it was told which it is, else by its family."""
    return os == inventory.runner if inventory.runner else os.startswith(inventory.os_family)


def _leg(matrix: Matrix, name: str, os: str, inventory: Inventory, proofs: Proofs | None) -> JobNode:
    job = matrix.jobs[name]
    return JobNode(
        job=name,
        os=os,
        summary=job.summary,
        needs=job.artifacts,
        repos=job.repos,
        evidence=tuple(evidence(job)),
        claims=job.notices,
        claimed=claims(name, job, proofs),
        quarantined=any(row.case is None for row in matrix.quarantine_of(name)),
        expected=inventory.durations.get(f"{name}@{os}"),
        missing_tools=tuple(tool for tool in job.tools if inventory.tools[tool].path is None),
        versions={tool: inventory.tools[tool].version or "" for tool in job.versions},
    )


def _artifacts(wanted: Sequence[str], matrix: Matrix, inventory: Inventory) -> tuple[ArtifactNode, ...]:
    """The artifacts that are wanted, and those that a build among them needs; what is there needs nothing."""
    nodes: dict[str, ArtifactNode] = {}
    wanted = list(wanted)
    while wanted:
        name = wanted.pop(0)
        if name not in nodes:
            nodes[name] = _artifact(name, matrix, inventory)
            wanted += nodes[name].needs
    return tuple(nodes.values())


def _artifact(name: str, matrix: Matrix, inventory: Inventory) -> ArtifactNode:
    inputs, key = inventory.inputs[name], inventory.keys[name]
    missing = tuple(tool for tool in matrix.artifacts[name].tools if inventory.tools[tool].path is None)
    common = {"name": name, "key": key, "inputs": inputs, "expected": inventory.durations.get(name)}
    if name in inventory.given:
        stored = inventory.given[name]
        return ArtifactNode(**common, action="given", why=_check_given(stored, inputs), stored=stored)
    entries = inventory.stored.get(name, ())
    for stored in entries:
        if stored.key == key:
            same = f"same key: inputs, tools and platform are those of {stored.commit[:7]} (built {stored.built})"
            return ArtifactNode(**common, action="reuse", why=(same,), stored=stored)
    why = _why_build(entries, inputs, inventory.other_release.get(name, 0))
    return ArtifactNode(**common, action="build", why=why, needs=matrix.artifacts[name].needs, missing_tools=missing)


def _why_build(entries: Sequence[Stored], inputs: KeyInputs, others: int) -> tuple[str, ...]:
    if not entries:
        stored = f"{counted(others, 'entry', 'entries')} in the store, built by another release of phdb-ci"
        return (f"{stored}: not used" if others else "nothing is stored yet",)
    nearest = min(entries, key=lambda entry: len(changes(entry.inputs, inputs)))
    return changes(nearest.inputs, inputs) or ("its key is not in the store",)


def _check_given(stored: Stored, inputs: KeyInputs) -> tuple[str, ...]:
    """A handed-in artifact must be of these very inputs and commands; another tool version is only said."""
    if stored.inputs.model_copy(update={"tools": inputs.tools}) != inputs:
        raise ArtifactError(
            f"the {inputs.artifact} that was handed in is not of this run's commit, commands or platform: "
            + "; ".join(changes(stored.inputs, inputs)),
            tries=["build it from the commits of this run", "leave --artifact out, and it is built here"],
        )
    return ("handed in with --artifact", *changes(stored.inputs, inputs))
