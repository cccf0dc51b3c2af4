"""The launcher in front of a real program: what it records, and that the program does not notice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.artifacts.store import file_digest
from phdb_ci.artifacts.witness import Placed, is_program, put
from phdb_ci.models.inventory import Stored
from tests.helpers import stored
from tests.integration.gate.bench import wait_for

ENGINE = f"""#!{sys.executable}
import os, sys
if sys.argv[1:2] == ["die"]:
    os.kill(os.getpid(), int(sys.argv[2]))
if sys.argv[1:2] == ["exit"]:
    sys.exit(int(sys.argv[2]))
if sys.argv[1:2] == ["wait"]:
    open(sys.argv[2], "w").write(str(os.getpid()))
    sys.stdin.read()
sys.stderr.write("err")
sys.stdout.write(repr(sys.argv[1:]) + sys.stdin.read())
"""


def entry(folder: Path, **outputs: str) -> Stored:
    """A store's entry with these files."""
    folder.mkdir()
    for name, text in outputs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    digests = {name: file_digest(folder / name) for name in outputs}
    return stored(path=folder, digests=digests, digest=next(iter(digests.values())))


@pytest.fixture(params=["job", "job's own 100% $HOME `x` folder"])
def placed(tmp_path: Path, request: pytest.FixtureRequest) -> Placed:
    """An engine in a job's hands; calls count from here."""
    made = put(entry(tmp_path / "entry", lidb_embed=ENGINE), tmp_path / request.param)
    made.start()
    return made


