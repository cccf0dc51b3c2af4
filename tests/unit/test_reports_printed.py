"""Failures that were printed and that no record shows: each way to say so, and the honest line that looks like it."""

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
from phdb_ci.reports.printed import SHOWN


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
        "[lidb smoke] error: 1 versions instead of 2", "fail: a", "FAILED tests/a.py::b - assert 1 == 0",
        "bash: fatal: no", "Traceback (most recent call last):", "AssertionError: no", "ValueError: 3",
        "FAILED (failures=1)", "ERROR: could not", "[a] [b] Error: no", "panic: index",
    ],
)  # fmt: skip
def test_failure_in_other_words_is_kept(printed: Printed, line: str) -> None:
    assert printed.by("exit", f"ok\n{line}\n").printed == line


@pytest.mark.parametrize(
    "line",
    [
        "0 FAILED",
        "no FAIL: here",
        "FAILOVER: done",
        "FAIL",
        "$ grep 'FAIL: x' log",
        "PASS: FAIL: x",
        "XFAIL: a",
        "Errors: 0",
        "failures: none",
        "FAILED 0",
        "errors are refused: ok",
        "a failed insert is refused: ok",
        "error handling: ok",
        "+ fail open",
        "Traceback of a run",
    ],
)
def test_line_that_names_a_failure_in_passing_is_none(printed: Printed, line: str) -> None:
    assert printed.by("exit", f"{line}\n").printed is None


@pytest.mark.parametrize("kind", ["pytest", "node", "lines", "junit"])
def test_beside_a_report_a_failure_must_shout(printed: Printed, kind: ReportKind) -> None:
    assert printed.by(kind, "error: refused\nValueError: 3\nTraceback (most recent call last):\n").printed is None
    assert printed.by(kind, "FAILED (failures=1)\n").printed == "FAILED (failures=1)"


def test_failure_that_was_printed_is_cleaned_and_short(printed: Printed) -> None:
    shown = str(printed.by("exit", f"FAIL: \u202e\x07a   b{'x' * 9999}\n").printed)
    assert shown.startswith("FAIL: a bxxx")
    assert len(shown) == SHOWN


# Any log


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
    pieces=st.lists(st.binary(max_size=30) | st.sampled_from([b"FAIL: ", b"error: ", b"Traceback ", b"\n", b"\r"])),
)
def test_any_bytes_are_answered(printed: Printed, kind: ReportKind, pieces: list[bytes]) -> None:
    assert printed.by(kind, b"".join(pieces)).kind == kind


def test_large_log_without_a_sign_is_only_scanned(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_input, "plain", lambda _: pytest.fail("read a line"))
    printed.by("pytest", b"test_a.py::test_b in a line of the usual length, PASSED\n" * 600_000)
