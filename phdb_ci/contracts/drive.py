"""Programs: started in a process group of their own, with a time limit, bounded output, ended to the last child.

What a program prints is hostile: it is cut at a bound, and a program that goes past it is ended. On Linux this process
can become the parent of what a program leaves behind (`adopt`), so that children which left the group are found too.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

LIMIT = 4 * 1024 * 1024  # bytes of each stream that are kept
LINGER = 0.3  # seconds that what a program has started may still run after its end
DRAIN = 1.0  # seconds that output is still read after a program's own end: a child may hold the pipe
CHUNK = 1 << 16
SHOWN = 200  # characters of a command line that are told
PR_SET_CHILD_SUBREAPER = 36
_own: dict[int, "Program"] = {}  # what was started here and not yet waited for
_adopting = False


@dataclass(frozen=True)
class Done:
    """How a program ended.

    Attributes:
        code: its exit code, negative for a signal.
        out: what it printed, decoded; `err` likewise.
        seconds: from its start to its end.
        problem: why none of this can be believed (time limit, too much output), else None.
    """

    code: int
    out: str
    err: str
    seconds: float
    problem: str | None = None

    @property
    def told(self) -> str:
        """How it ended, in a few words for a message."""
        said = (self.err.strip() or self.out.strip()).splitlines()
        return self.problem or f"exit {self.code}" + (f": {said[-1][:200]}" if said else "")


class Program:
    """One running program. `stdin` is given at once; with `keep_open` more can be sent with send().

    Who starts it ends it: by end(), finish(), lines_left(), or at the end of a `with`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: str = "",
        keep_open: bool = False,
    ) -> None:
        self.problem: str | None = None
        self._started = time.monotonic()
        self._streams = {"out": bytearray(), "err": bytearray()}
        self._read = 0  # bytes of standard output that line() has given away
        self._selector = selectors.DefaultSelector()
        self._process = subprocess.Popen(
            argv, env=dict(env), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        _own[self.pid] = self
        for name, stream in (("out", self._process.stdout), ("err", self._process.stderr)):
            self._selector.register(_there(stream), selectors.EVENT_READ, name)
        self._to_send = memoryview(b"")
        self._keep_open = True
        os.set_blocking(_there(self._process.stdin).fileno(), False)
        self.send(stdin)
        if not keep_open:
            self.close_input()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The program's own process id, and its group's."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether its own process has ended."""
        return self._process.poll() is not None

    def send(self, text: str) -> None:
        """Give it more input; what does not fit into the pipe goes while output is read."""
        self._to_send = memoryview(bytes(self._to_send) + text.encode("utf-8", "surrogatepass"))
        self._watch_input()
        self._write()

    def close_input(self) -> None:
        """End its input, after what is still to be sent."""
        self._keep_open = False
        self._write()

    def give(self, timeout: float) -> None:
        """Wait, at most timeout (seconds), until it has taken all its input or is gone."""
        self._pump(lambda: not self._to_send or self.ended, time.monotonic() + timeout)

    def line(self, timeout: float) -> str | None:
        """The next whole line of its output; None when there is none in time or at all."""
        self._pump(lambda: self._line_end() >= 0, time.monotonic() + timeout)
        end = self._line_end()
        if end < 0:
            return None
        line = bytes(self._streams["out"][self._read : end])
        self._read = end + 1
        return line.decode(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; gone already is fine."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def finish(self, timeout: float) -> Done:
        """Wait for its end, at most timeout (seconds), and end whatever is left of it."""
        self.close_input()
        limit = time.monotonic() + timeout
        self._pump(lambda: self.ended, limit)
        if self.ended:
            self._pump(lambda: False, min(limit, time.monotonic() + DRAIN))
        elif self.problem is None:
            self.problem = f"did not end within {timeout:g} s"
        if self.ended and self.problem is None and (left := _left()):
            self.problem = f"left a program running: {left}"
        seconds = time.monotonic() - self._started
        self.end()
        out, err = (bytes(stream).decode(errors="replace") for stream in self._streams.values())
        return Done(self._process.returncode, out, err, seconds, self.problem)

    def lines_left(self, timeout: float) -> list[str]:
        """Every whole line that it has printed and line() has not given yet, once it has ended."""
        self.finish(timeout)
        rest = bytes(self._streams["out"][self._read :])
        return rest.decode(errors="replace").split("\n")[:-1]  # what follows the last line end was cut off

    def end(self) -> None:
        """Kill the group and wait for it; safe more than once: its number may be another program's by then."""
        if _own.get(self.pid) is not self:
            return
        self.signal(signal.SIGKILL)
        self._process.wait()
        _own.pop(self.pid, None)
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                _there(stream).close()
        _end_strays()

    def _line_end(self) -> int:
        return self._streams["out"].find(b"\n", self._read)

    def _pump(self, ready: Callable[[], bool], limit: float) -> None:
        """Move bytes until ready, the end of both streams, the limit, or too many of them."""
        while not ready() and self.problem is None:
            left = limit - time.monotonic()
            reading = any(key.data != "in" for key in self._selector.get_map().values())
            if left <= 0 or not (reading or not self.ended):
                return
            if not reading:
                time.sleep(min(left, 0.002))
                continue
            for key, _ in self._selector.select(min(left, 0.02)):
                if key.data == "in":
                    self._write()
                else:
                    self._take(key.fileobj, key.data)

    def _take(self, stream: object, name: str) -> None:
        data = os.read(stream.fileno(), CHUNK)  # type: ignore[attr-defined]
        kept = self._streams[name]
        if not data:
            self._selector.unregister(stream)  # type: ignore[arg-type]
        elif len(kept) + len(data) > LIMIT:
            self.problem = f"printed more than {LIMIT // 1024**2} MiB"
            self.signal(signal.SIGKILL)
        else:
            kept += data

    def _watch_input(self) -> None:
        stdin = _there(self._process.stdin)
        if self._to_send and not stdin.closed and stdin not in self._watched():
            self._selector.register(stdin, selectors.EVENT_WRITE, "in")

    def _watched(self) -> list[object]:
        return [key.fileobj for key in self._selector.get_map().values()]

    def _write(self) -> None:
        stdin = _there(self._process.stdin)
        if stdin.closed:
            return
        try:
            if self._to_send:
                self._to_send = self._to_send[os.write(stdin.fileno(), self._to_send) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no more
            self._to_send = memoryview(b"")
        if not self._to_send:
            if stdin in self._watched():
                self._selector.unregister(stdin)
            if not self._keep_open:
                with contextlib.suppress(OSError):
                    stdin.close()


def call(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = "", timeout: float = 30.0
) -> Done:
    """Run a program to its end. What cannot be started is exit 127, as in a shell."""
    try:
        with Program(argv, env=env, cwd=cwd, stdin=stdin) as program:
            return program.finish(timeout)
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        return Done(127, "", f"cannot start {argv[0]}: {error}", 0.0)


def end_all() -> None:
    """End every program that was started here and still runs."""
    for program in list(_own.values()):
        program.end()


def adopt() -> None:
    """Become the parent of what programs leave behind (Linux); from now on it is ended with them."""
    global _adopting  # noqa: PLW0603 - a property of this process, set once by the job's own entry
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _adopting = True


def _end_strays() -> None:
    """Kill children of this process that it did not start; what they leave becomes its child in turn."""
    limit = time.monotonic() + 5.0
    while _adopting and time.monotonic() < limit:
        strays = _orphans()
        if not strays:
            return
        for pid in strays:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)


def _left() -> str:
    """The command line of a program that was left behind here and does not end; empty when there is none."""
    limit = time.monotonic() + LINGER
    while _adopting and (running := [line for line in map(_command, _orphans()) if line]):
        if time.monotonic() >= limit:
            return running[0]
        time.sleep(0.01)
    return ""


def _orphans() -> list[int]:
    return [pid for pid in _children() if pid not in _own]


def _command(pid: int) -> str:
    """What runs there, in one line; empty for what has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace").strip()[:SHOWN]


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            found += map(int, task.read_text().split())
    return found


def _there(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - each is a pipe
    return stream
