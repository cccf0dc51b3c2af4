"""Guard `engine-e2e-not-silent`: no workflow lets the engine's end-to-end suite fail in silence. Pure.

First, what runs it: a step, a script or a package script whose text names `test:e2e:lidb-engine`, `nox -s e2e-engine`,
`phdb-ci run e2e-engine`, or one that calls such a script; composite actions and called workflows of the same repo are
followed. Then, around it: `continue-on-error` without the URL of an issue in a comment beside it, `if: false`, an exit
code that is dropped (`|| true`, `set +e`, a pipe without pipefail, a script without `set -e`, an `if` that ends green),
and `LI_LIDB_MOCK` anywhere in the same job. `continue-on-error` with an issue is the plan's own way of not blocking.
"""

import re
from collections.abc import Iterator

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, comment_of, is_shell
from phdb_ci.guards.e2e_shell import lost_exit_codes, mocked
from phdb_ci.guards.workflows import JobOf, Step, Workflow, local_file, read, workflows
from phdb_ci.guards.yamlish import Map, Node, Scalar, get, scalars, text_of

ENGINE = re.compile(
    r"test:e2e:lidb-engine\b|\bnox\b[^\n;|&]*\s(-s|--sessions?|-e)[ =]([\w-]+\s+)*e2e-engine\b"
    r"|\bphdb[-_]ci\b[^\n;|&]*\srun\s+[^\n;|&]*\be2e-engine\b|\bLI_E2E_LIDB_ENGINE=[\"']?1"
)
ISSUE = re.compile(r"https://\S+/(issues|browse|-/issues|work_items)/\S*\d")
SCRIPT_WORD = re.compile(r"(?:\./)?([\w][\w./-]*\.(?:sh|bash|mjs|cjs|js|ts|py))\b")
NPM_WORD = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:run(?:-script)?\s+)?(?:-{1,2}[\w=-]+\s+)*([\w:-]+)")
BESIDE = 3
MOCK = "LI_LIDB_MOCK"


def engine_e2e_not_silent(checkout: Checkout) -> Iterator[Finding]:
    """Every way in which a workflow of this checkout would hide a failing engine suite."""
    reach = Reach(checkout)
    for workflow in workflows(checkout):
        if isinstance(workflow, Finding):
            yield workflow
            continue
        for job in workflow.jobs:
            yield from _job(reach, workflow, job)
    for path in sorted(reach.scripts):
        yield from _script(checkout.by_path[path], reach)
    yield from _package(checkout)


