"""The one JUnit file of a run: well-formed whatever the texts, never greener than the verdict."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml, TestSuite

from phdb_ci.errors import DiskError
from phdb_ci.models.matrix import Quarantine
from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import Case, CaseStatus, Counts, Facts, LegResult, Suite
from phdb_ci.models.statuses import Status
from phdb_ci.models.verdict import Missing, Quarantined, VerdictArtifact, VerdictLeg
from phdb_ci.reports import read_report
from phdb_ci.reports.writer import write_junit

STATUSES: tuple[CaseStatus, ...] = ("passed", "failed", "error", "skipped", "todo")


def leg(*suites: Suite, status: Status = "passed", job: str = "smoke", reasons: tuple[str, ...] = ()) -> LegResult:
    return LegResult(
        gate="pr-gate", job=job, os="ubuntu-24.04", summary="s", run_id="1", status=status, reasons=reasons,
        facts=Facts(suites=suites), started="2026-11-25T00:00:00Z", seconds=2.5,
    )  # fmt: skip


def suite_of(*cases: Case, kind: ReportKind = "pytest", dropped: int = 0, problem: str | None = None) -> Suite:
    counts = dict.fromkeys(STATUSES, 0)
    for case in cases:
        counts[case.status] += 1
    counts["passed"] += dropped
    return Suite(kind=kind, cases=cases, counts=Counts(**counts), dropped=dropped, problem=problem, seconds=1.25)


def case(name: str = "a", status: CaseStatus = "passed", **texts: str) -> Case:
    return Case(name=name, status=status, seconds=0.5, **texts)


def written(tmp_path: Path, *legs: LegResult) -> JUnitXml:
    write_junit(tmp_path / "junit.xml", [VerdictLeg(result=leg) for leg in legs])
    return JUnitXml.fromfile(str(tmp_path / "junit.xml"))


def properties(suite: TestSuite) -> dict[str, str]:
    return {prop.name: prop.value for prop in suite.properties()}  # type: ignore[no-untyped-call]


def test_each_leg_and_report_is_a_suite(tmp_path: Path) -> None:
    one = leg(suite_of(case()), suite_of(case(), kind="node"), suite_of(case(), kind="node"))
    xml = written(tmp_path, one, leg(suite_of(case()), job="db-smoke"))
    assert [suite.name for suite in xml] == [
        "smoke@ubuntu-24.04 pytest", "smoke@ubuntu-24.04 node", "smoke@ubuntu-24.04 node 2",
        "db-smoke@ubuntu-24.04 pytest",
    ]  # fmt: skip


def test_case_keeps_status_message_and_detail(tmp_path: Path) -> None:
    cases = [case(status, status, suite="c", message=f"m-{status}", detail=f"line\nd-{status}") for status in STATUSES]
    (suite,) = written(tmp_path, leg(suite_of(*cases), status="failed"))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped, suite.time) == (5, 1, 1, 2, 1.25)
    passed, *others = suite
    assert (passed.name, passed.classname, passed.time, passed.result) == ("passed", "c", 0.5, [])
    results = [result for other in others for result in other.result]
    assert [type(result).__name__ for result in results] == ["Failure", "Error", "Skipped", "Skipped"]
    assert [result.message for result in results] == [f"m-{status}" for status in STATUSES[1:]]
    assert [result.text for result in results] == [f"line\nd-{status}" for status in STATUSES[1:]]
    assert results[-1].type == "todo"


def test_properties_tell_what_the_cases_cannot(tmp_path: Path) -> None:
    row = Quarantine(job="smoke", issue="https://x/1", owner="o", until=dt.date(2027, 1, 1), reason="r")
    one = leg(suite_of(case(status="failed"), dropped=7), status="failed")
    write_junit(tmp_path / "junit.xml", [VerdictLeg(result=one, quarantine=(Quarantined(row=row, holds=True),))])
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert properties(suite) == {
        "gate": "pr-gate", "job": "smoke", "os": "ubuntu-24.04", "status": "failed", "kind": "pytest",
        "quarantine": "https://x/1", "not kept": "7", "log": "smoke@ubuntu-24.04/log.txt",
    }  # fmt: skip
    assert suite.tests == 8


@pytest.mark.parametrize(
    ("status", "element"),
    [
        ("passed", None), ("failed", "Failure"), ("unproven", "Failure"), ("timeout", "Failure"),
        ("error", "Error"), ("cancelled", "Error"), ("blocked", "Error"), ("skipped", "Skipped"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suites", [(), (Suite(kind="exit"),)], ids=["no-report", "exit"])
def test_leg_without_cases_is_one_case(
    tmp_path: Path, status: Status, element: str | None, suites: tuple[Suite, ...]
) -> None:
    (suite,) = written(tmp_path, leg(*suites, status=status, reasons=("because", "and so")))
    (only,) = suite
    assert (suite.name, only.name, only.time) == ("smoke@ubuntu-24.04", "smoke", 2.5)
    assert [type(result).__name__ for result in only.result] == ([element] if element else [])
    if element:
        (result,) = only.result
        assert (result.message, result.text, result.type) == ("because", "because\nand so", status)


@pytest.mark.parametrize("status", ["failed", "unproven", "error", "timeout", "cancelled"])
def test_leg_is_never_greener_than_its_status(tmp_path: Path, status: Status) -> None:
    xml = written(tmp_path, leg(suite_of(case(), case("b", "skipped")), status=status))
    report, itself = list(xml)
    assert (report.failures + report.errors, itself.failures + itself.errors) == (0, 1)


def test_problem_of_a_report_is_told(tmp_path: Path) -> None:
    report, itself = written(tmp_path, leg(suite_of(problem="junit.xml is truncated"), status="failed"))
    assert properties(report)["problem"] == "junit.xml is truncated"
    assert next(iter(itself)).result[0].message == "junit.xml is truncated"


def test_leg_with_a_red_case_is_not_told_twice(tmp_path: Path) -> None:
    assert len(written(tmp_path, leg(suite_of(case(status="error")), status="failed"))) == 1


def test_run_without_legs_is_well_formed(tmp_path: Path) -> None:
    assert len(written(tmp_path)) == 0


HOSTILE = [
    "]]><testcase/>", "<!DOCTYPE x>", "&amp;&#0;", "\x00\x01\x1b[31m", "\ufffe\uffff", "\u202e\u200b",
    "a\r\nb\tc", "'\"", "--><!--", "<?xml?>", "x" * 10_000, "日本 🎉", "\x85\u2028",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    hostile = case(text, "failed", suite=text, message=text, detail=text)
    blocked = leg(status="blocked", reasons=(text,))
    xml = written(tmp_path, leg(suite_of(hostile, problem=text), status="failed", reasons=(text,)), blocked)
    assert [len(list(suite)) for suite in xml] == [1, 1]
    back = read_report("junit", tmp_path / "junit.xml", skips={}, critical=())
    assert (back.problem, back.counts, back.notes) == (None, Counts(failed=1, error=1), ())


ANY_CASE = st.builds(
    Case,
    suite=st.text(max_size=20),
    name=st.text(max_size=20),
    status=st.sampled_from(STATUSES),
    seconds=st.floats(0, 1e6),
    message=st.text(max_size=40),
    detail=st.text(max_size=40),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(ANY_CASE, min_size=1, max_size=5), max_size=4))
def test_what_was_written_is_read_back(tmp_path: Path, groups: list[list[Case]]) -> None:
    legs = []
    for cases in groups:
        bad = any(one.status in {"failed", "error"} for one in cases)
        legs.append(leg(suite_of(*cases), status="failed" if bad else "passed"))
    xml = written(tmp_path, *legs)
    back = read_report("junit", tmp_path / "junit.xml", skips={}, critical=())
    assert back.problem is None
    statuses = [one.status for cases in groups for one in cases]
    assert back.counts == Counts(**{status: statuses.count(status) for status in STATUSES})
    assert sum(suite.tests for suite in xml) == sum(len(list(suite)) for suite in xml) == len(statuses)


def test_legs_are_written_as_they_come(tmp_path: Path) -> None:
    """One leg at a time: when the second is asked for, the first is not held any more."""
    sizes = []

    def legs() -> Iterator[VerdictLeg]:
        for _ in range(20):
            yield VerdictLeg(result=leg(suite_of(*(case(f"n{i}", detail="") for i in range(500)))))
            (part,) = tmp_path.glob(".phdb-ci-*")
            sizes.append(part.stat().st_size)

    write_junit(tmp_path / "junit.xml", legs())
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 10


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "junit.xml"
    target.write_text("before")

    def legs() -> Iterator[VerdictLeg]:
        yield VerdictLeg(result=leg(suite_of(case())))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_junit(target, legs())
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_unwritable_target_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be written"):
        write_junit(tmp_path / "none" / "junit.xml", [])


def test_leg_that_is_not_green_says_where_to_look_and_what_repeats_it(tmp_path: Path) -> None:
    red = leg(exit_suite(), status="failed", reasons=("exit 1: sh run.sh",)).model_copy(update={
        "facts": Facts(suites=(exit_suite(),), words=("NameError: name 'x'",)), "workspace": "/cache/work/smoke",
    })  # fmt: skip
    write_junit(tmp_path / "junit.xml", [VerdictLeg(result=red, repeat="phdb-ci run smoke")])
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    told = properties(suite)
    assert (told["log"], told["workspace"]) == ("smoke@ubuntu-24.04/log.txt", "/cache/work/smoke")
    assert told["repeat"] == "phdb-ci run smoke"
    assert next(iter(suite)).result[0].text == "exit 1: sh run.sh\nNameError: name 'x'"


def test_artifact_that_did_not_build_and_leg_without_a_result_are_red(tmp_path: Path) -> None:
    unbuilt = VerdictArtifact(
        name="embed", status="failed", key="", digest=None, reasons=("exit 2: make",), words=("a.c:1: error: no",),
        repeat="phdb-ci run embed",
    )  # fmt: skip
    gone = Missing(job="smoke", os="macos-15", reason="left no result", repeat="phdb-ci run smoke")
    write_junit(tmp_path / "junit.xml", [], missing=[gone], artifacts=[unbuilt])
    build, missing = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert next(iter(build)).result[0].message == "embed does not build"
    assert next(iter(build)).result[0].text == "exit 2: make\na.c:1: error: no"
    assert properties(build)["repeat"] == "phdb-ci run embed"
    assert next(iter(missing)).result[0].message == "left no result"
    assert (build.errors, missing.errors) == (1, 1)


def exit_suite() -> Suite:
    return Suite(kind="exit")
