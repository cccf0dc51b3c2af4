"""Where production would be told which store to take, outside of programs. Pure.

`${NAME:-x}` and plain settings: env files, images, compose files, files of platforms and of production, package scripts
`start` and `serve`, shell scripts that start the program. Tests, e2e and development may set what they like.
"""

import re
from collections.abc import Iterator

from phdb_ci.guards.checkout import File
from phdb_ci.guards.code import code_lines, is_shell
from phdb_ci.guards.e2e import package_scripts
from phdb_ci.guards.kinds import COMPOSE, DOCKERFILE, WORKFLOW
from phdb_ci.guards.workflows import Workflow, read
from phdb_ci.guards.yaml import text

NAME = "LI_CONTROL_PLANE_STORE"
PRODUCTION = re.compile(
    r"(^|[/._-])(prod(uction)?|deploy(ment)?|release|systemd|k8s|helm|fly|render)([/._-]|$)|\.service$",
    re.IGNORECASE,
)
NOT_PRODUCTION = re.compile(
    r"(^|[/._-])(test|tests|e2e|ci|dev|development|local|lidb|mock|bench)([/._-]|$)", re.IGNORECASE
)
ENV_FILE = re.compile(r"(^|/)(\.envrc|\.env(\.[\w-]+)*|[\w.-]+\.env(\.[\w-]+)*)$")

SHELL_DEFAULT = re.compile(rf"\$\{{{NAME}:?[-=]([\w\"']*)\}}")
SET = re.compile(rf"(?<![\w$]){NAME}[\"']?\s*(?:=|:\s)\s*[\"']?(\w+)")
# `name: X` and `value: y`, as Kubernetes, Render and task definitions have it.
NAMED = re.compile(
    rf"(?:name|key)[\"']?\s*+[:=]\s*+[\"']?{NAME}[\"']?\s*+,?\s*+[\"']?value[\"']?\s*+[:=]\s*+[\"']?(\w++)",
    re.IGNORECASE,
)
DOCKER_SET = re.compile(
    rf"\s*+(?:ENV|ARG)\s.*?\b{NAME}[=\s]\s*+[\"']?(\w++)|\s*+{NAME}=[\"']?(\w++)", re.IGNORECASE
)
PLATFORM = re.compile(
    r"(^|/)(procfile|ecosystem\.[\w.]+|(vercel|netlify|fly|app|now|railway|heroku)\.(json|toml|ya?ml))$",
    re.IGNORECASE,
)
STARTS = re.compile(
    r"(^|/)(docker-)?(start|serve|run|entrypoint|launch|boot|up)(\.(sh|bash))?$", re.IGNORECASE
)
MAX_NAMED = 100  # of one file
SCRIPTS = re.compile(r"(start|serve|prod\w*|deploy\w*)(:[\w-]+)?")


def settings(file: File) -> Iterator[tuple[int, str]]:
    """Defaults and settings outside programs."""
    if not NOT_PRODUCTION.search(file.path):
        for number, line in enumerate(code_lines(file), 1):
            yield from ((number, value.strip("\"'")) for value in SHELL_DEFAULT.findall(line))
    if WORKFLOW.match(file.path):
        yield from _workflow(file)
    elif file.name == "package.json":
        yield from _package(file)
    elif DOCKERFILE.search(file.path):
        yield from _image(file)
    else:
        yield from _plain(file)


def _package(file: File) -> Iterator[tuple[int, str]]:
    for name, script, number in package_scripts(file):
        if SCRIPTS.fullmatch(name) and not re.search(r"lidb|dev|test|e2e|local", name):
            yield from ((number, value) for value in SET.findall(script))


def _image(file: File) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(code_lines(file), 1):
        found = None if NOT_PRODUCTION.search(file.path) else DOCKER_SET.match(line)
        if found:
            yield number, found[1] or found[2]


def _plain(file: File) -> Iterator[tuple[int, str]]:
    lines = code_lines(file)
    if not NOT_PRODUCTION.search(file.path):
        whole = "\n".join(lines)
        yield from ((whole.count("\n", 0, found.start()) + 1, found[1]) for found in _first(whole))
    if _counts(file):
        for number, line in enumerate(lines, 1):
            yield from ((number, value) for value in SET.findall(line))


def _first(whole: str) -> Iterator[re.Match[str]]:
    return (found for found, _ in zip(NAMED.finditer(whole), range(MAX_NAMED), strict=False))


def _counts(file: File) -> bool:
    """Whether a plain setting is what production takes."""
    if PRODUCTION.search(file.path):
        return True
    if NOT_PRODUCTION.search(file.path):
        return False
    if any(kind.search(file.path) for kind in (COMPOSE, PLATFORM, STARTS)):
        return True
    return ENV_FILE.search(file.path) is not None and (file.name == ".envrc" or not is_shell(file))


def _workflow(file: File) -> Iterator[tuple[int, str]]:
    """Of a workflow the jobs of production: by the file's name, the job's name or its environment."""
    workflow = read(file)
    if not isinstance(workflow, Workflow):
        return
    for job in workflow.jobs:
        where = text(job.node, "environment") or text(job.node, "environment", "name")
        if not any(PRODUCTION.search(name) for name in (file.path, job.name, where)):
            continue
        for key, scalar in job.scalars(workflow):
            if key == NAME and "${{" not in scalar:
                yield scalar.line, scalar
            elif key == "run":
                for offset, line in enumerate(scalar.split("\n")):
                    for value in SET.findall(line):
                        yield scalar.text_line + offset, value
