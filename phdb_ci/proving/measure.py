"""Run jobs with broken artifacts and repos and see whether they notice: the whole table, in parallel.

Each job runs first with nothing broken (the control), and once more after all faults: one that does not end the same
way both times says nothing about faults, for it may have failed by what an earlier run left behind. What can be shared
is: the checkouts' mirrors, the downloads, the stored artifacts. A fault's time limit follows from how long the control
took.
To reach it is a notice only with a fault that the matrix lists in `hangs`: with any other, the job may be slow today.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.artifacts.witness import is_program
from phdb_ci.base.text import counted, duration
from phdb_ci.execution.context import Context, Phase, Progress
from phdb_ci.execution.execute import GUESS_LEG, artifact_node
from phdb_ci.execution.housekeeping import throw_away
from phdb_ci.execution.leg import run_leg
from phdb_ci.execution.schedule import Node, run_graph
from phdb_ci.judging.noticing import Control, failing, is_measurable
from phdb_ci.models.plan import JobNode
from phdb_ci.models.proofs import MOST_CASES, JobProofs, Proof
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.models.statuses import AnyStatus
from phdb_ci.proving.tampering import report_proofs
from phdb_ci.proving.variants import Variant, make_variants

SOUND, AGAIN = "nothing broken", "nothing broken, again"
FOLDERS = {SOUND: "sound", AGAIN: "sound-again"}
SHORTEST, FACTOR = 15, 4  # seconds, and times the control: how long a job may take with a fault
Results = dict[tuple[str, str], LegResult]  # by leg and what the trial is with


@dataclass(frozen=True)
class Trial:
    """One leg with variants in their places: with a fault by name, or SOUND or AGAIN. Times are in seconds.

    `control`: what the leg's cases did with nothing broken, where the trial is of a fault.
    """

    node: JobNode
    name: str
    variants: Sequence[Variant]
    control: Control | None = None
    limit: int | None = None
    expected: float = GUESS_LEG

    @classmethod
    def of(cls, node: JobNode, fault: str, variant: Variant, sound: LegResult) -> "Trial":
        """The trial of a fault with a leg that ended so with nothing broken."""
        limit = max(SHORTEST, round(sound.seconds * FACTOR))
        expected = float(limit) if variant.hangs else sound.seconds
        return cls(node, fault, [variant], Control.of(sound), limit, expected)

    @property
    def label(self) -> str:
        """What people call it: `smoke@ubuntu-24.04 with dead`."""
        return f"{self.node.leg} with {self.name}"

    def noticed(self, result: LegResult) -> bool | None:
        """Whether its end shows that the fault was noticed; None where it says nothing of a fault."""
        if self.control is None or (result.status == "timeout" and not self.variants[0].hangs):
            return None
        uses = [use for use in result.facts.artifacts if use.name == self.variants[0].name]
        programs = uses and all(map(is_program, self.variants[0].outputs))
        if result.status == "passed" and programs and not any(use.calls for use in uses):
            return None  # the fault of a program that was never called is neither noticed nor missed
        return self.control.noticed(result)

    def word(self, result: LegResult) -> AnyStatus:
        """Its end in a word: `noticed` or `missed`, else the status."""
        noticed = self.noticed(result)
        return result.status if noticed is None else "noticed" if noticed else "missed"

    def proof(self, result: LegResult) -> Proof:
        """What the trial showed."""
        noticed, control = self.noticed(result), self.control or Control()
        never_called = noticed is None and result.status == "passed"
        reason = f"{self.variants[0].name} was never called" if never_called else "".join(result.reasons[:1])
        return Proof(
            fault=self.name, status=result.status, noticed=noticed, reason=reason[:300],
            failing=control.failed(result.facts)[:MOST_CASES] if noticed else (),
            gone=control.gone(result.facts)[:MOST_CASES] if noticed else (),
        )  # fmt: skip


@dataclass(frozen=True)
class TrialProgress:
    """A run's progress, in which a leg is named with its fault. How it ended is said when it was compared."""

    inner: Progress
    trial: Trial

    def started(self, _name: str, expected: float | None, log: Path) -> None:
        """A leg begins."""
        self.inner.started(self.trial.label, expected, log)

    def phase(self, _name: str, phase: Phase) -> None:
        """A leg does something else now."""
        self.inner.phase(self.trial.label, phase)

    def finished(self, _name: str, _status: AnyStatus, _seconds: float, _reasons: Sequence[str]) -> None:
        """A leg has ended; `compared` says how."""

    def compared(self, result: LegResult) -> None:
        """A leg that has ended was held against the one with nothing broken."""
        self.inner.finished(self.trial.label, self.trial.word(result), result.seconds, result.reasons)

    def note(self, text: str) -> None:
        """Something a person should know now."""
        self.inner.note(text)


def provable(context: Context) -> list[JobNode]:
    """The legs here with a job to which a fault of the matrix can apply."""
    return [node for node in context.plan.legs if context.matrix.faults_of(context.matrix.jobs[node.job])]


