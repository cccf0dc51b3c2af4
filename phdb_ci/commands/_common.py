"""What plan and run share: from the command line to a Plan, and where the cache is."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

from phdb_ci.environment import clean_path
from phdb_ci.errors import ResultsError, UsageError
from phdb_ci.inventory import gather
from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Verdict
from phdb_ci.plan import make_plan, repos_of, select
from phdb_ci.sources import resolve

VERDICT_LIMIT = 64 * 1024 * 1024


def cache_dir(environ: Mapping[str, str]) -> Path:
    """`$PHDB_CI_CACHE`, else this platform's cache directory for a user."""
    if environ.get("PHDB_CI_CACHE"):
        return Path(environ["PHDB_CI_CACHE"]).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("phdb-ci")


def planned(arguments: argparse.Namespace) -> tuple[Matrix, Plan]:
    """Load the matrix, resolve the sources that the named jobs need, gather the facts, and make the plan."""
    matrix = load(arguments.matrix)
    gate, jobs, lead = select(matrix, arguments.names)
    cache = cache_dir(os.environ)
    sources = resolve(
        matrix, repos_of(matrix, jobs), cache=cache, specs=pairs(arguments.repo, "--repo", "NAME=SPEC"),
        stack=arguments.stack, environ=os.environ,
    )  # fmt: skip
    given = {name: Path(file) for name, file in pairs(arguments.artifact, "--artifact", "NAME=FILE").items()}
    inventory = gather(matrix, jobs, sources, cache=cache, given=given, path=clean_path(os.environ.get("PATH", "")))
    return matrix, make_plan(matrix, gate, jobs, lead, sources, inventory)


def pairs(values: list[str], option: str, form: str) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping. Raises UsageError for another form or a name given twice."""
    found: dict[str, str] = {}
    for value in values:
        name, sign, rest = value.partition("=")
        if not (name and sign and rest):
            raise UsageError(f"{option} {value}: expected {form}")
        if name in found:
            raise UsageError(f"{option} {name}=…: given twice")
        found[name] = rest
    return found


def read_verdict(path: Path | None) -> Verdict | None:
    """A verdict.json for comparison. Raises ResultsError when it is none, or none that this version reads."""
    if path is None:
        return None
    try:
        if path.stat().st_size > VERDICT_LIMIT:
            raise ResultsError(f"{path}: larger than {VERDICT_LIMIT} bytes")
        document = json.loads(path.read_bytes())
        return Verdict.model_validate(document)
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not a verdict of schema version 1: {str(error).splitlines()[0]}") from error
