"""Rules about what a step does: what it installs, keeps, prints into a script, and lets fail in silence."""

import re
from collections.abc import Iterator
from typing import Any

from tests.linting.facts import Facts
from tests.linting.workflow import Node, Step, Workflow, line_of, mapping

Found = tuple[int, str]
# The two ways to install: what the lock names by hash, and the checkout itself, with nothing from anywhere.
LOCK = "python -m pip install --quiet --require-hashes -r requirements.lock"
ITSELF = "python -m pip install --quiet --no-deps --no-build-isolation ."
PUBLISH = 'python -m nox --no-venv -s publish -- --run-id "${RUN}"'
INSTALLERS = re.compile(
    r"\b(pip3?|uv|pipx|poetry|conda|npm|npx|pnpm|yarn|apt|apt-get|brew|gem|go|cargo|dotnet) +(-\S+ +)*"
    r"(install|i|ci|add|get|run|exec|sync|tool|pip)\b|\b(uvx|npx|pipx)\b|\b(curl|wget)\b|\bgh +(extension|release)\b"
)
NOX = re.compile(r"\bnox\b(?! --no-venv)")
SWALLOWS = re.compile(r"\|\||\bset \+e|;\s*true\b|\bexit 0\b|\|\s*(tee|cat)\b|&\s*$", re.MULTILINE)
ENVIRONMENT = re.compile(r"GITHUB_(ENV|PATH|STATE)\b|::(set-env|add-path|set-output|save-state)|UNSECURE_COMMANDS")
SECRET = re.compile(r"password|passwd|passphrase|token|secret|credential|api_?key|private_?key|ssh-key", re.IGNORECASE)
ASSIGNED = re.compile(rf"\b\w*({SECRET.pattern})\w*=(?![\"']?\$)[\"']?\w", re.IGNORECASE)
IN_URL = re.compile(r"://[^/\s:@\"']*:[^/\s@\"']+@")
KNOWN = re.compile(r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|AKIA[0-9A-Z]{16}|xox[bp]-\w+)|-----BEGIN [A-Z ]*PRIVATE")
EXPRESSION = re.compile(r"^\$\{\{ [^'}]+ \}\}$")
HEADS = re.compile(r"workflow_run\.(head_|pull_requests)|pull_request\.head|github\.head_ref|refs/pull|\b(git|gh) +\w")
ATTEMPT = "${{ github.run_attempt }}"
TOKEN = "${{ github.token }}"  # noqa: S105 - an expression
# Actions that keep a cache unless they are told not to, and how they are told.
CACHING = {
    "actions/setup-node": "package-manager-cache",
    "actions/setup-go": "cache",
    "astral-sh/setup-uv": "enable-cache",
}


def cache(flow: Workflow, _facts: Facts) -> Iterator[Found]:
    """Nothing is kept in a cache: what one run writes there, another with more rights could read."""
    for _, step in flow.steps:
        name = step.action.lower()
        if "cache" in name:
            yield step.line, f"{step.action} keeps a cache"
        for key, value in step.given.items():
            if "cache" in str(key) and value is not False:
                yield line_of(step.given, key), f"{key}: {value} keeps a cache"
        silent = CACHING.get(name)
        if silent and silent not in step.given:
            yield step.line, f"{step.action} keeps a cache without {silent}: false"


def expression_in_run(flow: Workflow, _facts: Facts) -> Iterator[Found]:
    """No expression stands in a script: what it becomes would be read as code."""
    for _, step in flow.steps:
        for key, text in (("run", step.run), ("script", str(step.given.get("script") or ""))):
            if "${{" in text:
                yield line_of(step.row, key) or step.line, "an expression in a script"


