"""Real processes: what a command says, how it ends, and that nothing of it is left."""

import errno
import fcntl
import os
import shlex
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.execution import process, supervisor
from phdb_ci.execution.process import Canceller, Log
from tests.helpers import PATH, Bench, alive, pids, wait_for

LINUX = sys.platform == "linux"
linux = pytest.mark.skipif(not LINUX, reason="only Linux has subreapers and /proc")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# How it ends


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param("true", 0, id="success"),
        pytest.param("exit 7", 7, id="its own code"),
        pytest.param("kill -TERM $$", 143, id="TERM is 128 + 15"),
        pytest.param("kill -KILL $$", 137, id="KILL is 128 + 9"),
        pytest.param("kill -SEGV $$", 139, id="SEGV is 128 + 11"),
        pytest.param("no-such-program-here", 127, id="shell finds no program"),
    ],
)
def test_exit_code_is_the_shells(bench: Bench, command: str, code: int) -> None:
    done = bench.run(command)
    assert (done.exit_code, done.problem, done.timed_out, done.cancelled) == (code, None, False, False)


def test_missing_program_is_127_and_says_which(bench: Bench) -> None:
    assert bench.run(["no-such-program-here"]).exit_code == 127
    assert "cannot start no-such-program-here" in bench.log


def test_nul_in_an_argument_is_127_and_no_traceback(bench: Bench) -> None:
    assert bench.run(["echo", "a\0b"]).exit_code == 127
    assert "Traceback" not in bench.log


def test_missing_directory_is_127(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    request = process.Request(["true"], tmp_path / "gone", PATH, 5)
    log = Log(tmp_path / "log")
    assert process.run(request, log=log, cancel=bench.cancel).exit_code == 127


def test_broken_pipe_ends_a_command_quietly(bench: Bench) -> None:
    assert bench.run("yes | head -1").exit_code == 0
    assert bench.log == "y\n"


# What it gets and what it says


def test_environment_is_exactly_what_was_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LI_LIDB_MOCK", "1")
    bench.run(["/usr/bin/env"], env={"ONE": "a b", "TWO": "ü\nx"})
    assert bench.log == "ONE=a b\nTWO=ü\nx\n"


def test_bytes_that_are_no_text_pass_through_the_environment(bench: Bench) -> None:
    bench.run(["/usr/bin/env"], env={"RAW": os.fsdecode(b"\xff\xfe")})
    assert (bench.folder / "log").read_bytes() == b"RAW=\xff\xfe\n"


def test_standard_input_is_empty(bench: Bench) -> None:
    assert bench.run("cat; readlink /proc/self/fd/0 || true").exit_code == 0
    assert bench.log in ("/dev/null\n", "")


@linux
def test_no_descriptor_of_ours_reaches_the_command(bench: Bench) -> None:
    with (bench.folder / "lock").open("w") as held:
        bench.run("ls /proc/self/fd", hold=(held.fileno(),))
    assert bench.log.split() == ["0", "1", "2", "3"]  # 3: ls reads the folder


def test_both_streams_go_to_the_log_in_order(bench: Bench) -> None:
    bench.run("echo one; echo two >&2; echo three")
    assert bench.log == "one\ntwo\nthree\n"


def test_output_is_in_the_log_while_the_command_runs(bench: Bench) -> None:
    thread = threading.Thread(target=bench.run, args=("echo early; while [ ! -e go ]; do sleep 0.02; done",))
    thread.start()
    try:
        assert wait_for(lambda: (bench.folder / "log").exists() and "early" in bench.log)
        assert thread.is_alive()
    finally:
        (bench.folder / "go").touch()
        thread.join()


def test_huge_output_does_not_block(bench: Bench) -> None:
    done = bench.run("yes 0123456789abcde | head -c 20000000")
    assert (done.exit_code, done.problem) == (0, None)
    assert (bench.folder / "log").stat().st_size == 20_000_000


def test_output_over_the_limit_is_dropped_and_a_problem(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LIMIT", 1000)
    done = bench.run("yes | head -c 5000")
    assert done.exit_code == 0
    assert done.problem == "4000 bytes of output over the limit of 1000 were dropped"
    assert len(bench.log) == 1000


def test_next_command_has_a_limit_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LIMIT", 1000)
    log = Log(bench.folder / "log")
    runs = [process.run(bench.request(f"yes | head -c {size}"), log=log, cancel=bench.cancel) for size in (2000, 900)]
    assert [done.problem is None for done in runs] == [False, True]


def test_unwritable_log_ends_the_command_and_raises(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_log: Log, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Log, "_put", full)
    log = Log(bench.folder / "log")
    with pytest.raises(OSError, match="No space"):
        process.run(bench.request("echo $$ > pid; echo out; sleep 60"), log=log, cancel=bench.cancel)
    assert not any(map(alive, pids(bench.folder / "pid")))


# Secrets


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("echo before s3cr3t-token after", id="whole"),
        pytest.param("printf 'before s3cr'; sleep 0.1; echo '3t-token after'", id="split over two writes"),
        pytest.param(
            'for c in before\\  s 3 c r 3 t - t o k e n \\ after; do printf %s "$c"; done; echo', id="by letters"
        ),
    ],
)
def test_secret_is_masked(bench: Bench, command: str) -> None:
    bench.secrets = ["s3cr3t-token"]
    bench.run(command)
    assert bench.log == "before *** after\n"


