"""Records that runners leave of themselves: read as they are, bounded, and never an exception."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phdb_ci.models.matrix import Report
from phdb_ci.models.runs import NAMED, Run
from phdb_ci.reports.runs import MAX_BYTES, read_runs, with_parts
from tests.builders import case, suite

ASKED = {"pytest": "/r/pytest.xml", "node": "/r/node.xml"}


def names(*titles: str, count: int | None = None) -> dict[str, Any]:
    return {"count": len(titles) if count is None else count, "names": [[title, ""] for title in titles]}


class Records:
    """A job's folder of records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0

    def add(self, end: dict[str, Any] | None = None, **start: Any) -> str:
        """One record; its name."""
        self.made += 1
        name = start.get("name", f"r{self.made}")
        lines = [{"runner": "pytest", "name": name, "args": ["-q"]} | start]
        lines += [{"exit": 0, "session": True, "root": "/w"} | end] if end is not None else []
        (self.folder / f"{self.made:03}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return str(name)

    def read(self, **skips: str) -> tuple[Run, ...]:
        reports = [Report(kind="pytest", min_tests=1, skips=skips), Report(kind="node", min_tests=1)]
        runs, problem = read_runs(self.folder, reports, ASKED)
        assert problem is None
        return runs


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


def test_record_without_an_end_is_a_run_that_never_ended(records: Records) -> None:
    records.add()
    assert records.read() == (Run(runner="pytest", command="pytest -q", ended=False),)


def test_counts_and_report_are_those_of_the_record(records: Records) -> None:
    records.add({"passed": names("a.py::b"), "executed": names("a.py::b"), "report": ASKED["pytest"]})
    (run,) = records.read()
    assert (run.passed, run.executed, run.report, run.exit_code) == (1, 1, "asked", 0)


def test_help_is_no_run_and_a_wrong_option_is_one(records: Records) -> None:
    records.add({"session": False})
    records.add({"session": False, "exit": 4})
    assert [run.exit_code for run in records.read()] == [4]


def test_deselected_and_dropped_tests_are_left_out(records: Records) -> None:
    records.add({"deselected": names("t/a.py::b", "t/a.py::C::d"), "dropped": names("e.py::f")})
    (run,) = records.read()
    assert (run.left_out, run.left_out_count) == (("t.a > b", "t.a.C > d", "e > f"), 3)


def test_what_another_run_executed_was_not_left_out(records: Records) -> None:
    records.add({"deselected": names("a.py::b", "a.py::c")})
    records.add({"passed": names("a.py::b")})
    assert [run.left_out for run in records.read()] == [("a > c",), ()]


def test_test_of_the_same_name_elsewhere_is_another_one(records: Records) -> None:
    records.add({"deselected": names("a.py::b")})
    records.add({"passed": names("a.py::b"), "root": "/elsewhere"})
    assert records.read()[0].left_out == ("a > b",)


@pytest.mark.parametrize("pattern", ["b", "t.a > b", "*a > *"])
def test_test_that_the_row_names_is_not_left_out(records: Records, pattern: str) -> None:
    records.add({"deselected": names("t/a.py::b")})
    assert records.read(**{pattern: "why"})[0].left_out_count == 0


def test_names_that_were_not_kept_are_counted(records: Records) -> None:
    records.add({"deselected": names("a.py::b", count=7)})
    assert records.read()[0].left_out == ("a > b", "6 more")


def test_failure_that_a_plugin_hid_is_a_failure(records: Records) -> None:
    records.add({"hidden": {"count": 1, "names": [["a.py::b", "AssertionError: no"]]}})
    (run,) = records.read()
    assert (run.failed, run.failing) == (1, ("a > b: AssertionError: no",))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("PytestReturnNotNoneWarning x", "cannot_fail"),
        ("RuntimeWarning coroutine 'x' was never awaited", "cannot_fail"),
        ("AssertionsOff: -O", "cannot_fail"),
        ("PytestCollectionWarning cannot collect test class 'T'", "not_collected"),
        ("DeprecationWarning old", None),
        ("RuntimeWarning coroutine", None),
        ("PytestAssertRewriteWarning Module already imported so cannot be rewritten: x", None),
    ],
)
def test_warning_means_what_its_words_say(records: Records, text: str, field: str | None) -> None:
    records.add({"doubts": names(text)})
    (run,) = records.read()
    assert {name for name in ("cannot_fail", "not_collected") if getattr(run, name)} == ({field} if field else set())


