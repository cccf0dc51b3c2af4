"""Broken variants of artifacts and repos, made by the commands of the matrix (`faults`). Knows no job.

A command runs in the folder of matrix.toml, with the base Python first on PATH. A variant of an artifact is a file for
each output that the command wrote; the sound output may be called by it. A variant of a repo is a commit: of a checkout
that the command has edited.
"""

import shlex
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from phdb_ci.errors import Interrupted, MatrixError
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Log, Request, run, shell
from phdb_ci.execution.workspace.environment import QUIET, base_python, outside
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import CONTROL
from phdb_ci.models.placeholders import expand
from phdb_ci.models.sources import Source
from phdb_ci.sources.git.mirror import mirror_of
from phdb_ci.sources.git.place import checkout
from phdb_ci.sources.git.trees import import_worktree

LIMIT = 60.0  # seconds that a command may take


@dataclass(frozen=True)
class Variant:
    """What stands in the place of an artifact (a file by output) or of a repo (its source)."""

    name: str
    hangs: bool
    outputs: Mapping[str, Path] = field(default_factory=dict)
    source: Source | None = None

    def put_into(self, context: Context) -> Context:
        """The run with this variant in its place. No artifact is built anew from a broken repo."""
        if self.source is None:
            return replace(context, variants={**context.variants, self.name: self.outputs})
        repos = {**context.plan.sources.repos, self.name: self.source}
        sources = context.plan.sources.model_copy(update={"repos": repos})
        return replace(context, plan=context.plan.model_copy(update={"sources": sources}))


def make_variants(
    context: Context, home: Path, faults: Collection[str], stored: Mapping[str, Stored]
) -> tuple[list[Variant], dict[str, Variant]]:
    """The controls of what these faults break, and a variant by fault; none of an artifact that is not stored.

    Each command leaves a log in the run directory. Raises MatrixError when one fails, or breaks nothing.
    """
    controls, variants = [], {}
    for owner in dict.fromkeys(owner for fault, owner in context.matrix.faults.items() if fault in faults):
        kind, _, name = owner.partition(" ")
        broken = context.matrix.breakables[owner]
        for fault, command in broken.faults.items() if kind == "repo" or name in stored else ():
            folder = context.work / "variants" / fault / name
            making = _Making(context, home, f"{owner}, fault {fault}", command, folder)
            source = making.source(context.plan.sources.repos[name]) if kind == "repo" else None
            outputs = making.outputs(stored[name]) if source is None else {}
            variant = Variant(name, fault in broken.hangs, outputs, source)
            if fault == CONTROL:
                controls.append(variant)
            else:
                variants[fault] = variant
    return controls, variants


@dataclass(frozen=True)
class _Making:
    """One variant in the making; `label` is what messages call it."""

    context: Context
    home: Path
    label: str
    command: str
    folder: Path

    def outputs(self, stored: Stored) -> Mapping[str, Path]:
        outputs = {output: self.folder / output for output in stored.digests}
        values = {f"real.{output}": stored.path / output for output in outputs}
        self.run(values | {f"out.{output}": path for output, path in outputs.items()})
        written = {output: path for output, path in outputs.items() if path.is_file()}
        if not written:
            raise MatrixError(f"{self.label}: the command wrote no {{out.OUTPUT}}")
        for path in written.values():
            path.chmod(0o755)
        return written

    def source(self, sound: Source) -> Source:
        tree = self.folder / sound.repo
        checkout(sound.objects, sound.commit, tree)
        self.run({"tree": tree})
        mirror = mirror_of(self.folder, sound.repo, str(tree))
        edited = import_worktree(mirror)
        if not edited.dirty:
            raise MatrixError(f"{self.label}: the command changed no file")
        return sound.model_copy(update={"commit": edited.commit, "objects": mirror.path})

    def run(self, values: Mapping[str, Path]) -> None:
        """Run the command; its output goes to a log in the run directory."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = outside(self.context.caller) | QUIET | {"HOME": str(self.folder), "TMPDIR": str(self.folder)}
        env["PATH"] = f"{Path(base_python()).parent}:{env['PATH']}"
        command = expand(self.command, {word: shlex.quote(str(value)) for word, value in values.items()})
        path = self.context.out / f"{self.label.replace(',', '').replace(' ', '-')}.log"
        with closing(Log(path, self.context.masked)) as log:
            log.line(f"$ {command}")
            done = run(Request(shell(command), self.home, env, LIMIT), log=log, cancel=self.context.cancel)
        if done.cancelled:
            raise Interrupted("interrupted while the broken variants were made")
        if done.timed_out or done.problem or done.exit_code:
            ending = f"did not end within {LIMIT:.0f} s" if done.timed_out else f"exit {done.exit_code}"
            raise MatrixError(f"{self.label}: {done.problem or ending}: {self.command}", tries=[f"see {path}"])