def measure(context: Context, home: Path, jobs: int) -> tuple[JobProofs, ...]:
    """The table for the legs of the plan, `jobs` of them at once. Raises MatrixError when a fault's command fails.

    The run directory gets a folder per fault. `home` is the folder of matrix.toml, in which the commands run.
    """
    artifacts: dict[str, ArtifactResult] = {}
    run_graph({node.name: artifact_node(context, node, artifacts) for node in context.plan.artifacts}, jobs)
    stored = {name: result.stored for name, result in artifacts.items() if result.stored}
    nodes = provable(context)
    faults = {node.leg: context.matrix.faults_of(context.matrix.jobs[node.job]) for node in nodes}
    controls, variants = make_variants(context, home, {name for names in faults.values() for name in names}, stored)
    results = _run(context, [Trial(node, SOUND, controls) for node in nodes], artifacts, jobs)
    sound = [node for node in nodes if _is_measurable(context, results[node.leg, SOUND])]
    trials = [
        Trial.of(node, fault, variants[fault], results[node.leg, SOUND]) for node in sound for fault in faults[node.leg]
    ]
    # Jobs that work in a build directory wait for each other: their times add up whatever runs beside them.
    in_turn = sum(trial.expected for trial in trials if context.matrix.jobs[trial.node.job].builds)
    times = [trial.expected for trial in trials]
    about = duration(max([sum(times) / jobs, in_turn, *times]))
    context.progress.note(f"{counted(len(trials), 'leg')} with a fault, about {about}")
    results |= _run(context, trials, artifacts, jobs)
    results |= _run(context, [Trial(node, AGAIN, controls) for node in sound], artifacts, jobs)
    return tuple(_proofs(context, node, trials, results) for node in nodes)


def _run(context: Context, trials: Sequence[Trial], artifacts: Mapping[str, ArtifactResult], jobs: int) -> Results:
    keys = {f"{trial.node.leg} {trial.name}": trial for trial in trials}
    work = {key: Node((), trial.expected, _call(context, trial, artifacts)) for key, trial in keys.items()}
    return {(keys[key].node.leg, keys[key].name): result for key, result in run_graph(work, jobs).items()}


def _call(context: Context, trial: Trial, artifacts: Mapping[str, ArtifactResult]) -> Callable[[], LegResult]:
    for variant in trial.variants:
        context = variant.put_into(context)
    matrix, folder = context.matrix, FOLDERS.get(trial.name, f"faults/{trial.name}")
    if trial.limit is not None:
        job = matrix.jobs[trial.node.job].model_copy(update={"timeout": f"{trial.limit}s"})
        matrix = matrix.model_copy(update={"jobs": {**matrix.jobs, trial.node.job: job}})
    progress = TrialProgress(context.progress, trial)
    trial_context = replace(
        context, out=context.out / folder, work=context.work / folder, matrix=matrix, progress=progress
    )

    def call() -> LegResult:
        result = run_leg(trial_context, trial.node, artifacts)
        place = trial_context.work / trial.node.leg
        throw_away(place, context.cache)  # there will be a hundred of them
        progress.compared(result)
        return without_place(result, place)

    return call


def without_place(result: LegResult, place: Path) -> LegResult:
    """The result with reasons that do not name the folder that its leg ran in: the table is kept and read elsewhere."""
    reasons = tuple(reason.replace(f"{place}/", "") for reason in result.reasons)
    return result.model_copy(update={"reasons": reasons})


def _proofs(context: Context, node: JobNode, trials: Sequence[Trial], results: Results) -> JobProofs:
    """What all trials of one leg showed: of every fault of the matrix, unless the leg fails with nothing broken."""
    matrix, job, first = context.matrix, context.matrix.jobs[node.job], results[node.leg, SOUND]
    control = results.get((node.leg, AGAIN), first)
    proofs = {trial.name: trial.proof(results[node.leg, trial.name]) for trial in trials if trial.node is node}
    for fault, owner in matrix.faults.items():
        unused = Proof(fault=fault, status="skipped", noticed=None, reason=f"it does not use {owner}")
        proofs.setdefault(fault, unused)
    was, changed = _is_measurable(context, first), Control.of(first).failing ^ Control.of(control).failing
    measured = was and _is_measurable(context, control) and not changed
    again = f"not again{''.join(f': {title}' for title in sorted(changed)[:1])}: " if was and not measured else ""
    log = context.out / FOLDERS[SOUND] / node.leg / "log.txt"
    return JobProofs(
        job=node.job, os=node.os, control=control.status, executed=control.facts.executed_count,
        failing=failing(control.facts)[:MOST_CASES] if measured else (),
        reason=f"{again}{'; '.join(control.reasons)}"[:300],
        measured=f"{datetime.now(UTC):%Y-%m-%d}", platform=context.plan.platform, tool=__version__,
        row=job.digest, commits={source.repo: source.commit for source in first.sources},
        faults=tuple(proofs[fault] for fault in matrix.faults) if measured else (),
        reports=tuple(report_proofs(job, first.facts, log)) if control.status == "passed" and measured else (),
    )  # fmt: skip


def _is_measurable(context: Context, result: LegResult) -> bool:
    return is_measurable(context.matrix.jobs[result.job], result, context.matrix.quarantine_of(result.job))
