"""Keeps one Postgres database until it is told to end: a program of its own, with the standard library alone.

    python -I -S keeper.py          what to keep comes as JSON in the environment (PHDB_CI_SERVICE)

It starts a server of ours as its child, or takes one that is there; makes the job's own database; writes the state
file. On TERM, which comes when the leg ends, when the run is cancelled and when the harness is killed (supervisor.py),
the server is ended, or the database on somebody else's server is dropped, and the folder is removed. Should this
process itself be killed, the kernel ends the server (prctl(2), PR_SET_PDEATHSIG).
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

KEEPER = [sys.executable, "-I", "-S", __file__]  # its command line
VARIABLE = "PHDB_CI_SERVICE"
PR_SET_PDEATHSIG = 1
IPC_RMID = 0
START = 60.0  # seconds in which a server must be ready
STOP = 5.0  # seconds for an immediate shutdown
DROP = 15.0  # seconds for dropping a database; after 20, the supervisor kills what is left


class FailedError(Exception):
    """The service cannot be had; the text says why."""


class EndedError(BaseException):
    """TERM: it is over. No `except Exception` may hold it up."""


def main() -> None:
    """Keep what the environment says until TERM comes or the server ends."""
    keeper = Keeper(json.loads(os.environ.pop(VARIABLE)))
    signal.signal(signal.SIGTERM, _end)
    _die_with_parent(signal.SIGTERM)
    try:
        keeper.begin()
        keeper.wait()
    except EndedError:
        pass
    except (FailedError, OSError, subprocess.SubprocessError) as error:
        keeper.report(reason=str(error))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.end()


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise EndedError


def _die_with_parent(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Keeper:
    """One database: `spec` holds command lines, their environment, and where to write (database.py)."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.memory: list[str] = []
        self.made = False  # or about to be
        self.state: dict[str, str] = {}

    def report(self, **words: str) -> None:
        """Write the state file, whole or not at all; what it held before stays."""
        self.state |= words
        path = Path(self.spec["state"])
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.state), encoding="utf-8")
        new.replace(path)

    def begin(self) -> None:
        """Start the server, where one is to be started, and make the database.

        TERM waits until that is made: a client that ends does not end what the server does for it.
        """
        if self.spec["server"]:
            self._start(**self.spec["server"])
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self.made = True
        try:
            version = self._run(self.spec["make"])
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self.report(version=version.partition(" ")[0])

    def wait(self) -> None:
        """Until TERM; a server of ours that ends before that is reported."""
        while self.process is None:
            signal.pause()
        code = self.process.wait()
        how = f"killed by signal {-code}" if code < 0 else f"exit {code}"
        self.report(reason=f"it ended by itself ({how})")

    def end(self) -> None:
        """Leave nothing: no server, no shared memory of it, no database, no folder."""
        if self.process is not None:
            self._stop(self.process)
        if self.spec["server"]:
            shutil.rmtree(self.spec["server"]["folder"], ignore_errors=True)
        elif self.made:
            try:
                self._run(self.spec["drop"], timeout=DROP)
            except (FailedError, OSError, subprocess.SubprocessError) as error:
                self.report(undropped=str(error))

    def _start(
        self, folder: str, data: str, secret: list[str], copy: list[str] | None, user: dict[str, Any], init: list[str],
        run: list[str], **_: object,
    ) -> None:  # fmt: skip
        """Make the cluster, the programs copied where the server's user could not get at them, and run it."""
        Path(folder).mkdir(mode=0o700)
        if copy:
            shutil.copytree(copy[0], copy[1], symlinks=True)
        with open(os.open(secret[0], os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(secret[1])
        for path in (secret[0], folder) if user else ():
            os.chown(path, user["user"], user["group"])
        self._run(init, **user)
        self.process = subprocess.Popen(
            run, env=self.spec["env"], cwd="/", stdin=subprocess.DEVNULL,
            preexec_fn=lambda: _die_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - there is one thread
            **user,
        )  # fmt: skip
        deadline = time.monotonic() + START
        while not self._is_ready(Path(data, "postmaster.pid"), self.process):
            if self.process.poll() is not None:
                raise FailedError("the server did not start: its log says why")
            if time.monotonic() > deadline:
                raise FailedError(f"the server was not ready after {START:.0f} s")
            time.sleep(0.01)

    def _is_ready(self, file: Path, process: "subprocess.Popen[bytes]") -> bool:
        """Whether the server takes connections: its own pid file says so, and which memory it shares."""
        try:
            lines = file.read_text(encoding="utf-8").split("\n")
        except OSError:
            return False
        self.memory = lines[6].split() if len(lines) > 7 else []
        return len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready"

    def _stop(self, process: "subprocess.Popen[bytes]") -> None:
        """At once: nobody needs what is in it. One that was killed leaves a segment of shared memory behind."""
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.returncode < 0 and len(self.memory) == 2:
            ctypes.CDLL(None).shmctl(int(self.memory[1]), IPC_RMID, None)

    def _run(self, argv: list[str], **options: Any) -> str:
        """A command's output. Raises FailedError when it fails; the text holds its first error."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            argv, env=self.spec["env"], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, **options,
        )  # fmt: skip
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
            first = next((line for line in lines if "error" in line.lower()), lines[0])
            raise FailedError(f"{Path(argv[0]).name}: {first[:300]}")
        return done.stdout.strip()


if __name__ == "__main__":
    main()
