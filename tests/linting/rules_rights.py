"""Rules about who starts a workflow and what it may do then: triggers, permissions, secrets, runners."""

import re
from collections.abc import Iterator, Mapping

from phdb_ci.models.hosting import WEEKLY
from tests.linting.facts import CALLER, Facts, Role
from tests.linting.workflow import Workflow, line_of, mapping, scalars

Found = tuple[int, str]
# Where a write scope may stand, and which; anybody's code starts none of these workflows.
WRITES: Mapping[str, frozenset[str]] = {
    "publish": frozenset({"pull-requests", "statuses"}),
    "artifact": frozenset({"attestations", "id-token"}),
}
OPEN = frozenset(
    {"pull_request", "pull_request_target", "merge_group", "workflow_call", "issue_comment"}
)  # anybody may start these
TOKEN = re.compile(r"\bgithub\.token\b|\bGITHUB_TOKEN\b|\bGH_TOKEN\b|\bsecrets\b|\bACTIONS_(RUNTIME|ID_TOKEN)")


def triggers(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A file is started by what the matrix says for it, and by nothing else."""
    role = facts.role(flow)
    wanted = _triggers(role, facts)
    if set(flow.triggers) != wanted:
        yield flow.line_of("on"), f"{', '.join(flow.triggers)}: the matrix says {', '.join(sorted(wanted))}"


def trigger_filter(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """Triggers are filtered as the matrix says: a check that is filtered away is never missed."""
    role = facts.role(flow)
    for event, wanted in _filters(role, flow, facts).items():
        if event in flow.triggers and (flow.triggers[event] or {}) != wanted:
            yield (
                line_of(flow.triggers, event) or 1,
                f"{event} has {flow.triggers[event]}, not {wanted or 'no filter'}",
            )


def permissions_top(flow: Workflow, _: Facts) -> Iterator[Found]:
    """A workflow as a whole may do nothing."""
    if "permissions" not in flow.data or flow.data["permissions"] != {}:
        yield flow.line_of("permissions"), "permissions of the workflow are not {}"


def permissions_job(flow: Workflow, _: Facts) -> Iterator[Found]:
    """Every job names its permissions, scope by scope."""
    for job in flow.jobs:
        if not isinstance(job.row.get("permissions"), Mapping):
            yield job.line_of("permissions"), f"permissions of job {job.id} are not named one by one"


def permissions_comment(flow: Workflow, _: Facts) -> Iterator[Found]:
    """Behind every permission but `contents: read` stands what it is for."""
    for job in flow.jobs:
        for scope, level in job.permissions.items():
            line = line_of(job.permissions, scope)
            if (scope, level) != ("contents", "read") and not re.search(r" # \S", flow.lines[line - 1]):
                yield line, f"{scope}: {level} does not say what it is for"


def write_scope(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A write scope stands only where no code of a pull request can run."""
    allowed = WRITES.get(facts.role(flow).kind, frozenset()) if not OPEN & set(flow.triggers) else frozenset()
    for job in flow.jobs:
        for scope, level in job.permissions.items():
            if level not in ("read", "none") and scope not in allowed:
                yield line_of(job.permissions, scope), f"{scope}: {level} has no place here"


def signs_alone(flow: Workflow, _: Facts) -> Iterator[Found]:
    """A job that may sign runs two actions and no command: what is built there could sign what it likes."""
    for job in flow.jobs:
        if job.permissions.get("id-token") != "write":
            continue
        for step in job.steps:
            if step.run or step.action not in ("actions/download-artifact", "actions/attest"):
                yield step.line, f"{step.action or step.run.strip()} beside the right to sign"


def secrets(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No secret is read or handed on: the token of the run is enough for all that is done here."""
    for line, text in scalars(flow.data):
        if re.search(r"\bsecrets\b", text):
            yield line, f"{text[:60]}: a secret"


def token(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """No token lies in the environment of what runs code of a pull request: legs, and this project's own tests."""
    kind = facts.role(flow).kind
    jobs = [job for job, _, _ in facts.legs(flow)] if kind == "gate" else list(flow.jobs) if kind == "ci" else []
    for job in jobs:
        takes = [one.given for one in job.steps if one.action == "actions/download-artifact"]
        inputs = {line_of(given, "github-token") for given in takes}  # of the action alone: no script sees it
        for line, text in scalars(job.row, job.line):
            if TOKEN.search(text) and line not in inputs:
                yield line, f"{text[:60]}: a token beside code of a pull request"


def runner(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A job runs on a runner that the matrix names, hosted by GitHub, with a version that does not move."""
    for job in flow.jobs:
        if "uses" not in job.row and job.runner not in facts.runners:
            yield (
                job.line_of("runs-on"),
                f"runs on {job.row.get('runs-on')}, not on {', '.join(sorted(facts.runners))}",
            )


def matrix_strategy(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No strategy matrix: each leg is a job of its own, with a result of its own for the verdict."""
    for job in flow.jobs:
        if "strategy" in job.row:
            yield job.line_of("strategy"), "a strategy hides legs behind one result"


def environment(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No deployment environment: there is none to protect, and it could hold secrets."""
    for job in flow.jobs:
        if "environment" in job.row:
            yield job.line_of("environment"), "the job has a deployment environment"


def concurrency(flow: Workflow, _: Facts) -> Iterator[Found]:
    """Every workflow limits itself, in a group of its own name."""
    group = str(mapping(flow.data.get("concurrency")).get("group") or "")
    name = str(flow.data.get("name"))
    if not re.match(rf"{re.escape(name)}(-\$|$)", group):
        yield (flow.line_of("concurrency"), f"the group {group!r} does not begin with the workflow's name {name}")


def concurrency_cancel(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """What may be cancelled is an older run of the same pull request; a second stage never."""
    row = mapping(flow.data.get("concurrency"))
    told = row.get("cancel-in-progress")
    # On a re-run, what would be cancelled is a newer run than this one.
    pulls = "${{ github.event_name == 'pull_request' && github.run_attempt == 1 }}"
    wanted = (False, pulls) if "pull_request" in flow.triggers and not facts.second_stage(flow) else (False,)
    if told not in wanted:
        yield (line_of(row, "cancel-in-progress") or flow.line_of("concurrency"), f"cancel-in-progress is {told}")


def concurrency_group(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """Of two pushes none takes the other's place: of those that wait in one group GitHub keeps the newest alone."""
    row = mapping(flow.data.get("concurrency"))
    wanted = f"{flow.data.get('name')}-${{{{ github.event.pull_request.number || github.sha }}}}"
    if facts.role(flow).kind in ("caller", "ci") and row.get("group") != wanted:
        yield line_of(row, "group") or flow.line_of("concurrency"), f"the group {row.get('group')} is not {wanted}"


def timeout(flow: Workflow, _: Facts) -> Iterator[Found]:
    """Every job with steps ends by itself."""
    for job in flow.jobs:
        limit = job.row.get("timeout-minutes")
        if "uses" not in job.row and not (isinstance(limit, int) and 1 <= limit <= 360):
            yield job.line_of("timeout-minutes"), f"job {job.id} has timeout-minutes: {limit}"


def _triggers(role: Role, facts: Facts) -> set[str]:
    """The events that start a file of this role."""
    if role.kind == "gate":
        gate = facts.matrix.gates[role.name]
        return {"workflow_call"} if role.name == facts.called else set[str](gate.on)
    if role.kind == "caller":
        return set[str](facts.matrix.gates[role.name].on) - {"schedule"}
    return {
        "ci": {"pull_request", "push"}, "publish": {"workflow_run"},
        "artifact": {"push", "schedule", "workflow_dispatch"}, "aggregate": {"workflow_dispatch"},
    }.get(role.kind, set())  # fmt: skip


def _filters(role: Role, flow: Workflow, facts: Facts) -> dict[str, object]:
    """What may stand below each event, for those where it matters."""
    branches = ["main"]
    if role.kind == "caller":
        branches = list(facts.matrix.gates[role.name].branches)
    elif role.kind == "artifact":
        branches = [facts.matrix.repos[flow.repo].track]
    cron = facts.matrix.gates[role.name].cron if role.kind == "gate" else WEEKLY
    return {
        "pull_request": {},
        "merge_group": {"types": ["checks_requested"]},
        "push": {"branches": branches},
        "schedule": [{"cron": cron}],
        "workflow_run": {"workflows": [CALLER], "types": ["completed"]},
    }
