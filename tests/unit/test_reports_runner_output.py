"""What a runner prints and its report does not show: each sign, and the honest line that looks like it."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import Counts, Suite
from phdb_ci.reports import input as report_input
from phdb_ci.reports import with_output
from phdb_ci.reports.input import BLOCK, MAX_LINE
from phdb_ci.reports.runner_output import SHOWN

FAILING = "✖ failing tests:"
NODE_PROBLEM = "node printed failing tests, and the report shows none"
DONE = "==== 3 passed in 0.12s ===="


class Printed:
    """A job's log, and what is said of its suite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def by(self, kind: ReportKind, text: str | bytes, *, start: int = 0, **fields: Any) -> Suite:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        suite = Suite(kind=kind, counts=Counts(passed=0 if kind == "exit" else 3))
        return with_output(suite.model_copy(update=fields), self.path, start)


@pytest.fixture
def printed(tmp_path: Path) -> Printed:
    return Printed(tmp_path / "log.txt")


# pytest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("=== 3 passed, 2 deselected in 0.12s ===", "2 tests that were deselected"),
        ("3 passed, 1 deselected in 0.12s", "1 test that was deselected"),
        ("== 3 passed, 2 subtests passed, 4 deselected, 1 warning in 65.00s (0:01:05) ==", "4 tests that"),
        ("\x1b[32m== \x1b[1m3 passed\x1b[0m, \x1b[33m2 deselected\x1b[0m\x1b[32m in 0.12s ==\x1b[0m", "2 tests that"),
        (f"{DONE}\n3 passed, 2 deselected in 0.12s", "2 tests that"),
    ],
    ids=["verbose", "quiet", "more", "colours", "the last one"],
)
def test_deselected_tests_are_skipped_without_a_rule(printed: Printed, text: str, told: str) -> None:
    suite = printed.by("pytest", text, unnamed_skips=("a",), unnamed_skip_count=1)
    assert suite.unnamed_skip_count == 2
    assert told in suite.unnamed_skips[1]
    assert suite.problem is None


@pytest.mark.parametrize(
    "text",
    [
        DONE,
        f"3 passed, 2 deselected in 0.12s\n{DONE}",
        "collected 5 items / 2 deselected / 3 selected",
        "a test says: 3 passed, 2 deselected in 0.12s",
        "3 passed, 0 deselected in 0.12s",
    ],
    ids=["none", "of a run before", "collection", "quoted", "zero"],
)
def test_line_that_is_no_last_summary_deselects_nothing(printed: Printed, text: str) -> None:
    assert printed.by("pytest", text).unnamed_skip_count == 0


@pytest.mark.parametrize("name", ["PytestReturnNotNoneWarning", "PytestUnhandledThreadExceptionWarning"])
def test_warning_that_a_test_cannot_fail_is_a_problem(printed: Printed, name: str) -> None:
    suite = printed.by("pytest", f"  /x/python.py:161: {name}: Test functions should\n{DONE}\n")
    assert suite.problem == f"a test of it cannot fail: pytest warned {name}"


@pytest.mark.parametrize(
    "text",
    [
        "  /x/a.py:1: DeprecationWarning: old",
        "  /x/a.py:1: PytestUnknownMarkWarning: Unknown pytest.mark.x",
        "$ python3 -m pytest -W error::pytest.PytestReturnNotNoneWarning",
        "test_PytestReturnNotNoneWarning PASSED",
    ],
    ids=["another", "another of pytest", "made an error", "a name"],
)
def test_other_warning_is_none(printed: Printed, text: str) -> None:
    assert printed.by("pytest", f"{text}\n{DONE}\n").problem is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("!!!!!!!!!! _pytest.outcomes.Exit: enough !!!!!!!!!!", "_pytest.outcomes.Exit: enough"),
        (f"! _pytest.outcomes.Exit: {'long ' * 30}!", "_pytest.outcomes.Exit: long"),
        ("!!!!! _pytest.outcomes.Exit: two", "_pytest.outcomes.Exit: two"),
        ("\x1b[31m!!!! Interrupted: 1 error during collection !!!!\x1b[0m", "Interrupted: 1 error"),
        ("!!!! stopping after 1 failures !!!!", "stopping after 1 failures"),
    ],
    ids=["exit", "a long reason", "a reason of two lines", "interrupted", "maxfail"],
)
def test_run_that_was_stopped_is_a_problem(printed: Printed, line: str, told: str) -> None:
    suite = printed.by("pytest", f"{line}\n{DONE}\n")
    assert f"pytest stopped before its end: {told}" in str(suite.problem)


@pytest.mark.parametrize("line", ["!!! careful", "hello !!! you !!!", "!!!!!!!!!!!!", "wow!!! it works !!!"])
def test_exclamation_is_no_stop(printed: Printed, line: str) -> None:
    assert printed.by("pytest", f"{line}\n{DONE}\n").problem is None


def test_stop_with_a_failure_is_the_failures_to_say(printed: Printed) -> None:
    line = "!!!! stopping after 1 failures !!!!\n"
    assert printed.by("pytest", line, counts=Counts(failed=1)).problem is None


def test_problem_of_the_report_stays(printed: Printed) -> None:
    assert printed.by("pytest", "x: PytestReturnNotNoneWarning: y\n", problem="is truncated").problem == "is truncated"


# node


