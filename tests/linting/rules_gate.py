"""Rules about a gate's file: its legs, the artifacts between them, and the verdict over all of them."""

import re
from collections.abc import Iterator

from phdb_ci.models.hosting import CANCELLED
from tests.linting.facts import Facts
from tests.linting.rules_steps import ATTEMPT, TOKEN
from tests.linting.workflow import Step, Workflow, mapping

Found = tuple[int, str]
PLANNED = "${{ needs.plan.outputs.run == 'true' }}"
PLAN = '--since "${SINCE}" --merge "${MERGE}" --bundle sources.bundle --outputs "${GITHUB_OUTPUT}"'
BUNDLE = "sources/sources.bundle"
LATER = "${{ always() && steps.verdict.outcome != 'skipped' }}"


def generated(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A file has a template, and says in its first line that it is made."""
    if facts.role(flow).kind == "unknown":
        yield 1, "the matrix makes no such file"
    if not flow.text.startswith("# Made from matrix.toml by `phdb-ci render`"):
        yield 1, "the first line does not say what the file is made from"


def named(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A workflow bears the name by which others know it."""
    role = facts.role(flow)
    name = role.name if role.kind in ("gate", "ci") else flow.path.rpartition("/")[2].removesuffix(".yml")
    if flow.data.get("name") != name:
        yield flow.line_of("name"), f"its name is {flow.data.get('name')}, not {name}"


def legs(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """The jobs of a gate are the plan, the builds, every leg of the matrix once, and the verdict."""
    role = facts.role(flow)
    if role.kind != "gate":
        return
    rows = facts.matrix.jobs
    wanted = {f"{name}@{os}" for name in facts.matrix.gates[role.name].jobs for os in rows[name].os}
    builds = {
        f"{artifact} ({os})"
        for name in facts.matrix.gates[role.name].jobs
        for artifact in rows[name].artifacts
        for os in rows[name].os
    }
    found = [job.name for job in flow.jobs]
    for name in sorted((wanted | builds | {"plan", "verdict", CANCELLED}) ^ set(found)):
        yield flow.line_of("jobs"), f"{name} is in one of matrix and file only"
    if len(found) != len(set(found)):
        yield flow.line_of("jobs"), "two jobs have one name"


def leg_condition(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A job of a gate waits for the plan and runs when the plan says so: nothing else can skip it."""
    for job in flow.jobs if facts.role(flow).kind == "gate" else ():
        if job.id in ("plan", "verdict", CANCELLED):
            continue
        if job.row.get("if") != PLANNED or "plan" not in job.needs:
            yield (job.line_of("if"), f"job {job.id} has if: {job.row.get('if')} and needs {', '.join(job.needs)}")


def leg_command(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A leg runs the session of its job, on its own runner, as on a laptop; nothing stands around the command."""
    for job, name, os in facts.legs(flow):
        given = re.escape("".join(_handed(one) for one in facts.matrix.jobs[name].artifacts))
        wanted = rf"python -m nox --no-venv -s {re.escape(name)} -- --sources {BUNDLE}{given} --out results"
        scripts = [step.run.strip() for step in job.steps if "nox" in step.run]
        if len(scripts) != 1 or not re.fullmatch(wanted, scripts[0]):
            yield job.line, f"{scripts} is not {wanted}"
        if job.runner != os or job.row.get("env", {}).get("PHDB_CI_OS") != os:
            yield job.line_of("runs-on"), f"{job.name} runs on {job.runner}"


def run_sources(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """The plan alone fetches, with the token; builds and legs take the run's commits from the bundle that it kept."""
    for job in flow.jobs if facts.role(flow).kind == "gate" else ():
        if job.id == "plan":
            kept = [(step.given.get("name"), step.given.get("path")) for step in job.steps if _uploads(step)]
            told = mapping(job.row.get("outputs")).get("bundle")
            step = next((one for one in job.steps if one.row.get("id") == "plan"), Step({}, job.line))
            if kept != [(told, "sources.bundle")] or PLAN not in step.run:
                yield job.line, f"the plan keeps {kept}, not its bundle, and tells {told}"
            if step.env.get("GITHUB_TOKEN") != TOKEN:
                yield step.line, "the plan fetches as nobody, whom GitHub throttles"
        elif job.id not in ("verdict", CANCELLED):
            given = {"name": "${{ needs.plan.outputs.bundle }}", "path": "sources"}
            takes = [step for step in job.steps if given.items() <= step.given.items()]
            if len(takes) != 1 or sum(f"--sources {BUNDLE}" in step.run for step in job.steps) != 1:
                yield job.line, f"{job.name} does not take its sources from the bundle"


def leg_artifact(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A leg takes each artifact of its own runner and checks it by the digest that the build told."""
    for job, name, os in facts.legs(flow):
        for artifact in facts.matrix.jobs[name].artifacts:
            build = next((one for one in flow.jobs if one.name == f"{artifact} ({os})"), None)
            taken = [one.given.get("name") for one in job.steps if one.action == "actions/download-artifact"]
            digests = [one.env.get(_variable(artifact)) for one in job.steps if one.env]
            # A build that is kept from an earlier attempt keeps its outputs, too: its artifact's name among them.
            told = f"${{{{ needs.{build.id}.outputs.artifact }}}}" if build else None
            if build is None or build.id not in job.needs or told not in taken:
                yield job.line, f"{job.name} does not take {artifact} of {os}"
            elif f"${{{{ needs.{build.id}.outputs.digest }}}}" not in digests:
                yield job.line, f"{job.name} does not check the digest of {artifact}"


def build_artifact(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A build tells the name under which it keeps its artifact: that of its own runner."""
    for job in flow.jobs if facts.role(flow).kind == "gate" else ():
        artifact, sign, _ = job.name.partition(" (")
        if sign:
            kept = [step.given.get("name") for step in job.steps if _uploads(step)]
            told = mapping(job.row.get("outputs")).get("artifact")
            if kept != [told] or kept != [f"{artifact}-{job.runner}@{ATTEMPT}"]:
                yield job.line, f"{job.name} keeps {kept} and tells {told}"


def leg_result(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A leg keeps its result under its own name, whether or not it failed."""
    for job, _, _ in facts.legs(flow):
        kept = [step for step in job.steps if step.given.get("name") == f"{job.name}@{ATTEMPT}" and _uploads(step)]
        for step in kept:
            if step.given.get("path") != f"results/{job.name}" or step.row.get("if") != "${{ !cancelled() }}":
                yield step.line, f"{job.name} keeps {step.given.get('path')} if {step.row.get('if')}"
        if len(kept) != 1:
            yield job.line, f"{job.name} keeps no result of its name"
        for step in job.steps:
            name = str(step.given.get("name"))
            if _uploads(step) and name.count("@") > 1 and step not in kept:
                yield step.line, f"the verdict would take {name} for a result"


def quarantine(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A job's failure is passed over where the matrix has the whole job in quarantine, and only there.

    The issue of each quarantine stands above its job.
    """
    told = {job.id: facts.matrix.quarantine_of(name) for job, name, _ in facts.legs(flow)}
    for job in flow.jobs:
        rows = told.get(job.id, ())
        if ("continue-on-error" in job.row) != any(row.case is None for row in rows):
            yield job.line_of("continue-on-error"), f"{job.name}: continue-on-error and the matrix disagree"
        for row in rows:
            if not any(row.issue in line and str(row.until) in line for line in job.above):
                yield job.line, f"{job.name}: no comment names {row.issue} and {row.until}"


def provenance(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A job that may take what another run has published may ask who built it; the step itself does."""
    for job in flow.jobs if facts.role(flow).kind == "gate" else ():
        for step in job.steps:
            if "--published" in step.run and (
                job.permissions.get("attestations") != "read" or step.env.get("GITHUB_TOKEN") != TOKEN
            ):
                yield step.line, f"{job.name} cannot ask who built what was published"


def verdict(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """The one required check: it always runs, waits for every other job, and its failure counts."""
    if facts.role(flow).kind != "gate":
        return
    found = [job for job in flow.jobs if job.id == "verdict"]
    for job in found:
        others = [one.id for one in flow.jobs if one.id != job.id]
        if job.row.get("if") != "${{ always() }}":
            yield job.line_of("if"), f"if: {job.row.get('if')}: a verdict that is skipped counts as a success"
        if sorted(job.needs) != sorted(others):
            yield (job.line_of("needs"), f"it does not wait for {', '.join(sorted(set(others) ^ set(job.needs)))}")
    if not found:
        yield flow.line_of("jobs"), "there is no verdict"


def verdict_cancelled(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A verdict ends with its first step when the run was cancelled: what it holds is needed by the newer run.

    A step's own `cancelled()` does not know it, for the job was started after the cancelling; and a job of its own
    must not be over before those that can be cancelled.
    """
    jobs = {job.id: job for job in flow.jobs} if facts.role(flow).kind == "gate" else {}
    if "verdict" not in jobs:
        return
    told, over = jobs.get(CANCELLED), jobs["verdict"]
    others = sorted({*jobs} - {"verdict", CANCELLED})
    if told is None or told.row.get("if") != "${{ cancelled() }}" or sorted(told.needs) != others:
        yield (told or over).line, "no job tells that the run was cancelled"
    first = over.steps[0] if over.steps else Step({}, over.line)
    wanted = {"if": f"${{{{ needs.{CANCELLED}.result == 'success' }}}}", "run": "exit 1"}
    if {key: value for key, value in first.row.items() if key != "name"} != wanted:
        yield first.line, f"the first step of the verdict is not {wanted}"
    for step in over.steps[1:]:
        if step.row.get("if", LATER) != LATER:
            yield step.line, f"the step runs after a cancelling if {step.row.get('if')}"


def verdict_command(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """The verdict is told which gate it is over and how every job ended, and its step runs whatever was gathered."""
    role = facts.role(flow)
    for job in flow.jobs if role.kind == "gate" else ():
        if job.id != "verdict":
            continue
        step = next((one for one in job.steps if one.row.get("id") == "verdict"), Step({}, job.line))
        wanted = f"-s verdict -- results --gate {role.name} --needs needs.json "
        if wanted not in step.run or "printf '%s' \"${NEEDS}\" > needs.json" not in step.run:
            yield step.line, f"the verdict does not run {wanted.strip()}"
        if step.env.get("NEEDS") != "${{ toJSON(needs) }}" or "if" in step.row:
            yield step.line, "the verdict is not told how the other jobs ended"
        names = [one.given.get("name") for one in job.steps if _uploads(one)]
        if names != [f"verdict@{ATTEMPT}"]:
            yield job.line, f"the verdict is kept as {names}"
        taken = [one.given.get("pattern") for one in job.steps if one.action == "actions/download-artifact"]
        if taken != ["*@*@*"]:
            yield job.line, f"the verdict gathers {taken}, not every result"


def ignores(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """One finding is ignored, in the second stage, with its reason; everything else is repaired."""
    lines = [number for number, text in enumerate(flow.lines, start=1) if re.search(r"(ignore|disable)\s*[=\[]", text)]
    told = re.compile(r"^  workflow_run: # zizmor: ignore\[dangerous-triggers\] \S.{20,}$")
    allowed = 1 if facts.role(flow).kind == "publish" else 0
    for number in [one for one in lines if not allowed or not told.match(flow.lines[one - 1])] or lines[allowed:]:
        yield number, f"{flow.lines[number - 1].strip()}: not the one that is allowed"


def _handed(artifact: str) -> str:
    return f' --artifact "{artifact}={artifact}/{artifact}.tar#sha256=${{{_variable(artifact)}}}"'


def _variable(artifact: str) -> str:
    return re.sub(r"\W", "_", artifact).upper() + "_DIGEST"


def _uploads(step: Step) -> bool:
    return step.action == "actions/upload-artifact"


def own_tests(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """Our own tests run on every system that legs run on; where they can have a network of their own, they must."""
    if facts.role(flow).kind != "ci":
        return
    runners = [job.runner for job in flow.jobs]
    for os in sorted(facts.runners):
        if os.startswith("macos") and os not in runners:
            yield flow.line_of("jobs"), f"no test runs on {os}"
    for job in flow.jobs:
        steps = [step for step in job.steps if re.search(r"nox -s .*\btests\b", step.run)]
        sysctl = any("apparmor_restrict_unprivileged_userns=0" in step.run for step in job.steps)
        if any(not sysctl or step.env.get("PHDB_CI_ISOLATION") != "required" for step in steps):
            yield job.line, f"{job.id}: a test of isolation may be skipped"
