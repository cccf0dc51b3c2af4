"""One artifact of a run: taken from the store, handed in, or built once under the lock of its key."""

import shlex
import time
from collections.abc import Mapping
from contextlib import closing

from phdb_ci.artifacts.store import Store, joint_digest, measure
from phdb_ci.artifacts.store import place as put_outputs
from phdb_ci.artifacts.witness import is_program
from phdb_ci.errors import ArtifactError, Interrupted, PhdbError
from phdb_ci.execution.context import Context, now
from phdb_ci.execution.housekeeping import throw_away
from phdb_ci.execution.process import Log, Request, run, shell
from phdb_ci.execution.workspace.environment import QUIET, downloads, outside
from phdb_ci.execution.workspace.make import BuildPlace, build_place
from phdb_ci.models.inventory import Stored
from phdb_ci.models.placeholders import expand
from phdb_ci.models.plan import ArtifactNode
from phdb_ci.models.results import ArtifactResult
from phdb_ci.models.statuses import ArtifactStatus, UnbuiltStatus
from phdb_ci.models.texts import seconds
from phdb_ci.planning.plan import hint
from phdb_ci.reports.own_words import words_of
from phdb_ci.sources.git.place import export, outside_links

MEANWHILE = "another run has built it meanwhile"


class BuildError(Exception):
    """A build that gave no artifact; `status` says how, `words` are those of the command that failed."""

    def __init__(self, status: UnbuiltStatus, reason: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.status: UnbuiltStatus = status
        self.words = words


def obtain(context: Context, node: ArtifactNode, others: Mapping[str, ArtifactResult]) -> ArtifactResult:
    """Give the run its artifact; never raises for what can be expected to go wrong with a build.

    `others` are the artifacts of the run so far, those that this one needs among them.
    """
    offset = context.offset()

    def result(
        status: ArtifactStatus, stored: Stored | None = None, *, reason: str = "", note: str = "",
        words: tuple[str, ...] = (),
    ) -> ArtifactResult:  # fmt: skip
        return ArtifactResult(
            name=node.name, status=status, key=stored.key if stored else "", digest=stored.digest if stored else None,
            stored=stored, why=(*node.why, note) if note else node.why, reasons=(reason,) if reason else (),
            words=words, seconds=0.0 if node.stored else context.offset() - offset, offset=offset,
        )  # fmt: skip

    if node.stored is not None:
        return result(node.action if node.action in ("given", "published") else "reused", node.stored)
    context.progress.started(node.name, node.expected, context.out / node.name / "log.txt")
    try:
        stored, built = _build(context, node, others)
        made = result("built", stored) if built else result("reused", stored, note=MEANWHILE)
    except BuildError as error:
        made = result(error.status, reason=str(error), words=error.words)
    except Interrupted as error:
        made = result("cancelled", reason=str(error))
    except (PhdbError, OSError) as error:
        made = result("error", reason=str(error))
    context.progress.finished(node.name, made.status, made.seconds, made.reasons)
    return made


def _build(context: Context, node: ArtifactNode, others: Mapping[str, ArtifactResult]) -> tuple[Stored, bool]:
    """The artifact, and whether it was built now and not by another run while this one waited for the lock."""
    store = Store(context.cache / "store")
    folder = context.out / node.name
    folder.mkdir(parents=True, exist_ok=True)
    with build_place(context, node.name, node.key) as place, closing(Log(folder / "log.txt", context.masked)) as log:
        stored = store.find(node.name, node.key)
        if stored is not None:
            log.line(MEANWHILE)
            return stored, False
        began, started = time.monotonic(), now()
        context.progress.phase(node.name, "build")
        compile_at(context, node, place, log, others)
        source = context.plan.sources.repos[context.matrix.artifacts[node.name].repo]
        try:
            stored = store.publish(
                place.build, node.inputs, commit=source.commit, source=source.where, started=started,
                seconds=time.monotonic() - began,
            )  # fmt: skip
        except ArtifactError as error:
            raise BuildError("failed", f"the build left no such output: {error.message}") from error
        place.ready.write_text(stored.digest, encoding="utf-8")
    return stored, True


def compile_at(
    context: Context, node: ArtifactNode, place: BuildPlace, log: Log, others: Mapping[str, ArtifactResult]
) -> None:
    """Write the artifact's inputs to `place` and run its build commands in an empty build directory.

    The caller holds the place's lock; the compiler holds it too, so that it outlives a harness that is killed. Raises
    BuildError.
    """
    if node.missing_tools:
        raise BuildError("error", "; ".join(map(hint, node.missing_tools)))
    artifact = context.matrix.artifacts[node.name]
    throw_away(place.root, context.cache)
    place.build.mkdir(parents=True)
    for repo in artifact.repos:
        source = context.plan.sources.repos[repo]
        # A build that reads more fails at once, and does not lend its key to commits that differ in what it read.
        exported = export(source.objects, source.commit, place.root / repo, artifact.inputs_of(repo))
        for link in outside_links(exported):
            raise BuildError("failed", f"{repo}/{link} is a link that leaves the inputs: what it shows is in no commit")
    values = {"build": shlex.quote(str(place.build)), "cpus": str(context.plan.cpus)}
    for name in node.needs:
        stored = others[name].stored if name in others else None
        if stored is None:
            raise BuildError("failed", f"{name}, which it needs, was not built")
        folder = place.needs / name
        put_outputs(stored, folder)
        values |= {f"{name}.{output}": shlex.quote(str(folder / output)) for output in stored.digests}
    env = _environment(context, node.name)
    deadline = time.monotonic() + seconds(artifact.timeout)
    for text in artifact.build:
        remaining = max(1.0, deadline - time.monotonic())
        request = Request(shell(expand(text, values)), place.root / artifact.repo, env, remaining, hold=place.hold)
        _compile(context, request, place, log, artifact.timeout)


def _compile(context: Context, request: Request, place: BuildPlace, log: Log, limit: str) -> None:
    """Run one build command. Raises BuildError with the command's own words."""
    log.line(f"$ {request.argv[-1]}")
    start = log.written()
    done = run(request, log=log, cancel=context.cancel)
    if done.cancelled:
        raise BuildError("cancelled", "the run was interrupted")
    shown = request.argv[-1].replace(f"{place.root}/", "")
    if done.timed_out:
        words = words_of(log.path, start, str(place.root))
        raise BuildError("timeout", f"did not end within {limit}: {shown}", words)
    if done.problem or done.exit_code:
        words = words_of(log.path, start, str(place.root), builds=True)
        raise BuildError("failed", done.problem or f"exit {done.exit_code}: {shown}", words)


def ensure_current(
    context: Context, stored: Stored, place: BuildPlace, log: Log, others: Mapping[str, ArtifactResult]
) -> None:
    """Make the build directory hold a current build for a job that declares `builds`.

    Raises BuildError; also when what was compiled is not the artifact that the other jobs use.
    """
    try:
        current = place.ready.read_text(encoding="utf-8") == stored.digest
    except OSError:
        current = False
    there = measure(place.build, tuple(stored.digests))  # of a program, the launcher of an earlier job
    same = all(is_program(output) or digest == stored.digests[output] for output, digest in there.items())
    if current and same and "missing" not in there.values():
        return
    node = next(node for node in context.plan.artifacts if node.name == stored.artifact)
    compile_at(context, node, place, log, others)
    made = joint_digest(measure(place.build, tuple(stored.digests)))
    if made != stored.digest:
        reason = f"a second build of {node.name} is sha256:{made[:12]}, the artifact sha256:{stored.digest[:12]}"
        raise BuildError("failed", reason)
    place.compiled = True
    log.line(f"{node.name}: its build directory was not current, built again")


def _environment(context: Context, name: str) -> Mapping[str, str]:
    """The environment of a build: no variable of the caller's that a compiler would read is in it."""
    folder = context.work / f"build-{name}"
    home, tmp = folder / "home", folder / "tmp"
    home.mkdir(parents=True, exist_ok=True)
    tmp.mkdir(exist_ok=True)
    return outside(context.caller) | QUIET | downloads(context.cache) | {"HOME": str(home), "TMPDIR": str(tmp)}