def environment_file(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No step changes the environment or the PATH of those behind it."""
    for number, text in enumerate(flow.lines, start=1):
        if ENVIRONMENT.search(text):
            yield number, text.strip()


def install(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """What is installed is what requirements.lock names by hash; nox makes no environment but for our own tests."""
    for _, step in flow.steps:
        for line in step.run.splitlines():
            if INSTALLERS.search(line) and line.strip() not in (LOCK, ITSELF):
                yield step.line, f"{line.strip()}: not from the lock"
            if NOX.search(line) and facts.role(flow).kind != "ci":
                yield step.line, f"{line.strip()}: nox would install what no lock holds"


def swallowed_failure(flow: Workflow, _facts: Facts) -> Iterator[Found]:
    """No script goes on after a failure."""
    for _, step in flow.steps:
        found = SWALLOWS.search(step.run)
        if found:
            yield step.line, f"{found[0].strip()!r} lets a failure pass"


def step_continues(flow: Workflow, _: Facts) -> Iterator[Found]:
    """A step may fail in one place: where the verdict gathers results, for it says itself what is missing."""
    for job, step in flow.steps:
        gathers = job.id == "verdict" and step.action == "actions/download-artifact"
        if "continue-on-error" in step.row and not gathers:
            yield line_of(step.row, "continue-on-error"), "a failure of the step would not count"


def literal_secret(flow: Workflow, _: Facts) -> Iterator[Found]:
    """No password and no token is written down, in whichever of the ways."""
    for number, text in enumerate(flow.lines, start=1):
        if not text.lstrip().startswith("#") and any(one.search(text) for one in (ASSIGNED, IN_URL, KNOWN)):
            yield number, "a secret in plain text"
    for row in _environments(flow):
        for key, value in row.items():
            if isinstance(value, str) and value and SECRET.search(str(key)) and not EXPRESSION.match(value):
                yield line_of(row, key), f"{key} is written down"


def persist_credentials(flow: Workflow, _facts: Facts) -> Iterator[Found]:
    """No checkout leaves the token behind for the steps after it."""
    for _, step in flow.steps:
        if step.action == "actions/checkout" and step.given.get("persist-credentials") is not False:
            yield step.line, "persist-credentials is not false"


def upload(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """What is kept must be there, under a name of its own that ends in the attempt, for nothing replaces another's.

    What a builder publishes is looked for in other runs, by its key.
    """
    seen: dict[str, str] = {}
    end = "${{ steps.build.outputs.key }}" if facts.role(flow).kind == "artifact" else f"@{ATTEMPT}"
    for job, step in flow.steps:
        if step.action != "actions/upload-artifact":
            continue
        name = str(step.given.get("name"))
        if not name.endswith(end):
            yield step.line, f"{name} does not end in {end}"
        if "overwrite" in step.given:
            yield step.line, f"{name}: overwrite does not reach an earlier attempt's, and could replace another job's"
        if step.given.get("if-no-files-found") != "error":
            yield step.line, f"{name}: if-no-files-found is not error"
        if seen.setdefault(name, job.id) != job.id and end == f"@{ATTEMPT}":
            yield step.line, f"{name}: job {seen[name]} keeps another under this name"


def download(flow: Workflow, _: Facts) -> Iterator[Found]:
    """What is taken is taken from this run by the API, which has an earlier attempt's as well."""
    for job, step in flow.steps:
        if step.action != "actions/download-artifact":
            continue
        wanted = {"github-token": TOKEN, "run-id": "${{ github.run_id }}"}
        given = {key: value for key, value in step.given.items() if key not in ("name", "pattern", "path")}
        if given != wanted or job.permissions.get("actions") != "read":
            yield step.line, f"takes an artifact with {given} and actions: {job.permissions.get('actions')}"


def shell(flow: Workflow, _: Facts) -> Iterator[Found]:
    """Every script runs in the bash of GitHub's, which stops at the first failure."""
    told = mapping(mapping(flow.data.get("defaults")).get("run")).get("shell")
    if any(step.run for _, step in flow.steps) and told != "bash":
        yield flow.line_of("defaults"), f"defaults.run.shell is {told}, not bash"
    for job in flow.jobs:
        if "defaults" in job.row:
            yield job.line_of("defaults"), "the job has defaults of its own"
        for step in job.steps:
            if "shell" in step.row or "working-directory" in step.row:
                yield step.line, "the step has a shell or a directory of its own"


def second_stage_head(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A second stage fetches nothing of the pull request that it writes about."""
    for _, step in flow.steps if facts.second_stage(flow) else ():
        told = " ".join(str(value) for value in (*step.given.values(), *step.env.values(), step.run))
        found = HEADS.search(told)
        if found:
            yield step.line, f"{found[0]} reaches for the pull request"


def second_stage_run(flow: Workflow, facts: Facts) -> Iterator[Found]:
    """A second stage runs the two installs and `publish`, and takes no artifact that a script could run."""
    for _, step in flow.steps if facts.second_stage(flow) else ():
        for line in step.run.splitlines():
            if line.strip() not in (LOCK, ITSELF, PUBLISH):
                yield step.line, f"{line.strip()}: not one of the three commands of a second stage"
        if step.action not in ("", "actions/checkout", "actions/setup-python"):
            yield step.line, f"{step.action}: not one of the two actions of a second stage"


def _environments(flow: Workflow) -> Iterator[Node]:
    """Every table in which a value could be a secret."""
    yield mapping(flow.data.get("env"))
    for job in flow.jobs:
        yield mapping(job.row.get("env"))
        yield mapping(job.row.get("with"))
        boxes: list[Any] = [*mapping(job.row.get("services")).values(), job.row.get("container")]
        for box in boxes:
            yield mapping(mapping(box).get("env"))
            yield mapping(mapping(box).get("credentials"))
        for step in job.steps:
            yield from _tables(step)


def _tables(step: Step) -> Iterator[Node]:
    yield step.env
    yield step.given
