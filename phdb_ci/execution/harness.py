"""The interpreter that jobs of phdb-ci's own code run in: it must run this very phdb-ci.

A job's environment is empty, so what made Python find this copy may not be in it (PYTHONPATH, a start in a checkout):
the checks would be those of another version than the verdict's. Where it finds another copy, as on GitHub the one that
was installed from the checkout, each file of it must be the same.
"""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import phdb_ci
from phdb_ci.errors import ToolError

WHERE = [sys.executable, "-P", "-c", "import phdb_ci; print(phdb_ci.__file__)"]
PATIENCE = 60  # seconds


@cache
def interpreter() -> str:
    """What `{harness}` stands for. Raises ToolError when it finds another phdb-ci, or none."""
    here = Path(phdb_ci.__file__).resolve().parent
    try:
        asked = subprocess.run(
            WHERE, cwd="/", env={}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{sys.executable} cannot be started: {error}") from error
    found = asked.stdout.strip()
    there = Path(found).resolve().parent if found else None
    if there is None or (there != here and _digest(there) != _digest(here)):
        raise ToolError(
            f"jobs that use {{harness}} would run another phdb-ci than this one: {there or 'none'}, and this is {here}",
            tries=[f"{sys.executable} -m pip install -e {here.parent}"],
        )
    return sys.executable


def _digest(package: Path) -> str:
    """The sha256 over every module and data file of a copy."""
    told = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".json") and path.is_file():
            told.update(f"{path.relative_to(package)}\0{path.stat().st_size}\0".encode())
            told.update(path.read_bytes())
    return told.hexdigest()
