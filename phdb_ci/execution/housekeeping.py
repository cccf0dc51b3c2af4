"""The cache's work and trash folders. What is thrown away is renamed at once and deleted late."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from phdb_ci.base.files import remove
from phdb_ci.errors import DiskError
from phdb_ci.sources.git.place import discard

STARTING = 60.0  # seconds in which a run that has just made its folder locks it
KEEP_RUNS = 3  # workspaces of this many earlier runs stay, for a look at what failed


def throw_away(path: Path, cache: Path) -> None:
    """Move a folder into the trash; nothing happens when it is not there, or a job locked it against us."""
    with suppress(FileNotFoundError, PermissionError):
        discard(path, cache / "trash")


def empty_trash(cache: Path) -> None:
    """Delete what was thrown away. Safe beside other runs: each folder is garbage and nobody's work."""
    trash = cache / "trash"
    if trash.is_dir():
        for path in trash.iterdir():
            remove(path)


def open_work(cache: Path, run_id: str) -> tuple[Path, int]:
    """A run's folder below `work/` and the descriptor of its lock: the lock says that the run lives.

    Raises DiskError when the cache cannot be written.
    """
    work = cache / "work" / run_id
    try:
        work.mkdir(parents=True)
        fd = os.open(work / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError as error:
        raise DiskError(f"the cache {cache} cannot be written: {error.strerror}") from error
    return work, fd


def sweep_work(cache: Path, keep: int = KEEP_RUNS) -> None:
    """Throw away workspaces of runs that are over (ended or killed), but for the newest `keep`."""
    root = cache / "work"
    if not root.is_dir():
        return
    over = [path for path in root.iterdir() if path.is_dir() and not _alive(path)]
    for path in sorted(over, key=lambda path: path.name, reverse=True)[keep:]:
        throw_away(path, cache)


def _alive(work: Path) -> bool:
    try:
        fd = os.open(work / ".lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return time.time() - work.stat().st_mtime < STARTING
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