def test_workers_are_parts_of_their_run(records: Records) -> None:
    run = records.add({"passed": names("a.py::a")})
    records.add({"deselected": names("a.py::b"), "doubts": names("AssertionInThread: x")}, worker_of=run)
    records.add({"deselected": names("a.py::b")}, worker_of=run)
    (whole,) = records.read()
    assert (whole.passed, whole.left_out, whole.cannot_fail) == (1, ("a > b",), ("AssertionInThread: x",))


def test_files_of_node_are_parts_of_their_run(records: Records) -> None:
    run = records.add({"events": {"failed": 0}}, runner="node", args=["--test"])
    records.add({"passed": names("a"), "empty": names()}, runner="node", worker_of=run)
    records.add({"failed": names("b"), "unfinished": names("c")}, runner="node", worker_of=run)
    (whole,) = records.read()
    assert (whole.passed, whole.failed, whole.failing) == (1, 1, ("b",))
    assert whole.cut_off == "1 test not over when its process ended: c"


def test_failure_that_node_told_alone_is_one(records: Records) -> None:
    records.add({"events": {"failed": 1, "failing": [["s", "no"]]}}, runner="node")
    assert records.read()[0].failing == ("s: no",)


def test_names_that_a_person_sees_are_clean_and_few(records: Records) -> None:
    records.add({"deselected": names(*(f"a.py::b{n}\u202e\x07" for n in range(50)))})
    (run,) = records.read()
    assert (len(run.left_out), run.left_out_count, run.left_out[0]) == (NAMED, 50, "a > b0")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]\n", '{"runner": "make"}\n', '{"runner": "pytest"}\n{"exit": [0]}\n', "\x00" * 10,
        '{"runner": "pytest"}\n{"passed": {"count": -1}}\n', '{"runner": "pytest"}\n{"passed": {"names": [["a"]]}}\n',
        f'{{"runner": "pytest"}}\n{{"root": "{"x" * 3000}"}}\n', "x" * (MAX_BYTES + 1),
    ],
)  # fmt: skip
def test_record_that_is_none_is_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.jsonl").write_text(text)
    runs, problem = read_runs(tmp_path, (), ASKED)
    assert (runs, "cannot be read" in str(problem)) == ((), True)


@pytest.mark.parametrize("make", ["link", "folder", "gone"])
def test_record_that_is_no_file_is_a_problem(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    if make == "link":
        (folder / "1.jsonl").symlink_to("/dev/zero")
    elif make == "folder":
        (folder / "1.jsonl").mkdir()
    else:
        folder.rmdir()
    assert read_runs(folder, (), ASKED)[1] is not None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200), value=st.recursive(st.integers() | st.text() | st.none(), st.lists, max_leaves=5))
def test_any_bytes_are_answered(tmp_path: Path, data: bytes, value: Any) -> None:
    (tmp_path / "1.jsonl").write_bytes(data)
    read_runs(tmp_path, (), ASKED)
    end = dict.fromkeys(("passed", "exit", "root", "events", "doubts", "subtests", "report"), value)
    (tmp_path / "1.jsonl").write_text(f'{{"runner": "node"}}\n{json.dumps(end)}\n')
    read_runs(tmp_path, (), ASKED)


def test_test_that_skipped_a_part_of_itself_has_passed(records: Records) -> None:
    records.add({"partly": names("a.py::b"), "subtests": {"skipped": 1}, "report": ASKED["pytest"]})
    runs = records.read()
    read = suite(case("b", "skipped", suite="a"), case("c", "skipped", suite="a"), unnamed_skips=("a > b", "a > c"))
    found = with_parts(read.model_copy(update={"unnamed_skip_count": 2}), runs)
    assert (found.counts.passed, found.counts.skipped) == (1, 1)
    assert (found.unnamed_skips, found.unnamed_skip_count) == (("a > c",), 1)
