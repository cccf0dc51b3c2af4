"""Run jobs against broken engines and see whether they notice: the whole table, in parallel.

Each job first runs against the sound engine behind the same program (the control): a job that does not pass so, or does
not pass again, says nothing about faults. Everything that can be shared is: the checkouts' mirrors, the downloads, the
stored engine. A fault's time limit follows from how long the control took.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from phdb_ci import evidence
from phdb_ci.models.matrix import FAULTS, Job, Matrix
from phdb_ci.models.plan import JobNode
from phdb_ci.models.proofs import JobProofs, Proof
from phdb_ci.models.results import LegResult
from phdb_ci.prove.faults import CONTROL, OTHER, REPORTS, spoilt_suite, write_engine
from phdb_ci.prove.other import build_other
from phdb_ci.run.artifact import ArtifactResult, obtain
from phdb_ci.run.context import Context
from phdb_ci.run.housekeeping import throw_away
from phdb_ci.run.leg import run_leg
from phdb_ci.run.schedule import Node, run_graph
from phdb_ci.workspace import Engine

NOTICED = ("failed", "unproven", "timeout")
SHORTEST, FACTOR = 15, 4  # seconds, and times the control: how long a job may take with a fault
Artifacts = Mapping[str, ArtifactResult]
Others = Mapping[str, Mapping[str, Path]]


@dataclass(frozen=True)
class Estimate:
    """What is left to do when the controls have run, and how long it will take (seconds)."""

    legs: int
    seconds: float


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
    limits = {node.leg: _limit(controls[node.leg, CONTROL].seconds) for node in sound}
    told(_estimate(sound, controls, limits, jobs))
    others = _others(context, artifacts) if sound else {}
    results = _legs(context, sound, FAULTS, artifacts, jobs, others, limits)
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
            expected = float(limits[node.leg]) if fault == "hang" else node.expected or 5.0
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
        matrix=_limited(context.matrix, node.job, limit),
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
    nodes: Sequence[JobNode],
    controls: Mapping[tuple[str, str], LegResult],
    limits: Mapping[str, int],
    jobs: int,
) -> Estimate:
    """All faults but one take about as long as the control; a hang takes its whole limit."""
    seconds = sum(
        controls[node.leg, CONTROL].seconds * (len(FAULTS) - 1) + limits[node.leg] for node in nodes
    )
    return Estimate(len(nodes) * len(FAULTS), seconds / max(1, jobs))


def _proofs(
    context: Context, node: JobNode, control: LegResult, results: Mapping[tuple[str, str], LegResult]
) -> JobProofs:
    passed = control.status == "passed"
    return JobProofs(
        job=node.job, os=node.os, control=control.status, reason="; ".join(control.reasons)[:300],
        seconds=control.seconds, commits={source.repo: source.commit for source in control.sources},
        engines=tuple(
            _proof(fault, results[node.leg, fault]) for fault in FAULTS if (node.leg, fault) in results
        ),
        reports=tuple(_report_proofs(context, node, control)) if passed else (),
    )  # fmt: skip


def _proof(fault: str, result: LegResult) -> Proof:
    """A fault is noticed when the job is not green; one that could not be run has shown nothing."""
    return Proof.model_validate({
        "fault": fault, "noticed": result.status in NOTICED, "status": result.status,
        "reason": (result.reasons[0] if result.reasons else "")[:300], "seconds": result.seconds,
    })  # fmt: skip


def _report_proofs(context: Context, node: JobNode, control: LegResult) -> Iterable[Proof]:
    """What becomes of the control when its reports are tampered with: no job runs again for that."""
    job = context.matrix.jobs[node.job]
    folder = context.out / CONTROL / node.leg
    for fault in REPORTS:
        suites = [
            spoilt_suite(report, _kept(folder, index, job), fault, context.work / "reports" / node.leg)
            for index, report in enumerate(job.reports)
        ]
        if not any(suites):
            return
        facts = control.facts.model_copy(
            update={
                "suites": tuple(new or old for new, old in zip(suites, control.facts.suites, strict=True))
            }
        )
        status, reasons, _ = evidence.judge(job, facts)
        told = {
            "fault": fault,
            "noticed": status in NOTICED,
            "status": status,
            "reason": (*reasons, "")[0][:300],
        }
        yield Proof.model_validate(told)


def _kept(folder: Path, index: int, job: Job) -> Path:
    """Where a leg keeps the index-th report; lines stand in its log."""
    kind = job.reports[index].kind
    return folder / "log.txt" if kind == "lines" else folder / "reports" / f"{index + 1}-{kind}.xml"
