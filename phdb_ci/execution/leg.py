"""One leg: make its workspace, run its commands, read its reports, gather the facts, and let evidence.py judge."""

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Literal, TypeVar

from phdb_ci.errors import PhdbError
from phdb_ci.execution.artifact import BuildError, ensure_current
from phdb_ci.execution.attempt import Attempt
from phdb_ci.execution.context import Context, now
from phdb_ci.execution.housekeeping import throw_away
from phdb_ci.execution.process import Log, Outcome, Request, run, shell
from phdb_ci.execution.reports import read_suites
from phdb_ci.execution.services import Place, Running, serving
from phdb_ci.execution.workspace import make, observe
from phdb_ci.execution.workspace.environment import python_commands
from phdb_ci.execution.workspace.make import BuildPlace, Workspace
from phdb_ci.judging import evidence
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import Document, Job, seconds
from phdb_ci.models.plan import JobNode
from phdb_ci.models.results import (
    ArtifactResult,
    ArtifactUse,
    Command,
    DocumentFact,
    Facts,
    FiguresFact,
    LegResult,
    LegSource,
    ManifestFact,
)
from phdb_ci.planning.plan import hint
from phdb_ci.reports import figures, manifest

RESULT = "result.json"
W = TypeVar("W", bound=Document)
F = TypeVar("F", bound=DocumentFact)


def run_leg(context: Context, node: JobNode, artifacts: Mapping[str, ArtifactResult]) -> LegResult:
    """Run one leg and write its folder (log, reports, result.json). Whatever goes wrong becomes a status."""
    job = context.matrix.jobs[node.job]
    started, offset = now(), context.offset()
    folder = context.out / node.leg
    (folder / "reports").mkdir(parents=True, exist_ok=True)
    context.progress.started(node.leg, node.expected, folder / "log.txt")
    log = Log(folder / "log.txt", context.masked)
    try:
        facts = _facts(context, node, job, artifacts, folder, log)
    finally:
        log.close()
    offsets = (offset, context.offset())
    result = _judged(context, node, job, facts, started, offsets)
    try:
        text = result.model_dump_json(indent=1)
    except ValueError as error:  # a job's own words, in which there is something that no JSON can hold
        told = str(error).encode(errors="replace").decode()
        facts = Facts(error=f"phdb-ci itself failed: what the job left cannot be written down: {told}")
        result = _judged(context, node, job, facts, started, offsets)
        text = result.model_dump_json(indent=1)
    (folder / RESULT).write_text(text + "\n", encoding="utf-8")
    if result.status == "passed":
        throw_away(context.work / node.leg, context.cache)
    context.progress.finished(node.leg, result.status, result.seconds, result.reasons)
    return result


def _judged(
    context: Context, node: JobNode, job: Job, facts: Facts, started: str, offsets: tuple[float, float]
) -> LegResult:
    """The facts by the rules of evidence. `offsets`: begin and end, in seconds since the run began."""
    status, reasons, notes = evidence.judge(job, facts)
    return LegResult(
        gate=context.plan.gate, job=node.job, os=node.os, row=job.digest, summary=job.summary, run_id=context.run_id,
        attempt=context.attempt, head=context.head, status=status, reasons=reasons, notes=notes,
        sources=_sources(context, job), facts=facts, quarantine=job.quarantine, started=started,
        seconds=round(offsets[1] - offsets[0], 3), offset=round(offsets[0], 3),
    )  # fmt: skip


def _facts(
    context: Context, node: JobNode, job: Job, artifacts: Mapping[str, ArtifactResult], folder: Path, log: Log
) -> Facts:
    early = _cannot_start(context, node, artifacts)
    if early is not None:
        log.line(str(early.error or early.blocked_by or "the run was interrupted"))
        return early
    stored = {name: result.stored for name, result in artifacts.items() if result.stored and name in node.needs}
    attempt = Attempt()
    try:
        with ExitStack() as held:
            _run_job(context, node, job, stored, folder, log, attempt, held)
    except (PhdbError, BuildError, OSError) as error:
        attempt.error = f"could not be run: {error}"
        attempt.cancelled = context.cancel.cancelled
        log.line(f"phdb-ci: {error}")
    except Exception as error:  # noqa: BLE001 - a fault of ours must not take the other legs' results with it
        attempt.error = f"phdb-ci itself failed: {type(error).__name__}: {error}"
        log.line(traceback.format_exc())
    return attempt.facts()


