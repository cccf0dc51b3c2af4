"""Answers that git gave before and that still hold, kept beside the mirror: a warm plan starts no process.

Two kinds. Tree ids of a commit never change. The commit of a plain directory holds for as long as nothing in
it has changed: kind, mode, size, inode and times of everything below are what they were. As in git's own
index, a change in the clock's present tick could be followed by another that looks the same: a directory with
one so new is not remembered.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FORM = b"1"  # to be counted up when a directory is taken in another way, so that nothing older holds
_ENTRIES = 10_000  # in a directory with more, git is quicker: it passes by what is ignored
_SETTLED = (
    2 * 10**9
)  # nanoseconds; coarser than any file system's clock and than most differences between two


@dataclass(frozen=True)
class Look:
    """What a directory looks like; `lasting` says that whatever looks the same later is the same."""

    signature: str
    lasting: bool


def look(top: Path) -> Look | None:
    """One pass over a directory, links not followed; None when it is too large or cannot be read."""
    digest, newest, entries, folders = hashlib.sha256(_FORM), 0, 0, [os.fspath(top)]
    try:
        while folders:
            for item in sorted(os.scandir(folders.pop()), key=lambda item: item.name):
                now = item.stat(follow_symlinks=False)
                facts = (now.st_mode, now.st_size, now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
                digest.update(os.fsencode(item.path) + b"\0%d %d %d %d %d\0" % facts)
                newest, entries = max(newest, now.st_ctime_ns, now.st_mtime_ns), entries + 1
                if item.is_dir(follow_symlinks=False):
                    folders.append(item.path)
            if entries > _ENTRIES:
                return None
    except OSError:
        return None
    return Look(digest.hexdigest(), newest + _SETTLED < time.time_ns())


def commit_of(mirror: Path, seen: Look | None) -> str | None:
    """The commit that a directory of this look was taken as."""
    known = _read(mirror / "directory.json")
    return known.get("commit") if seen is not None and known.get("signature") == seen.signature else None


def remember_commit(mirror: Path, seen: Look | None, commit: str) -> None:
    """Note what a directory was taken as. `seen` is from before it was read, so a later change shows."""
    if seen is not None and seen.lasting:
        _write(mirror / "directory.json", {"signature": seen.signature, "commit": commit})


def trees_of(mirror: Path, commit: str) -> dict[str, str | None]:
    """The tree ids of a commit that are known."""
    return _read(mirror / "trees" / f"{commit}.json")


def remember_trees(mirror: Path, commit: str, trees: Mapping[str, str | None]) -> None:
    """Note tree ids of a commit."""
    _write(mirror / "trees" / f"{commit}.json", trees_of(mirror, commit) | dict(trees))


def _read(path: Path) -> dict[str, str | None]:
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, known: Mapping[str, str | None]) -> None:
    # Two runs may write at once, each its own file; what cannot be written is asked again.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        fresh.write_text(json.dumps(known))
        fresh.replace(path)
