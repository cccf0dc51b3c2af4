"""Start a command, stream its output to a log, enforce its time limit, cancel it, and leave no process behind.

What ends processes is supervisor.py, one small process per command; here is the harness's side of it: the request, the
output (secrets masked, size bounded), the result. Should a command kill its supervisor, or stop it, what is left becomes
a child of this process (a subreaper too, on Linux) and is ended from here. Nothing here knows of jobs.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
LOG_LIMIT = 64 * 1024 * 1024  # bytes of output kept per command
MASK = b"***"
GRACE = 2.0  # seconds between TERM and KILL
LATE = 30.0  # seconds after which a supervisor that should have ended counts as stopped by its own command
DRAIN = 1.0  # seconds that output is still read after the end of a supervisor: a stray may hold the pipe for ever
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Request:
    """One command: what to run, where, with exactly which environment, for how long (seconds).

    `isolate` asks for a network of loopback alone. `hold` are descriptors (locks) that the supervisor keeps open until
    nothing of the command is left, even when the harness is killed before that.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout: float
    isolate: bool = False
    hold: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `problem` is set when that cannot be known or the output is incomplete."""

    exit_code: int
    seconds: float
    cpu_seconds: float
    timed_out: bool
    cancelled: bool
    leftovers: tuple[str, ...]
    network: Literal["open", "isolated", "unenforced"]
    problem: str | None = None


def shell(text: str) -> list[str]:
    """The command line of a matrix command: POSIX sh, so that laptops and runners agree."""
    return ["/bin/sh", "-c", text]


@dataclass
class Canceller:
    """Ends every command of a run: each registers its lifeline here; closing it makes the supervisor end the command."""

    _lifelines: set[IO[bytes]] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _cancelled: bool = False

    @property
    def cancelled(self) -> bool:
        """Whether cancel() was called; no command starts after that."""
        return self._cancelled

    def cancel(self) -> None:
        """End all running commands and start no more. Safe in a signal handler and more than once."""
        with self._lock:
            self._cancelled = True
            for lifeline in list(self._lifelines):
                _close(lifeline)

    def add(self, lifeline: IO[bytes]) -> None:
        """Register a started command; closes it at once when the run is already cancelled."""
        with self._lock:
            self._lifelines.add(lifeline)
            if self._cancelled:
                _close(lifeline)

    def discard(self, lifeline: IO[bytes]) -> None:
        """Forget a command that has ended."""
        with self._lock:
            self._lifelines.discard(lifeline)
            _close(lifeline)


def _close(lifeline: IO[bytes]) -> None:
    try:
        lifeline.close()
    except OSError:  # a broken pipe: the supervisor is gone already
        pass


class Log:
    """A bounded log file for one leg: masks secrets, also where one is split over two reads, and counts what it drops."""

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self._file = path.open("ab")
        self._secrets = [secret.encode() for secret in sorted(secrets, key=len, reverse=True) if secret]
        self._hold = max((len(secret) - 1 for secret in self._secrets), default=0)
        self._tail = b""
        self._left = LOG_LIMIT
        self.dropped = 0

    def write(self, data: bytes) -> None:
        """Append output as it comes."""
        data = self._mask(self._tail + data)
        keep = min(self._hold, len(data) - data.rfind(b"\n") - 1)
        self._tail = data[len(data) - keep :] if keep else b""
        self._put(data[: len(data) - keep])

    def line(self, text: str) -> None:
        """Append a line of the harness's own."""
        self.flush()
        self._file.write(self._mask(text.encode(errors="replace")) + b"\n")
        self._file.flush()

    def flush(self) -> None:
        """Write what was held back; starts a new budget for the next command."""
        self._put(self._tail)
        self._tail = b""
        self._left, self.dropped = LOG_LIMIT, 0

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()

    def _mask(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, MASK)
        return data

    def _put(self, data: bytes) -> None:
        kept = data[: self._left]
        self.dropped += len(data) - len(kept)
        self._left -= len(kept)
        self._file.write(kept)
        self._file.flush()


def run(request: Request, *, log: Log, cancel: Canceller) -> Outcome:
    """Run one command to its end; returns only when no process of it is left (on Linux; see supervisor.py)."""
    if cancel.cancelled:
        return Outcome(130, 0.0, 0.0, timed_out=False, cancelled=True, leftovers=(), network="open")
    read, write = os.pipe()
    try:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", SUPERVISOR, str(write)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=(write, *request.hold), start_new_session=True, bufsize=0,
        )  # fmt: skip
    finally:
        os.close(write)
    assert supervisor.stdin is not None  # noqa: S101 - it is a pipe
    cancel.add(supervisor.stdin)
    try:
        _send(supervisor.stdin, request)
        _stream(supervisor, log)
        with os.fdopen(read, "rb") as result:
            said = _parse(result.read(1 << 20))
        supervisor.wait()
    finally:
        cancel.discard(supervisor.stdin)
    dropped = log.dropped
    log.flush()
    return _outcome(said, cancel, dropped)


def end_children() -> None:
    """Send TERM to this process's own children, such as a `git fetch` that is under way (Linux; elsewhere nothing)."""
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in task.read_text().split():
            with contextlib.suppress(OSError):
                os.kill(int(pid), signal.SIGTERM)


def _send(stdin: IO[bytes], request: Request) -> None:
    spec = {
        "argv": list(request.argv), "cwd": str(request.cwd), "env": dict(request.env),
        "timeout": request.timeout, "isolate": request.isolate, "grace": GRACE, "hold": list(request.hold),
    }  # fmt: skip
    data = memoryview(json.dumps(spec).encode() + b"\n")
    try:
        while data:
            data = data[stdin.write(data) :]
    except (OSError, ValueError):  # cancelled in this very moment: the result will say so
        return


def _stream(supervisor: "subprocess.Popen[bytes]", log: Log) -> None:
    """Copy output until it ends; a stray process that holds the pipe after the supervisor's end is not waited for."""
    assert supervisor.stdout is not None  # noqa: S101 - it is a pipe
    with supervisor.stdout as out, selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.5):
                data = os.read(out.fileno(), 1 << 16)
                if not data:
                    return
                log.write(data)
            elif supervisor.poll() is not None:
                return


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _outcome(said: dict[str, Any] | None, cancel: Canceller, dropped: int) -> Outcome:
    if said is None:
        problem = None if cancel.cancelled else "the supervisor of this command was killed: its end is not known"
        return Outcome(130, 0.0, 0.0, timed_out=False, cancelled=cancel.cancelled, leftovers=(), network="open",
                       problem=problem)  # fmt: skip
    stopped = said["stopped"]
    return Outcome(
        exit_code=137 if said["exit"] is None else said["exit"],
        seconds=said["seconds"],
        cpu_seconds=said["cpu"],
        timed_out=stopped == "timeout",
        cancelled=stopped == "cancelled",
        leftovers=() if stopped else tuple(said["leftovers"]),
        network=said["network"],
        problem=f"{dropped} bytes of output over the limit of {LOG_LIMIT} were dropped" if dropped else None,
    )
