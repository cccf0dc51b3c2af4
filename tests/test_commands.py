"""What the verbs say of this machine and of files that are handed in: doctor, cache, --baseline, --artifact."""

import argparse
import json
import os
from pathlib import Path

import pytest

from phdb_ci.commands import cache, doctor
from phdb_ci.commands._common import read_verdict
from phdb_ci.errors import ArtifactError, Exit, ResultsError
from phdb_ci.files import remove
from phdb_ci.store import take_in
from tests.repositories import listing

MATRIX = """
schema = 1
[repos.lidb]
url = "https://github.com/acme/lidb.git"
pin = "c0ffee0000000000000000000000000000000000"
[jobs.style]
summary = "style"
repo = "lidb"
run = ["make"]
tools = ["python3"]
reports = [{ kind = "pytest", min_tests = 2 }]
"""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """The arguments of doctor and cache: JSON, a matrix of one job, a cache that is not there yet."""
    (tmp_path / "matrix.toml").write_text(MATRIX)
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / "a" / "cache"))
    return argparse.Namespace(matrix=tmp_path / "matrix.toml", json=True, keep=3, prune=False)


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_doctor_finds_no_fault_and_leaves_nothing_behind(
    arguments: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listing(tmp_path)
    assert doctor.main(arguments) == Exit.PASS
    assert json.loads(capsys.readouterr().out)["cache_problem"] is None
    assert listing(tmp_path) == before


@pytest.mark.parametrize("place", ["/proc/nope", "matrix.toml", "matrix.toml/cache", "dangling"])
def test_doctor_names_the_variable_of_a_cache_that_cannot_be_written(
    arguments: argparse.Namespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / place))
    arguments.json = False
    assert doctor.main(arguments) == Exit.INCOMPLETE
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("broken  cache")
    assert f"{tmp_path / place}: cannot be written (" in last
    assert "let PHDB_CI_CACHE name a directory" in last


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("python3", "exit 1", "--version: exit 1", id="fails without a word"),
        pytest.param("git", "echo git version 2.33.9", "2.34 or newer is needed", id="git too old"),
        pytest.param("git", "echo hello", "2.34 or newer is needed", id="no git at all"),
    ],
)
def test_doctor_counts_a_broken_tool_as_missing(
    arguments: argparse.Namespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    told: str,
) -> None:
    program(tmp_path / "bin", name, text)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert doctor.main(arguments) == Exit.INCOMPLETE
    said = json.loads(capsys.readouterr().out)
    assert said["missing"] == [name]
    assert told in said["tools"][name]
    arguments.json = False
    doctor.main(arguments)
    assert f"broken  {name} " in capsys.readouterr().out


@pytest.mark.parametrize("version", ["2.34.0", "2.39.5 (Apple Git-154)", "3.0.1"])
def test_doctor_takes_a_git_that_is_new_enough(
    arguments: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    program(tmp_path / "bin", "git", f"echo 'git version {version}'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert doctor.main(arguments) == Exit.PASS


def test_cache_counts_trees_of_any_depth(
    arguments: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trash = tmp_path / "a" / "cache" / "trash"
    (trash / ".git").mkdir(parents=True)
    (trash / "file").write_bytes(b"x" * 70)
    (trash / ".git" / "file").write_bytes(b"x" * 7)
    (trash / "link").symlink_to("file")
    deep = os.open(trash, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    try:
        assert cache.main(arguments) == Exit.PASS
        assert json.loads(capsys.readouterr().out)["bytes"]["trash"] == 81
        arguments.prune = True
        assert cache.main(arguments) == Exit.PASS
        assert not any(trash.iterdir())
    finally:
        remove(trash)  # pytest's own tidying up would not come out of it


def test_baseline_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"there is no file .*nope\.json$"):
        read_verdict(tmp_path / "nope.json")
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(ResultsError, match="not a verdict of schema version 1"):
        read_verdict(tmp_path / "text.json")


def test_artifact_that_is_not_there_says_where_there_are_some(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nope does not exist$") as caught:
        take_in(tmp_path / "nope", "embed", ("lidb_embed",))
    assert "CACHE/store/embed/KEY/" in caught.value.tries[0]
