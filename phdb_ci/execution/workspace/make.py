"""A job's own directory: its folders, checkouts, artifacts and the values of its placeholders.

    <work>/<leg>/  ws/<repo>  home  tmp  data  art/<artifact>  venv  reports

A job that declares `builds` has its checkouts and the build directory in the artifact's own place in the cache
(`builds/<artifact>-<key>/`), where a build that is current costs nothing; it holds that place's lock while it runs.
"""

import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.artifacts.witness import Placed, is_program, put
from phdb_ci.base.locks import OnWait, locked
from phdb_ci.execution.workspace.environment import job_environment
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import Job, is_folder
from phdb_ci.models.placeholders import expand
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind, report_env
from phdb_ci.models.sources import Sources
from phdb_ci.sources.git import Checkout, checkout


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
        env=job_environment(job, root, values, cache, caller),
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


def _values(
    job: Job, dirs: Mapping[str, Path], trees: Path, placed: Mapping[str, Placed], place: BuildPlace | None, cpus: int
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
    return values | {"cpus": str(cpus)}
