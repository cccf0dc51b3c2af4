"""A job's own directory: its folders, checkouts, artifacts and the values of its placeholders.

    <work>/<leg>/  ws/<repo>  home  tmp  data  art/<artifact>  venv  reports

A job that declares `builds` has its checkouts and the build directory in the artifact's own place in the cache
(`builds/<artifact>-<key>/`), where a build that is current costs nothing; it holds that place's lock while it runs.
"""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.artifacts.witness import Placed, is_program, put
from phdb_ci.base.locks import locked
from phdb_ci.execution import runners
from phdb_ci.execution.context import Context
from phdb_ci.execution.workspace.environment import job_environment
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import Job, is_folder
from phdb_ci.models.placeholders import expand
from phdb_ci.models.plan import JobNode
from phdb_ci.models.report_kinds import REPORT_KINDS, report_env
from phdb_ci.sources.git.place import Checkout, checkout

FOLDERS = ("ws", "home", "tmp", "data", "art", "reports")


@dataclass
class BuildPlace:
    """Where an artifact is built, and built again by jobs that declare it: the same path each time.

    `hold` has the descriptor of its lock; `compiled`: it had to be built again for a job.
    """

    root: Path
    hold: tuple[int, ...]
    compiled: bool = False

    @property
    def build(self) -> Path:
        """The build directory."""
        return self.root / "build"

    @property
    def needs(self) -> Path:
        """The artifacts that the build needs, each in a folder of its name."""
        return self.root / "needs"

    @property
    def ready(self) -> Path:
        """A marker that holds the digest of what the build directory last made; absent: not current."""
        return self.root / "ready"


@contextmanager
def build_place(context: Context, artifact: str, key: str) -> Iterator[BuildPlace]:
    """The place of one key, locked; the lock lies beside it, so that the place can be thrown away under it."""
    root = context.cache / "builds" / f"{artifact}-{key[:16]}"
    with locked(root.with_suffix(".lock"), context.waiting, context.interrupted) as descriptor:
        yield BuildPlace(root, (descriptor,))


@dataclass
class Workspace:
    """One job's directory, made by prepare(); the fields are what running and judging the job needs.

    `place` is that of the artifact which the job builds; `early` says of a report, by its index, why it is none of this
    job's.
    """

    root: Path
    trees: Path
    job: Job
    env: dict[str, str]
    values: dict[str, str]
    checkouts: dict[str, Checkout]
    placed: dict[str, Placed]
    place: BuildPlace | None = None
    early: dict[int, str] = field(default_factory=dict)
    before: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def tops(self) -> tuple[Path, ...]:
        """The folders of the checkouts."""
        return tuple(self.trees / name for name in self.checkouts)

    @property
    def cwd(self) -> Path:
        """Where the commands run: the checkout of the job's own repo."""
        return self.trees / self.job.repo

    def command(self, text: str) -> str:
        """A command of the matrix with its placeholders filled in, each quoted for the shell."""
        return expand(text, {name: shlex.quote(value) for name, value in self.values.items()})

    def report_path(self, index: int) -> Path | None:
        """The file of the index-th report; None for kinds that are read from the log."""
        report = self.job.reports[index]
        if REPORT_KINDS[report.kind].place == "asked":
            return self.root / "reports" / f"{report.kind}.xml"
        return self.cwd / report.path if report.path else None

    def run_env(self) -> dict[str, str]:
        """The environment of the run commands: the job's, and what makes runners record themselves and report."""
        more = runners.variables(self.runners, self.records)
        for index, report in enumerate(self.job.reports):
            asked = report_env(report.kind, self._places(index))
            more = runners.joined(more, asked)
        return runners.joined(self.env, more)

    def _places(self, index: int) -> dict[str, str]:
        reporter = (self.runners / "reporter.mjs").as_uri()
        return {"file": str(self.report_path(index)), "folder": str(self.root / "kept"), "reporter": reporter}

    @property
    def runners(self) -> Path:
        """The folder of what the runners of tests load."""
        return self.root / "runners"

    @property
    def records(self) -> Path:
        """The folder in which runners of tests record themselves."""
        return self.root / "records"

    def asked(self) -> dict[str, str]:
        """By runner, the file that its report was asked for."""
        kinds = [(index, report.kind) for index, report in enumerate(self.job.reports)]
        return {kind: str(self.report_path(i)) for i, kind in kinds if REPORT_KINDS[kind].place == "asked"}


def prepare(
    context: Context, node: JobNode, artifacts: Mapping[str, Stored], services: Mapping[str, str],
    place: BuildPlace | None,
) -> Workspace:  # fmt: skip
    """Make a job's directory; `services` are their addresses, `place` has a current build of what the job builds.

    Raises SourceError or DiskError when a checkout cannot be made.
    """
    job, root = context.matrix.jobs[node.job], context.work / node.leg
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    runners.put(root / "runners", root / "records")
    trees = place.root if place else root / "ws"
    sources, trash = context.plan.sources.repos, context.cache / "trash"
    checkouts = {
        name: checkout(sources[name].objects, sources[name].commit, trees / name, trash=trash, again=place is not None)
        for name in job.repos
    }
    placed = {name: put(artifacts[name], root / "art" / name, context.variants.get(name)) for name in job.artifacts}
    values = {f"repos.{name}": str(trees / name) for name in job.repos if not is_folder(name)}
    for name, artifact in placed.items():
        for output in artifact.stored.digests:
            values[f"{name}.{output}"] = str(artifact.folder / output)
            values[f"{name}.real.{output}"] = str(artifact.folder / "real" / output)
    values |= {f"{name}.build": str(place.build) for name in job.builds if place}
    values |= {name: str(root / name) for name in ("data", "tmp", "home")}
    values |= {f"services.{name}": url for name, url in services.items()} | {"cpus": str(context.plan.cpus)}
    env = job_environment(job, root, values, context.cache, context.caller)
    space = Workspace(root, trees, job, env, values, checkouts, placed, place)
    if place:
        _put_builds(space, place)
    return space


def _put_builds(space: Workspace, place: BuildPlace) -> None:
    """Put the witness in front of the programs in the build directory, which is not current until the job has ended."""
    for name in space.job.builds:
        for output in filter(is_program, space.placed[name].stored.digests):
            space.placed[name].put_launcher(output, place.build / output)
    place.ready.unlink(missing_ok=True)
