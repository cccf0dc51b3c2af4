"""A job's own directory, and what is true of it before and after the job.

    <work>/<leg>/  ws/<repo>  home  tmp  data  art/<artifact>  venv  reports

A job that declares `builds` has its checkouts and the build directory in the artifact's own place in the cache
(`builds/<artifact>-<key>/`), where a build that is current costs nothing; it holds that place's lock while it runs.
"""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.artifacts.store import file_digest
from phdb_ci.artifacts.witness import Placed, is_program, put
from phdb_ci.base.files import walk
from phdb_ci.base.locks import OnWait, locked
from phdb_ci.execution.environment import QUIET, downloads, outside
from phdb_ci.execution.harness import interpreter
from phdb_ci.execution.watch import Watch
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import Job, is_folder
from phdb_ci.models.placeholders import expand
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind, report_env
from phdb_ci.models.results import ArtifactUse, Suite
from phdb_ci.models.sources import Sources
from phdb_ci.reports.manifest import put_away
from phdb_ci.sources.git import Checkout, changed, checkout, outside_links, same_content, unknown


@dataclass
class BuildPlace:
    """Where an artifact is built, and built again by jobs that declare it: the same path each time, under a lock."""

    root: Path

    @classmethod
    def of(cls, cache: Path, artifact: str, key: str) -> "BuildPlace":
        """The place of one key."""
        return cls(cache / "builds" / f"{artifact}-{key[:16]}")

    @property
    def build(self) -> Path:
        """The build directory."""
        return self.root / "build"

    @property
    def ready(self) -> Path:
        """A marker that holds the digest of what the build directory last made; absent: not current."""
        return self.root / "ready"

    @property
    def lock(self) -> Path:
        """The lock file; beside the place, so that the place can be thrown away under it."""
        return self.root.with_suffix(".lock")


@dataclass
class Workspace:
    """One job's directory, made by prepare(); the fields are what running and judging the job needs."""

    root: Path
    trees: Path
    job: Job
    env: dict[str, str]
    values: dict[str, str]
    checkouts: dict[str, Checkout]
    placed: dict[str, Placed]
    build_output: dict[str, Path] = field(default_factory=dict)
    data_was_empty: bool = True
    early: dict[int, str] = field(default_factory=dict)

    @property
    def tops(self) -> tuple[Path, ...]:
        """The folders of the checkouts."""
        return tuple(self.trees / name for name in self.checkouts)

    @property
    def cwd(self) -> Path:
        """Where the commands run: the checkout of the job's own repo."""
        return self.trees / self.job.repo

    @property
    def reports(self) -> Path:
        """Where asked-for reports go."""
        return self.root / "reports"

    def command(self, text: str) -> str:
        """A command of the matrix with its placeholders filled in, each quoted for the shell."""
        return expand(text, {name: shlex.quote(value) for name, value in self.values.items()})

    def report_path(self, index: int) -> Path | None:
        """The file of the index-th report; None for kinds that are read from the log."""
        report = self.job.reports[index]
        if REPORT_KINDS[report.kind].place == "asked":
            return self._asked_report(report.kind)
        return self.cwd / report.path if report.path else None

    def run_env(self) -> dict[str, str]:
        """The environment of the run commands: the job's, and what asks the runners for their reports."""
        env = dict(self.env)
        for report in self.job.reports:
            env |= report_env(report.kind, str(self._asked_report(report.kind)))
        return env

    def _asked_report(self, kind: ReportKind) -> Path:
        return self.reports / f"{kind}.xml"


def work_dirs(root: Path) -> dict[str, Path]:
    """The folders that every job has, made empty."""
    made = {name: root / name for name in ("ws", "home", "tmp", "data", "art", "reports")}
    for path in made.values():
        path.mkdir(parents=True)
    return made


def prepare(
    job: Job, root: Path, *, sources: Sources, cache: Path, artifacts: Mapping[str, Stored], caller: Mapping[str, str],
    cpus: int, held: ExitStack, on_wait: OnWait, cancelled: Callable[[], bool], services: Mapping[str, str],
    variants: Mapping[str, Mapping[str, Path]],
) -> tuple[Workspace, tuple[int, ...]]:  # fmt: skip
    """Make a job's directory; also the locks of `builds`, entered into `held`, which last as long as the job.

    Raises SourceError or DiskError when a checkout cannot be made.
    """
    dirs = work_dirs(root)
    place, locks = None, []
    for name in job.builds:
        place = BuildPlace.of(cache, name, artifacts[name].key)
        locks.append(held.enter_context(locked(place.lock, on_wait, cancelled)))
    trees = place.root if place else dirs["ws"]
    checkouts = {
        name: checkout(
            sources.repos[name].objects, sources.repos[name].commit, trees / name, trash=cache / "trash",
            again=place is not None,
        )
        for name in job.repos
    }  # fmt: skip
    placed = {name: put(artifacts[name], dirs["art"] / name, variants.get(name)) for name in job.artifacts}
    values = _values(job, dirs, trees, placed, place, cpus)
    values |= {f"services.{name}": url for name, url in services.items()}
    space = Workspace(
        root=root, trees=trees, job=job, values=values, checkouts=checkouts, placed=placed,
        env=_environment(job, dirs, values, cache, caller),
    )  # fmt: skip
    return space, tuple(locks)


