"""Rules about what is taken from outside, and at which commit: actions, this project itself, images."""

import re
from collections.abc import Iterator

from tests.linting.facts import Facts
from tests.linting.workflow import Step, Workflow, line_of, mapping

Found = tuple[int, str]
HEAD = "${{ github.event.pull_request.head.sha || github.event.merge_group.head_sha || github.sha }}"
BASE = "${{{{ github.event.pull_request.base.ref == '{track}' && github.event.pull_request.base.sha || '' }}}}"
LEVELS = ("none", "read", "write")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def action_pin(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """Every action is in the matrix's table, at exactly the commit that stands there."""
    for _, step in flow.steps:
        uses = str(step.row.get("uses") or "")
        pin = facts.matrix.actions.get(step.action)
        if uses and (pin is None or uses != f"{step.action}@{pin.commit}"):
            wanted = f"the matrix has {pin.commit}" if pin else "the matrix does not have it"
            yield line_of(step.row, "uses"), f"{uses}: {wanted}"


def action_comment(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """The comment behind an action is the version of the matrix, and nothing else."""
    for _, step in flow.steps:
        pin = facts.matrix.actions.get(step.action)
        line = line_of(step.row, "uses")
        if pin and not flow.lines[line - 1].endswith(f" # {pin.version}"):
            yield line, f"{step.action}: the comment is not # {pin.version}"


def unused_pin(flows: list[Workflow], facts: Facts) -> list[str]:
    """Actions of the matrix that no workflow uses."""
    used = {step.action for flow in flows for _, step in flow.steps}
    return [name for name in facts.matrix.actions if name not in used]


def self_pin(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A gate is called at the release of the matrix, and told the same commit, as text."""
    home = facts.home
    for job in flow.jobs:
        uses = job.row.get("uses")
        if uses is None:
            continue
        wanted = f"{home.repository}/.github/workflows/{facts.called}.yml@{home.commit}"
        if uses != wanted:
            yield job.line_of("uses"), f"{uses} is not {wanted}"
        told = mapping(job.row.get("with")).get("phdb-ci")
        if not isinstance(told, str) or told != home.commit:
            yield job.line_of("with"), f"phdb-ci: {told!r} is not the text '{home.commit}'"


def self_checkout(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """What is checked out is this project alone, at the commit that the file is called or released at."""
    role = facts.role(flow)
    repository, ref = facts.home.repository, facts.home.commit
    if role.kind == "gate":
        ref = "${{ github.sha }}"
    if role.kind == "gate" and role.name == facts.called:
        # A tool that moves the commit of `uses:` moves no input: what runs is of the file that was called.
        repository = f"${{{{ job.workflow_repository || '{repository}' }}}}"
        ref = "${{ job.workflow_sha || inputs.phdb-ci }}"
    wanted = {} if role.kind == "ci" else {"repository": repository, "ref": ref}
    for _, step in flow.steps:
        given = {name: value for name, value in step.given.items() if name != "persist-credentials"}
        if step.action == "actions/checkout" and given != wanted:
            yield step.line, f"checks out {given}, not {wanted}"


def call_inputs(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A caller gives the inputs that the gate asks for, and no others."""
    for job in flow.jobs:
        if "uses" not in job.row:
            continue
        call = mapping(mapping(facts.gates[facts.called].triggers).get("workflow_call"))
        known = mapping(call.get("inputs"))
        given = mapping(job.row.get("with"))
        for name in given:
            if name not in known:
                yield line_of(given, name), f"the gate has no input {name}"
        for name, row in known.items():
            if mapping(row).get("required") and name not in given:
                yield job.line_of("with"), f"the gate needs the input {name}"


def call_permissions(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A caller grants what the gate's jobs ask for: GitHub refuses to start it otherwise."""
    for job in flow.jobs:
        if "uses" not in job.row:
            continue
        for inner in facts.gates[facts.called].jobs:
            for scope, level in inner.permissions.items():
                if LEVELS.index(str(level)) > LEVELS.index(str(job.permissions.get(scope, "none"))):
                    yield job.line_of("permissions"), f"job {inner.id} of the gate asks for {scope}: {level}"


def call_head(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A caller has its own change tested: its head as the ref of its repo, looked at from its base."""
    role = facts.role(flow)
    for job in flow.jobs:
        given = mapping(job.row.get("with"))
        if role.kind == "caller":
            base = BASE.format(track=facts.matrix.repos[flow.repo].track)
            wanted = {"head": HEAD, flow.repo: HEAD, "since": f"{flow.repo}={base}"}
            wanted |= {"merge": f"{flow.repo}=${{{{ github.base_ref }}}}"}
        elif role.kind == "aggregate":
            repos = [name for name, repo in facts.matrix.repos.items() if repo.override.ref]
            wanted = {name: f"${{{{ inputs.{name} }}}}" for name in repos} | {"head": "${{ github.sha }}"}
        else:
            continue
        for name, value in wanted.items():
            if given.get(name) != value:
                yield line_of(given, name) or job.line, f"{name}: {given.get(name)} is not {value}"


def caller_condition(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A caller has one job, which always runs: a job that is skipped counts as a success on GitHub."""
    if facts.role(flow).kind not in ("caller", "aggregate"):
        return
    if [job.id for job in flow.jobs] != ["gate"]:
        yield flow.line_of("jobs"), "there are other jobs than gate"
    for job in flow.jobs:
        for key in ("if", "needs", "strategy", "continue-on-error"):
            if key in job.row:
                yield job.line_of(key), f"the job has {key}, so that it may not run or not count"


def image(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """Every image is one of the matrix, by digest."""
    known = {service.image for service in facts.matrix.services.values()}
    for job in flow.jobs:
        for row in mapping(job.row.get("services")).values():
            told = str(mapping(row).get("image"))
            if told not in known or not DIGEST.search(told):
                yield line_of(mapping(row), "image") or job.line, f"{told} is no image of the matrix"
        for step in job.steps:
            yield from _docker(step)


def container(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No job runs in a container: what a job sees is decided by the harness."""
    for job in flow.jobs:
        if "container" in job.row:
            yield job.line_of("container"), "the job runs in a container"


def _docker(step: Step) -> Iterator[Found]:
    if re.search(r"\b(docker|podman)\b", step.run) or step.action.startswith("docker"):
        yield step.line, "a container is started by hand"
