"""Programs of the contracts job: time limits, bounded output, and nothing of them left."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.contracts import __main__ as job
from phdb_ci.contracts import drive, stage
from phdb_ci.contracts.checks import writers
from phdb_ci.contracts.checks.held import Ledger, insert, session, update, waiting
from phdb_ci.contracts.drive import LIMIT, Done, Program, call
from phdb_ci.contracts.stack import Stack, make_stack
from phdb_ci.contracts.stage import BrokenError, Check, SkippedError, Stage
from phdb_ci.errors import ToolError, UsageError

ROOT = Path(__file__).parents[1]


def sh(script: str, *, stdin: str = "", timeout: float = 10.0) -> Done:
    return call(["/bin/sh", "-c", script], env=dict(os.environ), cwd=Path("/"), stdin=stdin, timeout=timeout)


def start(script: str) -> Program:
    return Program(["/bin/sh", "-c", script], env=dict(os.environ), cwd=Path("/"), keep_open=True)


def gone(pid: int) -> bool:
    """Whether it has ended, or does within two seconds: a kill is not at once."""
    limit = time.monotonic() + 2.0
    while time.monotonic() < limit:
        done = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        if not done.stdout.strip() or done.stdout.startswith("Z"):
            return True
    return False


def test_program_ends_with_its_output_and_code() -> None:
    done = sh("cat; echo wrong >&2; exit 3", stdin="given")
    assert (done.code, done.out, done.err, done.problem) == (3, "given", "wrong\n", None)
    assert done.told == "exit 3: wrong"


def test_large_input_and_output_do_not_block_each_other() -> None:
    text = "x" * 2_000_000
    assert sh("cat", stdin=text).out == text


def test_program_that_reads_nothing_is_no_error() -> None:
    assert sh("exec <&-; echo done", stdin="x" * 2_000_000).out == "done\n"


def test_output_without_end_is_cut_off() -> None:
    done = sh("exec yes")
    assert done.problem == f"printed more than {LIMIT // 1024**2} MiB"
    assert len(done.out) <= LIMIT


def test_time_limit_ends_the_whole_group() -> None:
    done = sh("sleep 77 & echo $!; trap '' TERM; while :; do sleep 1; done", timeout=0.5)
    assert done.problem == "did not end within 0.5 s"
    assert gone(int(done.out))
    assert done.seconds < 5


def test_child_that_holds_the_output_is_not_waited_for() -> None:
    started = time.monotonic()
    done = sh("sleep 77 & echo $!")
    assert done.code == 0
    assert time.monotonic() - started < 5
    assert gone(int(done.out))


def test_program_that_is_not_there_is_exit_127() -> None:
    done = call(["/no/such/program"], env={}, cwd=Path("/"))
    assert done.code == 127
    assert "cannot start /no/such/program" in done.err


def test_lines_come_one_by_one() -> None:
    program = start("while read line; do echo got $line; done")
    for word in ("one", "two"):
        program.send(f"{word}\n")
        assert program.line(5.0) == f"got {word}"
    assert program.line(0.05) is None
    assert program.finish(5.0).code == 0


def test_input_is_given_before_it_is_answered() -> None:
    program = start("read line; sleep 1; cat | wc -c")
    program.send("first\n" + "x" * 1_000_000)
    program.give(0.2)
    assert len(program._to_send) > 0
    program.give(10.0)
    assert len(program._to_send) == 0
    program.close_input()
    assert program.line(5.0) == "1000000"
    program.end()


def test_half_a_line_is_no_line() -> None:
    program = start("echo whole; printf half")
    assert program.line(5.0) == "whole"
    assert program.line(5.0) is None
    assert program.lines_left(5.0) == []


def test_stopped_program_goes_on_or_is_ended() -> None:
    program = start("read line; echo $line")
    program.signal(signal.SIGSTOP)
    program.send("later\n")
    assert program.line(0.2) is None
    program.signal(signal.SIGCONT)
    assert program.line(5.0) == "later"
    program.end()
    other = start("sleep 77")
    other.signal(signal.SIGSTOP)
    other.end()
    assert other.ended


@pytest.mark.skipif(sys.platform != "linux", reason="a subreaper is Linux's")
def test_child_that_left_the_group_is_ended_too() -> None:
    code = (
        "import os; from pathlib import Path; from phdb_ci.contracts import drive\n"
        "drive.adopt()\n"
        "done = drive.call(['/bin/sh', '-c', 'setsid sh -c \"setsid sleep 77 >/dev/null 2>&1 & echo \\\\$!\"'],"
        " env=dict(os.environ), cwd=Path('/'))\n"
        "print(done.out)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert gone(int(done.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="a subreaper is Linux's")
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("setsid sleep 77 >/dev/null 2>&1 </dev/null &", "left a program running: sleep 77"),
        ("sleep 77 >/dev/null 2>&1 </dev/null &", "left a program running: sleep 77"),
        ("setsid sleep 0.1 >/dev/null 2>&1 </dev/null &", "None"),
        ("exit 0", "None"),
    ],
    ids=["in a group of its own", "in the same group", "for a moment", "nothing"],
)
def test_program_that_leaves_another_running_is_told(script: str, told: str) -> None:
    code = (
        "import os, sys; from pathlib import Path; from phdb_ci.contracts import drive\n"
        "drive.adopt()\n"
        "done = drive.call(['/bin/sh', '-c', sys.argv[1]], env=dict(os.environ), cwd=Path('/'))\n"
        "print(done.problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{told}\n"


def test_program_ends_with_its_block() -> None:
    with pytest.raises(KeyError), start("sleep 77") as program:
        raise KeyError
    assert program.ended
    assert program.pid not in drive._own


def test_program_that_has_ended_gets_no_signal_more(monkeypatch: pytest.MonkeyPatch) -> None:
    program = start("exit 0")
    program.finish(5.0)
    monkeypatch.setattr(Program, "signal", lambda *_: pytest.fail("its number may be another's by now"))
    program.end()


def test_call_that_fails_half_way_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Done:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Program, "finish", fail)
    assert sh("sleep 77").code == 127
    assert not drive._own


# A check that fails


@pytest.mark.parametrize(
    ("check", "starts"),
    [
        pytest.param(writers.held_in_mid_write, 1, id="the second writer cannot be started"),
        pytest.param(writers.stale_first_writer, 1, id="the first is stopped, the second cannot be started"),
        pytest.param(writers.many_writers, 5, id="one of a crowd cannot be started"),
    ],
)
def test_check_that_fails_leaves_no_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[Stage], None], starts: int
) -> None:
    started: list[Program] = []

    def start_one(*_: object, **__: object) -> Program:
        if len(started) == starts:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(start("sleep 77"))
        return started[-1]

    monkeypatch.setattr(Stack, "start_exec_json", start_one)
    monkeypatch.setattr(Stack, "engine", lambda *_, **__: Done(0, '{"rows": [], "affected": 1}', "", 0.0))
    monkeypatch.setattr(writers, "fill", lambda *_: None)
    monkeypatch.setattr(writers, "usual_time", lambda *_: 0.01)
    (case,) = stage.run([Check("single-writer/x", check)], Stage(stack_at(tmp_path)))

    assert case.outcome == "error"
    assert len(started) == starts
    assert all(gone(program.pid) for program in started)
    assert not drive._own


def test_writer_that_did_not_wait_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child"

    def start_one(*_: object, **__: object) -> Program:
        return start(f"sleep 77 & echo $! > {child}")

    def waits(stage: Stage) -> None:
        waiting(stage.stack, insert("first"), settle=1.0)

    monkeypatch.setattr(Stack, "start_exec_json", start_one)
    (case,) = stage.run([Check("single-writer/x", waits)], Stage(stack_at(tmp_path)))

    assert (case.outcome, case.message) == ("failed", "the writer of first did not wait for its parameters")
    assert gone(int(child.read_text()))
    assert not drive._own


@pytest.mark.parametrize("error", [BrokenError, SkippedError, KeyError, KeyboardInterrupt, None])
def test_check_however_it_ends_leaves_nothing_running(
    tmp_path: Path, error: type[BaseException] | None
) -> None:
    left: list[Program] = []

    def leave(_stage: Stage) -> None:
        left.append(start("sleep 77"))
        left[0].signal(signal.SIGSTOP)
        if error is not None:
            raise error("x")

    with contextlib.suppress(KeyboardInterrupt):
        list(stage.run([Check("a/b", leave)], Stage(stack_at(tmp_path))))
    assert gone(left[0].pid)
    assert not drive._own


# What was acknowledged


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ('{"rows": [], "affected": 1}', True),
        ('{"rows": [], "affected": 0}', False),
        ('{"rows": [], "affected": 1', False),
        ("[]", False),
        (None, False),
    ],
)
def test_write_is_acknowledged_by_one_affected_row(answer: str | None, *, known: bool) -> None:
    ledger = Ledger()
    assert ledger.note(insert("a", "b"), answer) is known
    assert ledger.names == ({"a": "b"} if known else {})


def test_row_that_is_gone_or_as_it_was_before_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = '{"rows": [{"id": "a", "name": "new"}, {"id": "b", "name": "old"}], "affected": 0}'
    monkeypatch.setattr(Stack, "engine", lambda *_, **__: Done(0, rows, "", 0.0))
    stack, ledger = stack_at(tmp_path), Ledger()
    for write in (update("a", "new"), update("b", "new"), insert("c", "new")):
        ledger.note(write, '{"rows": [], "affected": 1}')
    with pytest.raises(
        BrokenError, match="2 of 3 acknowledged rows are gone or as they were before, b, c among"
    ):
        ledger.all_there(Stage(stack), stack)
    ledger.names = {"a": "new"}
    ledger.all_there(Stage(stack), stack)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 2", None),
        ("exit 1", "the engine's session gave no answer: exit 1"),
        ("read line; echo ready", "the engine's session: $: one JSON document expected, got 'ready'"),
        ("read line; echo '{}'", "the engine's session: $.rows expected, got {}"),
        ('read line; echo \'{"rows": [], "affected": 0}\'; sleep 77', ""),
    ],
    ids=["none", "broken", "no JSON", "no rows", "there"],
)
def test_session_of_the_engine_is_there_or_ends_with_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str | None
) -> None:
    monkeypatch.setattr(Stack, "engine_session", lambda _: start(script))
    stack = stack_at(tmp_path)
    if told:
        with pytest.raises(BrokenError) as caught:
            session(stack)
        assert str(caught.value) == told
    else:
        assert (session(stack) is None) is (told is None)
    drive.end_all()


# The stack


def stack_at(folder: Path) -> Stack:
    """A stack of lidb alone, its engine dead."""
    (folder / "lidb").mkdir()
    return make_stack(
        lidb=folder / "lidb", lis=None, agents=None, benchmarks=None, embed=engine(folder), data=folder / "data",
        scratch=folder, environ=os.environ,
    )  # fmt: skip


def engine(folder: Path) -> Path:
    path = folder / "lidb_embed"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    return path


def test_mock_never_reaches_a_program(tmp_path: Path) -> None:
    (tmp_path / "lidb").mkdir()
    environ = {
        "LI_LIDB_MOCK": "1",
        "LI_LIDB_URL": "lidb://x",
        "PYTHONPATH": "/x",
        "PATH": "/bin",
        "LI_DATA_DIR": "/old",
    }
    stack = make_stack(
        lidb=tmp_path / "lidb", lis=None, agents=None, benchmarks=None, embed=engine(tmp_path), data=tmp_path / "data",
        scratch=tmp_path, environ=environ,
    )  # fmt: skip
    assert not stack.env.keys() & {"LI_LIDB_MOCK", "LI_LIDB_URL", "PYTHONPATH"}
    assert stack.env["LI_DATA_DIR"] == str(tmp_path / "data")
    assert stack.env["LI_CONTROL_PLANE_STORE"] == "lidb"
    assert stack.env["LIDB_REPO"] == stack.env["LI_LIDB_REPO"] == str(tmp_path / "lidb")


def test_data_directory_must_be_empty(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not empty"):
        make_stack(
            lidb=tmp_path, lis=None, agents=None, benchmarks=None, embed=engine(tmp_path), data=tmp_path,
            scratch=tmp_path, environ={},
        )  # fmt: skip


def test_engine_must_be_a_program(tmp_path: Path) -> None:
    (tmp_path / "embed").write_text("")
    with pytest.raises(ToolError, match="not a program"):
        make_stack(
            lidb=tmp_path, lis=None, agents=None, benchmarks=None, embed=tmp_path / "embed", data=tmp_path / "d",
            scratch=tmp_path, environ={},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("project", "program"),
    [
        ('[project.scripts]\nlis = "lis.cli:main"\n', "lis.cli:main"),
        ('[project.scripts]\nlis = "os; evil:x"\n', "lis"),
        ("[project.scripts]\nlis = 5\n", "lis"),
        ("[project\n", "lis"),
        (None, "lis"),
    ],
)
def test_lis_is_called_by_its_entry_point(tmp_path: Path, project: str | None, program: str) -> None:
    (tmp_path / "lis").mkdir()
    if project is not None:
        (tmp_path / "lis" / "pyproject.toml").write_text(project)
    stack = make_stack(
        lidb=tmp_path, lis=tmp_path / "lis", agents=None, benchmarks=None, embed=engine(tmp_path), data=tmp_path / "d",
        scratch=tmp_path, environ={},
    )  # fmt: skip
    assert stack.lis_program()[-1] == program


def test_job_on_a_dead_engine_fails_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lidb").mkdir()
    arguments = [
        "run",
        "--lidb",
        f"{tmp_path}/lidb",
        "--embed",
        f"{engine(tmp_path)}",
        "--data",
        f"{tmp_path}/data",
    ]
    arguments += ["--junit", f"{tmp_path}/c.xml", "--only", "embed/*", "--record", f"{tmp_path}/shapes.json"]
    assert job.main(arguments) == 1
    assert "FAIL  embed/open" in capsys.readouterr().out
    assert (tmp_path / "c.xml").is_file()
    assert (tmp_path / "shapes.json").is_file()


def test_job_without_a_check_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lidb").mkdir()
    arguments = [
        "run",
        "--lidb",
        f"{tmp_path}/lidb",
        "--embed",
        f"{engine(tmp_path)}",
        "--data",
        f"{tmp_path}/data",
    ]
    assert job.main([*arguments, "--junit", f"{tmp_path}/c.xml", "--only", "no-such/*"]) == 2
    assert "no check has a name" in capsys.readouterr().err


def test_report_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "lidb").mkdir()
    (tmp_path / "precious").write_text("kept")
    for name in ("c.xml", "shapes.json"):
        (tmp_path / name).symlink_to("precious")
    arguments = [
        "run",
        "--lidb",
        f"{tmp_path}/lidb",
        "--embed",
        f"{engine(tmp_path)}",
        "--data",
        f"{tmp_path}/data",
    ]
    arguments += ["--junit", f"{tmp_path}/c.xml", "--only", "embed/*", "--record", f"{tmp_path}/shapes.json"]
    assert job.main(arguments) == 1
    assert (tmp_path / "precious").read_text() == "kept"
    assert not (tmp_path / "c.xml").is_symlink()
    assert not (tmp_path / "shapes.json").is_symlink()


def test_engine_is_called_by_a_path_that_holds_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lidb").mkdir()
    engine(tmp_path)
    monkeypatch.chdir(tmp_path)
    relative = ["run", "--lidb", "lidb", "--embed", "lidb_embed", "--data", "data", "--junit", "c.xml"]
    arguments = job.parser().parse_args(relative)
    assert arguments.embed == tmp_path / "lidb_embed"
    assert job.main([*relative, "--only", "embed/open"]) == 1
    assert "cannot start" not in capsys.readouterr().out
