"""Keeps one service of a leg until it is told to end: a program of its own, so it imports the standard library alone.

    python -I -S keeper.py          what to keep comes as JSON in the environment (PHDB_CI_SERVICE)

It makes a cluster and runs `postgres` in the foreground as its child, or takes a server that is there; makes the
job's own database; writes `ready` to the state file. On TERM, which comes when the leg ends, when the run is
cancelled and when the harness is killed (supervisor.py), the server is ended, a database on somebody else's server is
dropped (and that is said), and the folder is removed. Should this process itself be killed, the kernel ends the server
(prctl(2), PR_SET_PDEATHSIG). As root the server runs as the user that it was given: Postgres refuses root.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
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
STOP = 1.2  # seconds for an immediate shutdown; after two, the supervisor kills what is left
PORTS = 3  # ports that are tried: between the look and the use, somebody else may take one


class FailedError(Exception):
    """The service cannot be had; the text says why."""


class EndedError(BaseException):
    """TERM: it is over. No `except Exception` may hold it up."""


def main() -> None:
    """Keep what the environment says until TERM comes or the server ends."""
    spec = json.loads(os.environ.pop(VARIABLE))
    signal.signal(signal.SIGTERM, _end)
    _die_with_parent(signal.SIGTERM)
    keeper = Keeper(spec)
    try:
        keeper.begin()
        keeper.wait()
    except EndedError:
        pass
    except (FailedError, OSError, subprocess.SubprocessError) as error:
        keeper.say(state="failed", told=str(error))
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
    """One service: `spec` holds command lines with `{port}` in them, their environment, and where to write."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.server: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.memory = ""
        self.made = False  # or about to be
        self.said: dict[str, Any] = {}

    def say(self, **told: Any) -> None:
        """Write the state file, whole or not at all; what was said before stays."""
        self.said |= told
        path = Path(self.spec["state"])
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.said), encoding="utf-8")
        new.replace(path)

    def begin(self) -> None:
        """Start the server, where one is to be started, and make the database."""
        if self.spec["server"]:
            self._make(self.spec["server"])
            self._run(self.spec["server"]["init"], **self._user())
            self._start()
        self._create()
        self.say(state="ready", port=self.port)

    def wait(self) -> None:
        """Until TERM; a server of ours that ends before that is told."""
        if self.server is None:
            while True:
                signal.pause()
        code = self.server.wait()
        how = f"killed by signal {-code}" if code < 0 else f"exit {code}"
        self.say(state="ended", told=f"it ended by itself ({how})")

    def end(self) -> None:
        """Leave nothing: no server, no shared memory of it, no database, no folder."""
        if self.server is not None:
            self._stop(self.server)
        elif self.made:
            with contextlib.suppress(FailedError, OSError, subprocess.SubprocessError):
                self._run(self.spec["drop"])
                self.say(dropped=True)
        if self.spec["server"]:
            shutil.rmtree(self.spec["server"]["folder"], ignore_errors=True)

    def _create(self) -> None:
        """Make the database. TERM waits until that is done: a client that ends does not end what the server does."""
        self.made = True
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            self._run(self.spec["create"])
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _make(self, server: dict[str, Any]) -> None:
        """The folder, the password in it, and the programs where the server's user could not get at them."""
        folder, (secret, password) = Path(server["folder"]), server["secret"]
        folder.mkdir(mode=0o700)
        if server["copy"]:
            source, target = server["copy"]
            shutil.copytree(source, target, symlinks=True)
        with open(os.open(secret, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(password)
        for path in (secret, folder) if server["uid"] is not None else ():
            os.chown(path, server["uid"], server["gid"])

    def _start(self) -> None:
        for _ in range(PORTS):
            self.port = _free_port()
            self.server = self._popen(self.spec["server"]["run"])
            if self._is_ready():
                return
        raise FailedError("the server did not start: its log says why")

    def _is_ready(self) -> bool:
        """Whether it takes connections; False when it ended before that. It says so in its own pid file."""
        assert self.server is not None  # noqa: S101 - _start has made it
        deadline = time.monotonic() + START
        while self.server.poll() is None:
            try:
                lines = (
                    Path(self.spec["server"]["data"], "postmaster.pid")
                    .read_text(encoding="utf-8")
                    .split("\n")
                )
            except OSError:
                lines = []
            if len(lines) > 7 and lines[0] == str(self.server.pid) and lines[7].strip() == "ready":
                self.memory = lines[6]
                return True
            if time.monotonic() > deadline:
                raise FailedError(f"the server was not ready after {START:.0f} s")
            time.sleep(0.01)
        return False

    def _stop(self, server: "subprocess.Popen[bytes]") -> None:
        """At once: nobody needs what is in it. One that was killed leaves a segment of shared memory behind."""
        if server.poll() is None:
            server.send_signal(signal.SIGQUIT)
            try:
                server.wait(STOP)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        words = self.memory.split()
        if server.returncode < 0 and len(words) == 2:
            ctypes.CDLL(None).shmctl(int(words[1]), IPC_RMID, None)

    def _argv(self, argv: list[str]) -> list[str]:
        return [word.replace("{port}", str(self.port)) for word in argv]

    def _user(self) -> dict[str, Any]:
        server = self.spec["server"]
        if not server or server["uid"] is None:
            return {}
        return {"user": server["uid"], "group": server["gid"], "extra_groups": []}

    def _popen(self, argv: list[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._argv(argv), env=self.spec["env"], cwd="/", stdin=subprocess.DEVNULL,
            preexec_fn=lambda: _die_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - there is one thread
            **self._user(),
        )  # fmt: skip

    def _run(self, argv: list[str], **user: Any) -> None:
        done = subprocess.run(
            self._argv(argv), env=self.spec["env"], cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", check=False, **user,
        )  # fmt: skip
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
            told = next((line for line in lines if "error" in line.lower()), lines[0])
            raise FailedError(f"{Path(argv[0]).name}: {told[:300]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
