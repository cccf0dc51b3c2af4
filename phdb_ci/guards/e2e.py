"""Guard `engine-e2e-not-silent`: no workflow lets the engine's end-to-end suite fail in silence. Pure.

First, what runs it: a step, script, recipe or package script whose text names `test:e2e:lidb-engine`, the jobs and
gates of phdb-ci that hold it, or that calls such a thing or runs tests where LI_E2E_LIDB_ENGINE is on; composite
actions and called workflows of the same repo are followed. Then, around it: `continue-on-error` without the URL of a
GitHub issue in a comment beside it, a condition that is never true or that a variable outside of the repo decides, an
exit code that is dropped (a `||` that does not end red, `set +e`, a pipe without pipefail, a script without `set -e`,
an `if` that ends green, `-` before a recipe), `LI_LIDB_MOCK` anywhere in the same job, and a gate over such a job that
runs always and asks for no result. `continue-on-error` with an issue is the plan's own way of not blocking.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, is_shell
from phdb_ci.guards.e2e_shell import RUNNER, SWITCHED_ON, lost_exit_codes, mocked
from phdb_ci.guards.recipes import recipes
from phdb_ci.guards.switches import gates_without_results, switches
from phdb_ci.guards.workflows import Job, Workflow, workflows
from phdb_ci.guards.yaml import Node, Text, get, scalars, text

# Each begins where a command does and takes the first of what it looks for: no place is the start of many searches.
ENGINE = re.compile(
    r"test:e2e:lidb-engine\b|\bLI_E2E_LIDB_ENGINE=[\"']?1|(?<![^\n;|&])(?:"
    r"(?>[^\n;|&]*?\bnox\b)(?>[^\n;|&]*?\s(?:-s|--sessions?|-e)[ =])"
    r"|(?>[^\n;|&]*?\bphdb[-_]ci\b)(?>[^\n;|&]*?\srun\s)"
    r")[^\n;|&]*?\b(?:e2e-engine|pr-gate)\b"
    r"|\bphdb-ci/\.github/workflows/(?:pr-gate|nightly)\.ya?ml@"
)
SWITCH = "LI_E2E_LIDB_ENGINE"
MOCK = "LI_LIDB_MOCK"
ANY = re.compile(r"(?<![^\n;])\s*+[^\s;|&]++(?=[^;\n]*+$)")  # the last command of a text
MAX_ROUNDS, MAX_CALLERS = 20, 200


def engine_e2e_not_silent(checkout: Checkout) -> Iterator[Finding]:
    """Every way in which a workflow of this checkout would hide a failing engine suite."""
    found = list(workflows(checkout))
    yield from (workflow for workflow in found if isinstance(workflow, Finding))
    readable = [workflow for workflow in found if isinstance(workflow, Workflow)]
    reach = Reach(checkout, readable)
    if reach.too_much:
        yield Finding(
            checkout.name, "", 0, "cannot tell: too many scripts call each other on the way to engine e2e"
        )
    for workflow in readable:
        jobs = [job for job in workflow.jobs if reach.leads(job.node) or _steps(reach, workflow, job)]
        if jobs:
            yield from _mocks(workflow.file, scalars(get(workflow.root, "env")))
            yield from gates_without_results(workflow, jobs)
        for job in jobs:
            yield from _job(reach, workflow, job)
    for file in checkout.files:
        if file.path in reach.scripts:
            yield from _script(file, reach)
        yield from _recipes(file, reach)
        yield from _package(file, reach)


class Reach:
    """Which texts lead to the engine suite, followed through scripts, package scripts, actions and workflows."""

    def __init__(self, checkout: Checkout, found: Sequence[Workflow]) -> None:
        self.scripts: set[str] = set()
        self.pattern = ENGINE
        texts = []  # how it is called, what it runs, a script's path
        for file in checkout.files:
            if is_shell(file):
                word = rf"(?<![\w-]){re.escape(file.path.rpartition('/')[2])}\b"
                texts.append((word, _joined("\n".join(code_lines(file))), file.path))
            for name, script, _ in package_scripts(file):
                word = rf"\b(npm|pnpm|yarn)\s+(run\s+)?(-\S+\s+)*{re.escape(name)}(?![\w:-])"
                texts.append((word, script, ""))
            texts += ((word, recipe.text, "") for recipe in recipes(file) for word in recipe.calls())
        for workflow in found:
            path = re.sub(r"/action\.ya?ml$", "", workflow.file.path)
            inside = "\n".join(_runs(node) for job in workflow.jobs for node in (job.node, *job.steps))
            texts.append((rf"^\./{re.escape(path)}/?(@|$)", inside, ""))
        self.too_much = False
        self._follow(texts)

    def _follow(self, texts: list[tuple[str, str, str]]) -> None:
        known: set[str] = set()
        newest = ENGINE
        for _ in range(MAX_ROUNDS):
            hits = [newest.search(script) is not None for _, script, _ in texts]
            reached = [one for one, hit in zip(texts, hits, strict=True) if hit]
            left = [one for one, hit in zip(texts, hits, strict=True) if not hit]
            self.scripts |= {path for _, _, path in reached}
            words = {word for word, _, _ in reached} - known
            known |= words
            if not words or len(known) > MAX_CALLERS:
                break
            newest, texts = re.compile("|".join(sorted(words)), re.MULTILINE), left
        else:
            self.too_much = True
        self.too_much = self.too_much or len(known) > MAX_CALLERS
        words = set() if self.too_much else known
        self.pattern = re.compile("|".join([ENGINE.pattern, *sorted(words)]), re.MULTILINE)

    def leads(self, node: Node) -> bool:
        """Whether a step or job runs the suite, or what it calls does."""
        return self.pattern.search(_runs(node)) is not None


def _joined(script: str) -> str:
    """A shell text with its continued lines as one."""
    return script.replace("\\\n", " ")


def _runs(node: Node) -> str:
    """What a step runs, with its switch, or what a step or job calls instead."""
    switch = text(node, "env", SWITCH)
    runs = "\n".join(_joined(run) for run in _commands(node))
    uses = text(node, "uses")
    return f"{SWITCH}={switch}\n{runs}\n{uses}" if runs else uses


def _commands(node: Node) -> list[Text]:
    """The commands of a step, those that it gives an action to run included."""
    given = get(node, "with")
    inputs = [text(given, key) for key in ("command", "run", "script", "cmd")]
    return [run for run in (text(node, "run"), *inputs) if run]


def _steps(reach: Reach, workflow: Workflow, job: Job) -> list[dict[str, Node]]:
    """The steps of a job that run the suite: by name, or any tests where the switch is on."""
    environments = (get(job.node, "env"), get(workflow.root, "env"))
    values = [text(environment, SWITCH).strip().lower() for environment in environments]
    exported = any(
        "GITHUB_ENV" in line and SWITCHED_ON.search(line) for run in _every(job) for line in run.split("\n")
    )
    on = exported or any(value not in ("", "0", "false") for value in values)
    return [
        step for step in job.steps if reach.leads(step) or (on and any(map(RUNNER.search, _commands(step))))
    ]


def _every(job: Job) -> Iterator[str]:
    return (run for step in job.steps for run in _commands(step))


def package_scripts(file: File) -> Iterator[tuple[str, str, int]]:
    """Name, text and line of each script of a package.json: every pair of strings."""
    line, at = 1, 0
    text = file.text if file.name == "package.json" else ""
    for found in re.finditer(r'"([\w:.-]++)"\s*+:\s*+"((?:\\.|[^"\\])*+)"', text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        yield found[1], found[2].replace('\\"', '"'), line


def _job(reach: Reach, workflow: Workflow, job: Job) -> Iterator[Finding]:
    file, engine = workflow.file, _steps(reach, workflow, job)
    command = re.compile(f"{reach.pattern.pattern}|{RUNNER.pattern}", reach.pattern.flags)
    yield from switches(file, job.node, "the job that runs engine e2e")
    for step in engine:
        yield from switches(file, step, "the step that runs engine e2e")
        places = ((step, ()), (job.node, ("defaults", "run")), (workflow.root, ("defaults", "run")))
        shell = next((said for node, path in places if (said := text(node, *path, "shell"))), "")
        pipefail = shell == "bash" or "pipefail" in shell
        strict = "uses" not in step and ("{0}" not in shell or "-e" in shell)
        named = any(map(reach.pattern.search, _commands(step)))
        for run in _commands(step):
            looked = reach.pattern if named else command
            for line, why in lost_exit_codes(run, looked, strict=strict, pipefail=pipefail):
                yield file.at(run.text_line + line - 1, why)
    yield from _mocks(file, scalars(job.node))


def _mocks(file: File, found: Iterable[tuple[str, Text]]) -> Iterator[Finding]:
    for key, scalar in found:
        if key in ("name", "if"):
            continue
        lines = mocked(scalar) if key != MOCK else [1] * (scalar.strip().lower() not in ("", "0", "false"))
        for line in lines:
            yield file.at(scalar.text_line + line - 1, f"{MOCK} is set in the job that runs engine e2e")


def _script(file: File, reach: Reach) -> Iterator[Finding]:
    """A script that runs the suite; without `set -e` only its last command decides."""
    lines = code_lines(file)
    script = "\n".join(lines)
    strict = re.match(r"#!.*\s-\w*e", file.lines[0]) is not None
    for line, why in lost_exit_codes(script, reach.pattern, strict=strict, pipefail=False):
        yield file.at(line, why)
    for line in mocked(script) if ENGINE.search(script) else ():
        if not re.search(r"test:e2e:lidb(?!-engine)", lines[line - 1]):
            yield file.at(line, f"{MOCK} is set in a script that runs engine e2e")


def _recipes(file: File, reach: Reach) -> Iterator[Finding]:
    """Recipes that run the suite; each line is a shell of its own, and decides."""
    found = recipes(file)
    for number, line in enumerate(file.lines if found else (), 1):
        if re.match(r"\.IGNORE\b", line) and any(reach.pattern.search(recipe.text) for recipe in found):
            yield file.at(number, "a failing engine e2e is ignored: make is told to")
    for recipe in found:
        if not reach.pattern.search("\n".join(line for _, line in recipe.lines)):
            continue
        if recipe.script:
            first = recipe.lines[0][0]
            whole = "\n".join(line for _, line in recipe.lines)
            for row, why in lost_exit_codes(whole, reach.pattern, strict=False, pipefail=False):
                yield file.at(first + row - 1, why)
            continue
        for number, line in recipe.lines:
            if number in recipe.ignored and reach.pattern.search(line):
                yield file.at(number, "a failing engine e2e is ignored: there is a - before it")
            for _, why in lost_exit_codes(line, reach.pattern, strict=False, pipefail=False):
                yield file.at(number, why)


def _package(file: File, reach: Reach) -> Iterator[Finding]:
    """The package script of the suite itself, and those that call it."""
    for name, script, line in package_scripts(file):
        own = re.fullmatch(r"(pre|post)?test:e2e:lidb-engine", name) is not None
        if not own and not reach.pattern.search(script):
            continue
        if mocked(script) and (own or ENGINE.search(script)):
            yield file.at(line, f"{MOCK} is set in the script of engine e2e")
        runs = reach.pattern if reach.pattern.search(script) else RUNNER
        command = runs if runs.search(script) else ANY
        if any(True for _ in lost_exit_codes(script, command, strict=False, pipefail=False)):
            yield file.at(line, "the exit code of engine e2e is dropped")
