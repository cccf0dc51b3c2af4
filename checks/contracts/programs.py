"""Programs: each in a process group of its own, with a time limit and bounded output, ended with what it has started.

What a program prints is hostile: a program that prints more than LIMIT is ended.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TIMEOUT = 60.0  # seconds for one call; a busy machine is slow, a hanging program is worse
LIMIT = 4 * 1024 * 1024  # bytes of each stream
DRAIN = 1.0  # seconds that output is still read after the program's end: a child may hold the pipe
LINGER = 0.3  # seconds that what a program has started may still run after its end
_running: list["Program"] = []


@dataclass(frozen=True)
class Done:
    """How a program ended; `problem` says why its answer cannot be believed (time limit, too much output)."""

    code: int
    out: str
    err: str
    problem: str = ""

    @property
    def ending(self) -> str:
        """How it ended, in a few words for a message."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return self.problem or f"exit {self.code}" + (f": {lines[-1][:200]}" if lines else "")


class Output:
    """One stream of a program, read to its end by a thread."""

    def __init__(self, stream: IO[bytes], overflow: Callable[[], None]) -> None:
        self._data, self._given, self._open = bytearray(), 0, True
        self.on_line: Callable[[], None] = lambda: None  # called by the thread, at each end of a line
        self._grown = threading.Condition()
        threading.Thread(target=self._read, args=(stream, overflow), daemon=True).start()

    def _read(self, stream: IO[bytes], overflow: Callable[[], None]) -> None:
        with stream:
            while chunk := stream.read(1 << 16):
                if len(self._data) + len(chunk) > LIMIT:
                    overflow()
                    break
                if b"\n" in chunk:
                    self.on_line()
                with self._grown:
                    self._data += chunk
                    self._grown.notify_all()
        with self._grown:
            self._open = False
            self._grown.notify_all()

    def line(self, timeout: float) -> str | None:
        """The next whole line; None when there is none in time or at all."""
        with self._grown:
            self._grown.wait_for(lambda: not self._open or self._data.find(b"\n", self._given) >= 0, timeout)
            end = self._data.find(b"\n", self._given)
            if end < 0:
                return None
            start, self._given = self._given, end + 1
            return self._data[start:end].decode(errors="replace")

    def text(self, timeout: float) -> str:
        """All that was printed until its end, which is waited for at most timeout (seconds)."""
        with self._grown:
            self._grown.wait_for(lambda: not self._open, timeout)
            return self._data.decode(errors="replace")


class Program:
    """One running program. With `stdin` its input is that text; without, more can be sent until close_input()."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str | None = None) -> None:
        self.problem = ""
        self._process = subprocess.Popen(
            argv, env=dict(env), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        _running.append(self)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input = self._process.stdin
        self._out = Output(self._process.stdout, self._too_much)
        self._err = Output(self._process.stderr, self._too_much)
        if stdin is not None:
            self.send(stdin)
            self.close_input()

    @property
    def pid(self) -> int:
        """The program's process id, and its group's."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether its process has ended."""
        return self._process.poll() is not None

    def send(self, text: str, timeout: float = TIMEOUT) -> None:
        """Write to its input until all of it is in the pipe, nobody reads any more, or the time is over."""
        data, limit = memoryview(text.encode("utf-8", "surrogatepass")), time.monotonic() + timeout
        with contextlib.suppress(OSError):
            while data and select.select([], [self._input], [], max(0.0, limit - time.monotonic()))[1]:
                data = data[os.write(self._input.fileno(), data[: select.PIPE_BUF]) :]

    def close_input(self) -> None:
        """End its input."""
        with contextlib.suppress(OSError):
            self._input.close()

    def line(self, timeout: float = TIMEOUT) -> str | None:
        """The next whole line of its output; None when there is none in time or at all."""
        return self._out.line(timeout)

    def lines(self) -> list[str]:
        """The whole lines that it still prints until its end; what follows the last line end was cut off."""
        self.finish()
        return list(iter(lambda: self.line(0.0), None))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; a group that is gone is fine."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End the whole group (kill -9). Only once: its number may be another program's afterwards."""
        if self in _running:
            _running.remove(self)
            self.signal(signal.SIGKILL)
            self._process.wait()
            self.close_input()

    def kill_at_line(self) -> None:
        """From now on kill -9 the group at its next line of output, before anybody has read it."""
        self._out.on_line = lambda: self.signal(signal.SIGKILL)

    def finish(self, timeout: float = TIMEOUT) -> Done:
        """Wait for its end, at most timeout (seconds)."""
        self.close_input()
        if not _within(timeout, lambda: self.ended):
            self.problem = self.problem or f"did not end within {timeout:g} s"
            self.kill()
        out, err = self._out.text(DRAIN), self._err.text(DRAIN)
        return Done(self._process.returncode, out, err, self.problem)

    def _too_much(self) -> None:
        self.problem = f"printed more than {LIMIT // 1024**2} MiB"
        self.signal(signal.SIGKILL)


def end_all(folder: Path) -> list[str]:
    """End every program of a case, and what it has started (Linux: whatever has the case's folder in its environment).

    Returns the command lines of what was left behind by programs that have ended.
    """
    for program in list(_running):
        if program.ended:
            _running.remove(program)
        program.kill()
    _within(LINGER, lambda: not _strays(folder))
    strays = _strays(folder)
    for pid in strays:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return list(strays.values())


def _strays(folder: Path) -> dict[int, str]:
    strays = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{folder}/".encode() in (process / "environ").read_bytes():
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                strays[int(process.name)] = words.strip()[:200]
    return strays


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true in time."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= limit:
            return False
        time.sleep(0.002)
    return True
