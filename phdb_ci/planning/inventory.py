"""Gather, once, the facts of this machine that planning needs: tools, platform, keys, the store, durations."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from phdb_ci.artifacts.bundle import is_bundle, unpack
from phdb_ci.artifacts.store import Store, key_of, take_in
from phdb_ci.base.files import write_whole
from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import ArtifactError, SourceError, ToolError, UsageError
from phdb_ci.models.inventory import Inventory, KeyInputs, Stored, Tool
from phdb_ci.models.matrix import Artifact, Matrix
from phdb_ci.models.sources import Sources
from phdb_ci.sources.git.content import tree_ids

FAMILIES: dict[str, Literal["ubuntu", "macos"]] = {"linux": "ubuntu", "darwin": "macos"}


def ask_tools(matrix: Matrix, jobs: Sequence[str], path: str, artifacts: Sequence[str]) -> dict[str, Tool]:
    """Every program that these jobs and artifacts need, found on `path`.

    Versions are asked of those alone that are part of a key, or that a job wants in a version.
    It needs no sources, so that it can go on while they are resolved.
    """
    keyed = {tool for name in _artifacts_of(matrix, jobs, artifacts) for tool in matrix.artifacts[name].tools}
    asked = keyed.union(*(matrix.jobs[job].versions for job in jobs))
    with ThreadPoolExecutor(max_workers=8) as pool:
        versions = dict(zip(asked, pool.map(lambda tool: tool_version(tool, path), asked), strict=True))
    names = sorted(keyed.union(*(matrix.jobs[job].tools for job in jobs)))
    return {name: Tool(name=name, path=shutil.which(name, path=path), version=versions.get(name)) for name in names}


def gather(
    matrix: Matrix, jobs: Sequence[str], sources: Sources, *, cache: Path, given: Mapping[str, Path],
    tools: Mapping[str, Tool], artifacts: Sequence[str], runner: str | None,
) -> Inventory:  # fmt: skip
    """All facts for these jobs and artifacts.

    `tools` are what ask_tools() gave; `given` maps artifact names to files handed in; `runner` is this machine's
    name on GitHub. Raises ToolError for a runner that it cannot be, UsageError for an artifact that the matrix does not
    have, ArtifactError for one that is not what it claims.
    """
    for name in given:
        if name not in matrix.artifacts:
            raise UsageError(
                f"--artifact {name}: the matrix has no artifact of that name: {', '.join(matrix.artifacts)}."
                + perhaps(name, matrix.artifacts)
            )
    names = _artifacts_of(matrix, jobs, artifacts)
    store = Store(cache / "store")
    entries = {name: store.entries(name) for name in names}
    inputs: dict[str, KeyInputs] = {}
    keys: dict[str, str] = {}
    for name in names:  # what an artifact needs stands before it
        inputs[name] = _inputs(name, matrix.artifacts[name], sources, tools, keys)
        keys[name] = key_of(inputs[name])
    return Inventory(
        os_family=os_family(),
        runner=_checked_runner(runner),
        platform=platform_name(),
        cpus=cpus(),
        tools=dict(tools),
        inputs=inputs,
        keys=keys,
        stored={name: stored.sound for name, stored in entries.items()},
        other_release={name: stored.others for name, stored in entries.items() if stored.others},
        given={
            name: _take_in(file, name, matrix.artifacts[name], cache) for name, file in given.items() if name in names
        },
        notes=tuple(note for stored in entries.values() for note in stored.notes),
        durations=load_durations(cache),
    )


def os_family() -> Literal["ubuntu", "macos"]:
    """The family of runner that this machine stands in for. Raises ToolError on a system that is none."""
    if sys.platform not in FAMILIES:
        raise ToolError(f"phdb-ci runs on Linux and macOS; this is {sys.platform}")
    return FAMILIES[sys.platform]


def platform_name() -> str:
    """System, machine and C library: what a binary must match, for example `linux x86_64 glibc-2.36`."""
    libc = "-".join(platform.libc_ver()) if sys.platform == "linux" else f"macos-{platform.mac_ver()[0]}"
    return f"{sys.platform} {platform.machine()} {libc.strip('-') or 'libc-unknown'}"


def cpus() -> int:
    """How many processors this process may use (cgroups and affinity included where Python knows them)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def tool_version(name: str, path: str) -> str:
    """The first line of `NAME --version`, asked anew each time: a stale version would be a stale key."""
    where = shutil.which(name, path=path)
    if where is None:
        return "missing"
    try:
        # In a group of its own: many tools are scripts, and what they started has to end with them.
        asked = subprocess.Popen(
            [where, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": path, "LC_ALL": "C"}, process_group=0,
        )  # fmt: skip
    except OSError as error:
        return f"broken: {type(error).__name__}"
    with asked:
        try:
            out, err = asked.communicate(timeout=20)
        except subprocess.TimeoutExpired as error:
            os.killpg(asked.pid, signal.SIGKILL)
            return f"broken: {type(error).__name__}"
    lines = (out or err).decode(errors="replace").splitlines()
    return lines[0].strip()[:200] if lines else f"exit {asked.returncode}"


def load_durations(cache: Path) -> dict[str, float]:
    """Seconds per node of earlier runs; a file that cannot be read is no loss."""
    try:
        durations = json.loads((cache / "durations.json").read_bytes())
        return {str(name): float(value) for name, value in durations.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def save_durations(cache: Path, new: Mapping[str, float]) -> None:
    """Remember how long nodes took, for the order of the next run. Replaced by rename, so a reader never sees half."""
    merged = load_durations(cache) | {name: round(value, 3) for name, value in new.items()}
    text = json.dumps(dict(sorted(merged.items())), indent=1)
    write_whole(cache / "durations.json", text, parents=True)


def _artifacts_of(matrix: Matrix, jobs: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    """The artifacts that were named or that these jobs use, and what their builds need."""
    return matrix.needed([*named, *(name for job in jobs for name in matrix.jobs[job].artifacts)])


def _checked_runner(runner: str | None) -> str | None:
    """The runner that this machine was told to be. A result that bears another system's name would be a lie."""
    if runner and not runner.startswith(f"{os_family()}-"):
        raise ToolError(
            f"PHDB_CI_OS says that this is {runner}; it is {platform_name()}",
            tries=["unset PHDB_CI_OS", "run that leg on a machine of its own"],
        )
    return runner or None


def _inputs(
    name: str, artifact: Artifact, sources: Sources, tools: Mapping[str, Tool], keys: Mapping[str, str]
) -> KeyInputs:
    """Everything that the artifact is built from. Raises SourceError for a repo that has none of its inputs."""
    trees: dict[str, str | None] = {}
    for repo in artifact.repos:
        source, prefix = sources.repos[repo], "" if repo == artifact.repo else f"{repo}:"
        paths = artifact.inputs_of(repo)
        ids = tree_ids(source.objects, source.commit, paths)
        if paths and not any(ids.values()):
            raise SourceError(
                f"{repo}: {source.where} holds none of the inputs of {name}: {', '.join(paths)}",
                tries=[f"is that the right place for {repo}? ({source.via})"],
            )
        trees |= {prefix + path: tree for path, tree in ids.items()}
    return KeyInputs(
        artifact=name, trees=trees, needs={need: keys[need] for need in artifact.needs}, build=artifact.build,
        outputs=artifact.outputs, tools={tool: tools[tool].version or "missing" for tool in artifact.tools},
        platform=platform_name(),
    )  # fmt: skip


def _take_in(file: Path, name: str, artifact: Artifact, cache: Path) -> Stored:
    """A handed-in artifact: a file or folder with its manifest, or a bundle; `FILE#sha256=HEX` names its digest too."""
    path, sign, digest = str(file).partition("#sha256=")
    try:
        place = unpack(Path(path), cache / "given") if is_bundle(Path(path)) else Path(path)
        stored = take_in(place, name, artifact.outputs)
    except ArtifactError as error:
        raise ArtifactError(f"--artifact {name}={file}: {error.message}", tries=error.tries) from error
    if sign and stored.digest != digest:
        raise ArtifactError(f"--artifact {name}={file}: it is sha256:{stored.digest[:16]}, not what was asked for")
    return stored
