"""PASS, SKIP and FAIL lines in a log."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phdb_ci.models.results import Suite
from phdb_ci.reports import lines as lines_module
from phdb_ci.reports import read_report
from phdb_ci.reports.input import BLOCK

HARNESS = """\
+ bash tests/security/run_all.sh
PASS sql_injection
PASS sql_injection.test
SKIP valgrind: valgrind is not installed
SKIP valgrind.test
some PASS in a sentence, PASSED, and a FAIL
FAIL path_traversal: reads /etc/passwd
FAIL path_traversal.test
security harness: pass=1 skip=1 fail=1
"""


class Logs:
    """Writes a log and reads it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "job.log"

    def read(self, text: str | bytes, **rules: object) -> Suite:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_report("lines", self.path, **({"skips": {}, "critical": ()} | rules))  # type: ignore[arg-type]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def told(suite: Suite) -> dict[str, str]:
    return {case.name: case.status for case in suite.cases}


def test_harness_counts_each_name_once(logs: Logs) -> None:
    suite = logs.read(HARNESS)
    assert told(suite) == {"sql_injection": "passed", "valgrind": "skipped", "path_traversal": "failed"}
    assert {case.name: case.message for case in suite.cases} == {
        "sql_injection": "", "valgrind": "valgrind is not installed", "path_traversal": "reads /etc/passwd",
    }  # fmt: skip
    assert (suite.problem, suite.notes, suite.dropped) == (None, (), 0)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("PASS x", "PASS x.test", "passed"),
        ("SKIP x: why", "SKIP x.test", "skipped"),
        ("SKIP x.test", "SKIP x: why", "skipped"),
        ("SKIP x: why", "PASS x.test", "skipped"),
        ("PASS x", "SKIP x.test: why", "skipped"),
        ("FAIL x: why", "PASS x.test", "failed"),
        ("PASS x", "FAIL x.test: why", "failed"),
        ("SKIP x: no", "FAIL x: why", "failed"),
    ],
)
def test_worst_word_wins(logs: Logs, first: str, second: str, status: str) -> None:
    (case,) = logs.read(f"{first}\n{second}\n").cases
    assert (case.name, case.status) == ("x", status)
    assert case.message == ("" if status == "passed" else "why")


@pytest.mark.parametrize(
    "line", ["\x1b[32mPASS\x1b[0m x", "PASS x\r", "PASS\tx", "PASS   x  ", "50%\rPASS x", "\ufeffPASS x", "PASS x.test"]
)
def test_line_is_recognised(logs: Logs, line: str) -> None:
    assert told(logs.read(line + "\n")) == {"x": "passed"}


@pytest.mark.parametrize("line", ["PASSED x", " PASS x", "ok PASS x", "PASS", "PASS ", "pass x", "PASS: x", "SKIP: x"])
def test_line_is_left_alone(logs: Logs, line: str) -> None:
    suite = logs.read(line + "\n")
    assert (suite.cases, suite.problem, suite.notes) == ((), None, ())


def test_failure_counts_in_automake_spelling(logs: Logs) -> None:
    assert told(logs.read("FAIL: x\n")) == {"x": "failed"}


def test_name_ends_at_the_colon(logs: Logs) -> None:
    suite = logs.read("FAIL a b: one: two\nPASS c::d\nSKIP e:\n")
    assert [(case.name, case.message) for case in suite.cases] == [("a b", "one: two"), ("e", ""), ("c::d", "")]


def test_log_without_lines_is_zero_cases(logs: Logs) -> None:
    suite = logs.read("building\n")
    assert (suite.cases, suite.problem) == ((), None)


def test_missing_log_is_a_problem(tmp_path: Path) -> None:
    assert read_report("lines", tmp_path / "job.log", skips={}, critical=()).problem == "job.log was not written"


# Totals


@pytest.mark.parametrize(
    ("totals", "note"),
    [
        ("x x pass=2 skip=1  fail=1", "the totals line says pass=2 skip=1, the lines show 1 passed and 1 skipped"),
        ("pass=0 skip=1 fail=1", "the totals line says pass=0 skip=1, the lines show 1 passed and 1 skipped"),
    ],
)
def test_totals_that_differ_are_noted(logs: Logs, totals: str, note: str) -> None:
    suite = logs.read(HARNESS.replace("pass=1 skip=1 fail=1", totals))
    assert (suite.notes, suite.problem) == ((note,), None)


def test_totals_need_no_title(logs: Logs) -> None:
    assert logs.read("pass=1 skip=0 fail=1\n").problem == "no FAIL line for: pass=1 skip=0 fail=1"


