"""Answers that are remembered: when they hold, and above all when they do not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.sources.git import Mirror, import_directory, memo, mirror_of, tree_ids, trees

OLD = (1_600_000_000_000_000_000, 1_600_000_000_000_000_000)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The mirror of a directory `plain/` with `a`, `.gitignore` and `sub/b`; all changes count as settled."""
    plain = tmp_path / "plain"
    (plain / "sub").mkdir(parents=True)
    (plain / "a").write_text("one")
    (plain / ".gitignore").write_text("*.log\n")
    (plain / "sub" / "b").write_text("two")
    monkeypatch.setattr(memo, "_SETTLED", -(10**12))
    (tmp_path / "cache" / "mirrors").mkdir(parents=True)
    return mirror_of(tmp_path / "cache", "plain", str(plain))


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and from then on a git process is a failure."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("git was started")

    def forbid() -> None:
        monkeypatch.setattr(trees, "git", refuse)
        monkeypatch.setattr(trees, "git_ok", refuse)

    return forbid


def _edit_same_times(path: Path) -> None:
    os.utime(path, ns=OLD)
    path.write_text("two")
    os.utime(path, ns=OLD)


CHANGES: dict[str, Callable[[Path], object]] = {
    "edit": lambda top: (top / "a").write_text("two"),
    "edit of the same size and mtime": lambda top: _edit_same_times(top / "a"),
    "new file": lambda top: (top / "c").write_text(""),
    "new file below": lambda top: (top / "sub" / "c").write_text(""),
    "removed": lambda top: (top / "a").unlink(),
    "renamed": lambda top: (top / "a").rename(top / "c"),
    "mode": lambda top: (top / "a").chmod(0o755),
    "attributes": lambda top: (top / ".gitattributes").write_text("* text eol=crlf\n"),
    "ignore rules": lambda top: (top / ".gitignore").write_text("#.log\n"),
}


def test_unchanged_directory_starts_no_git(mirror: Mirror, no_git: Callable[[], None]) -> None:
    first = import_directory(mirror)
    no_git()
    assert import_directory(mirror) == first


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_is_looked_at_again(
    mirror: Mirror, no_git: Callable[[], None], change: Callable[[Path], object]
) -> None:
    import_directory(mirror)
    change(Path(mirror.url))
    no_git()
    with pytest.raises(AssertionError, match="git was started"):
        import_directory(mirror)


def test_link_that_points_elsewhere_is_looked_at_again(mirror: Mirror) -> None:
    link = Path(mirror.url) / "link"
    link.symlink_to("a")
    before = import_directory(mirror).commit
    link.unlink()
    link.symlink_to("b")
    assert import_directory(mirror).commit != before


def test_change_of_this_moment_is_not_remembered(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, no_git: Callable[[], None]
) -> None:
    monkeypatch.setattr(memo, "_SETTLED", 10**12)
    import_directory(mirror)
    no_git()
    with pytest.raises(AssertionError, match="git was started"):
        import_directory(mirror)


def test_large_directory_is_left_to_git(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "_ENTRIES", 3)
    assert memo.look(Path(mirror.url)) is None
    assert import_directory(mirror) == import_directory(mirror)


def test_commit_that_is_no_longer_pinned_is_taken_again(mirror: Mirror) -> None:
    commit = import_directory(mirror).commit
    (mirror.path / "refs" / "pins" / commit).unlink()
    assert import_directory(mirror).commit == commit


@pytest.mark.parametrize("text", ["", "[]", "{", '{"signature": 1}'], ids=repr)
def test_damaged_memo_is_no_answer(mirror: Mirror, text: str) -> None:
    commit = import_directory(mirror).commit
    (mirror.path / "directory.json").write_text(text)
    assert import_directory(mirror).commit == commit


def test_tree_ids_are_asked_once(mirror: Mirror, no_git: Callable[[], None]) -> None:
    commit = import_directory(mirror).commit
    first = tree_ids(mirror.path, commit, ["a", "sub", "nothing"])
    assert first["nothing"] is None
    no_git()
    assert tree_ids(mirror.path, commit, ["sub", "nothing", "a"]) == first
    with pytest.raises(AssertionError, match="git was started"):
        tree_ids(mirror.path, commit, ["sub/b"])