def test_longer_secret_is_masked_whole_when_a_shorter_one_begins_it(bench: Bench) -> None:
    bench.secrets = ["abcdef", "abcdefghij"]
    bench.run("printf abcdef; sleep 0.1; echo ghij")
    assert bench.log == "***\n"


def test_key_of_several_lines_is_masked_line_by_line(bench: Bench) -> None:
    bench.secrets = ["-----BEGIN KEY-----\nMIIEabc\n}\n"]
    bench.run("echo '-----BEGIN KEY-----'; sleep 0.1; printf 'MIIE'; sleep 0.1; echo 'abc }'")
    assert bench.log == "***\n*** }\n"


def test_lines_of_the_harness_are_masked_too(bench: Bench) -> None:
    log = Log(bench.folder / "log", ["hunter22"])
    log.line("$ curl -u me:hunter22")
    assert bench.log == "$ curl -u me:***\n"


@given(
    text=st.text("ab\n", max_size=40),
    hidden=st.lists(st.text("ab", min_size=1, max_size=5), max_size=3),
    cuts=st.lists(st.integers(0, 40)),
)
def test_masking_does_not_depend_on_how_output_is_cut(text: str, hidden: list[str], cuts: list[int]) -> None:
    def logged(pieces: list[str]) -> bytes:
        read, write = os.pipe()
        log = Log(Path(f"/dev/fd/{write}"), hidden)
        for piece in pieces:
            log.write(piece.encode())
        log.close()
        os.close(write)
        with os.fdopen(read, "rb") as file:
            return file.read()

    edges = [0, *sorted(cuts), len(text)]
    whole = logged([text])
    assert logged([text[a:b] for a, b in pairwise(edges)]) == whole
    assert not any(secret.encode() in whole for secret in hidden)


# Time limit and cancel


@linux
def test_time_limit_ends_a_tree_that_ignores_term(bench: Bench) -> None:
    began = time.monotonic()
    done = bench.run("trap '' TERM; (trap '' TERM; echo $$ > a; sleep 60) & echo $! > b; sleep 60", timeout=0.5)
    assert done.timed_out
    assert not done.cancelled
    assert done.exit_code != 0
    assert time.monotonic() - began < 6
    assert not any(map(alive, pids(bench.folder / "a", bench.folder / "b")))


def test_command_that_exits_0_at_the_limit_is_still_timed_out(bench: Bench) -> None:
    done = bench.run("trap 'exit 0' TERM; sleep 60 & wait", timeout=0.3)
    assert (done.timed_out, done.exit_code) == (True, 0)


@linux
def test_stopped_command_is_ended_at_the_limit(bench: Bench) -> None:
    done = bench.run("echo $$ > pid; kill -STOP $$", timeout=0.3)
    assert done.timed_out
    assert not any(map(alive, pids(bench.folder / "pid")))


def test_cancel_ends_the_command_and_everything_below_it(bench: Bench) -> None:
    timer = threading.Timer(0.4, bench.cancel.cancel)
    timer.start()
    began = time.monotonic()
    done = bench.run("echo $$ > a; sleep 60 & echo $! > b; wait")
    assert done.cancelled
    assert not done.timed_out
    assert time.monotonic() - began < 5
    assert not any(map(alive, pids(bench.folder / "a", bench.folder / "b")))


def test_cancel_ends_all_commands_at_once(tmp_path: Path) -> None:
    cancel = Canceller()
    for name in "abc":
        (tmp_path / name).mkdir()
    benches = [Bench(tmp_path / name, cancel=cancel) for name in "abc"]
    ended: list[bool] = []
    threads = [
        threading.Thread(target=lambda one=bench: ended.append(one.run("touch up; sleep 60").cancelled))
        for bench in benches
    ]
    for thread in threads:
        thread.start()
    assert wait_for(lambda: all((bench.folder / "up").exists() for bench in benches))
    cancel.cancel()
    for thread in threads:
        thread.join(5)
    assert ended == [True, True, True]


def test_nothing_starts_after_a_cancel(bench: Bench) -> None:
    bench.cancel.cancel()
    bench.cancel.cancel()
    assert bench.run("touch started").cancelled
    assert not (bench.folder / "started").exists()


