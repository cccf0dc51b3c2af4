"""What is true of a job's checkouts: files that no commit has, and a manifest that is a copy of a committed file."""

from pathlib import Path

import pytest

from phdb_ci.execution.workspace.make import Workspace
from phdb_ci.execution.workspace.observe import in_checkouts, twins
from phdb_ci.sources.git.mirror import mirror_of, take
from phdb_ci.sources.git.place import changed, checkout, unknown
from tests.helpers import job
from tests.repositories import commit

STUB = '{"status": "stub"}\n'


@pytest.fixture
def space(upstream: Path, cache: Path, tmp_path: Path) -> Workspace:
    """A workspace with one checkout, which has an example and an earlier manifest of the same text."""
    for name in ("example.json", "results/m.json"):
        (upstream / name).parent.mkdir(exist_ok=True)
        (upstream / name).write_text(STUB)
    (upstream / ".gitignore").write_text("*.log\n")
    sha = commit(upstream, "examples", when=1_700_000_800)
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, sha)
    root = tmp_path / "work"
    placed = checkout(at.path, sha, root / "ws" / "lidb")
    return Workspace(root=root, trees=root / "ws", job=job(), env={}, values={}, checkouts={"lidb": placed}, placed={})


def test_manifest_that_is_a_copy_of_a_committed_file_has_a_twin(space: Workspace) -> None:
    (space.cwd / "m.json").write_text(STUB)
    assert twins(space, space.cwd / "m.json") == ("lidb/example.json", "lidb/results/m.json")


def test_committed_file_is_no_twin_of_itself(space: Workspace) -> None:
    assert twins(space, space.cwd / "results" / "m.json") == ("lidb/example.json",)


def test_manifest_with_a_text_of_its_own_has_no_twin(space: Workspace) -> None:
    (space.cwd / "m.json").write_text(STUB.replace("}", ', "run": 7}'))
    assert twins(space, space.cwd / "m.json") == ()


def test_file_that_no_commit_has_is_unknown_unless_it_is_ignored(space: Workspace) -> None:
    assert in_checkouts(space, unknown) == ()
    (space.cwd / "out.log").write_text("x")
    (space.cwd / "conf\x1btest.py").write_text("x")
    assert [path.split("/")[0] for path in in_checkouts(space, unknown)] == ["lidb"]
    assert in_checkouts(space, changed) == ()


def test_unknown_files_are_bounded(space: Workspace) -> None:
    for number in range(60):
        (space.cwd / f"{number}.py").write_text("x")
    assert len(in_checkouts(space, unknown)) == 50
