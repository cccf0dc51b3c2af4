"""The workflows of a checkout and its composite actions: jobs and steps, as YAML. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.kinds import ACTION, WORKFLOW
from phdb_ci.guards.yaml import Node, Text, get, parse, scalars


@dataclass(frozen=True)
class Job:
    """One job of a workflow, or all of a composite action."""

    name: str
    node: dict[str, Node]

    @property
    def steps(self) -> list[dict[str, Node]]:
        """Its steps; none where it calls another workflow."""
        steps = get(self.node, "steps")
        return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []

    def scalars(self, workflow: "Workflow") -> Iterator[tuple[str, Text]]:
        """Every scalar that it sees, with its key: its own, and the environment of its workflow."""
        yield from scalars(get(workflow.root, "env"))
        yield from scalars(self.node)


@dataclass(frozen=True)
class Workflow:
    """One file of `.github/workflows`, or an action."""

    file: File
    root: Node
    jobs: list[Job]


def workflows(checkout: Checkout) -> Iterator[Workflow | Finding]:
    """Every workflow and action; one that cannot be read is a finding."""
    for file in checkout.files:
        if WORKFLOW.match(file.path) or ACTION.search(file.path):
            yield read(file)


def read(file: File) -> Workflow | Finding:
    """One of them."""
    root = parse(file)
    if isinstance(root, Finding):
        return root
    jobs = {"action": get(root, "runs")} if ACTION.search(file.path) else get(root, "jobs")
    if not isinstance(jobs, dict):
        return file.at(1, "cannot tell: this workflow has no jobs")
    return Workflow(file, root, [Job(name, job) for name, job in jobs.items() if isinstance(job, dict)])
