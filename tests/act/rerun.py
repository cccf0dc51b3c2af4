"""Workflows changed so that act shows what it cannot do itself: a re-run of the failed jobs, needs that it never has.

A kept job runs again as a single shadow: instead of its steps, the outputs that its steps had. So the jobs that are
run again see the same `needs`, and the artifacts of the first attempt are still with the run. This works on the text,
whose jobs stand two spaces deep: as rendered, and as all workflows here are written.
"""

import json
import re
from collections.abc import Iterable, Mapping

from tests.act.log import Job

SAY = """printf '%s' "${KEPT}" >> "${GITHUB_OUTPUT}\""""


def keep(workflow: str, jobs: Iterable[Job], attempt: int = 1) -> str:
    """The workflow with these jobs as they ended in an attempt: green ones that need no job which is run again."""
    for job in jobs:
        assert job.result == "success", f"{job.label} was {job.result}: GitHub would run it again"
        workflow = _shadowed(workflow, job, attempt)
    return workflow


def with_needs(workflow: str, needs: Mapping[str, object]) -> str:
    """The workflow whose one `toJSON(needs)` says this: `cancelled`, say, or `{}` for no outputs, as on GitHub."""
    wanted = "${{ toJSON(needs) }}"
    assert workflow.count(wanted) == 1, f"{wanted} stands {workflow.count(wanted)} times in the workflow"
    return workflow.replace(wanted, json.dumps(json.dumps(needs)))


def _shadowed(workflow: str, job: Job, attempt: int) -> str:
    """The steps of one job replaced; everything else about it stays, so that `needs` and `outputs` do, too."""
    begin = re.search(rf"^  {re.escape(job.id)}:\n", workflow, re.MULTILINE)
    assert begin, f"no job {job.id} in the workflow"
    rest = workflow[begin.end() :]
    end = re.search(r"^(?: {0,2})[^\s#]", rest, re.MULTILINE)
    body, behind = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    steps = re.search(r"^    steps:.*\n(?:(?: {5,}.*| *#.*| *)\n?)*", body, re.MULTILINE)
    assert steps, f"job {job.id} has no steps"
    shadow = f"    steps: {json.dumps(_told_again(job))}\n"
    head = body[: steps.start()].replace("${{ github.run_attempt }}", str(attempt))  # its outputs keep their values
    return workflow[: begin.end()] + head + shadow + body[steps.end() :] + behind


def _told_again(job: Job) -> list[dict[str, object]]:
    """Steps that set what the job's steps have set; JSON is YAML, too."""
    steps: list[dict[str, object]] = [{"name": "Kept from the attempt before", "shell": "bash", "run": "true"}]
    for step in job.steps.values():
        if step.outputs:
            text = "".join(f"{name}<<~~\n{value}\n~~\n" for name, value in step.outputs.items())
            assert "${{" not in text, f"an output of {job.label} would be evaluated once more"
            told: dict[str, object] = {"id": step.id, "name": step.name, "shell": "bash", "run": SAY}
            steps.append(told | {"env": {"KEPT": text}})
    return [step for step in steps if not str(step.get("id", "")).isdigit()]