def test_fail_of_the_totals_is_no_count(logs: Logs) -> None:
    suite = logs.read("FAIL a\nFAIL b\nh: pass=0 skip=0 fail=1\n")
    assert (suite.notes, suite.problem) == ((), None)


def test_failed_totals_without_a_failure_are_a_problem(logs: Logs) -> None:
    assert logs.read("PASS a\nh: pass=1 skip=0 fail=1\n").problem == "no FAIL line for: h: pass=1 skip=0 fail=1"


def test_totals_of_several_harnesses_add_up(logs: Logs) -> None:
    one, two = "PASS a\none: pass=1 skip=0 fail=0\n", "SKIP b\ntwo: pass=0 skip=1 fail=0\n"
    assert logs.read(one + two + one).notes == ()


# Rules and bounds


def test_rules_apply_to_lines(logs: Logs) -> None:
    suite = logs.read(HARNESS, skips={"valgrind": "not on this runner", "x": "y"}, critical=["sql*", "valgrind"])
    assert [rule.matched for rule in suite.skip_rules] == [1, 0]
    assert [rule.matched for rule in suite.critical_rules] == [1, 0]
    assert suite.unnamed_skips == ("valgrind",)


def test_long_line_is_bounded(logs: Logs) -> None:
    suite = logs.read(b"PASS " + b"x" * 50_000 + b" FAIL y\n" + b"z" * 8187 + b"FAIL in the middle\nPASS last\n")
    assert [case.name for case in suite.cases] == ["x" * 299 + "…", "last"]


def test_too_many_names_are_a_problem(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_NAMES", 10)
    suite = logs.read("".join(f"PASS {i}\n" for i in range(11)))
    assert suite.problem == "job.log has more than 10 names in PASS, SKIP and FAIL lines"
    assert suite.counts.passed == 10


def test_large_log_takes_no_memory(logs: Logs) -> None:
    logs.path.write_bytes((b"noise PASS " + b"x" * 5000 + b"\n") * 2000 + b"y" * 20_000_000 + b"\nPASS a\n")
    tracemalloc.start()
    suite = read_report("lines", logs.path, skips={}, critical=())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(suite) == {"a": "passed"}
    assert peak < 8 * BLOCK


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([b"PASS ", b"FAIL x", b"SKIP ", b"\n", b"\r", b"pass=1 skip=1 fail=1"])
    )
)
def test_any_bytes_are_answered(logs: Logs, pieces: list[bytes]) -> None:
    suite = logs.read(b"".join(pieces))
    assert suite.kind == "lines"


@pytest.mark.parametrize("line", ["  FAIL indented", "\tFAIL: tabbed"])
def test_indented_failure_counts(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"PASS a\n{line}\n")
    assert read_report("lines", log, skips={}, critical=()).counts.failed == 1


# Words


def test_words_of_the_row_are_cases(logs: Logs) -> None:
    words = {"OK": "passed", "BROKEN": "failed", "LATER": "skipped"}
    suite = logs.read("OK a\nBROKEN b: why\nLATER c\nOKAY d\nPASS e\n", words=words)
    assert told(suite) == {"a": "passed", "b": "failed", "c": "skipped", "e": "passed"}


@pytest.mark.parametrize("word", ["WARN", "XFAIL", "ERROR:", "TIMEOUT", "NOT-RUN"])
def test_other_word_of_a_critical_check_is_doubted(logs: Logs, word: str) -> None:
    suite = logs.read(f"{word} a.test: hm\nPASS a\nPASS b\n", critical=("a",))
    assert suite.doubted == (f"a: {word} a.test: hm",)
    assert logs.read(f"{word} a: hm\nPASS a\n", critical=("b",)).doubted == ()


@pytest.mark.parametrize(
    "line", ["Traceback (most recent call last):", "error: no", "[a] FAILED: no", "  AssertionError: no"]
)
def test_failure_that_was_printed_before_a_critical_pass_is_doubted(logs: Logs, line: str) -> None:
    suite = logs.read(f"PASS b\n{line}\nPASS a\nPASS a.test\nPASS c\n", critical=("*",))
    assert suite.doubted == (f"a: {line.strip()}",)


def test_failure_before_another_line_is_not_of_the_next(logs: Logs) -> None:
    assert logs.read("error: no\nSKIP b\nPASS a\n", critical=("a",)).doubted == ()
    assert logs.read("PASS a\nerror: no\n", critical=("a",)).doubted == ()


def test_honest_lines_between_cases_are_no_doubt(logs: Logs) -> None:
    text = "running a.test\n[lidb] a\nRUN\nthe insert is refused: ok\nPASS a\n+ FAIL is open\nPASS b\n"
    assert logs.read(text, critical=("*",)).doubted == ()
