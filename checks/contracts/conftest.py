"""The fixtures: a stack with a data directory of its own for every case, and one per program over it.

CONTRACTS_LIDB, _LIS, _AGENTS and _BENCHMARKS name the checkouts, CONTRACTS_EMBED the engine. CONTRACTS_RECORD names the
file that the record of all answers is written to.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.contracts.programs import end_all
from checks.contracts.record import RECORDER, documents
from checks.contracts.stack import HIDDEN, INSERT, Bridge, LidbEmbed, Liorm, Lis, Row, Stack, as_read, new_run


@pytest.fixture(scope="session")
def repos() -> Mapping[str, Path]:
    """The checkouts that were named, by name; lidb and the engine must be."""
    checkouts = named()
    assert "lidb" in checkouts, "CONTRACTS_LIDB names no checkout of lidb"
    assert all(path.is_dir() for path in checkouts.values()), f"not a directory among {checkouts}"
    assert os.access(os.environ.get("CONTRACTS_EMBED", ""), os.X_OK), "CONTRACTS_EMBED names no program"
    return checkouts


@pytest.fixture
def stack(repos: Mapping[str, Path], tmp_path: Path) -> Iterator[Stack]:
    """The stack on an empty data directory. Whatever a case has started ends with it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    lidb = str(repos["lidb"])
    env |= {
        "LIDB_REPO": lidb, "LI_LIDB_REPO": lidb, "LIDB_ROOT": lidb, "LI_CONTROL_PLANE_STORE": "lidb",
        "LIDB_EMBED": str(Path(os.environ["CONTRACTS_EMBED"]).absolute()),
    }  # fmt: skip
    (tmp_path / "data").mkdir()
    data = str(tmp_path / "data")
    yield Stack(repos, tmp_path, env | {"LI_DATA_DIR": data, "LIDB_DATA_DIR": data})
    strays = end_all(tmp_path)
    assert not strays, f"left a program running: {strays}"


@pytest.fixture
def engine(stack: Stack) -> LidbEmbed:
    """`lidb_embed` on an empty directory."""
    return LidbEmbed(stack)


@pytest.fixture
def database(engine: LidbEmbed) -> LidbEmbed:
    """`lidb_embed` on a migrated directory."""
    return engine.open_and_migrate()


@pytest.fixture
def lis(stack: Stack) -> Lis:
    """`lis db`."""
    return Lis(stack)


@pytest.fixture
def bridge(stack: Stack) -> Bridge:
    """The bridge."""
    return Bridge(stack)


@pytest.fixture
def liorm(stack: Stack) -> Liorm:
    """The Python of liorm."""
    return Liorm(stack)


@pytest.fixture
def started(lis: Lis) -> dict[str, Any]:
    """What `lis db start` has answered; the database is ready."""
    return lis.answer("start")


@pytest.fixture
def package(database: LidbEmbed) -> Row:
    """A row that exec-json has written."""
    row = {"id": f"k-{secrets.token_hex(6)}", "name": f"n-{secrets.token_hex(6)}"}
    assert database.rows(INSERT, *row.values(), "a package") == []
    return row


@pytest.fixture
def run(bridge: Bridge) -> Row:
    """An agent run that the bridge has written."""
    done = new_run(status="done")
    bridge.upsert(done)
    return as_read(done)


def named() -> dict[str, Path]:
    """The checkouts that the environment names."""
    variables = {name: os.environ.get(f"CONTRACTS_{name.upper()}") for name in ("lidb", "lis", "agents", "benchmarks")}
    return {name: Path(value).absolute() for name, value in variables.items() if value}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the record, with the names of the cases that have failed."""
    reports = [report for word in ("failed", "error") for report in terminalreporter.getreports(word)]
    if path := os.environ.get("CONTRACTS_RECORD"):
        RECORDER.write(Path(path).absolute(), {report.nodeid for report in reports}, documents(named()))
