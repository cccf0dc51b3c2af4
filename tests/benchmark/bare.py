"""A gate's jobs as bare commands: the shell commands of matrix.toml in checkouts prepared beforehand.

The same environment and download caches as under phdb-ci, the job's own Python environment made by the same
uv commands; the real binary, no witness, no reports, no evidence, no limits. Each job is one shell script, so
that any scheduler can run it.
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from phdb_ci.execution.workspace.environment import QUIET, base_python, downloads, outside
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.sources import Sources
from phdb_ci.sources.git.place import checkout
from tests.benchmark.programs import cores

BUILD = "build-artifacts"


@dataclass(frozen=True)
class Gate:
    """What all rounds share. `place` is the ready build (its sources beside it) for warm rounds."""

    matrix: Matrix
    jobs: tuple[str, ...]
    sources: Sources
    cache: Path
    place: Path | None = None


@dataclass
class Bare:
    """One round's prepared folders and scripts below `root`."""

    gate: Gate
    root: Path
    scripts: dict[str, Path] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """Where the artifacts' sources and build directories are; each artifact's own folder."""
        return self.gate.place or self.root / "place"

    def prepare(self) -> "Bare":
        """Make checkouts and scripts; a cold round builds first, in a script of its own."""
        self.root.mkdir(parents=True)
        if self.gate.place is None:
            self._script(BUILD, self._build(), {}, self.place)
        for name in self.gate.jobs:
            self._job(name, self.gate.matrix.jobs[name])
        return self

    def _build(self) -> list[str]:
        commands = []
        for name in dict.fromkeys(one for job in self.gate.jobs for one in self.gate.matrix.jobs[job].artifacts):
            artifact = self.gate.matrix.artifacts[name]
            tree = self._checkout(artifact.repo, self.place / name / artifact.repo)
            values = {"build": self.place / name / "build", "cpus": cores()}
            commands += [f"cd {shlex.quote(str(tree))}", *(_filled(text, values) for text in artifact.build)]
        return commands

    def _job(self, name: str, job: Job) -> None:
        top = self.root / name
        dirs = {part: top / part for part in ("home", "tmp", "data")}
        for path in dirs.values():
            path.mkdir(parents=True)
        trees = {repo: self._tree(job, repo, top) for repo in job.repos}
        values = self._values(job, dirs, trees)
        venv = top / "venv"
        env = {name: _filled(text, values, quote=False) for name, text in job.env.items()}
        commands = [*_python(job, venv), f"cd {shlex.quote(str(trees[job.repo]))}"]
        commands += [_filled(text, values) for text in (*job.setup, *job.run)]
        python = {"PATH": f"{venv / 'bin'}:{outside(os.environ)['PATH']}", "VIRTUAL_ENV": str(venv)}
        own = {"HOME": str(dirs["home"]), "TMPDIR": str(dirs["tmp"])}
        self._script(name, commands, own | (python if _uses_python(job) else {}) | env, top)
        self.needs[name] = (BUILD,) if job.artifacts and self.gate.place is None else ()

    def _tree(self, job: Job, repo: str, top: Path) -> Path:
        if job.builds:  # where the artifact was built, so that its build directory is current
            return self.place / job.builds[0] / repo
        return self._checkout(repo, top / "ws" / repo)

    def _checkout(self, repo: str, dest: Path) -> Path:
        dest.parent.mkdir(parents=True, exist_ok=True)
        source = self.gate.sources.repos[repo]
        checkout(source.objects, source.commit, dest)
        return dest

    def _values(self, job: Job, dirs: Mapping[str, Path], trees: Mapping[str, Path]) -> dict[str, object]:
        values: dict[str, object] = {f"repos.{name}": path for name, path in trees.items()}
        for name in job.artifacts:
            build = self.place / name / "build"
            values[f"{name}.build"] = build
            for output in self.gate.matrix.artifacts[name].outputs:
                values |= {f"{name}.{output}": build / output, f"{name}.real.{output}": build / output}
        return values | dict(dirs) | {"cpus": cores()}

    def _script(self, name: str, commands: Iterable[str], env: Mapping[str, str], top: Path) -> None:
        """Two files: one that empties the environment and sends the output to a log, and the commands."""
        top.mkdir(parents=True, exist_ok=True)
        inner, outer = self.root / f"{name}.run", self.root / f"{name}.sh"
        inner.write_text("\n".join(["set -e", *commands, ""]))
        both = outside(os.environ) | QUIET | downloads(self.gate.cache) | dict(env)
        words = " ".join(shlex.quote(f"{key}={value}") for key, value in both.items())
        log = shlex.quote(str(self.root / f"{name}.log"))
        outer.write_text(f"exec env -i {words} /bin/sh {shlex.quote(str(inner))} > {log} 2>&1 < /dev/null\n")
        self.scripts[name] = outer
        self.needs.setdefault(name, ())


def makefile(scripts: Mapping[str, Path], needs: Mapping[str, Iterable[str]], order: Iterable[str]) -> str:
    """A Makefile that runs each script after what it needs; make starts what is ready in this order."""
    names = list(order)
    lines = [f".PHONY: all {' '.join(names)}", f"all: {' '.join(names)}"]
    for name in names:
        lines += [f"{name}: {' '.join(needs.get(name, ()))}".rstrip(), f"\t@sh {scripts[name]}"]
    return "\n".join([*lines, ""])


def _python(job: Job, venv: Path) -> list[str]:
    if not _uses_python(job):
        return []
    uv, place = shlex.quote(find_uv_bin()), shlex.quote(str(venv))
    commands = [f"{uv} venv --quiet --no-project --python {shlex.quote(base_python())} {place}"]
    if job.python:
        packages = " ".join(shlex.quote(package) for package in job.python)
        commands.append(f"{uv} pip install --quiet --python {place}/bin/python {packages}")
    return commands


def _uses_python(job: Job) -> bool:
    return job.python is not None or "python3" in job.tools


def _filled(text: str, values: Mapping[str, object], *, quote: bool = True) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", shlex.quote(str(value)) if quote else str(value))
    return text
