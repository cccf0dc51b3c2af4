"""A service for as long as a leg lasts.

    the caller's variable is set    a database of its own on that server, dropped afterwards
    else                            a server for this leg alone (cluster.py), its programs from this machine or a wheel

What runs is keeper.py under the supervisor of every command, so that its end is the leg's end, however that comes.
"""

import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.environment import QUIET, clean_path
from phdb_ci.errors import Interrupted, ToolError
from phdb_ci.locks import OnWait
from phdb_ci.models.hosting import Service
from phdb_ci.models.measured import ServiceUse
from phdb_ci.process import Canceller, Log, Request, run
from phdb_ci.services.address import Address
from phdb_ci.services.binaries import Binaries, client, from_wheel, installed
from phdb_ci.services.cluster import Cluster
from phdb_ci.services.keeper import KEEPER, VARIABLE

OWNER = "PHDB_CI_SERVICE_OF"  # in a server's environment: the leg's folder, for whoever wonders whose it is
DAY = 24 * 3600.0  # no time limit of its own: it ends with its leg
COUNTS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = 'NAME' AND backend_type = 'client backend'), "
    "coalesce(sum(tup_inserted), 0) FROM pg_stat_database WHERE datname = 'NAME'"
)
FLUSH = 2.0  # seconds in which a server counts what a client did that has just gone


@dataclass(frozen=True)
class Place:
    """Where a service of one leg lives: `folder` is the leg's own, `log` is kept; `cancel` ends the whole run."""

    folder: Path
    log: Path
    cache: Path
    caller: Mapping[str, str]
    masked: Sequence[str]
    cancel: Canceller
    on_wait: OnWait | None = None

    @property
    def base(self) -> dict[str, str]:
        """The environment of Postgres's programs."""
        return {"PATH": clean_path(self.caller.get("PATH", "")), "LC_ALL": QUIET["LC_ALL"]}


@dataclass
class Running:
    """A service that is there: `database` is the job's own, `problem` is set when the server did not last."""

    name: str
    origin: str
    admin: Address
    psql: Path
    env: Mapping[str, str]
    version: str = "?"
    database: str = ""
    problem: str | None = None
    _seen: int = 0

    @property
    def url(self) -> str:
        """What the job is given."""
        return self.admin.url(self.database)

    def use(self) -> ServiceUse:
        """The record of it."""
        return ServiceUse(
            name=self.name,
            version=self.version,
            origin=self.origin,
            remote=self.admin.remote,
            problem=self.problem,
        )

    def taken(self) -> int | None:
        """How many rows the job's database has taken since the last look, by the server's own count.

        Asked from another database, so that the question does not count. None when the server does not answer.
        """
        deadline = time.monotonic() + FLUSH
        while True:
            try:
                connected, rows = map(int, self._counts().split("|"))
            except (OSError, ValueError) as error:
                self.problem = self.problem or f"it does not answer: {error}"
                return None
            if (connected == 0 and rows > self._seen) or time.monotonic() > deadline:
                grown, self._seen = rows - self._seen, rows
                return grown
            time.sleep(0.05)

    def _counts(self) -> str:
        """How many clients the job's database has, and the rows that it has taken."""
        return self.admin.ask(self.psql, COUNTS.replace("NAME", self.database), self.env)


@contextmanager
def serving(name: str, service: Service, place: Place) -> Iterator[Running]:
    """A service for as long as the context lasts. Raises ToolError, UsageError or Interrupted when there is none."""
    place.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place.folder))
    log = Log(place.log, place.masked)
    cluster = None
    try:
        found = _programs(service, place, log)
        if given := place.caller.get(service.variable):
            running = _given(name, service.variable, given, found, place)
        elif service.image.partition(":")[0].rpartition("/")[2] == "postgres" and isinstance(found, Binaries):
            cluster = Cluster.plan(folder, found)
            running = Running(
                name, found.origin, cluster.admin, cluster.programs.psql, place.base, found.version
            )
        else:
            raise ToolError(f"it needs {name}, and {service.variable} is not set")
        with _kept(running, cluster, folder, log, place.cancel):
            yield running
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
        if cluster is not None:
            shutil.rmtree(cluster.folder, ignore_errors=True)


def _programs(service: Service, place: Place, log: Log) -> Binaries | Path:
    """A whole Postgres; of a caller that has a server the client will do."""

    def command(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
        log.line(f"$ {' '.join(argv[1:])}")
        done = run(Request(argv, cwd, env, 600.0), log=log, cancel=place.cancel)
        if place.cancel.cancelled:
            raise Interrupted("interrupted while Postgres was fetched")
        return done.exit_code

    path = place.caller.get("PATH", "")
    major = service.image.partition("@")[0].rpartition(":")[2].partition(".")[0]
    found = installed(path, major) or (client(path) if place.caller.get(service.variable) else None)
    return found or from_wheel(place.cache, place.caller, command, place.on_wait)


def _given(name: str, variable: str, url: str, found: Binaries | Path, place: Place) -> Running:
    """The caller's server, if it answers."""
    admin, psql = Address.of(url, variable), found.psql if isinstance(found, Binaries) else found
    try:
        version = admin.ask(psql, "SHOW server_version", place.base).partition(" ")[0]
    except OSError as error:
        raise ToolError(f"the {name} that {variable} names does not answer: {error}") from None
    return Running(name, variable, admin, psql, place.base, version)


@contextmanager
def _kept(
    running: Running, cluster: Cluster | None, folder: Path, log: Log, cancelled: Canceller
) -> Iterator[None]:
    """Start the keeper, wait until it is ready, and end it."""
    state, cancel = folder / "state.json", Canceller()
    running.database = f"phdb_ci_{secrets.token_hex(6)}"
    admin, name = running.admin, running.database
    spec = {
        "state": str(state), "env": admin.env(running.env) | {OWNER: str(folder)},
        "server": cluster.orders() if cluster else None,
        "create": admin.psql(running.psql, f'CREATE DATABASE "{name}" TEMPLATE template0'),
        "drop": admin.psql(running.psql, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'),
    }  # fmt: skip
    request = Request(KEEPER, folder, {**running.env, VARIABLE: json.dumps(spec)}, DAY)
    keeper = threading.Thread(target=run, args=(request,), kwargs={"log": log, "cancel": cancel}, daemon=True)
    keeper.start()
    try:
        running.admin = admin.at(_ready(running.name, state, keeper, cancelled))
        log.line(
            f"{running.name} {running.version} from {running.origin}: {running.admin.url(name, password=False)}"
        )
        yield
        said = _said(state)
        if said.get("state") == "ended" or not keeper.is_alive():
            running.problem = str(said.get("told", "what kept it was killed"))
    finally:
        cancel.cancel()
        keeper.join()
        if (said := _said(state)).get("state") == "left":
            running.problem = running.problem or f"the job's database could not be dropped: {said['told']}"


def _ready(name: str, state: Path, keeper: threading.Thread, cancelled: Canceller) -> int:
    """Wait for it; its port."""
    while True:
        alive, said = keeper.is_alive(), _said(state)
        if said.get("state") == "ready":
            return int(str(said["port"]))
        if cancelled.cancelled:
            raise Interrupted(f"interrupted while {name} was started")
        if said or not alive:
            raise ToolError(f"{name} could not be started: {said.get('told', 'its log says why')}")
        time.sleep(0.005)


def _said(state: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(state.read_bytes())
    except (OSError, ValueError):
        return {}
    return found