# Nothing is left


@linux
def test_background_child_is_named_and_ended(bench: Bench) -> None:
    done = bench.run("sleep 60 & echo $! > pid")
    assert (done.exit_code, done.leftovers) == (0, ("sleep",))
    assert not any(map(alive, pids(bench.folder / "pid")))


@linux
@pytest.mark.parametrize("seconds", [0.05, 0.4, 3])
def test_background_child_is_left_behind_however_soon_it_would_end(bench: Bench, seconds: float) -> None:
    done = bench.run(f"sleep {seconds} & exit 0")
    assert (done.exit_code, done.leftovers) == (0, ("sleep",))


def test_helper_that_watches_its_parent_is_not_left_behind(bench: Bench) -> None:
    helper = "from multiprocessing import resource_tracker as r; r.ensure_running()"
    for _ in range(3):
        assert bench.run([sys.executable, "-c", helper]).leftovers == ()


@linux
def test_child_that_left_its_session_is_found(bench: Bench) -> None:
    escape = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.setsid(); os.chdir('/'); open(FILE, 'w').write(str(os.getpid()))\n"
        "        [os.close(fd) for fd in range(3)]\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n"
        "while not os.path.exists(FILE) or not open(FILE).read(): time.sleep(0.01)\n"
    )
    file = bench.folder / "pid"
    done = bench.run([sys.executable, "-c", escape.replace("FILE", repr(str(file)))])
    assert done.exit_code == 0
    assert len(done.leftovers) == 1
    assert not any(map(alive, pids(file)))


BUSY = "import time\nwhile time.process_time() < 0.3: pass"


@linux
@pytest.mark.parametrize("command", ["{busy} &", "({busy}; true) &", "setsid {busy} &"])
def test_work_in_the_background_is_left_behind_however_quick_it_ends(bench: Bench, command: str) -> None:
    busy = shlex.join([sys.executable, "-c", BUSY])
    done = bench.run(command.format(busy=busy))
    assert done.exit_code == 0
    assert len(done.leftovers) >= 1


def test_filter_that_ends_with_the_command_is_not_left_behind(bench: Bench) -> None:
    for _ in range(5):
        done = bench.run(["bash", "-c", "exec > >(tee copy.txt) 2>&1; seq 20000"])
        assert (done.exit_code, done.leftovers) == (0, ())


@linux
def test_many_leftovers_are_ended_and_the_first_are_named(bench: Bench) -> None:
    done = bench.run("i=0; while [ $i -lt 130 ]; do sleep 60 & i=$((i+1)); done")
    assert done.leftovers == ("sleep",) * supervisor.SHOWN


HARNESS = """
import sys, pathlib
sys.path.insert(0, {root!r})
from phdb_ci.execution.process import *
folder = pathlib.Path({folder!r})
lock = open(folder / "lock", "a")
import fcntl; fcntl.flock(lock, fcntl.LOCK_EX)
command = "trap '' TERM; echo $$ > a; (setsid sh -c 'echo $$ > b; sleep 60' &); sleep 60"
request = Request(shell(command), folder, {env!r}, 60, hold=(lock.fileno(),))
run(request, log=Log(folder / "log"), cancel=Canceller())
"""


@linux
def test_killed_harness_takes_everything_with_it_and_the_lock_goes_last(tmp_path: Path) -> None:
    root = str(Path(process.__file__).parents[1])
    text = HARNESS.format(root=root, folder=str(tmp_path), env=PATH)
    harness = subprocess.Popen([sys.executable, "-c", text])
    files = (tmp_path / "a", tmp_path / "b")
    assert wait_for(lambda: all(file.exists() and file.read_text().strip() for file in files))
    found = [*pids(*files), *_below(harness.pid)]
    harness.kill()
    harness.wait()
    with (tmp_path / "lock").open("a") as lock:
        with pytest.raises(BlockingIOError):  # the command ignores TERM: it is still there
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert alive(found[0])

        def free() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        assert wait_for(free)
        assert not any(map(alive, found[:2]))
    assert wait_for(lambda: not any(map(alive, found)))


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *_below(child)]
    return found


# A command against its supervisor


@linux
@pytest.mark.parametrize(
    "then",
    [
        pytest.param("exit 0", id="and exits 0"),
        pytest.param("sleep 60", id="and goes on"),
        pytest.param("setsid sleep 60 & sleep 60 & echo $! > b; yes", id="and floods the log"),
    ],
)
def test_killed_supervisor_is_a_problem_and_nothing_is_left(bench: Bench, then: str) -> None:
    began = time.monotonic()
    done = bench.run(f"echo $$ > a; echo x > b; kill -9 $PPID; {then}")
    assert done.problem == "the supervisor of this command was killed: its end is not known"
    assert done.exit_code != 0
    assert time.monotonic() - began < 5
    left = [int(text) for text in ((bench.folder / name).read_text() for name in "ab") if text.strip().isdigit()]
    assert not any(map(alive, left))
    assert process._orphans() == []


