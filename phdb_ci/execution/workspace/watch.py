"""Watch the files of a job's reports while its commands run: one that a second test run overwrites loses the first's.

`pytest a || pytest b` in a script leaves b's report alone. A look every few milliseconds sees it: a file that became
shorter, became another one, or, for a runner that writes its report in one go at its end, changed after it was whole.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LAST_TAG = b"</testsuites>"
PERIOD = 0.02  # seconds; a runner takes longer than that to start


@dataclass
class _Look:
    state: os.stat_result
    whole: bool

    def differs(self, now: os.stat_result) -> bool:
        """Whether the file has been written by another run since."""
        if now.st_ino != self.state.st_ino or now.st_size < self.state.st_size:
            return True
        return self.whole and now.st_mtime_ns != self.state.st_mtime_ns


class Watch:
    """A context that watches; `rewritten` holds the indexes of reports that were overwritten."""

    def __init__(self, paths: Mapping[int, tuple[Path, bool]]) -> None:
        """`paths`: by index, the file and whether its runner writes it in one go (pytest) and not bit by bit (node)."""
        self.paths = paths
        self.rewritten: set[int] = set()
        self._looks: dict[int, _Look] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":  # noqa: PYI034 - nobody inherits from it
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            self._look()

    def _look(self) -> None:
        for index, (path, at_once) in self.paths.items():
            with suppress(OSError):
                now = os.lstat(path)
                look = self._looks.get(index)
                if look and look.differs(now):
                    self.rewritten.add(index)
                whole = look.whole if look and look.state.st_ino == now.st_ino else False
                look = self._looks[index] = _Look(now, whole)
                if at_once and not whole:
                    look.whole = _whole(path) and os.lstat(path).st_mtime_ns == now.st_mtime_ns


def _whole(path: Path) -> bool:
    """Whether a report has its last tag: whoever writes to it now, writes another one."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        file.seek(max(0, os.fstat(fd).st_size - 64))
        return file.read(64).rstrip().endswith(LAST_TAG)
