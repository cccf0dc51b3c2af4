"""Matrix → the workflow files on GitHub, as text by path. Pure: the templates read the rows of the matrix.

`.github/workflows/` is this project's own: one file per gate and one for its own tests. `workflows/<repo>/` has what
another repository takes over: its caller, the second stage that publishes, and, for a repo that an artifact is built
from, the workflow that publishes the artifact. A job is rendered per leg, not as a strategy matrix: only so can it
wait for the artifact of its own runner, and only so has each a result that the verdict can look at.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.base.github_url import repository_of
from phdb_ci.errors import UsageError
from phdb_ci.models.hosting import WEEKLY, Home, attempt_name, job_id, published_name
from phdb_ci.models.labels import evidence
from phdb_ci.models.matrix import Gate, Matrix
from phdb_ci.models.texts import seconds

if TYPE_CHECKING:
    from jinja2 import Environment

RUNNER = "ubuntu-24.04"  # of the jobs that test nothing themselves
SETUP_MINUTES = 15  # checkout, tools and installs of a job on a cold runner, beside its own time limit
PYTHON, NODE = "3.12", "24"
RESERVED = (
    "phdb-ci",
    "head",
    "since",
    "base",
    "sources",
    "run",
    "unaffected",
    "bundle",
    "bytes",
    "merge",
    "problem",
    "outcome",
)
OWN = ".github/workflows"
Node = tuple[str, str]  # a job or an artifact, and the runner that it is run or built on


def workflow_files(matrix: Matrix) -> dict[str, str]:
    """Every rendered file by its path below the project's root. A gate that nothing starts has none.

    Raises UsageError when the matrix has no [self], lacks an action that a template uses, or would not give each file
    and each repo its own.
    """
    home = _home(matrix)
    macs = sorted({os for job in matrix.jobs.values() for os in job.os if os.startswith("macos")})
    files = {f"{OWN}/ci.yml": _render("ci", matrix, macs=macs)}

    def add(path: str, text: str) -> None:
        if path in files:
            raise UsageError(f"two things of the matrix would be rendered to {path}; give one another name")
        files[path] = text

    started = {name: gate for name, gate in matrix.gates.items() if gate.on}
    for name, gate in started.items():
        builds, legs = builds_of(matrix, gate.jobs), legs_of(matrix, gate.jobs)
        text = _render("gate", matrix, name=name, gate=gate, called=is_called(gate), builds=builds, legs=legs)
        add(f"{OWN}/{name}.yml", text)
    called = [name for name, gate in started.items() if is_called(gate)]
    if called:
        _check_references(matrix)
    for name in called:
        for repo in matrix.repos:
            add(f"workflows/{repo}/phdb-gate.yml", _render("caller", matrix, repo=repo, name=name, gate=started[name]))
            add(f"workflows/{repo}/phdb-verdict.yml", _render("publish", matrix, repo=repo))
        for repo in home.aggregators:
            add(f"workflows/{repo}/phdb-aggregate.yml", _render("aggregate", matrix, repo=repo, name=name))
    every = builds_of(matrix, matrix.jobs)
    for artifact in dict.fromkeys(artifact for artifact, _ in every):  # one that no job uses has no runner to build on
        row, runners = matrix.artifacts[artifact], [os for name, os in every if name == artifact]
        text = _render("artifact", matrix, name=artifact, artifact=row, runners=runners)
        add(f"workflows/{row.repo}/phdb-{artifact}.yml", text)
    return files


def _check_references(matrix: Matrix) -> None:
    """A repo whose commit no variable can set would have a caller that tests the pin, and never its own change."""
    for name, repo in matrix.repos.items():
        if name in RESERVED:
            raise UsageError(f"the workflows have an input or output called {name}, so no repo can have that name")
        if not repo.override.ref:
            raise UsageError(
                f"repo {name} has no variable for a commit, so its own pull requests could not be tested",
                tries=[f'add `override = {{ ref = ["{re.sub(r"[^A-Z0-9]", "_", name.upper())}_CI_REF"] }}` to it'],
            )


def files_of(files: Mapping[str, str], repo: str) -> dict[str, str]:
    """The files that a repository takes over, by their path in a checkout of it."""
    start = f"workflows/{repo}/"
    return {f"{OWN}/{path.removeprefix(start)}": text for path, text in files.items() if path.startswith(start)}


def is_called(gate: Gate) -> bool:
    """Whether other repositories start it: it then is a reusable workflow."""
    return bool({"pull_request", "push", "merge_group"} & set(gate.on))


def legs_of(matrix: Matrix, jobs: Iterable[str]) -> tuple[Node, ...]:
    """The legs of these jobs, without those that are skipped by a written rule."""
    rows = {job: matrix.jobs[job] for job in jobs}
    return tuple((job, os) for job, row in rows.items() for os in row.os if os not in row.skip)


def builds_of(matrix: Matrix, jobs: Iterable[str]) -> tuple[Node, ...]:
    """The builds that these jobs need: one per artifact and runner."""
    rows = [matrix.jobs[job] for job in jobs]
    return tuple(dict.fromkeys((artifact, os) for row in rows for artifact in row.artifacts for os in row.os))


def minutes(limit: str) -> int:
    """The time limit on GitHub of what has this one in the matrix."""
    return -(-seconds(limit) // 60) + SETUP_MINUTES


def references(matrix: Matrix) -> dict[str, str]:
    """The variable that replaces each repo's pin for a run on GitHub; a repo without one stays at its pin."""
    return {name: repo.override.ref[0] for name, repo in matrix.repos.items() if repo.override.ref}


def _home(matrix: Matrix) -> Home:
    if matrix.self_ is None:
        raise UsageError(
            "the matrix has no [self], so the callers in other repositories would have nothing to call",
            tries=['add [self] with repository = "owner/phdb-ci" and commit = "…", the last release'],
        )
    return matrix.self_


def _render(template: str, matrix: Matrix, **names: object) -> str:
    def uses(action: str) -> str:
        if action not in matrix.actions:
            raise UsageError(f"the workflows use {action}, and the matrix does not pin it: add it to [actions]")
        pin = matrix.actions[action]
        return f"{action}@{pin.commit} # {pin.version}"

    return environment().get_template(f"workflows/{template}.yml.j2").render(
        matrix=matrix, home=_home(matrix), uses=uses, references=references(matrix), runner=RUNNER, python=PYTHON,
        node=NODE, template=template, **names,
    )  # fmt: skip


@cache
def environment() -> "Environment":
    """The one Jinja2 environment: delimiters that neither bash nor GitHub uses, unknown names are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(templates()), undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        variable_start_string="!{{", variable_end_string="}}",
        block_start_string="<%", block_end_string="%>", comment_start_string="<#", comment_end_string="#>",
    )  # fmt: skip
    env.globals |= {
        "attempt_name": attempt_name, "job_id": job_id, "repository_of": repository_of, "evidence": evidence,
        "minutes": minutes, "published_name": published_name, "weekly": WEEKLY,
    }  # fmt: skip
    return env


def templates() -> Path:
    """Where the templates are: inside the package that a wheel has installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "templates"
    return installed if installed.is_dir() else package.with_name("templates")
