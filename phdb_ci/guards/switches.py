"""What a workflow says of whether a job or step runs, and whether it may fail; gates that ask for no result. Pure."""

import re
from collections.abc import Iterator, Sequence

from phdb_ci.guards.checkout import File, Finding
from phdb_ci.guards.code import comment_of
from phdb_ci.guards.workflows import Job, Workflow
from phdb_ci.guards.yaml import Node, Text, get, scalars, text

ISSUE = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d")
BESIDE = 3
GATE = re.compile(
    r"(^|[\W_])(gate|required|all|ok|green|success|aggregat\w*|status|done|verdict|conclusion)([\W_]|$)",
    re.IGNORECASE,
)
_CONSTANT = r"(\d+|'[^']*'|true|false)"
CONSTANTS = re.compile(rf"{_CONSTANT}\s*(==|!=)\s*{_CONSTANT}")
ALWAYS = re.compile(r"\balways\(\)|!\s*cancelled\(\)")
RESULTS = re.compile(r"\bneeds\b[^\n]*\bresult\b|toJSON\(\s*needs\s*\)|alls-green|\bneeds\.\*", re.IGNORECASE)


def switches(file: File, node: Node, what: str) -> Iterator[Finding]:
    """What lets a job or step fail unseen, or never run."""
    for on_error in (text(node, "continue-on-error"), text(node, "with", "continue_on_error")):
        if on_error.strip().lower() not in ("false", "") and not issue_beside(file, on_error.line):
            yield file.at(on_error.line, f"{what} may fail unseen, and no issue is named beside it")
    condition = text(node, "if")
    bare = re.sub(r"^\$\{\{|\}\}$", "", condition.strip()).strip().lower()
    if _never(bare):
        yield file.at(condition.line, f"{what} never runs")
    elif re.fullmatch(r"\(?\s*(failure|cancelled)\(\)\s*\)?", bare):
        yield file.at(condition.line, f"{what} runs only where something else has failed")
    elif re.search(r"\bvars\s*[.\[]", bare) and not issue_beside(file, condition.line):
        yield file.at(condition.line, f"{what} runs only where a variable outside of this repo says so")


def _never(bare: str) -> bool:
    """Whether a condition is false by itself, or one of its parts that must hold is."""
    return any(_false(part.strip()) for part in re.split(r"&&", bare) if "||" not in bare or part == bare)


def _false(part: str) -> bool:
    if part in ("false", "0", "''", "!true", "! true", "null"):
        return True
    said = CONSTANTS.fullmatch(part)
    return said is not None and (said[1] == said[3]) != (said[2] == "==")


def issue_beside(file: File, line: int) -> bool:
    """An issue's URL in a comment on this line, or in comment lines right above or below it."""
    if ISSUE.search(comment_of(file.lines[line - 1])):
        return True
    for step in (-1, 1):
        for away in range(1, BESIDE + 1):
            at = line - 1 + step * away
            said = file.lines[at].strip() if 0 <= at < len(file.lines) else ""
            if not said.startswith("#"):
                break
            if ISSUE.search(said):
                return True
    return False


def gates_without_results(workflow: Workflow, engine: Sequence[Job]) -> Iterator[Finding]:
    """Jobs that gather others, run always, and ask for the result of none: green whatever the engine's said."""
    names = {job.name for job in engine}
    for job in workflow.jobs:
        needs = {str(one) for _, one in scalars(get(job.node, "needs"))}
        condition = text(job.node, "if")
        if names.isdisjoint(needs) or not ALWAYS.search(condition) or not _is_gate(job):
            continue
        if not any(RESULTS.search(one) for key, one in scalars(job.node) if key != "needs"):
            yield workflow.file.at(
                condition.line, "a gate that runs always and asks for no result of engine e2e"
            )


def _is_gate(job: Job) -> bool:
    named: Text = text(job.node, "name")
    return any(GATE.search(word) for word in (job.name, named))