@pytest.mark.parametrize(
    "text",
    [
        f"{FAILING}\n\ntest at a.js:1:1\n✖ a (1.2ms)\n",
        f"\x1b[31m{FAILING}\x1b[39m\n\x1b[31m✖ a \x1b[90m(1.2ms)\x1b[39m\x1b[39m\n",
        f"{FAILING}\n✖ todo (1ms) # TODO\n✖ a (1ms)\n",
        f"{FAILING}\n✖ a (1ms) # b (2ms)\n",
    ],
    ids=["plain", "colours", "behind a todo", "a name like a todo"],
)
def test_failing_tests_that_no_case_shows_are_a_problem(printed: Printed, text: str) -> None:
    assert printed.by("node", text).problem == NODE_PROBLEM


@pytest.mark.parametrize(
    "text",
    [
        f"{FAILING}\n\n✖ a (1.2ms) # TODO\n",
        "✖ a (1ms)\n",
        f"{FAILING} 3\n✖ a (1ms)\n",
        f"no {FAILING}\n✖ a (1ms)\n",
        f"✖ a (1ms)\n{FAILING}\n",
        "failing tests:\n✖ a (1ms)\n",
    ],
    ids=["todo", "no head", "another head", "a head in a line", "above the head", "no cross"],
)
def test_line_that_is_no_failing_test_of_the_list_is_passed_over(printed: Printed, text: str) -> None:
    assert printed.by("node", text).problem is None


def test_failing_tests_that_a_case_shows_are_no_problem(printed: Printed) -> None:
    assert printed.by("node", f"{FAILING}\n✖ a (1ms)\n", counts=Counts(failed=1)).problem is None


# An exit code alone


@pytest.mark.parametrize(
    "line",
    [
        "FAIL: a leaks", "FAILED: a", "FAILURE: a", "FAIL! a", "[smoke] FAIL: a", "  FAIL: a", "FAIL:",
        "\x1b[31mFAIL\x1b[0m: a",
    ],
)  # fmt: skip
def test_failure_that_was_printed_is_kept(printed: Printed, line: str) -> None:
    suite = printed.by("exit", f"ok\n{line}\nFAIL: another\n")
    assert suite.printed == line.replace("\x1b[31m", "").replace("\x1b[0m", "").strip()


@pytest.mark.parametrize(
    "line",
    [
        "0 FAILED",
        "no FAIL: here",
        "FAILOVER: done",
        "FAIL",
        "fail: a",
        "$ grep 'FAIL: x' log",
        "PASS: FAIL: x",
        "XFAIL: a",
    ],
)
def test_line_that_names_a_failure_in_passing_is_none(printed: Printed, line: str) -> None:
    assert printed.by("exit", f"{line}\n").printed is None


def test_failure_that_was_printed_is_cleaned_and_short(printed: Printed) -> None:
    shown = str(printed.by("exit", f"FAIL: \u202e\x07a   b{'x' * 9999}\n").printed)
    assert shown.startswith("FAIL: a bxxx")
    assert len(shown) == SHOWN


# Any log


@pytest.mark.parametrize("kind", ["lines", "junit"])
def test_other_kinds_are_left_alone(tmp_path: Path, kind: ReportKind) -> None:
    suite = Suite(kind=kind)
    assert with_output(suite, tmp_path / "none", 0) is suite


@pytest.mark.parametrize("kind", ["pytest", "node", "exit"])
def test_log_that_is_not_there_hides_nothing(tmp_path: Path, kind: ReportKind) -> None:
    assert "cannot be read" in str(with_output(Suite(kind=kind), tmp_path / "none", 0).problem)


def test_log_that_is_too_large_hides_nothing(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_input, "MAX_LOG", 5)
    assert "is larger than" in str(printed.by("exit", "x" * 9).problem)
    assert printed.by("exit", "x" * 9, start=5).problem is None


def test_output_of_the_setup_does_not_count(printed: Printed) -> None:
    text = "FAIL: of the set-up\n"
    assert printed.by("exit", f"{text}ok\n", start=len(text)).printed is None


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_line_end_ends_a_line(printed: Printed, end: str) -> None:
    assert printed.by("exit", f"ok{end}FAIL: a{end}").printed == "FAIL: a"


@pytest.mark.parametrize("before", [BLOCK - 9, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_line_is_seen_wherever_a_block_ends(printed: Printed, before: int) -> None:
    assert printed.by("exit", b"x" * (before - 1) + b"\nFAIL: a\n").printed == "FAIL: a"


@pytest.mark.parametrize("before", [MAX_LINE, 2 * BLOCK, 2 * BLOCK + 1, 5 * BLOCK])
def test_end_of_a_long_line_is_no_line(printed: Printed, before: int) -> None:
    assert printed.by("exit", b"x" * before + b"FAIL: a\n").printed is None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kind=st.sampled_from(get_args(ReportKind)),
    pieces=st.lists(
        st.binary(max_size=30)
        | st.sampled_from(
            [
                b"FAIL: ",
                b"!!! ",
                b"\n",
                b"\r",
                b" in 1s",
                b"9 deselected",
                FAILING.encode(),
                b"PytestReturnNotNoneWarning: ",
            ]
        )
    ),
)
def test_any_bytes_are_answered(printed: Printed, kind: ReportKind, pieces: list[bytes]) -> None:
    assert printed.by(kind, b"".join(pieces)).kind == kind


def test_large_log_without_a_sign_is_only_scanned(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_input, "plain", lambda _: pytest.fail("read a line"))
    printed.by("pytest", b"test_a.py::test_b in a line of the usual length, PASSED\n" * 600_000)
