"""Jobs of phdb-ci's own code run this very copy of it, or say that they would not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import phdb_ci
from phdb_ci.execution.harness import interpreter

PACKAGE = Path(phdb_ci.__file__).parent


def test_interpreter_finds_this_copy() -> None:
    assert interpreter() == sys.executable


def test_same_copy_in_another_place_is_this_one(tmp_path: Path) -> None:
    assert told(tmp_path) == ""


def test_other_copy_that_the_interpreter_would_run_is_told(tmp_path: Path) -> None:
    text = told(tmp_path, "\n# another version\n")
    assert text.startswith("jobs that use {harness} would run another phdb-ci than this one: ")
    assert f"{PACKAGE}, and this is {tmp_path}/phdb_ci" in text


def told(folder: Path, more: str = "") -> str:
    """What a copy in this folder, found by PYTHONPATH alone, says of the interpreter; `more` is put into one module."""
    shutil.copytree(PACKAGE, folder / "phdb_ci", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "phdb_ci/base/__init__.py").open("a") as file:
        file.write(more)
    code = "from phdb_ci.errors import PhdbError\nfrom phdb_ci.execution.harness import interpreter\n"
    code += "try:\n    interpreter()\nexcept PhdbError as error:\n    print(error.message)\n"
    env = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout
