"""Each case of the contracts can fail: the stand-in stack is broken in one place, and the case that is for it says so.

The breaks are rows of contract_breaks.toml: edits, the case that must fail, what it must say.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.integration.gate.bench import JUNK, ROOT, STACK, once

CHECKS = ROOT / "checks" / "contracts"
BREAKS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("contract_breaks.toml").read_text())["break"]
PROGRAM = (".cpp", ".hpp")
CASES = 67  # of the suites, on the stand-in stack


def _row(row: dict[str, Any]) -> Any:
    """Slow unless it says that it is quick: one of each program's is enough for a look."""
    return pytest.param(row, id=row["name"], marks=() if row.get("quick") else pytest.mark.slow)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine of the stack as it is."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base

    def make(folder: Path) -> None:
        build(STACK / "lidb", folder / "build")

    return once(shared, "contracts-engine", make) / "build" / "lidb_embed"


def build(lidb: Path, folder: Path) -> Path:
    """The engine of a checkout; quickly made, not a quick one."""
    for command in (
        ["cmake", "-S", str(lidb), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Debug"],
        ["cmake", "--build", str(folder), "--target", "lidb_embed", "-j", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "lidb_embed"


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
def test_break_is_caught_by_its_case(tmp_path: Path, engine: Path, row: dict[str, Any]) -> None:
    copytree(STACK, tmp_path / "stack", ignore=JUNK)
    for edit in row["edits"]:
        path = tmp_path / "stack" / edit["file"]
        text = path.read_text()
        assert text.count(edit["old"]) == 1, f"{edit['old']!r} stands {text.count(edit['old'])} times in {path.name}"
        path.write_text(text.replace(edit["old"], edit["new"]))
    if any(edit["file"].endswith(PROGRAM) for edit in row["edits"]):
        engine = build(tmp_path / "stack" / "lidb", tmp_path / "build")

    done = run(tmp_path / "stack", engine, row["case"])

    assert done.returncode == 1, done.stdout
    assert row["says"] in done.stdout


@pytest.mark.slow
def test_stack_as_it_is_keeps_every_contract(tmp_path: Path, engine: Path) -> None:
    copytree(STACK, tmp_path / "stack", ignore=JUNK)

    done = run(tmp_path / "stack", engine)

    assert done.returncode == 0, done.stdout
    assert f"{CASES - 1} passed, 1 skipped" in done.stdout
