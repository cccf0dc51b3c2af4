"""Fixtures that test modules share: an upstream repository, built once, a cache without a network, a quick compiler."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from phdb_ci.sources.git import command
from tests.repositories import build_upstream, copy_of

# How busy a machine is decides no test.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


CACHING = """\
#!/bin/sh
export CCACHE_DIR={folder}/cache CCACHE_BASEDIR={base} CCACHE_NOHASHDIR=1
exec {ccache} {real} "$@"
"""


@pytest.fixture(scope="session", autouse=True)
def _compiler(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A `c++` on PATH that compiles each source once for all tests; a build is then a matter of its links."""
    ccache, real = Path(sys.executable).with_name("ccache"), shutil.which("c++")
    if real is None or not ccache.exists():
        return
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiler"
    folder.mkdir(exist_ok=True)
    wrapper = tmp_path_factory.mktemp("compiler") / "c++"
    wrapper.write_text(CACHING.format(folder=folder, base=tempfile.gettempdir(), ccache=ccache, real=real))
    wrapper.chmod(0o755)
    os.environ["PATH"] = f"{wrapper.parent}:{os.environ['PATH']}"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The upstream, built once."""
    return build_upstream(tmp_path_factory.mktemp("template") / "upstream")


@pytest.fixture
def upstream(template: Path, tmp_path: Path) -> Path:
    """This test's own upstream."""
    return copy_of(template, tmp_path / "upstream")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; from here on no git reaches a network."""
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    return tmp_path / "cache"


@pytest.fixture
def git_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every git command that phdb-ci starts from here on."""
    calls: list[tuple[str, ...]] = []
    real = command._execute

    def noted(argv: list[str], env: dict[str, str], stdin: bytes) -> command.Done:
        calls.append(tuple(argv))
        return real(argv, env, stdin)

    monkeypatch.setattr(command, "_execute", noted)
    return calls


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast ones first: single modules, then the gate, then whole gates."""
    items.sort(key=lambda item: (item.get_closest_marker("slow") is not None, "gate" in item.path.parts))
