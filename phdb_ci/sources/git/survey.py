"""Compare a checked-out tree with the index that was written when it was placed.

No git process takes part, unless content was converted. Stat data decide where they are the same; where they
differ, the content does, so that a touch is no change. The tree's own `.git` and attributes are never read: a
job can write both.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.sources.git.command import git_ok
from phdb_ci.sources.git.index import LINK, Entry, git_mode, parse


@dataclass
class Survey:
    """What is not as placed: tracked paths that differ or are gone, and paths that are not the commit's."""

    altered: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)


def survey(dest: Path, gitdir: Path, *, trusted: bool = False) -> Survey:
    """Look at every file of the tree once.

    Args:
        dest: the tree.
        gitdir: our git directory, whose index tells what was placed.
        trusted: git has just placed the tracked files: look for others only.

    Raises:
        ValueError: the index is not readable.
        FileNotFoundError: the index is not there.
    """
    walk = _Walk(os.fspath(dest), gitdir / "index")
    if not dest.is_symlink():
        walk.run()
    if trusted:
        return Survey(extra=sorted(walk.extra))
    began = _tick(gitdir) if walk.racy else 0
    altered = [e.path for e in walk.doubtful if not _as_committed(f"{dest}/{e.path}", e)]
    if altered and walk.converts:
        altered = _not_as_converted(dest, gitdir, altered)
    if began and not altered:
        # All was as placed after `began`, so only what is written from then on can be in doubt.
        os.utime(gitdir / "index", ns=(began, began))
    return Survey(sorted([*altered, *walk.left]), sorted(walk.extra))


def _tick(folder: Path) -> int:
    # The file system's own clock: it is coarser than ours, and on a network it is another machine's.
    path = folder / "tick"
    path.write_bytes(b"")
    return path.stat().st_mtime_ns


def _as_committed(path: str, entry: Entry) -> bool:
    """Whether the file is the committed blob, byte by byte, and of its mode."""
    try:
        if git_mode(os.lstat(path).st_mode) != entry.mode:
            return False
        content = os.fsencode(Path(path).readlink()) if entry.mode == LINK else read_file(path)
    except OSError:
        return False
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).digest() == entry.oid


def read_file(path: str, limit: int = -1) -> bytes:
    """A file's content (its first `limit` bytes); no link can lead elsewhere, no pipe can block."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(limit)


def _not_as_converted(dest: Path, gitdir: Path, paths: list[str]) -> list[str]:
    """Those of `paths` that differ from what git writes for them when it converts line ends."""
    # Into an empty tree: there git takes the attributes from the index, not from files that a job may have
    # written.
    with tempfile.TemporaryDirectory(prefix="expected-", dir=gitdir.absolute()) as folder:
        where = ("--git-dir", str(gitdir.absolute()), "--work-tree", folder)
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        git_ok("-C", folder, *where, "checkout-index", "--quiet", "-z", "--stdin", stdin=names)
        return [path for path in paths if not _equal(f"{folder}/{path}", f"{dest}/{path}")]


def _equal(expected: str, found: str) -> bool:
    try:
        kinds = {git_mode(os.lstat(path).st_mode) for path in (expected, found)}
        return len(kinds) == 1 and not kinds & {0, LINK} and read_file(expected) == read_file(found)
    except OSError:
        return False


class _Walk:
    """One pass over a tree, beside its index; `left` are the tracked paths that it has not met."""

    def __init__(self, dest: str, index: Path) -> None:
        found = parse(index.read_bytes())[0]
        self.dest = dest
        self.left = {entry.path: entry for entry in found}
        self.folders = _folders(self.left)
        self.converts = any(path.rpartition("/")[2] == ".gitattributes" for path in self.left)
        self.noted = index.stat().st_mtime_ns
        self.doubtful: list[Entry] = []
        self.extra: list[str] = []
        self.racy = False

    def run(self) -> None:
        """Visit everything but the top `.git`; a symbolic link is never followed."""
        folders = [""]
        while folders:
            inside = folders.pop()
            # A folder that a job closed to us or took away: what was in it counts as gone.
            with (
                suppress(PermissionError, FileNotFoundError, NotADirectoryError),
                os.scandir(f"{self.dest}/{inside}") as found,
            ):
                for item in found:
                    path = inside + item.name
                    if path in self.folders and item.is_dir(follow_symlinks=False):
                        folders.append(path + "/")
                    elif path != ".git":
                        self._meet(path, item)

    def _meet(self, path: str, item: "os.DirEntry[str]") -> None:
        entry = self.left.pop(path, None)
        if entry is None:
            self.extra.append(path)
            return
        now = item.stat(follow_symlinks=False)
        if entry.submodule:
            # A submodule is an empty folder here.
            if stat.S_ISDIR(now.st_mode):
                self.extra += [f"{path}/{inner.name}" for inner in Path(item.path).iterdir()]
            else:
                self.doubtful.append(entry)
        elif not entry.same(now):
            self.doubtful.append(entry)
        elif entry.mtime >= self.noted:
            # Written in the tick in which the index was: a later write in that tick would look the same.
            self.racy = True
            self.doubtful.append(entry)


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
