"""A program that is stopped at named points: after each system call that changed the data directory or its answer.

A writer that shall be held is also stopped before each system call on a file of the data directory. By ptrace(2), which
this process may use on what it starts itself: the same program on the same data has the same points, however busy the
machine is. Whatever the program starts is followed, too. Linux alone (5.3 and later).
"""

import ctypes
import os
import signal
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self

from checks.contracts.programs import TIMEOUT, Done

TRACE_ME, CONTINUE, TO_NEXT_CALL, SET_OPTIONS, CALL_INFO = 0, 7, 24, 0x4200, 0x420E
ENTRY, EXIT = 1, 2  # what CALL_INFO says of a stop
OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000  # mark system calls; follow fork, vfork, clone, exec; die with us
AT_CALL = signal.SIGTRAP | 0x80  # how a stop at a system call is marked
WAIT_FOR_ALL = 0x40000000  # also for threads
_INFO = struct.Struct("=B3xIQQQQ")  # stop, architecture, instruction, stack; the call's number, its first argument
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long


class Traced:
    """A running program, stopped at its start. Its input is a text; it is killed when the `with` block ends.

    Without `itself` only what it starts has points: an interpreter's thousands of calls take their time.

    Attributes:
        point: where it stands: which file has changed, and how, or (`touching`) which one is next; empty at its start.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], data: Path, folder: Path, stdin: str, touching: bool,
        itself: bool = True,
    ) -> None:  # fmt: skip
        self.point, self._data, self._touching, self._itself = "", data.resolve(), touching, itself
        self._out, given = folder / "answer", folder / "parameters"
        given.write_text(stdin, encoding="utf-8", errors="surrogatepass")
        with given.open("rb") as source, self._out.open("wb") as out:
            self._process = subprocess.Popen(
                argv, env=dict(env), cwd=folder, stdin=source, stdout=out, stderr=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=lambda: _ptrace(TRACE_ME, 0),  # noqa: PLW1509 - no threads here
            )  # fmt: skip
        self._pid = self._process.pid
        self._before = self._contents()
        self._running: set[int] = set()
        self._stopped = {self._pid: 0}  # by its number, the signal that it gets when it goes on
        self._code: int | None = None
        os.waitpid(self._pid, WAIT_FOR_ALL)
        _ptrace(SET_OPTIONS, self._pid, OPTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def advance(self, points: int = 1) -> bool:
        """Let it run so many points further; False when it has ended before."""
        return all(self._to_next_point() for _ in range(points))

    def kill(self) -> None:
        """End it, and what it has started, where it stands (kill -9)."""
        if self._running or self._stopped:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            self._stopped.clear()
            with suppress(ChildProcessError):
                while True:
                    self._take(*os.waitpid(-self._pid, WAIT_FOR_ALL))
            self._running.clear()
        self._process.returncode = self._code if self._code is not None else -signal.SIGKILL

    def finish(self) -> Done:
        """Let it run to its end; what it has answered."""
        with _within(TIMEOUT):
            while self._resume(CONTINUE):
                self._wait()
        self.kill()
        return Done(self._process.returncode, self.answer, "")

    @property
    def answer(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    def _to_next_point(self) -> bool:
        with _within(TIMEOUT):
            while self._resume(TO_NEXT_CALL):
                at_call = self._wait()
                if at_call and (point := self._look(at_call)):
                    self.point = point
                    return True
        return False

    def _resume(self, request: int) -> bool:
        """Let go what is stopped; False when nothing is left."""
        for number, pending in self._stopped.items():
            with suppress(ProcessLookupError):  # killed meanwhile: its end will be told
                _ptrace(request if self._itself or number != self._pid else CONTINUE, number, pending)
            self._running.add(number)
        self._stopped.clear()
        return bool(self._running)

    def _wait(self) -> int:
        """Wait until one of the processes stops or ends; its number when it stands at a system call, else 0."""
        return self._take(*os.waitpid(-self._pid, WAIT_FOR_ALL))

    def _take(self, number: int, status: int) -> int:
        if not os.WIFSTOPPED(status):
            self._running.discard(number)
            if number == self._pid:
                self._code = os.waitstatus_to_exitcode(status)
            return 0
        new = number not in self._running
        self._running.discard(number)
        reason, event = os.WSTOPSIG(status), status >> 16
        own = reason in (AT_CALL, signal.SIGTRAP) or event or new  # a stop for us, no signal for the program
        self._stopped[number] = 0 if own else reason
        return number if reason == AT_CALL else 0

    def _look(self, number: int) -> str:
        """The name of the point at which a process stands; empty: this system call is none."""
        info = ctypes.create_string_buffer(128)
        _ptrace(CALL_INFO, number, ctypes.addressof(info), len(info))
        stop, _, _, _, _, first = _INFO.unpack_from(info)
        if stop == EXIT:
            return self._change()
        with suppress(OSError, OverflowError):
            if self._touching and stop == ENTRY:
                path = os.readlink(f"/proc/{number}/fd/{first}")  # noqa: PTH115 - it may name no file
                return f"before a call on {os.path.relpath(path, self._data)}" if self._is_ours(path) else ""
        return ""

    def _is_ours(self, path: str) -> bool:
        return path.startswith(f"{self._data}/")

    def _contents(self) -> dict[str, bytes]:
        files = {os.path.relpath(path, self._data): path.read_bytes() for path in _files(self._data)}
        return files | {"its answer": self._out.read_bytes()}

    def _change(self) -> str:
        """The name of what has changed since the last look; empty: nothing has."""
        before, now = self._before, self._contents()
        self._before = now
        names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        changes = ", ".join(f"{name} ({_size(before.get(name))} → {_size(now.get(name))})" for name in names)
        return changes and f"after a change of {changes}"


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(parent, name)).is_file() and not path.is_symlink())


def _size(content: bytes | None) -> str:
    return "none" if content is None else f"{len(content)} bytes"


def _ptrace(request: int, number: int, data: int = 0, size: int | None = None) -> None:
    """One request; CALL_INFO takes a size and then an address."""
    if _LIBC.ptrace(request, number, size, data) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace: {os.strerror(code)}")


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Fail when what is inside takes longer: a program that hangs."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"it did not come to its next point within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
