"""`phdb-ci plan`: what would run, on which commits, and why. Runs nothing."""

import argparse

from phdb_ci.commands._common import planned
from phdb_ci.console import plan_text
from phdb_ci.errors import Exit
from phdb_ci.models.plan import Plan


def main(arguments: argparse.Namespace) -> int:
    """Print the plan as a table, JSON or a mermaid flowchart."""
    _, plan = planned(arguments)
    if arguments.json:
        print(plan.model_dump_json(indent=1))
    elif arguments.mermaid:
        print(mermaid(plan))
    else:
        print(plan_text(plan))
    return Exit.PASS


def mermaid(plan: Plan) -> str:
    """The graph as a mermaid flowchart: sources into artifacts, artifacts into legs, legs into the gate."""
    lines = ["flowchart LR"]
    lines += [f'  {_id(one.repo)}(["{one.repo} {one.commit[:7]}"])' for one in plan.sources.repos.values()]
    lines += [f'  {_id(node.name)}[["{node.name}: {node.action}"]]' for node in plan.artifacts]
    for leg in plan.legs:
        lines.append(f'  {_id(leg.leg)}["{leg.leg}"] --> verdict{{{{"{plan.gate}"}}}}')
        lines += [f"  {_id(need)} --> {_id(leg.leg)}" for need in (*leg.needs, *leg.repos)]
    return "\n".join(lines)


def _id(name: str) -> str:
    return "n_" + "".join(char if char.isalnum() else "_" for char in name)
