"""What is true of a job's directory before and after its commands: reports, calls, strays, changed files.

What is asked here is answered from outside of the job's reach; what it means is for judging/evidence.py.
"""

import os
from collections import Counter
from pathlib import Path

from phdb_ci.artifacts.store import file_digest
from phdb_ci.base.files import walk
from phdb_ci.execution.workspace.make import Workspace
from phdb_ci.execution.workspace.watch import Watch
from phdb_ci.models.matrix import Job
from phdb_ci.models.report_kinds import REPORT_KINDS
from phdb_ci.models.results import ArtifactUse, Suite
from phdb_ci.reports.manifest import put_away
from phdb_ci.sources.git import changed, outside_links, same_content, unknown


def before_run(space: Workspace) -> None:
    """Note what must be absent before the run commands, and start counting calls."""
    space.data_was_empty = not any(Path(space.values["data"]).iterdir())
    for index, report in enumerate(space.job.reports):
        path = space.report_path(index)
        if path is not None and os.path.lexists(path):
            space.early[index] = f"{report.path or path.name} was there before the job: left over from an earlier run"
    for document in filter(None, (space.job.evidence.manifest, space.job.evidence.figures)):
        put_away(document.file, space.tops)
    for placed in space.placed.values():
        placed.start()


def watch(space: Workspace) -> Watch:
    """What sees a report overwritten while the run commands run."""
    paths = {index: space.report_path(index) for index in range(len(space.job.reports))}
    return Watch(
        {index: (path, REPORT_KINDS[space.job.reports[index].kind].at_once) for index, path in paths.items() if path}
    )


def note_rewritten(space: Workspace, watched: Watch) -> None:
    """A report that a second test run has overwritten is no report of the first."""
    for index in watched.rewritten:
        kept = "it was written by more than one test run, and holds the last one's cases alone"
        space.early.setdefault(index, kept)


def uses(space: Workspace) -> tuple[ArtifactUse, ...]:
    """What became of each artifact in this job's hands."""
    found = []
    for name, placed in space.placed.items():
        rebuilt, rebuilt_as = _rebuilt(space, name)
        calls = placed.calls()
        found.append(ArtifactUse(
            name=name, key=placed.stored.key, digest=placed.stored.digest, before=placed.before, after=placed.after(),
            calls=calls.total(), verbs=_verbs(space.job, name, calls), builds=name in space.job.builds,
            rebuilt=rebuilt, rebuilt_as=rebuilt_as,
        ))  # fmt: skip
    return tuple(found)


def _verbs(job: Job, name: str, calls: Counter[str]) -> dict[str, int]:
    """Calls by first argument: those that count, and the most frequent of the others."""
    witness = job.evidence.witness
    demanded = witness.verbs if witness and witness.artifact == name else ()
    return {verb: calls[verb] for verb in demanded} | dict(calls.most_common(20))


def links_out(space: Workspace) -> tuple[str, ...]:
    """Links of the commits that leave the folder of the checkouts, as `repo/path`."""
    found = [f"{name}/{path}" for name, placed in space.checkouts.items() for path in outside_links(placed)][:20]
    return tuple(_text(path) for path in found)


def strays(space: Workspace) -> tuple[str, ...]:
    """Files of an artifact's name that are not the harness's: a fallback build of the job's own."""
    names = {Path(output).name for placed in space.placed.values() for output in placed.stored.digests}
    own_build = {str(path.parent) for path in space.build_output.values()}
    ours = {
        f"{folder}/{output}"
        for placed in space.placed.values()
        for output in placed.stored.digests
        for folder in (placed.folder, placed.folder / "real")
    }
    found = []
    for top in (*space.tops, *(space.root / name for name in ("ws", "home", "tmp", "data", "venv", "art"))):
        for folder, files in walk(top):
            if folder not in own_build:
                found += [path for name in files if name in names and (path := f"{folder}/{name}") not in ours]
    return tuple(sorted({_shown(space, path) for path in found})[:20])


def changed_files(space: Workspace) -> tuple[str, ...]:
    """Tracked files of the checkouts that are no longer as committed, as `repo/path`."""
    found = [f"{name}/{path}" for name, placed in space.checkouts.items() for path in changed(placed)][:50]
    return tuple(_text(path) for path in found)


def twins(space: Workspace, path: Path) -> tuple[str, ...]:
    """The committed files of other paths that a file is a copy of, as `repo/path`."""
    content = path.read_bytes()
    return tuple(
        _text(f"{name}/{twin}")
        for name, placed in space.checkouts.items()
        for twin in same_content(placed, content)
        if placed.dest / twin != path
    )


def unknown_files(space: Workspace) -> tuple[str, ...]:
    """Files in the checkouts that no commit has and that none says to ignore, as `repo/path`."""
    found = [f"{name}/{path}" for name, placed in space.checkouts.items() for path in unknown(placed)][:50]
    return tuple(_text(path) for path in found)


def early_problem(space: Workspace, index: int, suite: Suite) -> Suite:
    """A suite whose report was there before the job, or replaced in it, proves nothing, whatever it says."""
    problem = suite.problem or space.early.get(index)
    return suite.model_copy(update={"problem": problem}) if problem else suite


def _rebuilt(space: Workspace, name: str) -> tuple[bool, str | None]:
    """Whether a job that declares `builds` compiled over the launcher in its build directory, and what it made."""
    path = space.build_output.get(name)
    if path is None or not space.placed[name].replaced(path):
        return False, None
    try:
        return True, file_digest(path)
    except OSError:
        return True, "missing"


def _shown(space: Workspace, path: str) -> str:
    for root in (space.trees, space.root):
        if path.startswith(f"{root}/"):
            path = path[len(str(root)) + 1 :]
            break
    return _text(path)


def _text(path: str) -> str:
    """A path as a record can hold it: a job may use names that are no text."""
    return os.fsencode(path).decode(errors="replace")
