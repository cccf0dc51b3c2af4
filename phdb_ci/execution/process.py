"""Start a command, stream its output to a log, enforce its time limit, cancel it, leave no process behind.

What ends processes is supervisor.py, one small process per command; here is the harness's side of it: the
request, the output (secrets masked, size bounded), the result. Should a command kill its supervisor, or stop
it, what is left becomes a child of this process (a subreaper too, on Linux) and is ended from here. Nothing
here knows of jobs.
"""

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from phdb_ci.execution.supervisor import become_subreaper, children

SUPERVISOR = [
    sys.executable, "-I", "-S", "-c",
    "import sys; sys.path.append(sys.argv[1]); from supervisor import main; main(int(sys.argv[2]))",
    str(Path(__file__).parent),
]  # fmt: skip
LOG_LIMIT = 64 * 1024 * 1024  # bytes of output kept per command
MASK = b"***"
GRACE = 2.0  # seconds between TERM and KILL
LATE = 30.0  # seconds after which a supervisor that should have ended counts as stopped by its own command
DRAIN = 1.0  # seconds that output is still read after the end of a supervisor: a stray may hold the pipe for ever


@dataclass(frozen=True)
class Request:
    """One command: what to run, where, with exactly which environment, for how long (seconds).

    `isolate` asks for a network of loopback alone. `hold` are descriptors (locks) that the supervisor keeps
    open until nothing of the command is left, even when the harness is killed before that. `grace`: seconds
    between TERM and KILL.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout: float
    isolate: bool = False
    hold: tuple[int, ...] = ()
    grace: float = GRACE


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `problem` is set when that cannot be known or the output is incomplete."""

    exit_code: int
    seconds: float = 0.0
    timed_out: bool = False
    cancelled: bool = False
    leftovers: tuple[str, ...] = ()
    network: Literal["open", "isolated", "unenforced"] = "open"
    problem: str | None = None


def shell(text: str) -> list[str]:
    """The command line of a matrix command: POSIX sh, so that laptops and runners agree."""
    return ["/bin/sh", "-c", text]


@dataclass
class Canceller:
    """Ends every command of a run: each registers its lifeline here; closing it ends the command.

    `cancelled`: cancel() was called, and no command starts any more.
    """

    cancelled: bool = False
    _lifelines: set[IO[bytes]] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def cancel(self) -> None:
        """End all running commands and start no more. Safe in a signal handler and more than once."""
        with self._lock:
            self.cancelled = True
            for lifeline in list(self._lifelines):
                _close(lifeline)

    def add(self, lifeline: IO[bytes]) -> None:
        """Register a started command; closes it at once when the run is already cancelled."""
        with self._lock:
            self._lifelines.add(lifeline)
            if self.cancelled:
                _close(lifeline)

    def discard(self, lifeline: IO[bytes]) -> None:
        """Forget a command that has ended."""
        with self._lock:
            self._lifelines.discard(lifeline)
            _close(lifeline)


