"""What a person sees: text of repositories is harmless, tables are aligned, the evidence for a verdict."""

import io
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.planning.plan import make_plan, select
from phdb_ci.terminal import TAIL, Console, coloured, duration, plain, plan_text, table, verdict_text
from tests.builders import (
    artifact,
    case,
    exit_only,
    idle,
    leg,
    missing,
    quarantine,
    source,
    suite,
    use,
    verdict,
)
from tests.helpers import inventory, job, matrix, sources, stored

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")


def written(*, github: bool = False, colour: bool = False, live: bool = False) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(stream, colour=colour, live=live, github=github), stream


def commands(text: str) -> list[str]:
    """The lines that GitHub's runner takes for commands: `::` at the start after blanks, `##[` anywhere."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


# Harmless text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain ü ✓", "plain ü ✓", id="text"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;title\x07text", "text", id="title, ended by a bell"),
        pytest.param("\x1b]8;;https://evil\x1b\\click\x1b]8;;\x1b\\", "click", id="link"),
        pytest.param("\x1b]0;never ended", "", id="title without end"),
        pytest.param("a\rb\nc\td", "a b c d", id="line ends"),
        pytest.param("\x9b31m", " 31m", id="one-byte escape"),
        pytest.param("abc\u202edcb", "abc dcb", id="right to left"),
        pytest.param("zero\u200bwidth", "zero width", id="zero width"),
        pytest.param("##[error]x", "## [error]x", id="old workflow command"),
        pytest.param("#\x1b[0m#[add-mask]x", "## [add-mask]x", id="old workflow command in pieces"),
        pytest.param("x" * 400, "x" * 299 + "…", id="long"),
    ],
)
def test_plain_is_one_line_that_commands_nothing(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_plain_never_lets_a_command_through(text: str) -> None:
    for given_text in (text, f"##[{text}", f"\x1b[{text}", f"\x1b]{text}##["):
        assert not CONTROL.search(plain(given_text))
        assert "##[" not in plain(given_text)


HOSTILE = (
    "::error::fake\n  ::set-output name=x::y\n##[add-mask]a\nx ##[error]b\r::warning::c\n"
    "\x85::notice::d\u2028::debug::e\x0c::add-mask::f\n::endgroup::\n\x1b[2J\x1b]0;t\x07::stop-commands::g\n"
)


def test_log_of_a_job_commands_nothing_on_github(tmp_path: Path) -> None:
    console, stream = written(github=True)
    (tmp_path / "log").write_text(HOSTILE, newline="")
    console.log_tail("smoke@ubuntu-24.04", tmp_path / "log")
    assert commands(stream.getvalue()) == ["::group::smoke@ubuntu-24.04: end of its log", "::endgroup::"]
    assert not CONTROL.search(stream.getvalue().replace("\n", ""))


def test_reasons_and_notes_command_nothing_on_github() -> None:
    console, stream = written(github=True)
    for hostile in HOSTILE.split("\n"):
        console.note(hostile)
        console.finished("smoke", "failed", 1.0, [hostile])
    assert commands(stream.getvalue()) == []


def test_verdict_of_hostile_text_commands_nothing() -> None:
    hostile = leg(
        "smoke", "failed", suite(case("::error::x\n::y", "failed")), reasons=(HOSTILE,), notes=(HOSTILE,)
    )
    shown = verdict(
        hostile,
        leg("lint", "failed", decides=False, quarantine=quarantine(issue="https://x.y/##[error]")),
        sources=(source(notes=(HOSTILE,)),),
        artifacts=(artifact(digest=None, status="failed", reasons=(HOSTILE,)),),
        notes=(HOSTILE,),
    )
    text = verdict_text(shown, written()[0])
    assert commands(text) == []
    assert not CONTROL.search(text.replace("\n", ""))


# The log's end


def test_end_of_a_log_is_its_last_lines_behind_a_bar(tmp_path: Path) -> None:
    console, stream = written()
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100)))
    console.log_tail("smoke", tmp_path / "log")
    lines = stream.getvalue().splitlines()
    assert lines[1] == f"  end of {tmp_path / 'log'}"
    assert lines[2:] == [f"    | line {number}" for number in range(100 - TAIL, 100)]


def test_log_that_is_not_there_or_no_text_breaks_nothing(tmp_path: Path) -> None:
    console, stream = written()
    console.log_tail("smoke", tmp_path / "gone")
    assert stream.getvalue() == ""
    (tmp_path / "log").write_bytes(bytes(range(256)) * 2000)
    console.log_tail("smoke", tmp_path / "log")
    assert not CONTROL.search(stream.getvalue().replace("\n", ""))


# Progress


def test_plain_lines_tell_start_and_end() -> None:
    console, stream = written()
    console.begin(1)
    console.started("smoke@ubuntu-24.04")
    console.finished("smoke@ubuntu-24.04", "failed", 75, ["exit 1", "more"])
    console.end()
    assert stream.getvalue().splitlines() == [
        "       start  smoke@ubuntu-24.04",
        "      failed  smoke@ubuntu-24.04               1:15  exit 1",
    ]


def test_live_line_is_cleared_before_every_other() -> None:
    console, stream = written(live=True)
    console.begin(1)
    console.started("smoke")
    console.finished("smoke", "passed", 0.5, [])
    console.end()
    assert stream.getvalue().startswith("\r\x1b[2K")
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_colour_is_on_the_status_word_alone() -> None:
    assert written(colour=True)[0].paint("failed", width=8) == "\x1b[31m  failed\x1b[0m"
    assert written()[0].paint("failed", width=8) == "  failed"


@pytest.mark.parametrize(
    ("environ", "colour", "live", "github"),
    [
        pytest.param({"TERM": "xterm"}, True, True, False, id="terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, True, False, id="NO_COLOR"),
        pytest.param({"TERM": "dumb"}, False, False, False, id="dumb"),
        pytest.param({"TERM": "xterm", "GITHUB_ACTIONS": "true"}, True, True, True, id="GitHub"),
    ],
)
def test_colour_and_live_line_follow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], colour: bool, live: bool, github: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    console = Console.for_terminal(environ)
    assert (console.colour, console.live, console.github) == (colour, live, github)
    stream = io.StringIO()
    assert not coloured(stream, environ)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert coloured(stream, environ) == colour, "standard output follows the same rule"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1:00"), (3725, "62:05")]
)
def test_duration_is_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


# Tables


def test_table_is_aligned_and_keeps_its_last_column() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "x" * 500)]) == ["a    bb  c", "aaa  b   " + "x" * 500]
    assert table([]) == []


def test_plan_says_what_why_and_where() -> None:
    rows = matrix({"smoke": job(artifacts=["embed"], os=["ubuntu-24.04", "macos-15"])})
    gate, names, lead = select(rows, ["pr-gate"])
    facts = inventory("cmake", stored={}, notes=["embed was \x1b[31mdamaged"])
    text = plan_text(make_plan(rows, gate, names, lead, sources(), facts))
    assert text.splitlines()[0] == "pr-gate: 1 leg here, linux x86_64 glibc-2.36, 4 cpus"
    for part in (
        "lidb               c0ffee000000  pin  matrix.toml",
        "artifact embed  build  key ",
        "  nothing is stored yet",
        "  missing tool: cmake",
        "smoke@ubuntu-24.04  embed  -          pytest: ≥ 2 executed, none skipped",
        "smoke@macos-15  elsewhere: this machine is linux",
        "note: embed was damaged",
    ):
        assert part in text
    assert "reuse" in plan_text(
        make_plan(rows, gate, names, lead, sources(), inventory(stored={"embed": (stored(),)}))
    )


def test_plan_names_the_missing_tool_below_its_leg() -> None:
    rows = matrix({"smoke": job(tools=["fancy", "node"]), "lint": job(tools=["node"])})
    gate, names, lead = select(rows, ["pr-gate"])
    plan = make_plan(rows, gate, names, lead, sources(), inventory("fancy"))
    lines = plan_text(plan).splitlines()
    legs = lines[lines.index("legs") + 1 :]
    assert legs[0].split() == ["leg", "needs", "last", "took", "must", "show"]
    assert [line.split("@")[0] for line in legs[1:]] == ["  smoke", "    missing tool: fancy", "  lint"]


def test_verdict_shows_the_lead_first_then_what_is_not_green() -> None:
    legs = [leg("green"), leg("red", "failed"), leg("lead", calls=4)]
    lines = verdict_text(
        verdict(*legs, lead="lead", missing=[missing("gone")], idle=[idle("mac")]), written()[0]
    )
    words = [line.split()[:2] for line in lines.splitlines() if "@" in line]
    assert words == [
        ["passed", "lead@ubuntu-24.04"],
        ["failed", "red@ubuntu-24.04"],
        ["passed", "green@ubuntu-24.04"],
        ["missing", "gone@ubuntu-24.04"],
        ["elsewhere", "mac@macos-15"],
    ]
    assert lines.splitlines()[-1] == "verdict fail: pr-gate: a fail in 8:42"


def test_verdict_counts_cases_and_says_what_a_leg_rests_on() -> None:
    counted = leg(
        "smoke", "passed", suite(case("a", "skipped"), passed=3), suite(passed=2, kind="lines"), calls=7
    )
    bare = leg("bench", "passed", exit_only())
    early = leg("lint", "error", suites=())
    away = leg("old", "failed", decides=False, quarantine=quarantine(date(2027, 1, 31)), artifacts=(use(0),))
    text = verdict_text(verdict(counted, bare, early, away), written()[0])
    rows = {line.split()[1].split("@")[0]: line.split() for line in text.splitlines() if "@" in line}
    assert rows["smoke"][2:5] == ["5", "0", "1"]
    assert rows["smoke"][-3:] == ["embed", "called", "7×"]  # noqa: RUF001 - the sign that people read
    assert rows["bench"][2:5] == rows["lint"][2:5] == ["-", "-", "-"]
    assert "quarantined until 2027-01-31, does not decide: https://github.com/acme/lidb/issues/42" in text


def test_row_counts_the_calls_by_verb_and_what_the_baseline_ran_more() -> None:
    verbs = {"open": 1, "migrate": 1, "exec": 7}
    many = {f"verb{number}": 1 for number in range(9)}
    legs = [
        leg("smoke", "passed", artifacts=(use(9, verbs=verbs),)).model_copy(update={"fewer_tests": 6}),
        leg("lint", "passed", artifacts=(use(9, verbs=many),)).model_copy(update={"fewer_tests": 0}),
    ]
    text = verdict_text(verdict(*legs), written()[0])
    assert "6 tests fewer than the baseline; embed called 9× (exec 7, open 1, migrate 1)" in text  # noqa: RUF001 - as shown
    assert "  embed called 9× (verb0 1, verb1 1, verb2 1, verb3 1, verb4 1, …)" in text  # noqa: RUF001 - as shown
    assert text.count("fewer") == 1


def test_one_of_a_thing_is_told_as_one() -> None:
    text = verdict_text(verdict(leg(), artifacts=(artifact(used_by=("smoke",), calls=1),)), written()[0])
    assert "used by 1 job, called 1 time\n" in text
