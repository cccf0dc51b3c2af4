"""What is true of a job's directory before and after its commands: reports, calls, strays, changed files.

What is asked here is answered from outside of the job's reach; what it means is for judging/evidence.py.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from phdb_ci.artifacts.store import joint_digest, measure
from phdb_ci.artifacts.witness import Placed, is_program
from phdb_ci.base.files import is_borrowed, walk
from phdb_ci.execution.workspace.make import Workspace
from phdb_ci.models.matrix import Job
from phdb_ci.models.results import ArtifactUse
from phdb_ci.reports.documents import digests
from phdb_ci.sources.git.place import Checkout, changed, same_content, unknown

METADATA = ".egg-info"  # of a folder


def before_commands(space: Workspace) -> None:
    """Note what is there before the run commands; from now on calls count."""
    paths = {index: path for index in range(len(space.job.reports)) if (path := space.report_path(index))}
    for index, path in paths.items():
        if os.path.lexists(path):
            shown = space.job.reports[index].path or path.name
            space.early[index] = f"{shown} was there before the job: left over from an earlier run"
    for document in filter(None, (space.job.evidence.manifest, space.job.evidence.figures)):
        space.before[document.file] = digests(document.file, space.tops)
    for placed in space.placed.values():
        placed.start()


def uses(space: Workspace) -> tuple[ArtifactUse, ...]:
    """What became of each artifact in this job's hands."""
    records = []
    for name, placed in space.placed.items():
        rebuilt_as = _rebuilt_as(space, name)
        calls, builds = placed.calls(), name in space.job.builds
        compiled = builds and space.place is not None and space.place.compiled
        records.append(ArtifactUse(
            name=name, key=placed.stored.key, digest=placed.stored.digest, before=placed.before, after=placed.after(),
            calls=calls.total(), verbs=_verbs(space.job, name, calls), failed=_failed(space.job, name, placed, calls),
            builds=builds,
            rebuilt=compiled or rebuilt_as is not None, rebuilt_as=rebuilt_as,
        ))  # fmt: skip
    return tuple(records)


def _verbs(job: Job, name: str, calls: Counter[str]) -> dict[str, int]:
    """Calls by first argument: those that count, and the most frequent of the others."""
    witness = job.evidence.witness
    demanded = witness.verbs if witness and witness.artifact == name else ()
    return {verb: calls[verb] for verb in demanded} | dict(calls.most_common(20))


def _failed(job: Job, name: str, placed: Placed, calls: Counter[str]) -> dict[str, int]:
    """Of the calls that `_verbs` shows, those that failed; none more than there were."""
    failures = placed.failures()
    shown = {verb: min(failures[verb], number) for verb, number in _verbs(job, name, calls).items()}
    return {verb: number for verb, number in shown.items() if number}


def in_checkouts(space: Workspace, look: Callable[[Checkout], Iterable[str]]) -> tuple[str, ...]:
    """The first 50 paths, as `repo/path`, that `look` names: those that were changed, that no commit has, links out."""
    paths = [f"{name}/{path}" for name, placed in space.checkouts.items() for path in look(placed)]
    return tuple(map(_text, paths[:50]))


def added(space: Workspace) -> tuple[str, ...]:
    """The files that no commit has and no .gitignore names, but for the metadata of `pip install -e`: it is no code."""

    def look(placed: Checkout) -> list[str]:
        return [path for path in unknown(placed) if not any(part.endswith(METADATA) for part in path.split("/")[:-1])]

    return in_checkouts(space, look)


def altered(space: Workspace) -> tuple[str, ...]:
    """The committed files that are not as committed, but for those that the job is there to write."""

    def look(placed: Checkout) -> list[str]:
        ours = space.job.writes if placed.dest == space.cwd else ()
        return [path for path in changed(placed) if path not in ours or not _is_written(placed, path)]

    return in_checkouts(space, look)


def _is_written(placed: Checkout, path: str) -> bool:
    file = placed.dest / path
    return file.is_file() and not is_borrowed(file, placed.dest)


def strays(space: Workspace) -> tuple[str, ...]:
    """Files of an artifact's name that are not the harness's: a fallback build of the job's own."""
    names = {Path(output).name for placed in space.placed.values() for output in placed.stored.digests}
    ours = {
        f"{folder}/{output}"
        for placed in space.placed.values()
        for output in placed.stored.digests
        for folder in (placed.folder, placed.folder / "real")
    }
    tops: list[Path] = [space.root]
    own: tuple[str, ...] = ()
    if space.place:  # what a build leaves in its own folders is judged by the digest of its outputs
        tops.append(space.place.root)
        own = (f"{space.place.build}/", f"{space.place.needs}/")
    strays = []
    for folder, files in (found for top in tops for found in walk(top)):
        if not f"{folder}/".startswith(own):
            strays += [path for name in files if name in names and (path := f"{folder}/{name}") not in ours]
    return tuple(sorted({_shown(space, path) for path in strays})[:20])


def twins(space: Workspace, path: Path) -> tuple[str, ...]:
    """The committed files of other paths that a file is a copy of, as `repo/path`."""
    content = path.read_bytes()
    return tuple(
        _text(f"{name}/{twin}")
        for name, placed in space.checkouts.items()
        for twin in same_content(placed, content)
        if placed.dest / twin != path
    )


def _rebuilt_as(space: Workspace, name: str) -> str | None:
    """The digest of the outputs in its build directory, where a job that declares `builds` made one of them anew."""
    if space.place is None or name not in space.job.builds:
        return None
    placed, build = space.placed[name], space.place.build
    outputs = tuple(placed.stored.digests)
    programs = set(filter(is_program, outputs))
    anew = {output for output in programs if placed.replaced(build / output)}
    launched = {output: placed.stored.digests[output] for output in programs - anew}
    digests = measure(build, outputs) | launched
    return joint_digest(digests) if anew or digests != placed.stored.digests else None


def _shown(space: Workspace, path: str) -> str:
    """A path below the workspace, without what is above it."""
    for root in (space.trees, space.root):
        path = path.removeprefix(f"{root}/")
    return _text(path)


def _text(path: str) -> str:
    """A path as a record can hold it: a job may use names that are no text."""
    return os.fsencode(path).decode(errors="replace")
