"""The interpreter that jobs of phdb-ci's own code run in: it must run this very copy of phdb-ci.

A job's environment is empty, so what made Python find this copy may not be in it (PYTHONPATH, a start in a checkout):
the checks would be those of another version than the verdict's.
"""

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
    here = Path(phdb_ci.__file__).resolve()
    try:
        asked = subprocess.run(
            WHERE, cwd="/", env={}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{sys.executable} cannot be started: {error}") from error
    found = asked.stdout.strip()
    if not found or Path(found).resolve() != here:
        other = found or "none"
        raise ToolError(
            f"jobs that use {{harness}} would run another phdb-ci than this one: {other}, and this is {here}",
            tries=[f"{sys.executable} -m pip install -e {here.parents[1]}"],
        )
    return sys.executable