class Reach:
    """Which texts lead to the engine suite, followed through scripts, package scripts, actions and workflows."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.scripts: set[str] = set()
        self.words = [ENGINE.pattern]
        self._collect()
        self.pattern = re.compile("|".join(self.words))

    def _collect(self) -> None:
        """Scripts and package scripts that run the suite, and those that call them, until there are no more."""
        texts = {file.path: "\n".join(code_lines(file)) for file in self.checkout.files if is_shell(file)}
        package: dict[str, str] = {}
        for file in self.checkout.files:
            if file.name == "package.json":
                package |= {name: value for name, value, _ in package_scripts(file)}
        while True:
            pattern, before = re.compile("|".join(self.words)), len(self.words)
            for path, text in texts.items():
                if path not in self.scripts and pattern.search(text):
                    self.scripts.add(path)
                    self.words.append(rf"(?<![\w-]){re.escape(path.rpartition('/')[2])}\b")
            for name, text in list(package.items()):
                if pattern.search(text):
                    del package[name]
                    self.words.append(rf"\b(npm|pnpm|yarn)\s+(run\s+)?(-\S+\s+)*{re.escape(name)}(?![\w:-])")
            if len(self.words) == before:
                return

    def step(self, step: Step, depth: int = 0) -> bool:
        """Whether a step runs the suite."""
        if step.run and self.pattern.search(step.run.value):
            return True
        if text_of(get(step.node, "env", "LI_E2E_LIDB_ENGINE")) == "1" and step.run:
            return True
        return any(
            self.step(inner, depth + 1) for job in self._called(step.uses, depth) for inner in job.steps
        )

    def job(self, job: JobOf, depth: int = 0) -> bool:
        """Whether a job does, by a step or by the workflow that it calls."""
        if any(self.step(step) for step in job.steps):
            return True
        return any(self.job(inner, depth + 1) for inner in self._called(job.uses, depth))

    def _called(self, uses: str, depth: int) -> list[JobOf]:
        file = local_file(self.checkout, uses) if depth < 5 else None
        called = read(file) if file else None
        return called.jobs if isinstance(called, Workflow) else []


def package_scripts(file: File) -> Iterator[tuple[str, str, int]]:
    """Name, text and line of each package script; every pair of strings below "scripts" that is one line each."""
    inside = False
    for number, line in enumerate(file.lines, 1):
        if re.match(r'\s*"scripts"\s*:', line):
            inside = True
            line = line.partition(":")[2]  # noqa: PLW2901 - a file on one line
        for name, text in re.findall(r'"([\w:.-]+)"\s*:\s*"((?:\\.|[^"\\])*)"', line) if inside else ():
            yield name, text.replace('\\"', '"'), number
        if inside and "}" in re.sub(r'"(\\.|[^"\\])*"', "", line):
            inside = False


def _job(reach: Reach, workflow: Workflow, job: JobOf) -> Iterator[Finding]:
    if not reach.job(job):
        return
    file = workflow.file
    yield from _switches(file, job.node, "the job that runs engine e2e")
    for step in job.steps:
        if reach.step(step):
            yield from _switches(file, step.node, "the step that runs engine e2e")
            if step.run:
                strict = not re.search(r"\{0\}", shell := _shell_of(workflow, job, step)) or "-e" in shell
                pipefail = shell == "bash" or "pipefail" in shell
                for line, why in lost_exit_codes(
                    step.run.value, reach.pattern, strict=strict, pipefail=pipefail
                ):
                    yield file.at(step.run.text_line + line - 1, why)
        if step.run:
            for line in mocked(step.run.value):
                yield file.at(step.run.text_line + line - 1, f"{MOCK} is set in the job that runs engine e2e")
    environments: list[Node | None] = [get(workflow.root, "env"), get(job.node, "env"), get(job.node, "with")]
    environments += [get(step.node, key) for step in job.steps for key in ("env", "with")]
    environments.append(get(job.node, "strategy"))
    for environment in environments:
        yield from _mock_in(file, environment)


def _shell_of(workflow: Workflow, job: JobOf, step: Step) -> str:
    places = (
        get(step.node, "shell"),
        get(job.node, "defaults", "run", "shell"),
        get(workflow.root, "defaults", "run", "shell"),
    )
    return next((text_of(place) for place in places if place is not None), "")


def _mock_in(file: File, environment: Node | None) -> Iterator[Finding]:
    if environment is None:
        return
    for key, scalar in scalars(environment):
        if (key == MOCK and scalar.value.strip().lower() not in ("", "0", "false")) or (
            key != MOCK and any(mocked(scalar.value))
        ):
            yield file.at(scalar.line, f"{MOCK} is set in the job that runs engine e2e")


def _switches(file: File, node: Map, what: str) -> Iterator[Finding]:
    on_error, condition = get(node, "continue-on-error"), get(node, "if")
    if isinstance(on_error, Scalar) and on_error.value.strip().lower() not in ("false", ""):
        line = node.lines["continue-on-error"]
        if not _issue_beside(file, line):
            yield file.at(line, f"{what} may fail unseen, and no issue is named beside it")
    if isinstance(condition, Scalar):
        bare = re.sub(r"^\$\{\{|\}\}$", "", condition.value.strip()).strip().lower()
        if bare in ("false", "0", "''", "!true") or re.search(r"&&\s*false\b|\bfalse\s*&&", bare):
            yield file.at(node.lines["if"], f"{what} never runs")


def _issue_beside(file: File, line: int) -> bool:
    """An issue's URL in a comment on this line, or in comment lines right above or below it."""
    if ISSUE.search(comment_of(file.lines[line - 1])):
        return True
    for step in (-1, 1):
        for away in range(1, BESIDE + 1):
            at = line - 1 + step * away
            text = file.lines[at].strip() if 0 <= at < len(file.lines) else ""
            if not text.startswith("#"):
                break
            if ISSUE.search(text):
                return True
    return False


def _script(file: File, reach: Reach) -> Iterator[Finding]:
    """A script that runs the suite; without `set -e` only its last command decides."""
    text = "\n".join(code_lines(file))
    first = file.lines[0] if file.lines else ""
    strict = re.match(r"#!.*\s-\w*e", first) is not None
    for line, why in lost_exit_codes(text, reach.pattern, strict=strict, pipefail=False):
        yield file.at(line, why)
    engine = [n for n, line in enumerate(text.split("\n"), 1) if ENGINE.search(line)]
    for line in mocked(text) if engine else ():
        if not re.search(r"test:e2e:lidb(?!-engine)", text.split("\n")[line - 1]):
            yield file.at(line, f"{MOCK} is set in a script that runs engine e2e")


def _package(checkout: Checkout) -> Iterator[Finding]:
    """The package script of the suite itself."""
    for file in checkout.files:
        if file.name != "package.json":
            continue
        for name, text, line in package_scripts(file):
            inside = re.fullmatch(r"(pre|post)?test:e2e:lidb-engine", name) is not None
            if not inside and not ENGINE.search(text):
                continue
            if any(mocked(text)):
                yield file.at(line, f"{MOCK} is set in the script of engine e2e")
            if re.search(r"\|\|\s*(true|:|exit 0|echo)|;\s*(true|:|exit 0|echo)\b|\|\|\s*node -e", text):
                yield file.at(line, "the exit code of engine e2e is dropped")
