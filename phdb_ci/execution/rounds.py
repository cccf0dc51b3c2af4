"""A job that measures: its commands once under the witness and then several times on the engine itself.

Each round must write its manifest anew: an earlier one is put away first and kept under the round's number. The first
round that measured nothing is the last: more of them would say nothing else.

A launcher in a timed round would be part of the times. That the engine is started there is seen from outside: the
kernel tells when its file is opened (inotify, Linux alone). What it was told to do, nobody sees.
"""

import ctypes
import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from phdb_ci.artifacts.witness import is_program
from phdb_ci.execution.process import Log
from phdb_ci.execution.services import Running
from phdb_ci.execution.workspace import Workspace, twins
from phdb_ci.models.matrix import Manifest, Metrics
from phdb_ci.models.measured import Round
from phdb_ci.models.results import ManifestFact
from phdb_ci.reports import manifest, metrics

Commands = Callable[[Workspace], bool]
# inotify(7). With the end of each use between them, the kernel does not make one of many starts.
IN_OPEN, IN_CLOSE = 0x20, 0x18
EVENT = struct.Struct("iIII")


def run_rounds(
    space: Workspace, commands: Commands, services: Sequence[Running], reports: Path, log: Log
) -> list[Round]:
    """Run all rounds. `commands` runs the job's commands in a workspace and says whether all went well."""
    wanted, file = space.job.evidence.metrics, space.job.evidence.manifest
    assert wanted is not None  # noqa: S101 - asked for by the caller
    for service in services:
        service.moved()
    rounds: list[Round] = []
    with Starts(_programs(space)) as starts:
        for number in range(wanted.rounds + 1):
            name = f"round {number} of {wanted.rounds}, timed" if number else "witnessed round"
            log.line(f"phdb-ci: {name}")
            one = _round(number, space, commands, services, starts, reports, wanted, file)
            if one is not None:
                rounds.append(one)
            if one is None or one.problems or len(one.measured) < len(wanted.scenarios) or one.not_finite:
                break
    return rounds


def _round(
    number: int, space: Workspace, commands: Commands, services: Sequence[Running], starts: "Starts", reports: Path,
    wanted: Metrics, file: Manifest | None,
) -> Round | None:  # fmt: skip
    """One round; None when a command failed, which says more than what it left."""
    if file is not None:
        manifest.put_away(file, space.tops)
    before, began = _calls(space), time.time()
    starts.count()
    if not commands(space if number else space.witnessed()):
        return None
    span = metrics.Span(began, time.time())
    started = starts.count()
    moved = [rows for rows in (service.moved() for service in services) if rows is not None]
    one = _manifest(number, file, space, reports, wanted, span)
    return one.model_copy(
        update={
            "taken": min((written for written, _ in moved), default=None),
            "given": min((read for _, read in moved), default=None),
            "calls": _calls(space) - before,
            "starts": started,
        }
    )


def _manifest(
    number: int, file: Manifest | None, space: Workspace, reports: Path, wanted: Metrics, span: metrics.Span
) -> Round:
    if file is None:
        return Round(number=number, problems=("the matrix names no manifest",))
    found = manifest.find(file, space.tops)
    if isinstance(found, ManifestFact):
        return Round(number=number, problems=(found.absent or "no manifest",))
    (reports / f"round-{number}-{file.kept}").write_bytes(found.text)
    problems = manifest.judge(found.text, found.shown, file).problems
    if copied := twins(space, found.path):
        problems = (f"{found.shown} is a copy of {copied[0]}: the job did not write it", *problems)
    return metrics.read(number, found, problems, wanted, span)


def _calls(space: Workspace) -> int:
    return sum(placed.calls().total() for placed in space.placed.values())


def _programs(space: Workspace) -> list[Path]:
    """The engine's own files, behind their launchers."""
    return [
        placed.folder / "real" / output
        for placed in space.placed.values()
        for output in placed.stored.digests
        if is_program(output)
    ]


class Starts:
    """A context that counts how often programs are opened, which is at least how often they are started."""

    def __init__(self, programs: Iterable[Path]) -> None:
        self._fd = -1
        if sys.platform != "linux":
            return
        libc = ctypes.CDLL(None)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watched = [
            libc.inotify_add_watch(self._fd, os.fsencode(path), IN_OPEN | IN_CLOSE) for path in programs
        ]
        if self._fd >= 0 and (not watched or min(watched) < 0):
            self.__exit__()

    def __enter__(self) -> "Starts":  # noqa: PYI034 - nobody inherits from it
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def count(self) -> int | None:
        """How often since the last look; None where nobody sees it."""
        if self._fd < 0:
            return None
        found = 0
        with suppress(BlockingIOError):
            while data := os.read(self._fd, 1 << 16):
                at = 0
                while at < len(data):
                    _, mask, _, length = EVENT.unpack_from(data, at)
                    at += EVENT.size + length
                    found += bool(mask & IN_OPEN)
        return found
