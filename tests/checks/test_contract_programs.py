"""Programs of the contracts' suites: time limits, bounded output, and nothing of them left."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.contracts.programs import LIMIT, Done, Program, end_all
from checks.contracts.stack import Lis, Stack


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end_all(tmp_path)


def start(folder: Path, script: str, stdin: str = "") -> Program:
    env = {"PATH": os.environ["PATH"], "LI_DATA_DIR": f"{folder}/data"}
    return Program(["/bin/sh", "-c", script], env=env, cwd=folder, stdin=stdin)


def sh(folder: Path, script: str, *, stdin: str = "", timeout: float = 10.0) -> Done:
    return start(folder, script, stdin).finish(timeout)


def gone(pid: int) -> bool:
    """Whether it has ended, or does within two seconds: a kill is not at once."""
    limit = time.monotonic() + 2.0
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
    return False


def test_program_ends_with_its_output_and_code(folder: Path) -> None:
    done = sh(folder, "cat; echo wrong >&2; exit 3", stdin="given")
    assert (done.code, done.out, done.err, done.problem) == (3, "given", "wrong\n", "")
    assert done.ending == "exit 3: wrong"


def test_large_input_and_output_do_not_block_each_other(folder: Path) -> None:
    assert sh(folder, "cat", stdin="x" * 2_000_000).out == "x" * 2_000_000


def test_program_that_reads_nothing_is_no_error(folder: Path) -> None:
    assert sh(folder, "exec <&-; echo done", stdin="x" * 2_000_000).out == "done\n"


def test_output_without_end_is_cut_off_while_input_waits(folder: Path) -> None:
    done = sh(folder, "exec yes", stdin="x" * 2_000_000)
    assert done.problem == f"printed more than {LIMIT // 1024**2} MiB"


def test_output_without_end_is_cut_off(folder: Path) -> None:
    done = sh(folder, "exec yes")
    assert done.problem == f"printed more than {LIMIT // 1024**2} MiB"
    assert len(done.out) <= LIMIT


def test_time_limit_ends_the_whole_group(folder: Path) -> None:
    done = sh(folder, "sleep 77 & echo $!; trap '' TERM; while :; do sleep 1; done", timeout=0.5)
    assert done.problem == "did not end within 0.5 s"
    assert gone(int(done.out))


@pytest.mark.parametrize("prefix", ["", "setsid "], ids=["in the same group", "in a group of its own"])
def test_program_that_leaves_another_running_is_told_and_both_are_ended(folder: Path, prefix: str) -> None:
    done = sh(folder, f"{prefix}sleep 77 & echo $!")
    assert done.code == 0
    assert end_all(folder) == ["sleep 77"]
    assert gone(int(done.out))


def test_program_that_runs_a_moment_longer_is_none(folder: Path) -> None:
    sh(folder, "setsid sleep 0.1 >/dev/null 2>&1 </dev/null &")
    assert end_all(folder) == []


def test_end_is_waited_for_only_so_long(folder: Path) -> None:
    program = start(folder, "until [ -e go ]; do sleep 0.01; done; exit 3")
    assert not program.ends_within(0.05)
    (folder / "go").touch()
    assert program.ends_within(10.0)
    assert program.finish().code == 3


def test_program_that_has_ended_gets_no_signal_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = start(folder, "exit 0")
    program.finish(5.0)
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("its number may be another's by now"))
    program.kill()
    end_all(folder)


def stack(folder: Path, script: str = "exit 1") -> Stack:
    """A stack of nothing but an engine."""
    engine = folder / "engine"
    engine.write_text(f"#!/bin/sh\n{script}\n")
    engine.chmod(0o755)
    return Stack({"lis": folder}, folder, {"LI_DATA_DIR": f"{folder}/data", "LIDB_EMBED": str(engine)})


@pytest.mark.parametrize(
    ("project", "program"),
    [
        ('[project.scripts]\nlis = "lis.cli:main"\n', "lis.cli:main"),
        ("[project.scripts]\nlis = 5\n", "lis"),
        ("[project\n", "lis"),
        (None, "lis"),
    ],
)
def test_lis_is_called_by_its_entry_point(folder: Path, project: str | None, program: str) -> None:
    if project is not None:
        (folder / "pyproject.toml").write_text(project)
    assert Lis(stack(folder)).command("db")[-2:] == [program, "db"]
