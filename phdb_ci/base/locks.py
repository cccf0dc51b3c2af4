"""One lock for everything in the cache that two runs must not make at once.

It is a `flock` on a file that is never removed: the kernel frees it when its holder dies, however it dies,
and a lock file that is deleted could be held by two processes under one name. It works between threads too,
as each call opens anew.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from phdb_ci.errors import DiskError, Interrupted

OnWait = Callable[[Path], None]
POLL = 0.02  # seconds between two looks at a lock that is held


@contextmanager
def locked(path: Path, on_wait: OnWait | None = None, cancelled: Callable[[], bool] = lambda: False) -> Iterator[int]:
    """Hold the lock at `path`, alone; yields its descriptor, for a child that must hold it too.

    `on_wait(path)` is called once when somebody else holds it. Raises Interrupted when `cancelled()` while it
    waits, DiskError when the file system cannot lock.
    """
    with _open(path) as handle:
        waited = False
        while not _take(handle, path):
            if cancelled():
                raise Interrupted(f"interrupted while waiting for {path}")
            if on_wait is not None and not waited:
                on_wait(path)
            waited = True
            time.sleep(POLL)
        yield handle.fileno()


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise DiskError(
            f"the cache cannot be written: its lock {path} cannot be opened: {error.strerror}",
            tries=["let PHDB_CI_CACHE name a directory that can be written"],
        ) from error


def _take(handle: IO[bytes], path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        tries = ["put the cache on a local disk: PHDB_CI_CACHE=DIR"]
        raise DiskError(f"cannot lock {path}: {error.strerror}", tries=tries) from error
    return True
