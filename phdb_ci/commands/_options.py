"""What plan and run share: from the command line to a Plan, and where the cache is."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from phdb_ci.base.files import usual_matrix
from phdb_ci.base.nearest import perhaps
from phdb_ci.base.page import table
from phdb_ci.errors import PhdbError, ResultsError, UsageError
from phdb_ci.execution.workspace.environment import clean_path
from phdb_ci.matrix import load
from phdb_ci.models.base import Record, first_problem
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.proofs import ProofFile
from phdb_ci.planning.inventory import ask_tools, gather
from phdb_ci.planning.plan import artifacts_named, make_plan, repos_of, select
from phdb_ci.sources.resolve import resolve
from phdb_ci.terminal import page_of

if TYPE_CHECKING:
    from phdb_ci.models.verdict import Verdict  # some ten records more, which a plan never needs

PROOFS = "proofs.json"
LIMIT = 64 * 1024 * 1024  # bytes of a file that is read
R = TypeVar("R", bound=Record)


def cache_dir(environ: Mapping[str, str]) -> Path:
    """`$PHDB_CI_CACHE`, else this platform's cache directory for a user."""
    if environ.get("PHDB_CI_CACHE"):
        return Path(environ["PHDB_CI_CACHE"]).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("phdb-ci")


def matrix_option(matrix: Path) -> list[str]:
    """The option that a command line needs to use this matrix; empty for the one that is found without it."""
    return [] if matrix == usual_matrix() else ["--matrix", str(matrix)]


def runs_of(matrix: Path) -> Path:
    """The folder of runs: beside a matrix that was found from here, in this folder for one that was named."""
    return (matrix.parent if matrix == usual_matrix() else Path()) / ".phdb-ci" / "runs"


def check_named(matrix: Matrix, names: Sequence[str]) -> None:
    """Raises UsageError, which lists what there is, when nothing was named."""
    if names:
        return
    page = page_of(sys.stderr, os.environ)
    lines = ["what to run? Name gates, jobs or artifacts."]
    built = {name: f"built from {' and '.join(artifact.repos)}" for name, artifact in matrix.artifacts.items()}
    for title, summaries in (
        ("gates", {name: gate.summary for name, gate in matrix.gates.items()}),
        ("jobs", {name: job.summary for name, job in matrix.jobs.items()}),
        ("artifacts", built),
    ):
        rows = [(f"  {name}", summary) for name, summary in summaries.items()]
        lines += ["", title, *table(rows, page)] if rows else []
    raise UsageError("\n".join(lines))


def check_gate(matrix: Matrix, name: str, option: str) -> None:
    """Raises UsageError, which lists the gates, for a name that is none."""
    if name not in matrix.gates:
        tries = [f"gates: {', '.join(matrix.gates) or 'none'}"]
        raise UsageError(f'{option}: "{name}" is no gate of the matrix.{perhaps(name, matrix.gates)}', tries=tries)


def planned(arguments: argparse.Namespace, patience: Sequence[float] = ()) -> tuple[Matrix, Plan]:
    """Load the matrix, resolve the sources that the named jobs need, gather the facts, and make the plan.

    `patience`: the seconds before each further try of a remote that did not answer.
    """
    matrix = load(arguments.matrix)
    check_named(matrix, arguments.names)
    gate, jobs, lead = select(matrix, arguments.names)
    artifacts = artifacts_named(matrix, arguments.names)
    cache, path = cache_dir(os.environ), clean_path(os.environ.get("PATH", ""))
    specs = pairs(arguments.repo, "--repo", "NAME=SPEC")
    files = {name: Path(file) for name, file in pairs(arguments.artifact, "--artifact", "NAME=FILE").items()}
    with ThreadPoolExecutor(max_workers=1) as pool:
        tools = pool.submit(ask_tools, matrix, jobs, path, artifacts)
        repos = repos_of(matrix, jobs, artifacts)
        sources = resolve(
            matrix, repos, home=arguments.matrix.resolve().parent, cache=cache, specs=specs, stack=arguments.stack,
            environ=os.environ, bundle=arguments.sources, patience=patience, merges=merges_of(arguments.merge),
        )  # fmt: skip
        inventory = gather(
            matrix, jobs, sources, cache=cache, given=files, tools=tools.result(), artifacts=artifacts,
            runner=os.environ.get("PHDB_CI_OS"),
        )  # fmt: skip
    proofs = proofs_beside(arguments.matrix)
    return matrix, make_plan(matrix, gate, jobs, lead, sources, inventory, artifacts, proofs)


def merges_of(words: Sequence[str]) -> dict[str, str]:
    """`--merge NAME=REF`; nothing behind the sign merges nothing, as in a workflow that no pull request started."""
    return pairs([word for word in words if word and not word.endswith("=")], "--merge", "NAME=REF")


def pairs(words: Sequence[str], option: str, form: str) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping. Raises UsageError for another form or a name given twice."""
    values: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not (name and value):
            raise UsageError(f"{option} {word}: expected {form}")
        if name in values:
            raise UsageError(f"{option} {name}=…: given twice")
        values[name] = value
    return values


def baseline_of(option: str | None, environ: Mapping[str, str]) -> "tuple[Verdict | None, tuple[str, ...]]":
    """`--baseline`: a verdict.json, or `github:BRANCH`, the newest run of this workflow on that branch.

    Without one on GitHub: None, and a note that says why. A first run has nothing to compare with.
    """
    if option is None or option == "github:":  # in a workflow, the branch may be empty
        return None, ()
    if not option.startswith("github:"):
        return read_verdict(Path(option)), ()
    from phdb_ci.github.verdict_file import newest_on

    try:
        branch = option.removeprefix("github:").removeprefix("refs/heads/")  # a merge queue names its base so
        return newest_on(branch, environ), ()
    except PhdbError as error:
        return None, (f"compared with nothing: {error.message}",)


def read_verdict(path: Path) -> "Verdict":
    """Read a verdict.json. Raises ResultsError for any other file, and for a version that this one cannot read."""
    from phdb_ci.models.verdict import Verdict

    return _read(path, Verdict, "a verdict of schema version 1")


def read_proofs(path: Path) -> ProofFile:
    """What `phdb-ci prove` measured so far; nothing where there is no file. Raises ResultsError for another file.

    One of another version is not read: it is measured anew.
    """
    if not path.exists():
        return ProofFile()
    name = f"what this phdb-ci's prove writes, schema version {ProofFile().schema_version}"
    return _read(path, ProofFile, name, tries=[f"rm {path}", f"phdb-ci prove --write {path}"])


def proofs_beside(matrix: Path) -> ProofFile:
    """The proofs in the folder of matrix.toml. Raises ResultsError."""
    return read_proofs(matrix.resolve().parent / PROOFS)


def _read(path: Path, kind: type[R], name: str, tries: Sequence[str] = ()) -> R:
    try:
        if path.stat().st_size > LIMIT:
            raise ResultsError(f"{path}: larger than {LIMIT} bytes")
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ResultsError(f"there is no file {path}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not {name}: {first_problem(error)}", tries=tries) from error