def _cannot_start(context: Context, node: JobNode, artifacts: Mapping[str, ArtifactResult]) -> Facts | None:
    """Facts for a leg that never starts: interrupted, a tool missing, an artifact not there."""
    if context.cancel.cancelled:
        return Facts(cancelled=True)
    if node.missing_tools:
        return Facts(error="; ".join(hint(tool) for tool in node.missing_tools))
    for name in node.needs:
        result = artifacts[name]
        if result.stored is None:
            reason = f"{name} {result.status}: {'; '.join(result.reasons)}"
            return Facts(error=reason) if result.status == "error" else Facts(blocked_by=reason)
    return None


def _run_job(
    context: Context, node: JobNode, job: Job, stored: Mapping[str, Stored], folder: Path, log: Log, attempt: Attempt,
    held: ExitStack,
) -> None:  # fmt: skip
    context.progress.phase(node.leg, "checkout")
    for name in job.services:
        attempt.services.append(held.enter_context(_service(context, node, name, folder)))
    space, locks = make.prepare(
        job, context.work / node.leg, sources=context.plan.sources, cache=context.cache, artifacts=stored,
        services={service.name: service.url for service in attempt.services},
        variants=context.variants, caller=context.caller, cpus=context.plan.cpus, held=held, on_wait=context.waiting,
        cancelled=context.interrupted,
    )  # fmt: skip
    attempt.env_names = tuple(sorted(space.env))
    if job.builds:
        context.progress.phase(node.leg, "build")
    again = _place_builds(context, job, stored, space, locks, log)
    context.progress.phase(node.leg, "install")
    attempt.deadline = time.monotonic() + seconds(job.timeout)
    for argv in python_commands(job, space.root, space.cwd):
        _command(context, attempt, space, log, "env", argv, " ".join(argv[1:]), space.env, locks)
    for text in job.setup:
        _command(context, attempt, space, log, "setup", shell(space.command(text)), text, space.env, locks)
    context.progress.phase(node.leg, "run")
    observe.before_run(space)
    attempt.data_was_empty = space.data_was_empty
    log.flush()
    attempt.output_from = (folder / "log.txt").stat().st_size

    with observe.watch(space) as watched:
        for text in job.run:
            argv, env = shell(space.command(text)), space.run_env()
            _command(context, attempt, space, log, "run", argv, text, env, locks)
    observe.note_rewritten(space, watched)
    attempt.cancelled = any(command.cancelled for command in attempt.commands)
    _look_after(context, space, folder, log, attempt, again)


def _service(context: Context, node: JobNode, name: str, folder: Path) -> AbstractContextManager[Running]:
    place = Place(
        folder=context.work / node.leg / "services", log=folder / f"{name}.log", cache=context.cache,
        caller=context.caller, masked=context.masked, cancel=context.cancel, on_wait=context.waiting,
    )  # fmt: skip
    return serving(name, context.matrix.services[name], place)


def _place_builds(
    context: Context, job: Job, stored: Mapping[str, Stored], space: Workspace, locks: tuple[int, ...], log: Log
) -> set[str]:
    """Make the build directories current and put the witness into them; names what had to be compiled again."""
    again = set()
    for name, lock in zip(job.builds, locks, strict=True):
        place = BuildPlace.of(context.cache, name, stored[name].key)
        if ensure_current(context, name, stored[name], place, lock, log):
            again.add(name)
            make.place_again(space, context.cache)
            log.line(f"{name}: its build directory was not current, built again")
        make.put_builds(space, name, place)
        place.ready.unlink(missing_ok=True)  # until the job has ended by itself and left it as it was
    return again


