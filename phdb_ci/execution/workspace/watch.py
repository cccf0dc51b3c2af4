"""Watch the files of a job's reports while its commands run: one that a second test run overwrites loses the first's.

`pytest a || pytest b` in a script leaves b's report alone. A look every few milliseconds sees it: a file that became
shorter, became another one, or, for a runner that writes its report in one go at its end, changed after it was whole.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LAST_TAG = b"</testsuites>"
PERIOD = 0.02  # seconds; a runner takes longer than that to start


@dataclass
class _Seen:
    inode: int
    size: int
    changed: int
    whole: bool


@dataclass
class Watch:
    """A context that watches; `rewritten` holds the indexes of reports that were overwritten.

    `paths`: by index, the file and whether its runner writes it in one go (pytest) and not bit by bit (node).
    """

    paths: Mapping[int, tuple[Path, bool]]
    rewritten: set[int] = field(default_factory=set)
    _seen: dict[int, _Seen] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Watch":  # noqa: PYI034 - a dataclass that nobody inherits from
        if self.paths:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._look()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            self._look()

    def _look(self) -> None:
        for index, (path, at_once) in self.paths.items():
            with suppress(OSError):
                now = os.lstat(path)
                seen = self._seen.get(index)
                if seen and self._again(seen, now):
                    self.rewritten.add(index)
                if seen is None or now.st_ino != seen.inode:
                    seen = self._seen[index] = _Seen(now.st_ino, now.st_size, now.st_mtime_ns, whole=False)
                else:
                    seen.size, seen.changed = now.st_size, now.st_mtime_ns
                if at_once and not seen.whole:
                    seen.whole = _whole(path) and os.lstat(path).st_mtime_ns == now.st_mtime_ns

    @staticmethod
    def _again(seen: _Seen, now: os.stat_result) -> bool:
        if now.st_ino != seen.inode or now.st_size < seen.size:
            return True
        return seen.whole and now.st_mtime_ns != seen.changed


def _whole(path: Path) -> bool:
    """Whether a report has its last tag: whoever writes to it now, writes another one."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        file.seek(max(0, os.fstat(fd).st_size - 64))
        return file.read(64).rstrip().endswith(LAST_TAG)