def _close(lifeline: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # a broken pipe: the supervisor is gone already
        lifeline.close()


class Log:
    """A bounded log file for one leg: masks secrets, also one that is split over reads; counts what it drops.

    A secret of several lines (a private key) is masked line by line.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = (), limit: int | None = None) -> None:
        self.path = path
        self._limit = limit or LOG_LIMIT
        self._file = path.open("ab")
        hidden = sorted({part for secret in secrets for part in _parts(secret)}, key=len, reverse=True)
        self._secrets = re.compile(b"|".join(map(re.escape, hidden))) if hidden else None
        self._hold = max((len(part) - 1 for part in hidden), default=0)
        self._tail = b""
        self._left = self._limit
        self._dropped = 0

    def write(self, data: bytes) -> None:
        """Append output as it comes, but for the end of a line in which a secret may have begun."""
        data = self._tail + data
        cut = max(len(data) - self._hold, data.rfind(b"\n") + 1)
        for match in self._secrets.finditer(data) if self._secrets else ():
            if match.start() < cut:
                cut = max(cut, match.end())
        self._tail = data[cut:]
        self._put(self._mask(data[:cut]))

    def line(self, text: str) -> None:
        """Append a line of the harness's own."""
        self.flush()
        self._file.write(self._mask(text.encode(errors="replace")) + b"\n")
        self._file.flush()

    def flush(self) -> int:
        """Write what was held back, start a new budget for the next command; returns how much was dropped."""
        self._put(self._mask(self._tail))
        dropped = self._dropped
        self._tail, self._left, self._dropped = b"", self._limit, 0
        return dropped

    def written(self) -> int:
        """How many bytes the file has, what was held back included."""
        self.flush()
        return self._file.tell()

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()

    def _mask(self, data: bytes) -> bytes:
        return self._secrets.sub(MASK, data) if self._secrets else data

    def _put(self, data: bytes) -> None:
        written = data[: self._left]
        self._dropped += len(data) - len(written)
        self._left -= len(written)
        self._file.write(written)
        self._file.flush()


def _parts(secret: str) -> list[bytes]:
    lines = secret.splitlines()
    wanted = [secret] if len(lines) <= 1 else [line for line in lines if len(line) >= 6]
    return [os.fsencode(part) for part in wanted if part]


def run(request: Request, *, log: Log, cancel: Canceller) -> Outcome:
    """Run one command to its end; returns only when no process of it is left (Linux; see supervisor.py)."""
    if cancel.cancelled:
        return Outcome(130, cancelled=True)
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as result:
        supervisor = _start(write, request.hold)
        assert supervisor.stdin is not None  # noqa: S101 - it is a pipe
        cancel.add(supervisor.stdin)
        try:
            _send(supervisor.stdin, request)
            _stream(supervisor, log, cancel, request.timeout)
        finally:
            cancel.discard(supervisor.stdin)
            _wait(supervisor)
        os.set_blocking(read, False)  # the result is in the pipe; a stray that holds the other end is not waited for
        answer = _parse(result.read(1 << 20))
    dropped = log.flush()
    if answer and supervisor.returncode == 0:  # else it was killed: what stands in its pipe may be anybody's word
        return _outcome(answer, dropped)
    problem = None if cancel.cancelled else "the supervisor of this command was killed: its end is not known"
    return Outcome(130, cancelled=cancel.cancelled, leftovers=_end_orphans(), problem=problem)


_supervisors: set[int] = set()
_starting = threading.Lock()  # a supervisor that is not in the set yet would be taken for an orphan


def _start(write: int, hold: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    """Start a supervisor that says its result to `write`, which is closed here."""
    try:
        with _starting:
            become_subreaper()
            supervisor = subprocess.Popen(
                [*SUPERVISOR, str(write)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                pass_fds=(write, *hold), start_new_session=True, bufsize=0,
            )  # fmt: skip
            _supervisors.add(supervisor.pid)
    finally:
        os.close(write)
    return supervisor


def _wait(supervisor: "subprocess.Popen[bytes]") -> None:
    """Wait for a supervisor whose lifeline is closed; one that does not end is killed."""
    try:
        supervisor.wait(LATE)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    _supervisors.discard(supervisor.pid)


def _end_orphans() -> tuple[str, ...]:
    """Kill what a killed supervisor has left behind (Linux); returns the names.

    All that is ours by birth (git, a tool that is asked for its version) is in our session, and each
    supervisor is known: a child in another session is an orphan. What it leaves in turn becomes our child and
    is met in the next round.
    """
    names: set[str] = set()
    deadline = time.monotonic() + LATE
    with _starting:
        while (orphans := _orphans()) and time.monotonic() < deadline:
            for pid in orphans:
                with contextlib.suppress(OSError):
                    names.add(Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()[:32])
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.005)
    return tuple(sorted(names))


def _orphans() -> list[int]:
    orphans = []
    for pid in children(os.getpid()):
        with contextlib.suppress(OSError):
            if pid not in _supervisors and os.getsid(pid) != os.getsid(0):
                orphans.append(pid)
    return orphans


def end_children() -> None:
    """Send TERM to this process's own children, such as a `git fetch` that is under way (Linux alone)."""
    for pid in children(os.getpid()):
        with contextlib.suppress(OSError):
            leads = os.getpgid(pid) == pid
            (os.killpg if leads else os.kill)(pid, signal.SIGTERM)


def _send(stdin: IO[bytes], request: Request) -> None:
    spec = {
        "argv": list(request.argv), "cwd": str(request.cwd), "env": dict(request.env),
        "timeout": request.timeout, "isolate": request.isolate, "grace": request.grace,
        "hold": list(request.hold),
    }  # fmt: skip
    data = memoryview(json.dumps(spec).encode() + b"\n")
    try:
        while data:
            data = data[stdin.write(data) :]
    except (OSError, ValueError):  # cancelled in this very moment: the result will say so
        return


def _stream(supervisor: "subprocess.Popen[bytes]", log: Log, cancel: Canceller, timeout: float) -> None:
    """Copy output until it ends; a stray that holds the pipe after the supervisor's end is not waited for.

    A supervisor that does not end LATE seconds after the time limit or a cancel was stopped by its command:
    it is killed.
    """
    assert supervisor.stdout is not None  # noqa: S101 - it is a pipe
    limit, cancelled = time.monotonic() + timeout + LATE, False
    with supervisor.stdout as out, selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        while True:
            ready = selector.select(timeout=0.5)
            if ready:
                data = os.read(out.fileno(), 1 << 16)
                if not data:
                    return
                log.write(data)
            now = time.monotonic()
            if supervisor.returncode is None and supervisor.poll() is not None:
                limit = now + DRAIN
            if supervisor.returncode is not None:
                if not ready or now > limit:
                    return
            elif cancel.cancelled and not cancelled:
                limit, cancelled = min(limit, now + LATE), True
            elif now > limit:
                supervisor.kill()


def _parse(line: bytes | None) -> dict[str, Any] | None:
    try:
        answer = json.loads(line or b"")
    except (ValueError, RecursionError):  # a command may have written there too
        return None
    return answer if isinstance(answer, dict) else None


def _outcome(answer: dict[str, Any], dropped: int) -> Outcome:
    stopped = answer["stopped"]
    return Outcome(
        exit_code=answer["exit"],
        seconds=round(answer["seconds"], 3),
        timed_out=stopped == "timeout",
        cancelled=stopped == "cancelled",
        leftovers=() if stopped else tuple(answer["leftovers"]),
        network=answer["network"],
        problem=f"{dropped} bytes of output over the limit of {LOG_LIMIT} were dropped" if dropped else None,
    )
