"""How often a program's file is opened, which is at least how often it is started: the kernel says so (Linux alone)."""

import ctypes
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

# inotify(7). With the end of each use between them, the kernel does not make one of many starts.
IN_OPEN, IN_CLOSE = 0x20, 0x18
EVENT = struct.Struct("iIII")  # no name behind it: a file is watched, not a folder


class Opened:
    """Counts from its making on, until the process ends."""

    def __init__(self, path: Path) -> None:
        self._fd = -1
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            if libc.inotify_add_watch(self._fd, os.fsencode(path), IN_OPEN | IN_CLOSE) < 0:
                self._fd = -1

    def count(self) -> int | None:
        """How often since the last look; None where nobody sees it."""
        if self._fd < 0:
            return None
        count = 0
        with suppress(BlockingIOError):
            while data := os.read(self._fd, EVENT.size * 1024):
                count += sum(bool(mask & IN_OPEN) for _, mask, _, _ in EVENT.iter_unpack(data))
        return count
