"""One leg: make its workspace, run its commands, read its reports, gather the facts, and let evidence.py judge."""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from typing import Literal, TypeVar

from pydantic import ConfigDict

from phdb_ci.errors import PhdbError
from phdb_ci.execution import runners
from phdb_ci.execution.artifact import BuildError, ensure_current
from phdb_ci.execution.context import Context, now
from phdb_ci.execution.housekeeping import throw_away
from phdb_ci.execution.process import Log, Request, run, shell
from phdb_ci.execution.reports import read_suites
from phdb_ci.execution.services import SERVERS, Running
from phdb_ci.execution.workspace import make, observe
from phdb_ci.execution.workspace.environment import python_commands
from phdb_ci.execution.workspace.make import BuildPlace, Workspace, build_place
from phdb_ci.judging import evidence
from phdb_ci.models.inventory import Stored
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.matrix import Document
from phdb_ci.models.plan import JobNode
from phdb_ci.models.results import (
    ArtifactResult,
    Command,
    DocumentFact,
    Facts,
    FiguresFact,
    LegResult,
    LegSource,
    ManifestFact,
)
from phdb_ci.models.texts import seconds
from phdb_ci.planning.plan import hint
from phdb_ci.reports.documents import find, read_figures, read_manifest
from phdb_ci.reports.own_words import words_of
from phdb_ci.reports.runs import read_runs, with_parts
from phdb_ci.sources.git.place import outside_links

RESULT = "result.json"
W = TypeVar("W", bound=Document)
F = TypeVar("F", bound=DocumentFact)


def run_leg(context: Context, node: JobNode, artifacts: Mapping[str, ArtifactResult]) -> LegResult:
    """Run one leg and write its folder (log, reports, result.json). Whatever goes wrong becomes a status."""
    leg = _Leg(context, node, artifacts)
    context.progress.started(node.leg, node.expected, leg.folder / "log.txt")
    with closing(leg.log):
        facts = leg.run()
    result = leg.judged(facts)
    try:
        text = result.model_dump_json(indent=1)
    except ValueError as error:  # a job's own words, in which there is something that no JSON can hold
        reason = str(error).encode(errors="replace").decode()
        result = leg.judged(Facts(error=f"phdb-ci itself failed: what the job left cannot be written down: {reason}"))
        text = result.model_dump_json(indent=1)
    (leg.folder / RESULT).write_text(text + "\n", encoding="utf-8")
    if result.status == "passed":
        throw_away(leg.place, context.cache)
    context.progress.finished(node.leg, result.status, result.seconds, result.reasons)
    return result


class _Facts(Facts):
    """Facts that are gathered bit by bit, so that an early end loses nothing."""

    model_config = ConfigDict(frozen=False)