def call(placed: Placed, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    launcher = str(placed.folder / "lidb_embed")
    return subprocess.run(
        [launcher, *arguments], input=stdin, capture_output=True, text=True, check=False, env={"PATH": "/bin"}
    )


# Handing over


def test_arguments_and_streams_are_the_programs_own(placed: Placed) -> None:
    arguments = ("exec-json", "a b", "", "line\nline", "$(id)", "*", "-n", "ü\t")
    done = call(placed, *arguments, stdin="[1,\n2]")
    assert done.stdout == repr(list(arguments)) + "[1,\n2]"
    assert (done.stderr, done.returncode) == ("err", 0)
    assert placed.calls() == {"exec-json": 1}


def test_exit_code_and_signal_are_the_programs_own(placed: Placed) -> None:
    assert call(placed, "exit", "7").returncode == 7
    assert call(placed, "die", "11").returncode == -signal.SIGSEGV
    assert placed.calls() == {"exit": 1, "die": 1}


def test_calls_that_failed_are_counted(placed: Placed) -> None:
    for code in ("0", "7", "0", "1"):
        call(placed, "exit", code)
    call(placed, "die", "11")
    call(placed, "open")
    assert placed.calls() == {"exit": 4, "die": 1, "open": 1}
    assert placed.failures() == {"exit": 2, "die": 1}


def _runs(pid: str) -> bool:
    """Whether a process is there and no zombie: this one may be the subreaper of what it has not started itself."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the launcher becomes the program")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_program_ends_with_its_launcher(placed: Placed, tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    argv = [str(placed.folder / "lidb_embed"), "wait", str(pid)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert wait_for(lambda: pid.exists() and pid.read_text(), 20)
        run.send_signal(number)
        assert run.wait(20) == -number
        assert wait_for(lambda: not _runs(pid.read_text()), 20)


def test_shell_adds_no_word_of_its_own(placed: Placed) -> None:
    done = call(placed, "die", "11")
    assert (done.stdout, done.stderr) == ("", "")


def test_program_takes_the_place_of_its_launcher(placed: Placed) -> None:
    with subprocess.Popen([str(placed.folder / "lidb_embed")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        run.stdin.write(b"") if run.stdin else None
        assert run.stdout is not None
        done = run.communicate()
    assert (run.returncode, done[0]) == (0, b"[]")


def test_unwritable_record_does_not_stop_the_program(placed: Placed) -> None:
    placed.log.unlink()
    placed.log.mkdir()
    assert call(placed, "exit", "0").returncode == 0
    assert placed.calls() == {}


# Counting


@pytest.mark.parametrize(
    ("verb", "counted"),
    [
        pytest.param("open", "open", id="word"),
        pytest.param("exec-json", "exec-json", id="hyphen"),
        pytest.param("exec\nexec\nexec", "exec", id="newlines count once"),
        pytest.param("--version", "--version", id="option"),
        pytest.param("/data/dir", "", id="path"),
        pytest.param("", "", id="empty"),
        pytest.param("%s%s%n", "", id="format"),
        pytest.param("open%d", "open", id="word and format"),
        pytest.param("-n", "-n", id="what printf and echo would take for an option"),
        pytest.param("x" * 100, "x" * 32, id="long"),
        pytest.param("migrate\x01\x7f", "migrate", id="control characters"),
    ],
)
def test_one_call_is_one_verb(placed: Placed, verb: str, counted: str) -> None:
    assert call(placed, verb, "0").returncode == 0
    assert placed.calls() == {counted: 1}


def test_call_without_arguments_counts(placed: Placed) -> None:
    call(placed)
    assert placed.calls() == {"": 1}


def test_calls_before_the_start_do_not_count(placed: Placed) -> None:
    call(placed, "open")
    placed.start()
    assert placed.calls().total() == 0
    call(placed, "open")
    call(placed, "migrate")
    assert placed.calls() == {"open": 1, "migrate": 1}


def test_concurrent_calls_are_all_counted(placed: Placed) -> None:
    launcher = placed.folder / "lidb_embed"
    runs = [subprocess.Popen([launcher, "exit", "0"]) for _ in range(24)]
    assert [run.wait() for run in runs] == [0] * 24
    assert placed.calls() == {"exit": 24}


def _garbage(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"\n\n\nopen\nopen\n" + bytes(range(256)) + b"\n" + os.urandom(4096) + b"\n\r\n")


def _truncated(log: Path) -> None:
    log.write_bytes(b"")


def _gone(log: Path) -> None:
    log.unlink()


def _link(log: Path) -> None:
    log.unlink()
    log.symlink_to("/dev/zero")


def _pipe(log: Path) -> None:
    log.unlink()
    os.mkfifo(log)


@pytest.mark.parametrize(
    ("spoil", "left"),
    [
        pytest.param(_garbage, 1, id="garbage inflates nothing"),
        pytest.param(_truncated, 0, id="truncated"),
        pytest.param(_gone, 0, id="gone"),
        pytest.param(_link, 0, id="link to an endless file"),
        pytest.param(_pipe, 0, id="pipe that would block"),
    ],
)
def test_spoilt_record_shows_no_call_that_was_not_made(
    placed: Placed, spoil: Callable[[Path], None], left: int
) -> None:
    call(placed, "open")
    spoil(placed.log)
    assert placed.calls().total() == left


def test_record_that_the_set_up_removed_counts_from_nothing(placed: Placed) -> None:
    placed.log.unlink()
    placed.start()
    call(placed, "open")
    assert placed.calls() == {"open": 1}


# Replacing


def test_untouched_artifact_is_as_it_was_placed(placed: Placed) -> None:
    call(placed, "open")
    assert placed.before == placed.after() == placed.stored.digest


def test_replaced_real_program_is_noticed(placed: Placed) -> None:
    (placed.folder / "real" / "lidb_embed").write_text("another")
    assert placed.after() not in (placed.before, "missing")


@pytest.mark.parametrize(
    "spoil", [pytest.param(_gone, id="gone"), pytest.param(_link, id="link"), pytest.param(_pipe, id="pipe")]
)
def test_real_program_that_is_no_file_any_more_is_missing(placed: Placed, spoil: Callable[[Path], None]) -> None:
    spoil(placed.folder / "real" / "lidb_embed")
    assert placed.after() == "missing"


@pytest.mark.parametrize(
    "spoil", [pytest.param(_garbage, id="edited"), pytest.param(_gone, id="gone"), pytest.param(_pipe, id="pipe")]
)
def test_replaced_launcher_is_noticed(placed: Placed, spoil: Callable[[Path], None]) -> None:
    spoil(placed.folder / "lidb_embed")
    assert placed.after() == "launcher replaced"


def test_launcher_that_a_build_replaces_is_told_once(placed: Placed, tmp_path: Path) -> None:
    target = tmp_path / "lidb_embed"
    target.write_text("made by a build")
    placed.put_launcher("lidb_embed", target)
    assert not placed.replaced(target)
    placed.put_launcher("lidb_embed", target)
    target.write_text("built again")
    assert placed.replaced(target)
    assert placed.after() == placed.before


def test_launcher_is_not_written_through_a_link_that_waits_for_it(placed: Placed, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in (".lidb_embed.new", "lidb_embed"):
        (tmp_path / name).symlink_to(precious)
    placed.put_launcher("lidb_embed", tmp_path / "lidb_embed")
    assert precious.read_text() == "mine"
    assert not (tmp_path / "lidb_embed").is_symlink()


def test_output_with_a_dot_is_placed_as_it_is(tmp_path: Path) -> None:
    made = put(entry(tmp_path / "entry", **{"lidb_embed": ENGINE, "schema.sql": "select 1"}), tmp_path / "job")
    assert (tmp_path / "job" / "schema.sql").read_text() == "select 1"
    assert made.before == made.after()


@pytest.mark.parametrize(("output", "program"), [("bin/lidb_embed", True), ("lib/libx.so", False), ("v1.2/x", True)])
def test_program_is_what_has_no_dot_in_its_name(output: str, program: bool) -> None:
    assert is_program(output) == program
