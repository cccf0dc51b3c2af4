"""Run a whole plan: its graph through the scheduler, durations remembered, workspaces of old runs swept."""

import threading
from dataclasses import dataclass

from phdb_ci.execution.artifact import obtain
from phdb_ci.execution.context import Context
from phdb_ci.execution.housekeeping import empty_trash, sweep_work
from phdb_ci.execution.leg import run_leg
from phdb_ci.execution.schedule import Node, run_graph
from phdb_ci.models.plan import ArtifactNode, JobNode
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.planning.inventory import save_durations

GUESS_ARTIFACT, GUESS_LEG = 30.0, 5.0  # seconds, until a first run has measured them


@dataclass(frozen=True)
class Results:
    """What running a plan left: artifacts by name and one result per leg, in plan order."""

    artifacts: dict[str, ArtifactResult]
    legs: tuple[LegResult, ...]


def run_plan(context: Context, jobs: int) -> Results:
    """Run every node of the plan, at most `jobs` at a time; returns when no process of the run is left."""
    sweep_work(context.cache)
    threading.Thread(target=empty_trash, args=(context.cache,), daemon=True).start()
    artifacts: dict[str, ArtifactResult] = {}
    nodes = {node.name: artifact_node(context, node, artifacts) for node in context.plan.artifacts}
    nodes |= {node.leg: _leg_node(context, node, artifacts) for node in context.plan.legs}
    results = run_graph(nodes, jobs)
    legs = tuple(results[node.leg] for node in context.plan.legs)
    measured = {leg.leg: leg.seconds for leg in legs if leg.status == "passed"}
    measured |= {name: result.seconds for name, result in artifacts.items() if result.status == "built"}
    save_durations(context.cache, measured)
    return Results(artifacts=artifacts, legs=legs)


def artifact_node(context: Context, node: ArtifactNode, artifacts: dict[str, ArtifactResult]) -> Node:
    """The work of one artifact, whose result goes to `artifacts`."""

    def work() -> None:
        artifacts[node.name] = obtain(context, node, artifacts)

    return Node(needs=node.needs, expected=0.0 if node.stored else node.expected or GUESS_ARTIFACT, work=work)


def _leg_node(context: Context, node: JobNode, artifacts: dict[str, ArtifactResult]) -> Node:
    return Node(
        needs=node.needs, expected=node.expected or GUESS_LEG, work=lambda: run_leg(context, node, artifacts),
        alone=context.matrix.jobs[node.job].evidence.figures is not None,
    )  # fmt: skip
