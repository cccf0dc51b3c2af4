"""Every test works on a data directory of its own, with the engine that the checkout finds."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from liorm.embed_engine import Engine, build_binary, find_binary


class Cli:
    """`lidb_embed` on one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.binary = find_binary() or build_binary()

    def run(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Call the binary and give all that came of it."""
        return subprocess.run(
            [str(self.binary), *args],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=os.environ | env,
        )

    def sql(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """Run a statement that must succeed."""
        done = self.run("exec-json", str(self.data_dir), sql, stdin=json.dumps(params))
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
        return rows

    def refused(self, sql: str, *params: Any) -> str:
        """Run a statement that must fail, and give the message."""
        done = self.run("exec-json", str(self.data_dir), sql, stdin=json.dumps(params))
        assert done.returncode == 1, f"exit code {done.returncode}: {done.stdout}"
        assert not done.stdout
        return done.stderr


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Give the command line on a fresh, migrated data directory."""
    made = Cli(tmp_path / "data")
    assert made.run("migrate", str(made.data_dir)).stdout == "migrate ok\n"
    return made


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Give liorm's engine on a fresh, migrated data directory."""
    made = Engine(tmp_path / "data")
    made.open_and_migrate()
    return made
