"""The index reader against git itself, in every version that git writes."""

import hashlib
from pathlib import Path

import pytest

from phdb_ci.sources.git.index import git_mode, parse, root_tree, shown
from tests.repositories import C2, git


@pytest.mark.parametrize("version", [2, 3, 4])
def test_entries_are_those_of_git(upstream: Path, version: int) -> None:
    (upstream / "l\u00e4nger" / ("n" * 200)).mkdir(parents=True)
    (upstream / "l\u00e4nger" / ("n" * 200) / "\u20ac.txt").write_text("x" * 70_000)
    git(upstream, "add", "--all")
    if version == 3:
        git(upstream, "update-index", "--skip-worktree", "a.txt")
    else:
        git(upstream, "update-index", f"--index-version={version}")
    data = (upstream / ".git" / "index").read_bytes()
    assert data[7] == version
    listed = [
        line.split("\t") for line in git(upstream, "ls-files", "-z", "--stage").rstrip("\0").split("\0")
    ]
    found, _ = parse(data)
    assert [(f"{e.mode:06o} {e.oid.hex()} 0", e.path) for e in found] == [tuple(line) for line in listed]
    for entry in found:
        assert entry.same((upstream / entry.path).lstat())
        assert entry.skipped == (version == 3 and entry.path == "a.txt")


def test_root_tree_is_known_after_a_commit_and_not_after_a_change(upstream: Path) -> None:
    git(upstream, "read-tree", "HEAD")
    index = upstream / ".git" / "index"
    assert root_tree(index.read_bytes()) == git(upstream, "rev-parse", f"{C2}^{{tree}}")
    (upstream / "src" / "TREE").write_text("x")
    git(upstream, "add", "--all")
    assert root_tree(index.read_bytes()) is None


@pytest.mark.parametrize("version", [2, 4])
def test_marks_are_taken_off_so_that_git_agrees(upstream: Path, version: int) -> None:
    git(upstream, "update-index", f"--index-version={version}")
    git(upstream, "update-index", "--assume-unchanged", "a.txt", "src/b.txt")
    git(upstream, "update-index", "--skip-worktree", "run.sh")
    index = upstream / ".git" / "index"
    index.write_bytes(shown(index.read_bytes(), {"a.txt", "run.sh"}))
    tags = dict(line.split(" ")[::-1] for line in git(upstream, "ls-files", "-v").splitlines())
    assert (tags["a.txt"], tags["run.sh"], tags["src/b.txt"]) == ("H", "H", "h")
    assert hashlib.sha1(index.read_bytes()[:-20], usedforsecurity=False).digest() == index.read_bytes()[-20:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DIRC",
        b"garbage of some length",
        b"DIRC\0\0\0\2\0\0\0\1",
        b"DIRC\0\0\0\4\0\0\0\1" + b"\xff" * 70,
    ],
)
def test_what_is_no_index_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"index|found|subsection"):
        parse(data)


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o100640, 0o100644), (0o100744, 0o100755), (0o120777, 0o120000), (0o010600, 0)]
)
def test_of_a_mode_only_the_kind_and_the_owners_x_bit_count(mode: int, expected: int) -> None:
    assert git_mode(mode) == expected