def place_again(space: Workspace, cache: Path) -> None:
    """Bring the checkouts back after a build at their place, which began with nothing and left the inputs alone."""
    for placed in space.checkouts.values():
        checkout(placed.mirror, placed.commit, placed.dest, again=True, trash=cache / "trash")


def put_builds(space: Workspace, name: str, place: BuildPlace) -> None:
    """Put the witness in front of the programs in a current build directory, for a job that declares `builds`."""
    for output in space.placed[name].stored.digests:
        if is_program(output):
            space.placed[name].put_launcher(output, place.build / output)
            space.build_output[name] = place.build / output


def before_run(space: Workspace) -> None:
    """Note what must be absent before the run commands, and start counting calls."""
    space.data_was_empty = not any(Path(space.values["data"]).iterdir())
    for index, report in enumerate(space.job.reports):
        path = space.report_path(index)
        if path is not None and os.path.lexists(path):
            space.early[index] = (
                f"{report.path or path.name} was there before the job: left over from an earlier run"
            )
    for document in filter(None, (space.job.evidence.manifest, space.job.evidence.figures)):
        put_away(document.file, space.tops)
    for placed in space.placed.values():
        placed.start()


def watch(space: Workspace) -> Watch:
    """What sees a report overwritten while the run commands run."""
    paths = {index: space.report_path(index) for index in range(len(space.job.reports))}
    return Watch(
        {
            index: (path, REPORT_KINDS[space.job.reports[index].kind].at_once)
            for index, path in paths.items()
            if path
        }
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
    found = [f"{name}/{path}" for name, placed in space.checkouts.items() for path in outside_links(placed)][
        :20
    ]
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
                found += [
                    path for name in files if name in names and (path := f"{folder}/{name}") not in ours
                ]
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


def base_python() -> str:
    """The interpreter below the environment that the harness runs in; job environments are made from it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidate = Path(sys.base_prefix) / "bin" / name
    return str(candidate if candidate.exists() else Path(sys.executable).resolve())


def python_commands(space: Workspace) -> list[list[str]]:
    """The uv command lines that make the job's Python environment; none when it uses no Python."""
    if not space.job.uses_python:
        return []
    from uv import find_uv_bin

    uv, venv = find_uv_bin(), str(space.root / "venv")
    commands = [[uv, "venv", "--quiet", "--no-project", "--python", base_python(), venv]]
    install = [uv, "pip", "install", "--quiet", "--python", str(space.root / "venv" / "bin" / "python")]
    if space.job.lock:
        commands.append([*install, "--require-hashes", "--requirements", str(space.cwd / space.job.lock)])
    if space.job.python:
        commands.append([*install, *space.job.python])
    return commands


def _values(
    job: Job,
    dirs: Mapping[str, Path],
    trees: Path,
    placed: Mapping[str, Placed],
    place: BuildPlace | None,
    cpus: int,
) -> dict[str, str]:
    values = {f"repos.{name}": str(trees / name) for name in job.repos if not is_folder(name)}
    for name, artifact in placed.items():
        for output in artifact.stored.digests:
            values[f"{name}.{output}"] = str(artifact.folder / output)
            values[f"{name}.real.{output}"] = str(artifact.folder / "real" / output)
    for name in job.builds:
        assert place is not None  # noqa: S101 - a place is made for every name in builds
        values[f"{name}.build"] = str(place.build)
    values |= {"data": str(dirs["data"]), "tmp": str(dirs["tmp"]), "home": str(dirs["home"])}
    ours = any("{harness}" in text for text in (*job.setup, *job.run))
    return values | {"cpus": str(cpus)} | ({"harness": interpreter()} if ours else {})


def _environment(
    job: Job, dirs: Mapping[str, Path], values: Mapping[str, str], cache: Path, caller: Mapping[str, str]
) -> dict[str, str]:
    env = outside(caller) | QUIET | downloads(cache)
    env |= {"HOME": str(dirs["home"]), "TMPDIR": str(dirs["tmp"])}
    if job.uses_python:
        venv = dirs["ws"].parent / "venv"
        env |= {"VIRTUAL_ENV": str(venv), "PATH": f"{venv / 'bin'}:{env['PATH']}"}
    return env | {name: expand(value, values) for name, value in job.env.items()}


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
