"""Jobs of phdb-ci's own code run this very copy of it, or say that they would not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import phdb_ci
from phdb_ci.harness import interpreter

PACKAGE = Path(phdb_ci.__file__).parent


def test_interpreter_finds_this_copy() -> None:
    assert interpreter() == sys.executable


def test_copy_that_the_interpreter_would_not_find_by_itself_is_told(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "phdb_ci", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from phdb_ci.errors import PhdbError\nfrom phdb_ci.harness import interpreter\n"
    code += "try:\n    interpreter()\nexcept PhdbError as error:\n    print(error.message)\n"
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("jobs that use {harness} would run another phdb-ci than this one: ")
    assert f"{PACKAGE}/__init__.py, and this is {tmp_path}/phdb_ci" in told.stdout
