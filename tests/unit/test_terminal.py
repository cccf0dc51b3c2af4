"""What a person sees of a run: progress on a terminal of any width and without one, the plan, the verdict."""

import io
import os
import re
from datetime import date
from pathlib import Path, PurePath

import pytest

from phdb_ci.base.page import Page, columns
from phdb_ci.commands.plan import plan_text
from phdb_ci.models.statuses import QUARANTINED
from phdb_ci.planning.plan import make_plan, select
from phdb_ci.rendering.verdict_text import verdict_text
from phdb_ci.terminal import TAIL, Board, page_of
from tests.builders import artifact, case, exit_only, idle, leg, missing, quarantine, source, suite, use, verdict
from tests.helpers import inventory, job, matrix, sources, stored

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")


WIDTHS = (40, 60, 80, 200)


def written(*, github: bool = False, colour: bool = False) -> tuple[Board, io.StringIO]:
    """A board without a terminal, and what it writes to."""
    stream = io.StringIO()
    return Board(stream, Page(colour=colour), live=False, github=github), stream


def commands(text: str) -> list[str]:
    """The lines that GitHub's runner takes for commands: `::` at the start after blanks, `##[` anywhere."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


HOSTILE = (
    "::error::fake\n  ::set-output name=x::y\n##[add-mask]a\nx ##[error]b\r::warning::c\n"
    "\x85::notice::d\u2028::debug::e\x0c::add-mask::f\n::endgroup::\n\x1b[2J\x1b]0;t\x07::stop-commands::g\n"
)


def test_log_of_a_job_commands_nothing_on_github(tmp_path: Path) -> None:
    board, stream = written(github=True)
    (tmp_path / "log").write_text(HOSTILE, newline="")
    board.log_tail("smoke@ubuntu-24.04", tmp_path / "log")
    assert commands(stream.getvalue()) == ["::group::smoke@ubuntu-24.04: end of its log", "::endgroup::"]
    assert not CONTROL.search(stream.getvalue().replace("\n", ""))


def test_reasons_and_notes_command_nothing_on_github() -> None:
    board, stream = written(github=True)
    for hostile in HOSTILE.split("\n"):
        board.note(hostile)
        board.finished("smoke", "failed", 1.0, [hostile])
    assert commands(stream.getvalue()) == []


def test_verdict_of_hostile_text_commands_nothing() -> None:
    hostile = leg("smoke", "failed", suite(case("::error::x\n::y", "failed")), reasons=(HOSTILE,), notes=(HOSTILE,))
    shown = verdict(
        hostile,
        leg("lint", "failed", decides=False, quarantine=quarantine(issue="https://x.y/##[error]")),
        sources=(source(notes=(HOSTILE,)),),
        artifacts=(artifact(digest=None, status="failed", reasons=(HOSTILE,)),),
        notes=(HOSTILE,),
    )
    text = verdict_text(shown)
    assert commands(text) == []
    assert not CONTROL.search(text.replace("\n", ""))


# The log's end


def test_end_of_a_log_is_its_last_lines_behind_a_bar(tmp_path: Path) -> None:
    board, stream = written(github=True)
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100)))
    board.log_tail("smoke", tmp_path / "log")
    lines = stream.getvalue().splitlines()
    assert lines[1:-1] == [f"    | line {number}" for number in range(100 - TAIL, 100)]


def test_end_of_a_log_is_shown_on_github_alone(tmp_path: Path) -> None:
    board, stream = written()
    (tmp_path / "log").write_text("line\n")
    board.log_tail("smoke", tmp_path / "log")
    assert stream.getvalue() == ""


def test_log_that_is_not_there_or_no_text_breaks_nothing(tmp_path: Path) -> None:
    board, stream = written(github=True)
    board.log_tail("smoke", tmp_path / "gone")
    assert stream.getvalue() == ""
    (tmp_path / "log").write_bytes(bytes(range(256)) * 2000)
    board.log_tail("smoke", tmp_path / "log")
    assert not CONTROL.search(stream.getvalue().replace("\n", ""))


# Progress


def test_plain_lines_tell_start_and_end() -> None:
    board, stream = written()
    with board.region(1):
        board.started("smoke@ubuntu-24.04", 3.0, Path("log.txt"))
        board.phase("smoke@ubuntu-24.04", "run")
        board.finished("smoke@ubuntu-24.04", "failed", 75, ["exit 1", "more"])
    assert stream.getvalue().splitlines() == [
        "       start  smoke@ubuntu-24.04",
        "      failed  smoke@ubuntu-24.04               1:15  exit 1",
    ]


def test_colour_is_on_the_status_word_alone() -> None:
    for colour, word in ((True, "\x1b[31m    failed\x1b[0m"), (False, "    failed")):
        board, stream = written(colour=colour)
        board.finished("smoke", "failed", 1.0, ())
        assert stream.getvalue() == f"  {word}  {'smoke':<28}    1.0 s\n"


@pytest.mark.parametrize(
    ("environ", "colour", "live", "github"),
    [
        pytest.param({"TERM": "xterm"}, True, True, False, id="terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, True, False, id="NO_COLOR"),
        pytest.param({"TERM": "dumb"}, False, False, False, id="dumb"),
        pytest.param({"TERM": "xterm", "GITHUB_ACTIONS": "true"}, True, True, True, id="GitHub"),
    ],
)
def test_colour_and_region_follow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], colour: bool, live: bool, github: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    board = Board.for_terminal(environ)
    assert (board.page.colour, board.live, board.github) == (colour, live, github)
    stream = io.StringIO()
    assert page_of(stream, environ) == Page(), "no width and no colour without a terminal"
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "77")
    assert page_of(stream, environ) == Page(77, colour=colour), "standard output follows the same rule"


# The live region


@pytest.fixture
def busy(tmp_path: Path) -> Board:
    """Four nodes run: with and without an estimate, one that takes longer, with output of every kind."""
    board = written()[0]
    board._total = 12
    board.finished("lint@ubuntu-24.04", "failed", 1.0, ())
    for name, expected, phase, output in (
        ("embed", 200.0, "build", "[ 61%] Building CXX object engine.o\n"),
        ("e2e-engine@ubuntu-24.04", 5.0, "run", "ok 1\rok 2 of 4\n\n"),
        ("smoke@ubuntu-24.04", None, "checkout", ""),
        ("smoke@ubuntu-24.04 with dead", 70.0, "install", "\x1b[1m[red]" + "日本語 e\u0301 " * 40),
    ):
        board.started(name, expected, tmp_path / name)
        board.phase(name, phase)
        (tmp_path / name).write_text(output, encoding="utf-8", newline="")
        board._running[name].began = 100.0
    board._began = 90.0
    return board


COUNTS = "1/12 done, 1 not green, 4 running, 22 s"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, [
            "embed         build      12 s ~3:08 left",
            "e2e-engine    run        12 s    overdue",
            "smoke         checkout   12 s",
            "smoke with d… install    12 s ~58 s left",
        ]),
        (60, [
            "embed           build      12 s ~3:08 left  [ 61%] Building…",
            "e2e-engine      run        12 s    overdue  ok 2 of 4",
            "smoke           checkout   12 s",
            "smoke with dead install    12 s ~58 s left  [red]日本語 e …",
        ]),
        (80, [
            "embed           build      12 s ~3:08 left  [ 61%] Building CXX object engine.o",
            "e2e-engine      run        12 s    overdue  ok 2 of 4",
            "smoke           checkout   12 s",
            "smoke with dead install    12 s ~58 s left  [red]日本語 e 日本語 e 日本語 e 日…",
        ]),
    ],
)  # fmt: skip
def test_region_shows_phase_time_estimate_and_output(busy: Board, width: int, shown: list[str]) -> None:
    assert busy.lines(width, 24, 112.0) == [*shown, COUNTS]


@pytest.mark.parametrize("width", range(40, 201))
def test_region_fits_every_width(busy: Board, width: int) -> None:
    assert max(map(columns, busy.lines(width, 24, 112.0))) <= width


def test_region_is_no_higher_than_the_terminal(busy: Board) -> None:
    assert busy.lines(80, 3, 112.0)[2] == COUNTS
    assert len(busy.lines(80, 3, 112.0)) == 3
    assert len(busy.lines(80, 0, 112.0)) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_region_fits_where_the_encoding_has_few_signs(busy: Board, encoding: str) -> None:
    busy.page = Page(encoding=encoding)
    for width in WIDTHS:
        lines = busy.lines(width, 24, 112.0)
        assert max(map(len, lines)) <= width
        "\n".join(lines).encode(encoding)


def test_log_that_is_no_file_shows_nothing(busy: Board, tmp_path: Path) -> None:
    (tmp_path / "embed").unlink()
    os.mkfifo(tmp_path / "embed")
    assert busy.lines(80, 24, 112.0)[0].split() == ["embed", "build", "12", "s", "~3:08", "left"]


# Tables


def test_plan_says_what_why_and_where() -> None:
    rows = matrix({"smoke": job(artifacts=["embed"], os=["ubuntu-24.04", "macos-15"])})
    gate, names, lead = select(rows, ["pr-gate"])
    facts = inventory("cmake", stored={}, notes=["embed was \x1b[31mdamaged"])
    text = plan_text(make_plan(rows, gate, names, lead, sources(), facts))
    assert text.splitlines()[0] == "pr-gate: 1 leg here, linux x86_64 glibc-2.36, 4 cpus"
    for part in (
        "lidb  c0ffee000000  pin  matrix.toml",
        "artifact embed  build  key ",
        "  nothing is stored yet",
        "  missing tool: cmake",
        "smoke@ubuntu-24.04  embed  -          pytest: ≥ 2 executed, none skipped",
        "smoke@macos-15  elsewhere: this machine is linux",
        "note: embed was damaged",
    ):
        assert part in text
    assert "reuse" in plan_text(make_plan(rows, gate, names, lead, sources(), inventory(stored={"embed": (stored(),)})))


def test_plan_names_the_missing_tool_below_its_leg() -> None:
    rows = matrix({"smoke": job(tools=["fancy", "node"]), "lint": job(tools=["node"])})
    gate, names, lead = select(rows, ["pr-gate"])
    plan = make_plan(rows, gate, names, lead, sources(), inventory("fancy"))
    lines = plan_text(plan).splitlines()
    legs = lines[lines.index("legs") + 1 :]
    assert legs[0].split() == ["leg", "needs", "last", "took", "must", "show"]
    assert [line.split("@")[0] for line in legs[1:]] == ["  smoke", "    missing tool: fancy", "  lint"]


def test_verdict_shows_what_is_not_green_first_and_then_the_lead() -> None:
    legs = [leg("green"), leg("red", "failed"), leg("lead", calls=4)]
    lines = verdict_text(verdict(*legs, lead="lead", missing=[missing("gone")], idle=[idle("mac")]))
    words = [line.split()[:2] for line in lines.splitlines() if "@" in line]
    assert words == [
        ["failed", "red@ubuntu-24.04"],
        ["passed", "lead@ubuntu-24.04"],
        ["passed", "green@ubuntu-24.04"],
        ["missing", "gone@ubuntu-24.04"],
        ["red@ubuntu-24.04:", "failed"],
        ["log:", "red@ubuntu-24.04/log.txt"],
        ["gone@ubuntu-24.04:", "left"],
        ["elsewhere:", "mac@macos-15"],
    ]
    assert lines.splitlines()[-1] == "verdict fail: pr-gate: a fail in 8:42"


def test_verdict_counts_cases_and_says_what_a_leg_rests_on() -> None:
    counted = leg("smoke", "passed", suite(case("a", "skipped"), passed=3), suite(passed=2, kind="lines"), calls=7)
    bare = leg("bench", "passed", exit_only())
    early = leg("lint", "error", suites=())
    away = leg("old", "failed", decides=False, quarantine=quarantine(date(2027, 1, 31)), artifacts=(use(0),))
    text = verdict_text(verdict(counted, bare, early, away))
    table = text.partition("\n\n")[0].splitlines()
    rows = {line.split()[1].split("@")[0]: line.split() for line in table if "@" in line}
    assert rows["smoke"][2:5] == ["5", "0", "1"]
    assert rows["smoke"][-3:] == ["embed", "called", "7×"]  # noqa: RUF001 - the sign that people read
    assert rows["bench"][2:5] == rows["lint"][2:5] == ["-", "-", "-"]
    assert "🩹 the job quarantined until 2027-01-31, does not decide: https://github.com/acme/lidb/issues/42" in text


def test_row_counts_the_calls_by_verb() -> None:
    verbs = {"open": 1, "migrate": 1, "exec": 7}
    many = {f"verb{number}": 1 for number in range(9)}
    legs = [
        leg("smoke", "passed", artifacts=(use(9, verbs=verbs),)),
        leg("lint", "passed", artifacts=(use(9, verbs=many),)),
    ]
    text = verdict_text(verdict(*legs))
    assert "  embed called 9× (exec 7, open 1, migrate 1)" in text  # noqa: RUF001 - as shown
    assert "  embed called 9× (verb0 1, verb1 1, verb2 1, verb3 1, verb4 1, …)" in text  # noqa: RUF001 - as shown


def test_one_of_a_thing_is_told_as_one() -> None:
    text = verdict_text(verdict(leg(), artifacts=(artifact(used_by=("smoke",), calls=1),)))
    assert "used by 1 job, called 1 time\n" in text


# What is not green


def test_leg_that_is_not_green_says_why_where_and_what_repeats_it() -> None:
    red = leg(
        "db-smoke", "failed", exit_only(), reasons=("exit 1: bash run.sh",), workspace="/cache/work/db-smoke",
        words=('  File "lis/cli.py", line 3, in <module>', "NameError: name 'x'"),
    ).model_copy(update={"repeat": "phdb-ci run db-smoke"})  # fmt: skip
    text = verdict_text(verdict(red), out=PurePath("runs/1"))
    assert text.split("\n\n")[1].splitlines() == [
        "db-smoke@ubuntu-24.04: failed",
        "  | exit 1: bash run.sh",
        '  |   File "lis/cli.py", line 3, in <module>',
        "  | NameError: name 'x'",
        "  log: runs/1/db-smoke@ubuntu-24.04/log.txt",
        "  workspace: /cache/work/db-smoke",
        "  repeat: phdb-ci run db-smoke",
    ]


def test_failing_cases_are_shown_in_place_of_the_log_and_the_others_are_counted() -> None:
    cases = [case(f"t{n}", "failed", message=f"expected {n}", detail=f"a\nE expected {n}") for n in range(7)]
    reasons = ("7 of 7 pytest tests failed: t0: expected 0", "exit 1: pytest")
    text = verdict_text(verdict(leg("e2e", "failed", suite(*cases), reasons=reasons, words=("7 failed",))))
    assert text.count("expected 0") == 1
    assert "  | exit 1: pytest\n  | t0\n  |     a\n  |     E expected 0\n  | t1\n" in text
    assert "  | and 2 more failing tests\n" in text
    assert "7 failed" not in text


def test_artifact_that_does_not_build_has_a_block_and_what_it_blocks_has_none() -> None:
    unbuilt = artifact(
        status="failed", digest=None, used_by=(), reasons=("exit 2: make",), words=("a.c:3: error: no",), repeat="R"
    )
    text = verdict_text(verdict(leg("smoke", "blocked", reasons=("embed does not build",)), artifacts=(unbuilt,)))
    block = "embed does not build\n  | exit 2: make\n  | a.c:3: error: no\n  log: embed/log.txt\n  repeat: R\n"
    assert block in text
    assert text.count("exit 2: make") == 1
    assert "smoke@ubuntu-24.04: blocked" not in text


def test_quarantined_leg_has_a_sign_of_its_own() -> None:
    text = verdict_text(verdict(leg("a"), leg("b", "failed", decides=False, quarantine=quarantine())))
    assert f"{QUARANTINED} b@ubuntu-24.04: failed" in text


@pytest.mark.parametrize("line", HOSTILE.split("\n"))
def test_words_of_a_program_command_nothing(line: str) -> None:
    text = verdict_text(verdict(leg("a", "failed", exit_only(), words=(line,), reasons=(line,), workspace=line)))
    assert commands(text) == []
    assert not CONTROL.search(text.replace("\n", ""))
