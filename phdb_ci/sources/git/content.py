"""What a commit holds: its files, their ids, and which of them changed since another commit."""

import os
import posixpath
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from phdb_ci.errors import DiskError, SourceError
from phdb_ci.sources.git.command import Done, git, git_ok
from phdb_ci.sources.git.mirror import Mirror, take, take_local
from phdb_ci.sources.git.refs import FULL

LINK, SUBMODULE, FOLDER = 0o120000, 0o160000, 0o040000


class Entry(NamedTuple):
    """One file, link, submodule or folder of a commit; `size` is its blob's, 0 where it has none."""

    path: str
    mode: int
    oid: str
    size: int


@lru_cache(maxsize=32)
def entries(mirror: Path, commit: str) -> tuple[Entry, ...]:
    """Everything that a commit holds; asked once in a run, as the answer never changes.

    Raises:
        DiskError: the mirror cannot be read.
    """
    done = git("--git-dir", str(mirror), "ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit)
    if done.code != 0:
        raise unreadable(mirror, commit, done)
    return tuple(_entry(line) for line in os.fsdecode(done.out).split("\0") if line)


def _entry(line: str) -> Entry:
    facts, path = line.split("\t", 1)
    mode, _, oid, size = facts.split()
    return Entry(path, int(mode, 8), oid, 0 if size == "-" else int(size))


def tree_ids(mirror: Path, commit: str, paths: Iterable[str]) -> dict[str, str | None]:
    """The git id of each path (file or directory) at a commit; None where there is none.

    Raises:
        DiskError: the mirror cannot be read.
    """
    wanted = list(paths)
    # A path with a line's end would shift all answers after it; no tree that we take has one.
    asked = [path for path in wanted if "\n" not in path]
    lines = "".join(f"{_object(commit, path)}\n" for path in [".", *asked])
    arguments = ("--git-dir", str(mirror), "cat-file", "--batch-check=%(objectname)")
    done = git(*arguments, stdin=os.fsencode(lines))
    answers = os.fsdecode(done.out).split("\n")
    if not FULL.fullmatch(answers[0]):
        raise unreadable(mirror, commit, done)
    ids = {path: line for path, line in zip(asked, answers[1:], strict=False) if FULL.fullmatch(line)}
    return {path: ids.get(path) for path in wanted}


def changed_since(at: Mirror, base: str, head: str) -> tuple[str, ...]:
    """The paths that differ between head and where it left base's history, renames as two paths.

    Both are full ids. The mirror holds head; base is fetched into it where it is missing.

    Raises:
        SourceError: base is not to be had, or the two have no common history.
        NetworkError: the remote could not be asked.
    """
    (take_local if Path(at.url).is_absolute() else take)(at, base)
    bare = ("--git-dir", str(at.path))
    forks = git(*bare, "merge-base", "--all", base, head).text.split()
    if not forks:
        raise SourceError(f"{at.repo}: {base[:7]} and {head[:7]} have no common history")
    # What head did since it left; what base got meanwhile is not its change. Where the two have met before and parted
    # again there are several places to leave from, and what differs from any of them counts: head may undo a merge.
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    paths: dict[bytes, None] = {}
    for fork in forks:
        paths |= dict.fromkeys(git_ok(*bare, "diff", *options, fork, head).out.split(b"\0"))
    # All of them: one that was left out could be the one that matters.
    return tuple(os.fsdecode(path).encode(errors="replace").decode() for path in paths if path)


def unreadable(mirror: Path, commit: str, done: Done) -> DiskError:
    """The error for a mirror that does not give a commit which it should have."""
    tries = [f"delete {mirror} and run again: the mirror is fetched anew"]
    return DiskError(f"cannot read commit {commit[:12]} from {mirror}: {done.line}", tries=tries)


def _object(commit: str, path: str) -> str:
    plain = posixpath.normpath(path)
    return f"{commit}^{{tree}}" if plain == "." else f"{commit}:{plain}"
