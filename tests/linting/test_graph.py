"""The jobs on GitHub are the plan's: the same legs, waiting for the same artifacts, with the same evidence and limits.

The plan is made once per runner, as each runner makes it for itself; together the plans are the workflow.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from phdb_ci.models.inventory import Inventory, KeyInputs, Tool
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import JobNode, Plan
from phdb_ci.models.sources import Source, Sources
from phdb_ci.models.texts import seconds
from phdb_ci.planning.plan import make_plan, select
from phdb_ci.rendering.workflows import SETUP_MINUTES
from tests.linting.conftest import Rendering
from tests.linting.workflow import Job, Workflow

FAMILIES = ("ubuntu", "macos", "windows")


def sources(matrix: Matrix) -> Sources:
    """Every repo at its pin."""
    repos = {
        name: Source(
            repo=name, commit=repo.pin, origin="pin", via="matrix.toml", where=repo.url, objects=Path("/mirror"),
            pin=repo.pin,
        )
        for name, repo in matrix.repos.items()
    }  # fmt: skip
    return Sources(stack="public", repos=repos)


def inventory(matrix: Matrix, runner: str) -> Inventory:
    """A runner that has every tool and no artifact."""
    tools = {tool for job in matrix.jobs.values() for tool in job.tools}
    tools |= {tool for artifact in matrix.artifacts.values() for tool in artifact.tools}
    inputs = {
        name: KeyInputs(artifact=name, trees={}, build=row.build, outputs=row.outputs, tools={}, platform=runner)
        for name, row in matrix.artifacts.items()
    }
    return Inventory(
        os_family=next(one for one in FAMILIES if runner.startswith(one)), runner=runner, platform=runner, cpus=4,
        tools={name: Tool(name=name, path=f"/usr/bin/{name}") for name in tools}, inputs=inputs,
        keys=dict.fromkeys(inputs, "k1"),
    )  # fmt: skip


def plans(matrix: Matrix, gate: str) -> dict[str, Plan]:
    """The gate's plan on every runner."""
    name, jobs, lead = select(matrix, [gate])
    runners = dict.fromkeys(os for job in jobs for os in matrix.jobs[job].os)
    return {os: make_plan(matrix, name, jobs, lead, sources(matrix), inventory(matrix, os)) for os in runners}


def workflows(rendering: Rendering) -> Iterator[tuple[str, Workflow, dict[str, Plan]]]:
    """Every gate with its workflow and its plans."""
    for gate, flow in rendering.facts.gates.items():
        yield gate, flow, plans(rendering.matrix, gate)


def legs(found: dict[str, Plan]) -> dict[str, JobNode]:
    """The legs of all runners' plans by name."""
    return {node.leg: node for plan in found.values() for node in plan.legs}


def jobs(flow: Workflow) -> dict[str, Job]:
    """The legs of a workflow by name: its jobs that are `job@os`."""
    return {job.name: job for job in flow.jobs if "@" in job.name}


def above(job: Job, start: str) -> list[str]:
    """What the comments above a job say behind this word."""
    return [line.removeprefix(start) for line in job.above if line.startswith(start)]


def test_legs_are_those_of_the_plan_and_in_the_gates_order(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        order = [f"{name}@{os}" for name in either.matrix.gates[gate].jobs for os in either.matrix.jobs[name].os]
        assert sorted(jobs(flow)) == sorted(legs(found)), gate
        assert list(jobs(flow)) == order, gate
        assert all(job.runner == legs(found)[name].os for name, job in jobs(flow).items()), gate


def test_builds_are_the_artifacts_of_each_runners_plan(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        wanted = {f"{node.name} ({os})" for os, plan in found.items() for node in plan.artifacts}
        builds = {job.name: job for job in flow.jobs if "(" in job.name}
        assert set(builds) == wanted, gate
        assert all(job.name.endswith(f"({job.runner})") for job in builds.values()), gate
        assert {job.needs for job in builds.values()} <= {("plan",)}, gate


def test_legs_wait_for_the_artifacts_of_their_own_runner(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        named = {job.id: job.name for job in flow.jobs}
        for name, node in legs(found).items():
            waits = [named[one] for one in jobs(flow)[name].needs]
            assert waits == ["plan", *(f"{artifact} ({node.os})" for artifact in node.needs)], f"{gate}: {name}"


def test_comments_above_a_leg_are_its_summary_and_its_evidence(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        for name, node in legs(found).items():
            job = jobs(flow)[name]
            assert above(job, "shows: ") == [node.summary], f"{gate}: {name}"
            assert above(job, "must leave: ") == list(node.evidence), f"{gate}: {name}"


def test_time_limits_leave_room_for_the_setup_and_no_more(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        rows = {name: either.matrix.jobs[node.job].timeout for name, node in legs(found).items()}
        rows |= {
            f"{node.name} ({os})": either.matrix.artifacts[node.name].timeout
            for os, plan in found.items()
            for node in plan.artifacts
        }
        limits = {
            job.name: job.row["timeout-minutes"] for job in flow.jobs if job.id not in ("plan", "verdict", "cancelled")
        }
        for name, limit in limits.items():
            spare = limit * 60 - seconds(rows[name]) - SETUP_MINUTES * 60
            assert 0 <= spare < 60, f"{gate}: {name} has {limit} minutes"
        assert set(limits) == set(rows), gate


def test_quarantines_are_those_of_the_plan(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        passed_over = [name for name, job in jobs(flow).items() if job.row.get("continue-on-error") is True]
        assert sorted(passed_over) == sorted(name for name, node in legs(found).items() if node.quarantined), gate


def test_skipped_legs_are_told_with_their_reason(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        told = {line.removeprefix("# Not run: ") for line in flow.lines if line.startswith("# Not run: ")}
        idle = {one for plan in found.values() for one in plan.idle if one.kind == "skipped"}
        assert told == {f"{one.job}@{one.os}: {one.reason}" for one in idle}, gate


def test_every_leg_runs_on_one_runner_and_is_elsewhere_for_all_others(either: Rendering) -> None:
    for gate, flow, found in workflows(either):
        for os, plan in found.items():
            here = {node.leg for node in plan.legs}
            away = {f"{one.job}@{one.os}" for one in plan.idle if one.kind == "elsewhere"}
            assert here == {name for name in jobs(flow) if name.endswith(f"@{os}")}, f"{gate} on {os}"
            assert here | away == set(jobs(flow)), f"{gate} on {os}"


@pytest.mark.parametrize("gate", ["pr-gate", "nightly"])
def test_one_machine_of_a_family_plans_the_legs_of_its_own(rendering: Rendering, gate: str) -> None:
    name, chosen, lead = select(rendering.matrix, [gate])
    told: list[JobNode] = []
    for os in ("ubuntu-24.04", "macos-15"):
        facts = inventory(rendering.matrix, os).model_copy(update={"runner": None})
        told += make_plan(rendering.matrix, name, chosen, lead, sources(rendering.matrix), facts).legs
    assert sorted(node.leg for node in told) == sorted(jobs(rendering.facts.gates[gate]))
