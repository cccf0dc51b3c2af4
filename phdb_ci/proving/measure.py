"""Run jobs against broken engines and see whether they notice: the whole table, in parallel.

Each job first runs against the sound engine behind the same program (the control), and once more after all faults: one
that does not pass both times says nothing about faults, for it may have failed by what an earlier run left behind.
Everything that can be shared is: the checkouts' mirrors, the downloads, the stored engine. A fault's time limit follows
from how long the control took; only for an engine that hangs is it an answer to reach it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.execution.artifact import ArtifactResult, obtain
from phdb_ci.execution.context import Context, Progress
from phdb_ci.execution.housekeeping import throw_away
from phdb_ci.execution.leg import run_leg
from phdb_ci.execution.reports import kept_report
from phdb_ci.execution.schedule import Node, run_graph
from phdb_ci.execution.workspace import Engine
from phdb_ci.judging import evidence
from phdb_ci.models.matrix import FAULTS, Job, Matrix
from phdb_ci.models.plan import JobNode
from phdb_ci.models.proofs import HANG, REPORT_FAULTS, JobProofs, Proof
from phdb_ci.models.results import LegResult
from phdb_ci.proving.faults import AGAIN, CONTROL, OTHER, spoilt_suite, write_engine
from phdb_ci.proving.other import build_other

SOUND = {CONTROL: "the sound engine", AGAIN: "the sound engine again"}
SHORTEST, FACTOR = 15, 4  # seconds, and times the control: how long a job may take with a fault
GUESS = 5.0  # seconds that a leg is expected to take of which nothing is known
Artifacts = Mapping[str, ArtifactResult]
Others = Mapping[str, Mapping[str, Path]]


@dataclass(frozen=True)
class Estimate:
    """What is left to do when the controls have run, and how long it will take (seconds)."""

    legs: int
    seconds: float


class FaultProgress:
    """A run's progress, in which each leg is named with its fault and told as noticed or missed."""

    def __init__(self, inner: Progress, fault: str) -> None:
        self._inner, self._fault = inner, fault

    def started(self, name: str) -> None:
        """A leg begins."""
        self._inner.started(self._name(name))

    def finished(self, name: str, status: str, seconds: float, reasons: Sequence[str]) -> None:
        """A leg has ended."""
        if self._fault in FAULTS:
            noticed = Proof.model_validate({"fault": self._fault, "status": status}).noticed
            status = {True: "noticed", False: "missed", None: status}[noticed]
        self._inner.finished(self._name(name), status, seconds, reasons)

    def note(self, text: str) -> None:
        """Something a person should know now."""
        self._inner.note(text)

    def _name(self, leg: str) -> str:
        return f"{leg} with {SOUND.get(self._fault, self._fault)}"


def provable(context: Context) -> list[JobNode]:
    """The legs here whose job declares a witness: the others never call an engine."""
    return [node for node in context.plan.legs if context.matrix.jobs[node.job].evidence.witness]


def measure(context: Context, jobs: int, *, told: Callable[[Estimate], None]) -> tuple[JobProofs, ...]:
    """The table for the legs of the plan.

    Args:
        context: a run's; its `out` gets a folder per fault.
        jobs: how many legs run at once.
        told: called once, when it is known how long the rest takes.
    """
    nodes = provable(context)
    artifacts = {node.name: obtain(context, node) for node in context.plan.artifacts}
    controls = _legs(context, nodes, [CONTROL], artifacts, jobs, {}, {})
    sound = [node for node in nodes if controls[node.leg, CONTROL].status == "passed"]
    others = _others(context, artifacts) if sound else {}
    limits = {node.leg: _limit(controls[node.leg, CONTROL].seconds) for node in sound}
    told(_estimate(context.matrix, sound, controls, limits, jobs))
    results = _legs(context, sound, FAULTS, artifacts, jobs, others, limits)
    results |= _legs(context, sound, [AGAIN], artifacts, jobs, {}, {})
    return tuple(_proofs(context, node, controls[node.leg, CONTROL], results) for node in nodes)


def _others(context: Context, artifacts: Artifacts) -> Others:
    """For each artifact its outputs as a build of another commit, where there is one that differs."""
    found = {}
    for name, result in artifacts.items():
        built = build_other(context, name, result.stored.digests) if result.stored else None
        if built:
            found[name] = built[1]
    return found


def _legs(
    context: Context, nodes: Iterable[JobNode], faults: Sequence[str], artifacts: Artifacts, jobs: int,
    others: Others, limits: Mapping[str, int],
) -> dict[tuple[str, str], LegResult]:  # fmt: skip
    """Every leg with every fault, those that take longest first."""
    work: dict[str, Node] = {}
    keys: dict[str, tuple[str, str]] = {}
    for node in nodes:
        for fault in faults:
            own = _context(context, node, fault, artifacts, others, limits.get(node.leg))
            if own is None:
                continue
            name = f"{node.leg} {fault}"
            keys[name] = (node.leg, fault)
            expected = float(limits[node.leg]) if fault == HANG else node.expected or GUESS
            work[name] = Node((), expected, _call(own, node, artifacts))
    return {keys[name]: result for name, result in run_graph(work, jobs).items()}


