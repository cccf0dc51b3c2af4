"""Programs: each in a process group of its own, with a time limit and bounded output, ended with what it has started.

Output is hostile: a program that prints more than LIMIT is ended. It is read while somebody waits for something.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TIMEOUT = 60.0  # seconds for one call; a busy machine is slow, a hanging program is worse
LIMIT = 4 * 1024 * 1024  # bytes of each stream
DRAIN = 1.0  # seconds that output is still read after the program's end: a child may hold the pipe
LINGER = 0.3  # seconds that what a program has started may still run after its end
STEP = 0.002  # seconds between two looks at what no file descriptor tells
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


class Program:
    """One running program; `stdin` is all of its input."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str) -> None:
        self.problem = ""
        self._process = subprocess.Popen(
            argv, env=dict(env), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        _running.append(self)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        self._open = [self._out, self._err]
        self._unsent = memoryview(stdin.encode("utf-8", "surrogatepass"))
        self._output = {self._out: bytearray(), self._err: bytearray()}
        self._wait(TIMEOUT, lambda: not self._unsent)
        self._close_input()

    @property
    def ended(self) -> bool:
        """Whether its process has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End the whole group (kill -9), unless its process has ended: its number may be another program's then."""
        if not self.ended:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close_input()

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends in time; it is left running where it does not."""
        return self._wait(seconds, lambda: self.ended)

    def finish(self, timeout: float = TIMEOUT) -> Done:
        """Wait for its end, at most timeout (seconds)."""
        if not self._wait(timeout, lambda: self.ended):
            self.problem = self.problem or f"did not end within {timeout:g} s"
            self.kill()
        self._wait(DRAIN, lambda: not self._open)
        out, err = (self._output[stream].decode(errors="replace") for stream in (self._out, self._err))
        return Done(self._process.returncode, out, err, self.problem)

    def _close_input(self) -> None:
        self._unsent = memoryview(b"")
        with contextlib.suppress(OSError):
            self._input.close()

    def _wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Whether the condition comes true in time. Meanwhile its output is read and its input written."""
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= limit:
                return False
            writing = [self._input] if self._unsent else []
            readable, writable, _ = select.select(self._open, writing, [], STEP)
            for stream in readable:
                self._read(stream)
            if writable:
                self._write()
        return True

    def _read(self, stream: IO[bytes]) -> None:
        chunk = os.read(stream.fileno(), 1 << 16)
        too_much = len(self._output[stream]) + len(chunk) > LIMIT
        if too_much:
            self.problem = f"printed more than {LIMIT // 1024**2} MiB"
            self.kill()
        if too_much or not chunk:
            self._open.remove(stream)
            stream.close()
        else:
            self._output[stream] += chunk

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._input.fileno(), self._unsent[: select.PIPE_BUF]) :]
        except OSError:  # nobody reads any more
            self._unsent = memoryview(b"")


def end_all(folder: Path) -> list[str]:
    """End every program of a case, and what it has started: whatever has the case's folder in its environment (Linux).

    Returns the command lines of what was left behind by programs that have ended.
    """
    while _running:
        _running.pop().kill()
    limit = time.monotonic() + LINGER
    while (strays := _strays(folder)) and time.monotonic() < limit:
        time.sleep(STEP)
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
