"""Guard `engine-e2e-not-silent`: no workflow lets the engine's end-to-end suite fail in silence. Pure.

First, what runs it: a step, a script or a package script whose text names `test:e2e:lidb-engine`, `nox -s e2e-engine`,
`phdb-ci run e2e-engine`, or one that calls such a script; composite actions and called workflows of the same repo are
followed. Then, around it: `continue-on-error` without the URL of an issue in a comment beside it, `if: false`, an exit
code that is dropped (`|| true`, `set +e`, a pipe without pipefail, a script without `set -e`, an `if` that ends green),
and `LI_LIDB_MOCK` anywhere in the same job. `continue-on-error` with an issue is the plan's own way of not blocking.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, comment_of, is_shell
from phdb_ci.guards.e2e_shell import lost_exit_codes, mocked
from phdb_ci.guards.workflows import Job, Workflow, workflows
from phdb_ci.guards.yaml import Node, Text, get, scalars, text

# Each begins where a command does and takes the first of what it looks for: no place is the start of many searches.
ENGINE = re.compile(
    r"test:e2e:lidb-engine\b|\bLI_E2E_LIDB_ENGINE=[\"']?1|(?<![^\n;|&])(?:"
    r"(?>[^\n;|&]*?\bnox\b)(?>[^\n;|&]*?\s(?:-s|--sessions?|-e)[ =])"
    r"|(?>[^\n;|&]*?\bphdb[-_]ci\b)(?>[^\n;|&]*?\srun\s)"
    r")[^\n;|&]*?\be2e-engine\b"
)
ISSUE = re.compile(r"https://\S+/(issues|browse|-/issues|work_items)/\S*\d")
BESIDE = 3
MOCK = "LI_LIDB_MOCK"
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
        jobs = [job for job in workflow.jobs if any(map(reach.leads, (job.node, *job.steps)))]
        if jobs:
            yield from _mocks(workflow.file, scalars(get(workflow.root, "env")))
        for job in jobs:
            yield from _job(reach, workflow, job)
    for file in checkout.files:
        if file.path in reach.scripts:
            yield from _script(file, reach)
    yield from _package(checkout)


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
    switch = text(node, "env", "LI_E2E_LIDB_ENGINE")
    run = text(node, "run")
    return f"LI_E2E_LIDB_ENGINE={switch}\n{_joined(run)}" if run else text(node, "uses")


def package_scripts(file: File) -> Iterator[tuple[str, str, int]]:
    """Name, text and line of each script of a package.json: every pair of strings."""
    line, at = 1, 0
    text = file.text if file.name == "package.json" else ""
    for found in re.finditer(r'"([\w:.-]++)"\s*+:\s*+"((?:\\.|[^"\\])*+)"', text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        yield found[1], found[2].replace('\\"', '"'), line


def _job(reach: Reach, workflow: Workflow, job: Job) -> Iterator[Finding]:
    file, engine = workflow.file, [step for step in job.steps if reach.leads(step)]
    yield from _switches(file, job.node, "the job that runs engine e2e")
    for step in engine:
        yield from _switches(file, step, "the step that runs engine e2e")
        places = ((step, ()), (job.node, ("defaults", "run")), (workflow.root, ("defaults", "run")))
        shell = next((said for node, path in places if (said := text(node, *path, "shell"))), "")
        run, pipefail = text(step, "run"), shell == "bash" or "pipefail" in shell
        strict = "{0}" not in shell or "-e" in shell
        for line, why in lost_exit_codes(run, reach.pattern, strict=strict, pipefail=pipefail):
            yield file.at(run.text_line + line - 1, why)
    yield from _mocks(file, scalars(job.node))


def _mocks(file: File, found: Iterable[tuple[str, Text]]) -> Iterator[Finding]:
    for key, scalar in found:
        if key in ("name", "if"):
            continue
        lines = mocked(scalar) if key != MOCK else [1] * (scalar.strip().lower() not in ("", "0", "false"))
        for line in lines:
            yield file.at(scalar.text_line + line - 1, f"{MOCK} is set in the job that runs engine e2e")


def _switches(file: File, node: Node, what: str) -> Iterator[Finding]:
    on_error, condition = text(node, "continue-on-error"), text(node, "if")
    if on_error.strip().lower() not in ("false", "") and not _issue_beside(file, on_error.line):
        yield file.at(on_error.line, f"{what} may fail unseen, and no issue is named beside it")
    bare = re.sub(r"^\$\{\{|\}\}$", "", condition.strip()).strip().lower()
    if bare in ("false", "0", "''", "!true") or re.search(r"&&\s*false\b|\bfalse\s*&&", bare):
        yield file.at(condition.line, f"{what} never runs")


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
    lines = code_lines(file)
    script = "\n".join(lines)
    strict = re.match(r"#!.*\s-\w*e", file.lines[0]) is not None
    for line, why in lost_exit_codes(script, reach.pattern, strict=strict, pipefail=False):
        yield file.at(line, why)
    for line in mocked(script) if ENGINE.search(script) else ():
        if not re.search(r"test:e2e:lidb(?!-engine)", lines[line - 1]):
            yield file.at(line, f"{MOCK} is set in a script that runs engine e2e")


def _package(checkout: Checkout) -> Iterator[Finding]:
    """The package script of the suite itself."""
    for file in checkout.files:
        for name, script, line in package_scripts(file):
            if not re.fullmatch(r"(pre|post)?test:e2e:lidb-engine", name) and not ENGINE.search(script):
                continue
            if mocked(script):
                yield file.at(line, f"{MOCK} is set in the script of engine e2e")
            if re.search(r"\|\|\s*(true|:|exit 0|echo)|;\s*(true|:|exit 0|echo)\b|\|\|\s*node -e", script):
                yield file.at(line, "the exit code of engine e2e is dropped")