def _call(context: Context, node: JobNode, artifacts: Artifacts) -> Callable[[], LegResult]:
    def work() -> LegResult:
        result = run_leg(context, node, artifacts)
        throw_away(context.work / node.leg, context.cache)  # there will be a hundred of them
        return result

    return work


def _context(
    context: Context, node: JobNode, fault: str, artifacts: Artifacts, others: Others, limit: int | None
) -> Context | None:  # fmt: skip
    """The run's context with this fault's engine in it; None when there is no such engine."""
    engines = {}
    for name in node.needs:
        stored = artifacts[name].stored
        if stored is None:
            return context  # the leg is blocked, and says why
        if fault == OTHER:
            if name not in others:
                return None
            engines[name] = Engine(instead=others[name])
        else:
            place = context.work / "engines" / fault / name
            engines[name] = Engine(
                behind={output: write_engine(place, fault, stored.path / output) for output in stored.digests}
            )
    return replace(
        context, engines=engines, out=context.out / fault, work=context.work / fault,
        matrix=_limited(context.matrix, node.job, limit), progress=FaultProgress(context.progress, fault),
    )  # fmt: skip


def _limited(matrix: Matrix, job: str, limit: int | None) -> Matrix:
    """The matrix with another time limit for one job."""
    if limit is None:
        return matrix
    shorter = matrix.jobs[job].model_copy(update={"timeout": f"{limit}s"})
    return matrix.model_copy(update={"jobs": {**matrix.jobs, job: shorter}})


def _limit(control: float) -> int:
    return max(SHORTEST, round(control * FACTOR))


def _estimate(
    matrix: Matrix, nodes: Sequence[JobNode], controls: Mapping[tuple[str, str], LegResult],
    limits: Mapping[str, int], jobs: int,
) -> Estimate:  # fmt: skip
    """All faults but one take about as long as the control; a hang takes its whole limit.

    Jobs that work in one build directory wait for each other, so their times add up whatever runs beside them.
    """
    legs = {
        node.leg: controls[node.leg, CONTROL].seconds * (len(FAULTS) - 1) + limits[node.leg] for node in nodes
    }
    in_turn: dict[tuple[str, ...], float] = {}
    for node in nodes:
        if builds := matrix.jobs[node.job].builds:
            in_turn[builds] = in_turn.get(builds, 0.0) + legs[node.leg]
    longest = max([*in_turn.values(), *map(float, limits.values())], default=0.0)
    return Estimate(len(nodes) * len(FAULTS), max(sum(legs.values()) / jobs, longest))


def _proofs(
    context: Context, node: JobNode, first: LegResult, results: Mapping[tuple[str, str], LegResult]
) -> JobProofs:
    control = results.get((node.leg, AGAIN), first)
    passed = control.status == "passed"
    again = "not again: " if first.status == "passed" and not passed else ""
    return JobProofs(
        job=node.job, os=node.os, control=control.status, reason=f"{again}{'; '.join(control.reasons)}"[:300],
        measured=f"{datetime.now(UTC):%Y-%m-%d}", platform=context.plan.platform, tool=__version__,
        row=context.matrix.jobs[node.job].digest,
        commits={source.repo: source.commit for source in first.sources},
        engines=tuple(
            _proof(fault, result.status, result.reasons)
            for fault in FAULTS
            if (result := results.get((node.leg, fault)))
        ),
        reports=tuple(_report_proofs(context, node, first)) if passed else (),
    )  # fmt: skip


def _proof(fault: str, status: str, reasons: Sequence[str]) -> Proof:
    return Proof.model_validate({"fault": fault, "status": status, "reason": (*reasons, "")[0][:300]})


def _report_proofs(context: Context, node: JobNode, control: LegResult) -> Iterable[Proof]:
    """What becomes of the control when its reports are tampered with, one at a time: no job runs again for that.

    Nothing when the reports, written again as they were, are not as good as before: any change would be noticed then.
    """
    job = context.matrix.jobs[node.job]
    untouched = list(_judged(context, node, job, control, CONTROL))
    if not untouched or any(status != "passed" for status, _ in untouched):
        return
    for fault in REPORT_FAULTS:
        told = list(_judged(context, node, job, control, fault))
        missed = [one for one in told if one[0] == "passed"]
        yield _proof(fault, *(missed or told)[0])


def _judged(
    context: Context, node: JobNode, job: Job, control: LegResult, fault: str
) -> Iterable[tuple[str, Sequence[str]]]:
    """Status and reasons with the fault in each report by itself that can be tampered with."""
    folder, work = context.out / CONTROL / node.leg, context.work / "reports" / node.leg
    for index, (report, sound) in enumerate(zip(job.reports, control.facts.suites, strict=True)):
        kept = kept_report(folder, index, report)
        spoilt = spoilt_suite(
            report, kept, folder / "log.txt", control.facts.output_from, fault, work / f"{index}"
        )
        if spoilt is not None:
            suites = tuple(spoilt if one is sound else one for one in control.facts.suites)
            status, reasons, _ = evidence.judge(job, control.facts.model_copy(update={"suites": suites}))
            yield status, reasons
