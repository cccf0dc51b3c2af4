"""Each case of the contracts can fail: the stand-in stack is broken in one place, and the case that is for it says so.

The breaks are rows of protocol_breaks.toml and data_breaks.toml: edits, the case that must fail, what it says.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.checks.workshop import Workshop, apply
from tests.integration.gate.bench import JUNK, ROOT, STACK

CHECKS = ROOT / "checks" / "contracts"
FILES = ("protocol_breaks.toml", "data_breaks.toml")
BREAKS: list[dict[str, Any]] = [
    row for name in FILES for row in tomllib.loads(Path(__file__).with_name(name).read_text())["break"]
]
PROGRAM = (".cpp", ".hpp")
PASSED, SKIPPED = 96, 5  # cases of the suites, on the stand-in stack; the roads are skipped


def _row(row: dict[str, Any]) -> Any:
    """In a session of its own unless it says that it is quick: one of each program's is enough for a look."""
    return pytest.param(row, id=row["name"], marks=() if row.get("quick") else pytest.mark.breaks)


def run(stack: Path, engine: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The suites on a stack, to their end."""
    alien = ("PYTEST_", "CONTRACTS_", "LI_", "LIDB_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(alien)}
    names = {"LIDB": "lidb", "LIS": "lis", "AGENTS": "li-cursor-agents", "BENCHMARKS": "benchmarks"}
    env |= {f"CONTRACTS_{name}": str(stack / repo) for name, repo in names.items()}
    env |= {"CONTRACTS_EMBED": str(engine), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "1000"}
    env |= {"CONTRACTS_RECORD": str(stack.parent / "contract-shapes.json")}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *arguments]
    return subprocess.run(argv, cwd=CHECKS, env=env, capture_output=True, text=True, check=False, timeout=200)


@pytest.mark.parametrize("row", [_row(row) for row in BREAKS])
def test_break_is_caught_by_its_case(tmp_path: Path, engine: Path, workshop: Workshop, row: dict[str, Any]) -> None:
    copytree(STACK, tmp_path / "stack", ignore=JUNK)
    for edit in row["edits"]:
        apply(tmp_path / "stack", edit)
    program = [edit for edit in row["edits"] if edit["file"].endswith(PROGRAM)]
    if program:
        engine = workshop.engine(program, tmp_path / "lidb_embed")

    done = run(tmp_path / "stack", engine, row["case"])

    assert done.returncode == 1, done.stdout
    assert row["says"] in done.stdout


@pytest.mark.breaks
def test_stack_as_it_is_keeps_every_contract(tmp_path: Path, engine: Path) -> None:
    copytree(STACK, tmp_path / "stack", ignore=JUNK)

    done = run(tmp_path / "stack", engine)

    assert done.returncode == 0, done.stdout
    assert f"{PASSED} passed, {SKIPPED} skipped" in done.stdout
