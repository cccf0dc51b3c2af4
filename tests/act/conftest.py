"""An `Act` per test, with stand-ins for the matrix's actions. Without act these tests are skipped, and said to be.

`nox -s act` sets PHDB_CI_ACT, and with it they fail instead.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.act.actions import pinned
from tests.act.bench import HOME, RELEASE, flow, workflow
from tests.act.runner import Act
from tests.act.world import base_python
from tests.integration.gate.bench import once


@pytest.fixture(scope="session")
def stand_ins() -> dict[str, Path]:
    """`owner/name@commit` of the matrix → stand-in."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    missing = [name for name in ("act", "node", "npm") if not shutil.which(name, path=path)]
    if missing and not os.environ.get("PHDB_CI_ACT"):
        pytest.skip(f"{' and '.join(missing)} not found; `nox -s act` installs act")
    return pinned()


@pytest.fixture
def act(tmp_path: Path, stand_ins: dict[str, Path]) -> Act:
    """A place of its own for this test's runs."""
    return Act(tmp_path / "act", stand_ins)


@pytest.fixture
def called(act: Act) -> Path:
    """A caller; the workflow that it calls stands in a folder for another repository at a commit."""
    home = flow(act, workflow("called"), name="called", place="home")
    act.actions = dict(act.actions) | {f"{HOME}@{RELEASE}": home}
    return flow(act, workflow("caller"))


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the jobs' Python environments stand on."""
    base = tmp_path_factory.getbasetemp()
    return once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base, "python", base_python) / "bin" / "python"
