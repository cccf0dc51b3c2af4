"""Fixtures, from the ground up: the stack, copied once → a warm cache, made once → a scenario per test.

pristine/  lidb  lis  li-cursor-agents  benchmarks      nobody writes here
warm/      mirrors  store  builds  downloads            after one green run; shared by all tests at once
sealed/    mirrors  store                               the same, and nobody writes here: what a copy is made of
<test>/    stack/NAME -> pristine/NAME  matrix.toml     a repo becomes a copy when the test patches it
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gate.bench import JUNK, REPOS, STACK, Scenario, once, processes_of, wait_for

WARM = ("e2e-engine", "lis-tests", "smoke", "bench-validate")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def pristine(shared: Path) -> Path:
    """The stack without what its own use leaves behind."""

    def make(folder: Path) -> None:
        for name in REPOS:
            shutil.copytree(STACK / name, folder / name, ignore=JUNK)

    return once(shared, "pristine", make)


@pytest.fixture(scope="session")
def warm(shared: Path, pristine: Path) -> Path:
    """A cache after one green run."""

    def make(folder: Path) -> None:
        (folder / "scenario").mkdir()
        Scenario(folder / "scenario", pristine, folder / "cache").run(*WARM).assert_green()
        for part in ("mirrors", "store"):
            shutil.copytree(folder / "cache" / part, folder / "sealed" / part, symlinks=True)

    return once(shared, "warm", make) / "cache"


@pytest.fixture
def gate(tmp_path: Path, pristine: Path, warm: Path) -> Scenario:
    """A scenario on the warm cache."""
    return Scenario(tmp_path, pristine, warm)


@pytest.fixture
def own(tmp_path: Path, pristine: Path, warm: Path) -> Iterator[Scenario]:
    """A scenario whose cache is its own: with the stored engine, without its build directory."""
    cache = tmp_path / "cache"
    shutil.copytree(warm.parent / "sealed", cache, symlinks=True)
    (cache / "downloads").symlink_to(warm / "downloads")
    yield Scenario(tmp_path, pristine, cache)
    assert wait_for(lambda: not processes_of(cache), 5), processes_of(cache)


@pytest.fixture
def cold(tmp_path: Path, pristine: Path, warm: Path) -> Iterator[Scenario]:
    """A scenario with an empty cache, but for packages that were downloaded before."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "downloads").symlink_to(warm / "downloads")
    yield Scenario(tmp_path, pristine, cache)
    assert wait_for(lambda: not processes_of(cache), 5), processes_of(cache)
