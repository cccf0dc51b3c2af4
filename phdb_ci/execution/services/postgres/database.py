"""A Postgres database for as long as a leg lasts.

    the caller's variable is set    a database of its own on that server, dropped afterwards
    else                            a server for this leg alone, from the wheel

What runs is keeper.py under the supervisor of every command, so that its end is the leg's end, however that comes.

A server of ours listens on 127.0.0.1 alone and has no Unix socket (no path can be too long); a random password keeps
other users of the machine out. fsync and every other setting that costs time stay as Postgres has them, because what it
is compared with is durable too. Postgres refuses to run as root: then it runs as `nobody`.
"""

import json
import os
import pwd
import random
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phdb_ci.errors import Interrupted, ToolError
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Canceller, Log, Request, run
from phdb_ci.execution.services.postgres import wheel
from phdb_ci.execution.services.postgres.address import Address
from phdb_ci.execution.services.postgres.keeper import KEEPER, VARIABLE
from phdb_ci.execution.services.running import Running
from phdb_ci.execution.workspace.environment import QUIET, clean_path
from phdb_ci.models.hosting import Service

OWNER = "PHDB_CI_SERVICE_OF"  # in a server's environment: the leg's folder, so that a person can see whose it is
DAY = 24 * 3600.0  # no time limit of its own: it ends with its leg
GRACE = 20.0  # seconds in which the keeper has made or dropped a database
USER, FOLDER = "nobody", Path("/var/tmp")  # noqa: S108 - as root: who runs the server, and where it lies
PORTS = range(20_000, 32_000)  # below those that a system gives to clients, so that none of them is in the way
SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the cluster: a kill leaves nothing in /dev/shm
}  # fmt: skip


@dataclass(frozen=True)
class Database:
    """The job's own database: its name, the server that it is on, and how that is talked to."""

    admin: Address
    name: str
    psql: Path
    base: Mapping[str, str]

    def command(self, *statements: str) -> list[str]:
        """A command line of psql, without a password."""
        options = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", self.admin.url(password=False)]
        return [str(self.psql), *options, *(word for statement in statements for word in ("-c", statement))]

    @property
    def env(self) -> dict[str, str]:
        """The environment of such a command line."""
        secret = {"PGPASSWORD": self.admin.password} if self.admin.password else {}
        return {**self.base, "PGCONNECT_TIMEOUT": "5", **secret}


@contextmanager
def serving(name: str, service: Service, context: Context, parent: Path, log_file: Path) -> Iterator[Running]:
    """One database until the context ends. Raises ToolError, UsageError or Interrupted when there is none."""
    url = context.caller.get(service.variable)
    admin = Address.of(url, service.variable) if url else None
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    base = {"PATH": clean_path(context.caller.get("PATH", "")), "LC_ALL": QUIET["LC_ALL"], OWNER: str(folder)}
    server: dict[str, Any] = {}
    with closing(Log(log_file, context.masked)) as log:
        try:
            home = wheel.programs(context, log)
            if admin is None:
                server = _server(folder, home)
                admin = Address.of(server["url"], service.variable)
            database = Database(admin, f"phdb_ci_{secrets.token_hex(6)}", home / wheel.BIN / "psql", base)
            origin = wheel.WHEEL.replace("==", " ") if server else service.variable
            running = Running(name, origin, admin.url(database.name), "?", admin.remote)
            with _kept(running, database, server, folder, log, context.cancel):
                yield running
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if server:
                shutil.rmtree(server["folder"], ignore_errors=True)


def _server(folder: Path, home: Path) -> dict[str, Any]:
    """What the keeper needs to start a server: it makes its folder too.

    That lies in the leg's own, on the disk of the job's data; as root it lies where USER can go, with a copy of the
    programs. initdb alone does without fsync: nothing is measured then.
    """
    user = _user()
    place = FOLDER / f"phdb-ci-{secrets.token_hex(8)}" if user else folder / "server"
    programs = (place / "programs" if user else home) / wheel.BIN
    data, secret, password, port = place / "data", place / "password", secrets.token_hex(16), _free_port()
    return {
        "folder": str(place), "data": str(data), "secret": [str(secret), password],
        "copy": [str(home), str(place / "programs")] if user else None,
        "user": {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {},
        "url": f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres",
        "init": [
            str(programs / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        ],
        "run": [
            str(programs / "postgres"), "-D", str(data), "-p", str(port),
            *(word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")),
        ],
    }  # fmt: skip


def _user() -> pwd.struct_passwd | None:
    """None for whoever we are; where we are root, USER."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        raise ToolError(f"Postgres does not run as root, and this machine has no user {USER}") from None


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


@contextmanager
def _kept(
    running: Running, database: Database, server: Mapping[str, Any], folder: Path, log: Log, cancelled: Canceller
) -> Iterator[None]:
    """Start the keeper, wait until it is ready, and end it."""
    state, cancel = folder / "state.json", Canceller()
    spec = {
        "state": str(state), "env": database.env, "server": server,
        "make": database.command(f'CREATE DATABASE "{database.name}" TEMPLATE template0', "SHOW server_version"),
        "drop": database.command(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)'),
    }  # fmt: skip
    request = Request(KEEPER, folder, {**database.base, VARIABLE: json.dumps(spec)}, DAY, grace=GRACE)
    keeper = threading.Thread(target=run, args=(request,), kwargs={"log": log, "cancel": cancel}, daemon=True)
    keeper.start()
    try:
        running.version = _ready(running, state, keeper, cancelled, given=not server)
        shown = database.admin.url(database.name, password=False)
        log.line(f"{running.name} {running.version} from {running.origin}: {shown}")
        yield
        if not keeper.is_alive():
            running.problem = _state(state).get("reason", "what kept it was killed")
    finally:
        cancel.cancel()
        keeper.join()
    if undropped := _state(state).get("undropped"):
        problem = f"the job's database {database.name} could not be dropped and may still be there: {undropped}"
        log.line(f"phdb-ci: {problem}")
        running.problem = running.problem or problem


def _ready(running: Running, state: Path, keeper: threading.Thread, cancelled: Canceller, *, given: bool) -> str:
    """Wait for the keeper; the server's version."""
    while True:
        alive, written = keeper.is_alive(), _state(state)
        if "version" in written:
            return written["version"]
        if cancelled.cancelled:
            raise Interrupted(f"interrupted while {running.name} was started")
        if not alive:
            problem = f"that {running.origin} names does not answer" if given else "could not be started"
            raise ToolError(f"the {running.name} {problem}: {written.get('reason', 'its log says why')}")
        time.sleep(0.005)


def _state(file: Path) -> dict[str, str]:
    """What the keeper has written; empty before that."""
    try:
        return dict(json.loads(file.read_bytes()))
    except (OSError, ValueError):
        return {}