def _command(
    context: Context, attempt: Attempt, space: Workspace, log: Log, phase: Literal["env", "setup", "run"],
    argv: list[str], text: str, env: Mapping[str, str], locks: tuple[int, ...],
) -> None:  # fmt: skip
    """Run one command unless an earlier one has failed; its record goes to the attempt."""
    if not attempt.going:
        return
    isolate = phase == "run" and not space.job.network
    cwd = space.cwd if phase != "env" else space.root
    log.line(f"$ {text}")
    request = Request(
        argv, cwd, env, max(0.1, attempt.deadline - time.monotonic()), isolate=isolate,
        hold=locks,
    )  # fmt: skip
    attempt.commands.append(_record(phase, text, run(request, log=log, cancel=context.cancel)))
    if phase != "env":
        attempt.changed |= dict.fromkeys(observe.changed_files(space))
    if phase == "setup":
        attempt.changed |= dict.fromkeys(observe.unknown_files(space))


def _record(phase: Literal["env", "setup", "run"], text: str, done: Outcome) -> Command:
    return Command(
        phase=phase, text=text, exit_code=done.exit_code, seconds=round(done.seconds, 3),
        cpu_seconds=round(done.cpu_seconds, 3), timed_out=done.timed_out, cancelled=done.cancelled,
        leftovers=done.leftovers, network=done.network, problem=done.problem,
    )  # fmt: skip


def _look_after(context: Context, space: Workspace, folder: Path, log: Log, attempt: Attempt, again: set[str]) -> None:
    """Gather what is true after the job: reports, artifacts, strays, checkouts, documents."""
    log.flush()
    if any(command.phase == "run" for command in attempt.commands):
        attempt.suites += read_suites(space, folder, context.masked, attempt.output_from)
    uses = observe.uses(space)
    _keep_builds(context, attempt, uses)
    attempt.artifacts = tuple(use.model_copy(update={"rebuilt": True}) if use.name in again else use for use in uses)
    attempt.strays = observe.strays(space)
    attempt.changed |= dict.fromkeys(observe.changed_files(space))
    attempt.links_out = observe.links_out(space)
    wanted = space.job.evidence
    if wanted.manifest:
        attempt.manifest = _document(space, folder, wanted.manifest, manifest.judge, ManifestFact)
    if wanted.figures:
        attempt.figures = _document(space, folder, wanted.figures, figures.judge, FiguresFact)


def _document(
    space: Workspace, folder: Path, wanted: W, judge: Callable[[bytes, str, W], F], absent: Callable[..., F]
) -> F:
    """What became of a document that the job must write; it is kept among the leg's reports."""
    found = manifest.find(wanted.file, space.tops)
    if isinstance(found, str):
        return absent(absent=found)
    (folder / "reports" / wanted.kept).write_bytes(found.text)
    if twins := observe.twins(space, found.path):
        return absent(file=found.shown, absent=f"{found.shown} is a copy of {twins[0]}: the job did not write it")
    return judge(found.text, found.shown, wanted)


def _keep_builds(context: Context, attempt: Attempt, uses: tuple[ArtifactUse, ...]) -> None:
    """A build directory that the job left as it was stays current; else it is made anew next time."""
    if any(command.timed_out or command.cancelled or command.problem for command in attempt.commands):
        return
    for use in uses:
        if use.builds and not use.rebuilt:
            BuildPlace.of(context.cache, use.name, use.key).ready.write_text(use.digest, encoding="utf-8")


def _sources(context: Context, job: Job) -> tuple[LegSource, ...]:
    """The commits this job's result belongs to: its checkouts and what its artifacts were built from."""
    used = context.matrix.needed(job.artifacts)
    repos = [*job.repos, *(repo for name in used for repo in context.matrix.artifacts[name].repos)]
    sources = context.plan.sources.repos
    return tuple(
        LegSource(repo=name, commit=sources[name].id, origin=sources[name].origin) for name in dict.fromkeys(repos)
    )