@linux
def test_stopped_supervisor_is_a_problem_soon_after_the_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LATE", 0.3)
    done = bench.run("echo $$ > a; kill -STOP $PPID; sleep 60", timeout=0.3)
    assert done.problem is not None
    assert not any(map(alive, pids(bench.folder / "a")))


@linux
def test_stopped_supervisor_does_not_outlast_a_cancel(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LATE", 0.3)
    threading.Timer(0.3, bench.cancel.cancel).start()
    done = bench.run("echo $$ > a; kill -STOP $PPID; sleep 60", timeout=60)
    assert done.cancelled
    assert not any(map(alive, pids(bench.folder / "a")))


@linux
def test_result_that_a_command_forges_is_not_believed(bench: Bench) -> None:
    forge = "for fd in /proc/$PPID/fd/*; do [ -p $fd ] && echo '{\"exit\": 0}' > $fd; done"
    done = bench.run(f"{forge} 2>&1 & sleep 0.2; exit 3")
    assert done.exit_code != 0


@linux
def test_result_in_which_lists_are_nested_without_end_is_no_result(bench: Bench) -> None:
    nested = "head -c 50000 /dev/zero | tr '\\0' '['"
    done = bench.run(f"for fd in /proc/$PPID/fd/*; do [ -p $fd ] && {nested} > $fd; done 2>/dev/null & sleep 0.5")
    assert done.problem is not None
    assert done.exit_code != 0


@linux
def test_children_of_our_own_are_never_taken_for_orphans(bench: Bench) -> None:
    mine = subprocess.Popen(["sleep", "60"])
    try:
        bench.run("kill -9 $PPID")
        assert mine.poll() is None
    finally:
        mine.kill()
        mine.wait()


# Network


def not_permitted(what: str) -> None:
    """Skip where the system does not allow it, but fail where it must, as in this project's own CI."""
    assert os.environ.get("PHDB_CI_ISOLATION") != "required", f"{what}: not permitted here"
    pytest.skip(f"{what}: not permitted here")


def _isolated(bench: Bench, command: str) -> process.Outcome:
    done = bench.run(command, isolate=True)
    if done.network == "unenforced":
        not_permitted("a network of its own")
    return done


TALK = (
    "import socket, threading\n"
    "server = socket.create_server(('127.0.0.1', 5432))\n"
    "socket.create_connection(('127.0.0.1', 5432), 5).sendall(b'hello')\n"
    "print(server.accept()[0].recv(5).decode())\n"
    "import time; time.sleep(0.3)\n"
)


def test_isolated_command_has_loopback_and_ports_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "talk.py").write_text(TALK)
    said: list[str] = []

    def talk(name: str) -> None:
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        done = bench.run(f"{sys.executable} ../talk.py", isolate=True)
        said.append(bench.log.strip() if done.network == "isolated" else "unenforced")

    threads = [threading.Thread(target=talk, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if "unenforced" in said:
        not_permitted("a network of its own")
    assert said == ["hello", "hello"]


def test_isolated_command_reaches_nothing_outside(bench: Bench) -> None:
    look = (
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2)\n"
        "except OSError as error: print(error.errno)"
    )
    done = _isolated(bench, f'{sys.executable} -c "{look}"; ls /sys/class/net >/dev/null; cat /proc/net/dev')
    assert done.network == "isolated"
    assert bench.log.splitlines()[0] == str(errno.ENETUNREACH)
    devices = [line.split(":")[0].strip() for line in bench.log.splitlines() if ":" in line]
    assert devices == ["lo"]


def test_command_that_is_not_isolated_says_so(bench: Bench) -> None:
    assert bench.run("true").network == "open"


@linux
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("dumpable", "entered"),
    [pytest.param(1, True, id="usable"), pytest.param(0, False, id="given, then its mapping refused")],
)
def test_isolation_without_root(dumpable: int, entered: bool) -> None:
    code = (
        "import ctypes, os, importlib.util as u\n"
        f"s = u.spec_from_file_location('supervisor', {supervisor.__file__!r}); m = u.module_from_spec(s)\n"
        "s.loader.exec_module(m); os.setgid(65534); os.setuid(65534)\n"
        f"ctypes.CDLL(None).prctl(4, {dumpable}, 0, 0, 0)\n"
        "print(m._isolate(), os.getuid(), open('/proc/net/dev').read().count(':') == 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if entered and done.stdout.startswith("False"):
        not_permitted("user namespaces")
    assert done.stdout.split()[:2] == [str(entered), "65534"]
    assert not entered or done.stdout.endswith("True\n")