class _Leg:
    """A leg while it runs."""

    space: Workspace

    def __init__(self, context: Context, node: JobNode, artifacts: Mapping[str, ArtifactResult]) -> None:
        self.context, self.node, self.artifacts = context, node, artifacts
        self.job = context.matrix.jobs[node.job]
        self.place = context.work / node.leg
        self.started, self.offset = now(), context.offset()
        self.deadline = 0.0
        self.folder = context.out / node.leg
        (self.folder / "reports").mkdir(parents=True, exist_ok=True)
        self.log = Log(self.folder / "log.txt", context.masked)
        self.facts = _Facts(versions=node.versions)
        self.services: list[Running] = []

    def run(self) -> Facts:
        """Run the job, if it can start; its facts, however it ends."""
        early = self._cannot_start()
        if early is not None:
            self.log.line(str(early.error or early.blocked_by or "the run was interrupted"))
            return early
        facts = self.facts
        try:
            with ExitStack() as held:
                self._run_job(held)
        except (PhdbError, BuildError, OSError) as error:
            facts.cancelled = self.context.cancel.cancelled
            facts.error = None if facts.cancelled else f"could not be run: {error}"
            facts.words = error.words if isinstance(error, BuildError) else facts.words
            self.log.line(f"phdb-ci: {error}")
        except Exception as error:  # noqa: BLE001 - a fault of ours must not take the other legs' results with it
            facts.error = None if facts.cancelled else f"phdb-ci itself failed: {type(error).__name__}: {error}"
            self.log.line(traceback.format_exc())
        facts.services = tuple(service.use() for service in self.services)
        return Facts(**dict(facts))

    def judged(self, facts: Facts) -> LegResult:
        """The facts by the rules of evidence."""
        context, job = self.context, self.job
        status, reasons, notes = evidence.judge(job, facts)
        return LegResult(
            gate=context.plan.gate, job=self.node.job, os=self.node.os, row=job.digest, summary=job.summary,
            run_id=context.run_id, attempt=context.attempt, head=context.head, status=status, reasons=reasons,
            notes=notes, sources=self._sources(), facts=facts, started=self.started,
            seconds=round(context.offset() - self.offset, 3), offset=round(self.offset, 3),
            workspace=str(self.place) if status != "passed" and self.place.is_dir() else None,
        )  # fmt: skip

    def _sources(self) -> tuple[LegSource, ...]:
        """The commits this job's result belongs to: its checkouts and what its artifacts were built from."""
        used = self.context.matrix.needed(self.job.artifacts)
        repos = [*self.job.repos, *(repo for name in used for repo in self.context.matrix.artifacts[name].repos)]
        sources = self.context.plan.sources.repos
        return tuple(
            LegSource(repo=name, commit=sources[name].id, origin=sources[name].origin) for name in dict.fromkeys(repos)
        )

    def _cannot_start(self) -> Facts | None:
        """Facts for a leg that never starts: interrupted, a tool missing, an artifact not there."""
        if self.context.cancel.cancelled:
            return Facts(cancelled=True)
        if self.node.missing_tools:
            return Facts(error="; ".join(map(hint, self.node.missing_tools)))
        for name in self.node.needs:
            result = self.artifacts[name]
            if result.stored is None:
                return _without(result)
        return None

    def _run_job(self, held: ExitStack) -> None:
        """Everything from the checkouts to the facts; what lasts as long as the job is entered into `held`."""
        context, node, job, facts = self.context, self.node, self.job, self.facts
        context.progress.phase(node.leg, "checkout")
        for name in job.services:
            service, folder = context.matrix.services[name], self.place / "services"
            server = SERVERS[service.kind](name, service, context, folder, self.folder / f"{name}.log")
            self.services.append(held.enter_context(server))
        stored = {name: result.stored for name, result in self.artifacts.items() if result.stored}
        urls = {service.name: service.url for service in self.services}
        space = self.space = make.prepare(context, node, stored, urls, self._build_place(stored, held))
        facts.env_names = tuple(sorted(space.env))
        context.progress.phase(node.leg, "install")
        self.deadline = time.monotonic() + seconds(job.timeout)
        for argv in python_commands(job, space.root, space.cwd):
            self._command("env", argv, " ".join(argv[1:]))
        runners.put_into_venv(space.runners, space.root / "venv")
        for text in map(space.command, job.setup):
            self._command("setup", shell(text), text)
        context.progress.phase(node.leg, "run")
        facts.data_was_empty = not any((space.root / "data").iterdir())
        facts.output_from = self.log.written()
        observe.before_commands(space)
        for text in map(space.command, job.run):
            self._command("run", shell(text), text)
        facts.cancelled = any(command.cancelled for command in facts.commands)
        self._look_after()

    def _build_place(self, stored: Mapping[str, Stored], held: ExitStack) -> BuildPlace | None:
        """The place of the artifact that the job builds again, with a current build in it; locked as long as `held`."""
        for name in self.job.builds:
            self.context.progress.phase(self.node.leg, "build")
            place = held.enter_context(build_place(self.context, name, stored[name].key))
            ensure_current(self.context, stored[name], place, self.log, self.artifacts)
            return place
        return None

    def _command(self, phase: Literal["env", "setup", "run"], argv: list[str], text: str) -> None:
        """Run one command unless an earlier one has failed; its record goes to the facts."""
        space, facts = self.space, self.facts
        if facts.commands and not _succeeded(facts.commands[-1]):
            return
        self.log.line(f"$ {text}")
        start = self.log.written()
        request = Request(
            argv, space.root if phase == "env" else space.cwd, space.run_env() if phase == "run" else space.env,
            max(0.1, self.deadline - time.monotonic()), isolate=phase == "run" and not self.job.network,
            hold=space.place.hold if space.place else (),
        )  # fmt: skip
        done = run(request, log=self.log, cancel=self.context.cancel)
        command = Command(phase=phase, text=text.replace(f"{space.root}/", ""), **vars(done))
        facts.commands = (*facts.commands, command)
        if not _succeeded(command):
            facts.words = words_of(self.log.path, start, str(space.trees), builds=phase != "run")
        if phase != "env":
            self._note_changed(observe.altered(self.space))
        if phase == "setup":
            self._note_changed(observe.added(self.space))

    def _note_changed(self, files: Iterable[str]) -> None:
        """Add files that are not as committed, each once; those put back later stay."""
        self.facts.changed = tuple(dict.fromkeys((*self.facts.changed, *files)))

    def _look_after(self) -> None:
        """Gather what is true after the job: reports, artifacts, strays, checkouts, documents."""
        space, facts, wanted = self.space, self.facts, self.job.evidence
        self.log.flush()
        if any(command.phase == "run" for command in facts.commands):
            facts.suites = read_suites(space, self.folder, self.context.masked, facts.output_from)
        facts.runs, facts.records_problem = read_runs(space.records, self.job.reports, space.asked())
        facts.suites = tuple(with_parts(suite, facts.runs) for suite in facts.suites)
        facts.artifacts = observe.uses(space)
        facts.strays = observe.strays(space)
        self._keep_builds()
        self._note_changed(observe.altered(space))
        facts.links_out = observe.in_checkouts(space, outside_links)
        if wanted.manifest:
            facts.manifest = self._document(wanted.manifest, read_manifest, ManifestFact)
        if wanted.figures:
            facts.figures = self._document(wanted.figures, read_figures, FiguresFact)

    def _keep_builds(self) -> None:
        """A build directory that the job left as it was stays current; else it is made anew next time."""
        ended = not any(command.timed_out or command.cancelled or command.problem for command in self.facts.commands)
        if not ended or self.facts.strays:
            return
        for use in self.facts.artifacts:
            if self.space.place and use.builds and use.rebuilt_as is None:
                self.space.place.ready.write_text(use.digest, encoding="utf-8")

    def _document(self, wanted: W, judge: Callable[[bytes, str, W], F], absent: Callable[..., F]) -> F:
        """What became of a document that the job must write; it is kept among the leg's reports."""
        document = find(wanted.file, self.space.tops, self.space.before[wanted.file])
        if isinstance(document, str):
            return absent(absent=document)
        (self.folder / "reports" / wanted.kept).write_bytes(document.text)
        if twins := observe.twins(self.space, document.path):
            reason = f"{document.shown} is a copy of {twins[0]}: the job did not write it"
            return absent(file=document.shown, absent=reason)
        return judge(document.text, document.shown, wanted)


def _without(artifact: ArtifactResult) -> Facts:
    """The facts of a leg whose artifact is not there. Why stands at the artifact itself, once."""
    if artifact.status == "error":
        return Facts(error=f"{artifact.name} error: {'; '.join(artifact.reasons)}")
    return Facts(blocked_by=unbuilt(artifact.name, artifact.status))


def _succeeded(command: Command) -> bool:
    return command.exit_code == 0 and not command.timed_out and not command.cancelled and not command.problem
