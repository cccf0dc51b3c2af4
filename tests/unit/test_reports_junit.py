"""Reading JUnit files: the samples of real runners, every quirk by itself, hostile and broken files."""

import random
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from phdb_ci.models.results import Case, Suite
from phdb_ci.reports import read_report
from phdb_ci.reports.input import CHUNK, MAX_BYTES
from phdb_ci.reports.junit import MAX_DEPTH, MAX_TAGS, MAX_TOKEN
from phdb_ci.reports.tally import KEPT, KEPT_PASSED, NAMED, REMEMBERED

DATA = Path(__file__).parents[1] / "data" / "junit"
Kind = Literal["pytest", "node", "junit"]


def read(path: Path, kind: Kind = "junit", *, skips: Mapping[str, str] = {}, critical: Sequence[str] = ()) -> Suite:
    return read_report(kind, path, skips=skips, critical=critical)


class Reports:
    """Writes what a test wants to read, and reads it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "report.xml"

    def read(
        self, content: str | bytes, kind: Kind = "junit", *, skips: Mapping[str, str] = {}, critical: Sequence[str] = ()
    ) -> Suite:
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(self.path, kind, skips=skips, critical=critical)


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


def numbers(suite: Suite) -> tuple[int, int, int, int, int]:
    counts = suite.counts
    return counts.passed, counts.failed, counts.error, counts.skipped, counts.todo


def only(suite: Suite) -> Case:
    (case,) = suite.cases
    return case


def named(suite: Suite, name: str) -> Case:
    (case,) = [case for case in suite.cases if case.name == name]
    return case


def around(inner: str) -> str:
    return f'<testsuites><testsuite name="s">{inner}</testsuite></testsuites>'


# Samples of real runners

SAMPLES: list[tuple[str, Kind, tuple[int, int, int, int, int], str]] = [
    ("pytest", "pytest", (8, 4, 1, 2, 0), ""),
    ("pytest_collect", "pytest", (0, 0, 1, 0, 0), ""),
    ("pytest_subtests", "pytest", (0, 8, 2, 1, 0), ""),
    ("pytest_xdist", "pytest", (0, 8, 2, 1, 0), ""),
    ("node20", "node", (3, 3, 0, 1, 2), ""),
    ("node24", "node", (3, 3, 0, 1, 2), ""),
    ("node20_suites", "node", (3, 5, 0, 3, 0), ""),
    ("ctest", "junit", (1, 5, 2, 2, 0), ""),
    ("ctest_not_run", "junit", (0, 2, 3, 3, 0), ""),
    ("surefire", "junit", (2, 1, 0, 0, 0), ""),
    ("ns", "junit", (0, 1, 0, 0, 0), ""),
    ("badattr", "junit", (2, 0, 0, 0, 0), ""),
    ("trunc", "junit", (1, 1, 0, 0, 0), "trunc.xml is truncated: it breaks off in line 1"),
    ("bomb", "junit", (0, 0, 0, 0, 0), "bomb.xml has a DOCTYPE, which no test runner writes"),
    ("xxe", "junit", (0, 0, 0, 0, 0), "xxe.xml has a DOCTYPE, which no test runner writes"),
]


@pytest.mark.parametrize(("name", "kind", "expected", "problem"), SAMPLES, ids=[sample[0] for sample in SAMPLES])
def test_sample_is_counted(name: str, kind: Kind, expected: tuple[int, ...], problem: str) -> None:
    suite = read(DATA / f"{name}.xml", kind)
    assert numbers(suite) == expected
    assert (suite.problem or "") == problem
    assert len(suite.cases) + suite.dropped == sum(expected)


def test_every_sample_has_an_expectation() -> None:
    assert {path.stem for path in DATA.glob("*.xml")} == {sample[0] for sample in SAMPLES}


@pytest.mark.parametrize(
    "name", ["pytest", "pytest_collect", "pytest_subtests", "pytest_xdist", "ctest", "surefire", "badattr"]
)
def test_sample_agrees_with_junitparser(name: str) -> None:
    """Where the reader departs from junitparser it is by a rule of its own, added back here."""
    kind: Kind = "pytest" if name.startswith("pytest") else "junit"
    suite = read(DATA / f"{name}.xml", kind)
    # per case: what stands in it, ctest's wrong word for "could not run" put right
    tests = passed = 0
    for parsed in JUnitXml.fromfile(str(DATA / f"{name}.xml")):
        for case in parsed:
            tests += 1
            passed += case.is_passed and case._elem.get("status") != "disabled"
    merged = sum(int(note.split()[0]) for note in suite.notes if "twice in the report" in note)
    assert sum(numbers(suite)) == tests - merged
    assert suite.counts.passed == passed


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["passed", "failed", "error", "skipped"]), max_size=30))
def test_well_formed_file_agrees_with_junitparser(reports: Reports, statuses: list[str]) -> None:
    results = {"failed": Failure, "error": Error, "skipped": Skipped}
    cases = []
    for i, status in enumerate(statuses):
        case = TestCase(f"t{i}", "c", 0.5)
        if status != "passed":
            case.result = results[status]("why")
        cases.append(case)
    element = TestSuite("s")
    element.add_testcases(cases)
    xml = JUnitXml()
    xml.add_testsuite(element)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    xml.write(str(reports.path))
    for kind in ("junit", "pytest"):
        suite = read(reports.path, kind)
        assert suite.problem is None
        assert suite.notes == ()
        assert (suite.counts.failed, suite.counts.error) == (xml.failures, xml.errors)
        assert (suite.counts.skipped, sum(numbers(suite))) == (xml.skipped, xml.tests)
        assert suite.seconds == pytest.approx(xml.time)


# Where cases stand


def test_case_directly_under_testsuites_is_counted(reports: Reports) -> None:
    suite = reports.read('<testsuites><testcase name="a"/><testsuite><testcase name="b"/></testsuite></testsuites>')
    assert numbers(suite) == (2, 0, 0, 0, 0)


def test_case_of_nested_suites_carries_their_names(reports: Reports) -> None:
    case = only(
        reports.read(around('<testsuite name="inner"><testcase name="a" classname="test"/></testsuite>'), "node")
    )
    assert case.title == "s > inner > a"


def test_suite_names_end_with_their_suite(reports: Reports) -> None:
    xml = '<testsuites><testsuite name="x"><testsuite name="y"/></testsuite><testcase name="a"/></testsuites>'
    assert only(reports.read(xml)).title == "a"


def test_case_without_name_and_class_has_the_suites_around_it(reports: Reports) -> None:
    assert only(reports.read(around("<testcase/>"))).suite == "s"


def test_lone_testsuite_root_is_read(reports: Reports) -> None:
    assert numbers(reports.read('<testsuite><testcase name="a"/></testsuite>')) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "classname", "title"),
    [
        ("pytest", 'classname="pkg.test_a"', "pkg.test_a > n"),
        ("pytest", 'classname=""', "n"),
        ("node", 'classname="test"', "s > n"),
        ("junit", 'classname="com.acme.T"', "com.acme.T > n"),
        ("junit", 'classname="n"', "n"),
        ("junit", "", "s > n"),
        ("pytest", 'classname="n"', "n > n"),
    ],
    ids=["pytest", "pytest-collection", "node", "surefire", "ctest", "none", "pytest-class"],
)
def test_title_is_that_of_the_runner(reports: Reports, kind: Kind, classname: str, title: str) -> None:
    assert only(reports.read(around(f'<testcase name="n" {classname}/>'), kind)).title == title


def test_namespaces_do_not_matter(reports: Reports) -> None:
    case = '<j:testcase name="a"><j:failure>x</j:failure></j:testcase>'
    xml = f'<j:testsuites xmlns:j="urn:x">{case}</j:testsuites>'
    assert numbers(reports.read(xml)) == (0, 1, 0, 0, 0)


def test_zero_cases_are_no_problem(reports: Reports) -> None:
    suite = reports.read("<testsuites/>")
    assert (suite.problem, numbers(suite)) == (None, (0, 0, 0, 0, 0))


def test_failure_outside_any_case_is_counted(reports: Reports) -> None:
    suite = reports.read(
        around('<testcase name="a"/><error message="container died">trace</error><testcase name="b"/>')
    )
    assert numbers(suite) == (2, 0, 1, 0, 0)
    assert (suite.cases[0].title, suite.cases[0].message) == ("s > <error> outside any test case", "container died")
    assert suite.notes == ("1 failure outside any test case counts as a case",)


def test_case_inside_a_case_is_refused(reports: Reports) -> None:
    suite = reports.read(around('<testcase name="a"/><testcase name="b"><testcase name="c"/></testcase>'))
    assert suite.problem == "report.xml is not a JUnit report: it has a <testcase> inside a <testcase>"
    assert numbers(suite) == (1, 0, 0, 0, 0)


def test_attribute_counts_are_not_believed(reports: Reports) -> None:
    suite = reports.read('<testsuite tests="900" failures="0"><testcase name="a"><failure/></testcase></testsuite>')
    assert numbers(suite) == (0, 1, 0, 0, 0)


# What a case says


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("", "passed"),
        ("<failure/>", "failed"),
        ("<error/>", "error"),
        ("<skipped/>", "skipped"),
        ('<skipped type="todo"/>', "todo"),
        ('<skipped type="todo"/><failure>x</failure>', "todo"),
        ('<failure>x</failure><skipped type="todo"/>', "todo"),
        ("<skipped/><error/>", "error"),
        ("<error/><failure/>", "failed"),
        ("<failure/><error/>", "failed"),
        ("<rerunFailure/>", "failed"),
        ("<rerunError/>", "error"),
        ("<flakyFailure/>", "passed"),
        ("<system-out>FAIL</system-out><properties/>", "passed"),
    ],
)
def test_result_element_gives_status(reports: Reports, inner: str, status: str) -> None:
    assert only(reports.read(around(f'<testcase name="a">{inner}</testcase>'))).status == status


@pytest.mark.parametrize(
    ("attribute", "inner", "status"),
    [
        ("run", "", "passed"),
        ("disabled", "", "skipped"),
        ("notrun", "", "skipped"),
        ("fail", "", "failed"),
        ("notrun", '<skipped message="SKIP_RETURN_CODE=77"/>', "skipped"),
        ("notrun", '<skipped message="Unable to find executable"/>', "error"),
        ("notrun", '<skipped message="Fixture dependency failed"/>', "error"),
        ("notrun", '<skipped message="Required Files Missing"/>', "error"),
        ("run", '<skipped message="Unable to find executable"/>', "skipped"),
    ],
)
def test_status_attribute_is_heeded(reports: Reports, attribute: str, inner: str, status: str) -> None:
    assert only(reports.read(around(f'<testcase name="a" status="{attribute}">{inner}</testcase>'))).status == status


def test_flaky_case_passes_with_a_note() -> None:
    assert read(DATA / "surefire.xml").notes == ("1 case passed only when run again: flaky",)


def test_failure_beside_rerun_keeps_the_first_story() -> None:
    bad = named(read(DATA / "surefire.xml"), "bad")
    assert (bad.status, bad.message, bad.detail, bad.seconds) == ("failed", "a", "first", 1000.1)


def test_message_falls_back_to_the_text(reports: Reports) -> None:
    case = only(reports.read(around('<testcase name="a"><failure message="">\n\n  boom\nmore</failure></testcase>')))
    assert (case.message, case.detail) == ("boom", "  boom\nmore")


def test_text_of_elements_inside_a_failure_is_kept(reports: Reports) -> None:
    xml = around('<testcase name="a"><failure>one<b>two</b></failure><system-out>no</system-out></testcase>')
    assert only(reports.read(xml)).detail == "onetwo"


def test_case_without_name_is_a_question_mark(reports: Reports) -> None:
    suite = reports.read(around('<testcase/><testcase name="&#x200b;"/>'))
    assert [case.name for case in suite.cases] == ["?", "?"]
    assert suite.notes == ("1 case has no name",)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("0.25", 0.25), ("1,234.5", 1234.5), ("1,234,567", 1234567.0), ("0,5", 0.5), ("12,345", 12345.0),
        ("NaN", 0.0), ("inf", 0.0), ("-1", 0.0), ("1e400", 0.0), ("", 0.0), ("soon", 0.0), ("1,2,3", 0.0),
        ("9" * 5000, 0.0),
    ],
)  # fmt: skip
def test_time_is_finite_seconds(reports: Reports, time: str, seconds: float) -> None:
    suite = reports.read(around(f'<testcase name="a" time="{time}"/><testcase name="b" time="1"/>'))
    assert suite.cases[0].seconds == seconds
    assert suite.seconds == seconds + 1


# pytest


def test_failure_with_broken_teardown_counts_once() -> None:
    suite = read(DATA / "pytest.xml", "pytest")
    case = named(suite, "test_fail_and_teardown")
    assert (case.status, case.message) == ("failed", "assert 0")
    assert 'failed on teardown with "RuntimeError: teardown boom"' in case.detail
    assert suite.notes == ("1 test stands twice in the report (failed, then its teardown) and counts once",)


def test_failure_and_teardown_apart_under_xdist_count_once() -> None:
    together, apart = (numbers(read(DATA / f"pytest_{name}.xml", "pytest")) for name in ("subtests", "xdist"))
    assert together == apart


def test_neighbours_of_one_name_keep_the_worst_status(reports: Reports) -> None:
    xml = around('<testcase classname="c" name="a"/><testcase classname="c" name="a"><error message="e"/></testcase>')
    case = only(reports.read(xml, "pytest"))
    assert (case.status, case.message) == ("error", "e")
    assert numbers(reports.read(xml, "junit")) == (1, 0, 1, 0, 0)


def test_failure_is_not_outvoted_by_a_todo_of_its_name(reports: Reports) -> None:
    xml = around(
        '<testcase classname="c" name="a"><failure/></testcase>'
        '<testcase classname="c" name="a"><skipped type="todo"/></testcase>'
    )
    assert only(reports.read(xml, "pytest")).status == "failed"


def test_same_name_in_another_class_is_another_test(reports: Reports) -> None:
    suite = reports.read(around('<testcase classname="c" name="a"/><testcase classname="d" name="a"/>'), "pytest")
    assert numbers(suite) == (2, 0, 0, 0, 0)


def test_nameless_pytest_cases_are_not_merged(reports: Reports) -> None:
    assert numbers(reports.read(around("<testcase/><testcase/>"), "pytest")) == (2, 0, 0, 0, 0)


def test_subtests_that_the_file_does_not_show_are_noted() -> None:
    assert "pytest says tests=25, the report holds 11 cases" in read(DATA / "pytest_subtests.xml", "pytest").notes


@pytest.mark.parametrize("word", ["failures", "errors", "skipped"])
def test_pytest_total_that_no_case_shows_is_a_problem(reports: Reports, word: str) -> None:
    xml = f'<testsuites><testsuite {word}="7"><testcase name="a"/></testsuite></testsuites>'
    assert f"contradicts itself: pytest says {word}=7" in str(reports.read(xml, "pytest").problem)


def test_cases_that_pytest_did_not_run_are_a_problem(reports: Reports) -> None:
    xml = '<testsuites><testsuite tests="0"><testcase name="a"/></testsuite></testsuites>'
    assert "contradicts itself: pytest says tests=0" in str(reports.read(xml, "pytest").problem)


def test_fewer_tests_stated_than_shown_are_noted(reports: Reports) -> None:
    """pytest-rerunfailures under xdist: each attempt but the last looks like a pass, and counts once in the total."""
    xml = '<testsuite tests="1"><testcase name="a"/><testcase name="b"/></testsuite>'
    suite = reports.read(xml, "pytest")
    assert (suite.problem, suite.notes) == (None, ("pytest says tests=1, the report holds 2 cases",))


def test_test_that_fails_at_its_last_attempt_under_xdist_is_failed(reports: Reports) -> None:
    xml = '<testcase name="a"/><testcase name="b"/><testcase name="a"><failure/></testcase>'
    suite = reports.read(f'<testsuites><testsuite tests="2" failures="1">{xml}</testsuite></testsuites>', "pytest")
    assert (suite.problem, suite.counts.failed) == (None, 1)


def test_pytest_total_that_is_no_number_is_passed_over(reports: Reports) -> None:
    suite = reports.read('<testsuite tests="abc" errors=""><testcase name="a"/></testsuite>', "pytest")
    assert (suite.notes, suite.problem) == ((), None)


# node


def test_top_level_node_tests_are_seen() -> None:
    suite = read(DATA / "node24.xml", "node")
    assert named(suite, "timeout").status == "failed"
    assert {case.title for case in suite.cases} >= {"top ok", "todo pass", "timeout", "outer > inner > todo"}


def test_todo_that_throws_is_a_todo() -> None:
    assert named(read(DATA / "node24.xml", "node"), "todo").status == "todo"


def test_raw_control_characters_are_taken_out_and_noted() -> None:
    assert read(DATA / "node20.xml", "node").notes == ("8 control characters were taken out of the file",)


def test_cancelled_node_tests_are_failures() -> None:
    suite = read(DATA / "node20_suites.xml", "node")
    assert [case.status for case in suite.cases if case.suite in {"hook", "cancelled kids"}] == ["failed"] * 3


def test_skipped_node_suite_is_one_skip() -> None:
    suite = read(DATA / "node20_suites.xml", "node")
    assert "skipped suite" in suite.unnamed_skips


def footer(**totals: int) -> str:
    return "".join(f"<!-- {word} {count} -->\n" for word, count in totals.items())


@pytest.mark.parametrize(
    ("totals", "note"),
    [
        ({"tests": 3, "suites": 0, "fail": 1}, "node says 3 tests and suites, the report holds 1"),
        ({"pass": 4}, "node says pass 4, the report holds 1"),
        ({"skipped": 1}, "node says skipped 1, the report holds 0"),
        ({"todo": 1}, "node says todo 1, the report holds 0"),
        ({"fail": 0, "cancelled": 2}, "node says fail and cancelled 2, the report holds 0"),
    ],
    ids=["tests", "pass", "skipped", "todo", "cancelled"],
)
def test_node_total_that_differs_is_a_problem(reports: Reports, totals: dict[str, int], note: str) -> None:
    suite = reports.read(f'<testsuites><testcase name="a"/>{footer(**totals)}</testsuites>', "node")
    assert f"contradicts itself: {note}" in str(suite.problem)


def test_failure_that_only_a_node_total_shows_is_a_problem(reports: Reports) -> None:
    """A test that fails by itself after its subtests passed is a suite without a word about failing."""
    test = '<testsuite name="t"><testcase name="sub"/></testsuite>'
    xml = f"<testsuites>{test}{footer(fail=1, cancelled=0)}</testsuites>"
    assert "node says 1 failed, no case shows it" in str(reports.read(xml, "node").problem)


def test_failing_root_hook_that_no_node_total_counts_is_failed_without_a_problem(reports: Reports) -> None:
    hook = '<undefined name="root"><testcase name="/t.js"><failure type="hookFailed"/></testcase>'
    totals = footer(tests=1, suites=0, **{"pass": 1}, fail=0, cancelled=0)
    suite = reports.read(f'<testsuites><testcase name="a"/>{hook}{totals}</undefined></testsuites>', "node")
    assert (suite.problem, suite.counts.failed) == (None, 1)


def test_diagnostic_comment_does_not_outvote_the_totals(reports: Reports) -> None:
    xml = f'<testsuites><testcase name="a"/>{footer(**{"pass": 9})}{footer(**{"pass": 1})}</testsuites>'
    assert reports.read(xml, "node").notes == ()


# Files that cannot be believed


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        ("\n \n", "holds no XML"),
        ("\0" * 100, "holds no XML"),
        ('{"tests": 3}', "is not well-formed XML: not well-formed (invalid token), line 1"),
        ("<html><body>502</body></html>", "is not a JUnit report: its root is <html>"),
        ("<!DOCTYPE html><html></html>", "is an HTML page, not a JUnit report"),
        ("<!doctype html><html></html>", "is not well-formed XML: syntax error, line 1"),
        ('<testcase name="a"/>', "is not a JUnit report: its root is <testcase>"),
        ("<testsuites><testcase name='a'></testsuites>", "is not well-formed XML: mismatched tag, line 1"),
        ("<testsuites/><testsuites/>", "is not well-formed XML: junk after document element, line 1"),
        ("<testsuites>&nbsp;</testsuites>", "is not well-formed XML: undefined entity, line 1"),
        ("<testsuites><testsuite>", "is truncated: it breaks off in line 1"),
        ("<!DOCTYPE testsuites><testsuites/>", "has a DOCTYPE, which no test runner writes"),
        (b"<testsuites>\xff</testsuites>", "is not well-formed XML: not well-formed (invalid token), line 1"),
    ],
)  # fmt: skip
def test_foreign_file_is_a_problem(reports: Reports, content: str | bytes, problem: str) -> None:
    assert reports.read(content).problem == f"report.xml {problem}"


@pytest.mark.parametrize("encoding", ["klingon", "utf-7", "idna", "shift_jis"])
def test_unknown_encoding_is_a_problem(reports: Reports, encoding: str) -> None:
    problem = reports.read(f'<?xml version="1.0" encoding="{encoding}"?><testsuites/>').problem
    assert problem is not None
    assert problem.startswith("report.xml declares an encoding that cannot be read")


def test_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path / "no.xml").problem == "no.xml was not written"
    assert read(tmp_path / "no\0.xml").problem is not None


def test_directory_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path).problem == f"{tmp_path.name} is not a regular file"


def test_device_is_a_problem() -> None:
    assert read(Path("/dev/zero")).problem == "zero is not a regular file"


def test_file_over_the_bound_is_a_problem(tmp_path: Path) -> None:
    with (tmp_path / "big.xml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert read(tmp_path / "big.xml").problem == "big.xml is larger than 2 GiB"


def test_doctype_is_refused_before_its_entities(reports: Reports) -> None:
    lol = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(12))
    suite = reports.read(f'<!DOCTYPE l [<!ENTITY l0 "lol">{lol}]><testsuite name="&l12;"/>')
    assert suite.problem == "report.xml has a DOCTYPE, which no test runner writes"


def test_deep_nesting_is_a_problem(reports: Reports) -> None:
    deep = MAX_DEPTH + 1
    assert (
        reports.read("<testsuite>" * deep + "</testsuite>" * deep).problem == "report.xml is nested more than 100 deep"
    )
    fits = MAX_DEPTH - 1
    xml = "<testsuite>" * fits + '<testcase name="a"/>' + "</testsuite>" * fits
    assert (reports.read(xml).problem, numbers(reports.read(xml))) == (None, (1, 0, 0, 0, 0))


def test_endless_tag_is_a_problem(reports: Reports) -> None:
    xml = f'<testsuites><testcase name="a"/><testcase name="{"x" * (2 * MAX_TOKEN)}"/></testsuites>'
    suite = reports.read(xml)
    assert suite.problem == "report.xml has a tag or comment of more than 8 MiB"
    assert numbers(suite) == (1, 0, 0, 0, 0)


def test_long_attribute_is_cut(reports: Reports) -> None:
    suite = reports.read(around(f'<testcase name="a"><failure message="{"x" * (MAX_TOKEN // 2)}"/></testcase>'))
    assert suite.problem is None
    assert len(only(suite).message) == 400


@pytest.mark.parametrize("form", ["<t{i}/>", '<t a{i}=""/>'], ids=["tags", "attributes"])
def test_endless_vocabulary_is_a_problem(reports: Reports, form: str) -> None:
    many = "".join(form.format(i=i) for i in range(4 * MAX_TAGS))
    assert reports.read(f"<testsuites>{many}</testsuites>").problem == (
        "report.xml has more than 5,000 different tags and attributes"
    )


def test_truncated_file_shows_the_failure_it_broke_off_in() -> None:
    suite = read(DATA / "trunc.xml")
    assert (suite.cases[0].name, suite.cases[0].status, suite.cases[0].detail) == ("y", "failed", "bo")


WHOLE = (
    '<?xml version="1.0"?>\n<testsuites name="n"><testsuite name="s" tests="4">'
    '<testcase classname="c" name="é"/>'
    '<testcase classname="c" name="b"><failure message="m">text</failure></testcase>'
    '<testcase classname="c" name="c"><skipped/></testcase>'
    '<testcase classname="c" name="d"><![CDATA[x]]></testcase>'
    "</testsuite><!-- tests 4 -->\n</testsuites>\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("kind", ["pytest", "node", "junit"])
def test_truncation_at_any_byte_never_passes_for_whole(reports: Reports, kind: Kind, encoding: str) -> None:
    data = WHOLE.encode(encoding)
    whole = reports.read(data, kind)
    assert (whole.problem, numbers(whole)) == (None, (2, 1, 0, 1, 0))
    for end in range(len(data)):
        suite = reports.read(data[:end], kind)
        assert suite.problem is not None or suite == whole, data[:end]


# Encodings and control characters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encoding_is_recognised(reports: Reports, encoding: str) -> None:
    declared = "utf-16" if "16" in encoding else "utf-8"
    xml = f'<?xml version="1.0" encoding="{declared}"?><testsuites><testcase name="日本 é𝄞"/></testsuites>'
    suite = reports.read(xml.encode(encoding))
    assert (suite.problem, only(suite).name) == (None, "日本 é𝄞")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_control_character_is_taken_out(reports: Reports, encoding: str) -> None:
    suite = reports.read('<testsuites><testcase name="日\x01本"/></testsuites>'.encode(encoding))
    assert (suite.problem, only(suite).name) == (None, "日本")
    assert suite.notes == ("1 control character was taken out of the file",)


def test_control_character_in_utf_16_is_a_problem(reports: Reports) -> None:
    suite = reports.read('<testsuites><testcase name="a"/>\x01</testsuites>'.encode("utf-16"))
    assert "is not well-formed XML" in (suite.problem or "")


def test_single_byte_encoding_is_read(reports: Reports) -> None:
    xml = '<?xml version="1.0" encoding="windows-1252"?><testsuites><testcase name="10 €"/></testsuites>'
    assert only(reports.read(xml.encode("cp1252"))).name == "10 €"


def test_broken_utf_16_is_a_problem(reports: Reports) -> None:
    data = "<testsuites/>".encode("utf-16") + b"\x00\xd8\x00"
    assert (reports.read(data).problem or "").startswith("report.xml is truncated")


def test_chunk_of_nothing_but_controls_does_not_end_the_file(reports: Reports) -> None:
    suite = reports.read(
        b'<testsuites><testcase name="a"/>' + b"\x01" * (4 * CHUNK) + b'<testcase name="b"/></testsuites>'
    )
    assert (suite.problem, numbers(suite)) == (None, (2, 0, 0, 0, 0))


@pytest.mark.parametrize("hole", range(CHUNK - 3, CHUNK + 3))
def test_character_across_chunks_is_whole(reports: Reports, hole: int) -> None:
    start = b'<testsuites><testcase name="'
    name = "x" * (hole - len(start)) + "日本"
    suite = reports.read(start + name.encode() + b'"/></testsuites>', skips={}, critical=["x*日本"])
    assert suite.problem is None
    assert only(suite).name == "x" * 299 + "…"


# Text


def test_hidden_characters_are_stripped(reports: Reports) -> None:
    hidden = "\u202eevil\u200b\u2066\u00ad\ufeff\x9b\U000e0041"
    xml = around(
        f'<testcase name="a{hidden}" classname="c{hidden}"><failure message="m{hidden}">d{hidden}</failure></testcase>'
    )
    case = only(reports.read(xml))
    assert (case.name, case.suite, case.message, case.detail) == ("aevil", "cevil", "mevil", "devil")


def test_texts_are_cut(reports: Reports) -> None:
    long = "x" * 100_000
    case = only(reports.read(around(f'<testcase name="{long}"><failure message="{long}">{long}</failure></testcase>')))
    assert [len(text) for text in (case.name, case.message, case.detail)] == [300, 400, 4000]


def test_message_and_name_are_one_line(reports: Reports) -> None:
    xml = around('<testcase name="a&#10;b  c"><failure message="one&#10;&#13;&#x2028;  two"/></testcase>')
    case = only(reports.read(xml))
    assert (case.name, case.message) == ("a b  c", "one two")


def test_markup_in_texts_is_left_to_those_who_show_it(reports: Reports) -> None:
    case = only(reports.read(around('<testcase name="&lt;img src=x&gt; | @octocat `x`"/>')))
    assert case.name == "<img src=x> | @octocat `x`"


def test_huge_failure_text_takes_no_memory(reports: Reports) -> None:
    with reports.path.open("wb") as file:
        file.write(b'<testsuites><testcase name="a"><failure>')
        for _ in range(32):
            file.write(b"trace line\n" * 90_000)
        file.write(b"</failure></testcase></testsuites>")
    tracemalloc.start()
    suite = read(reports.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert numbers(suite) == (0, 1, 0, 0, 0)
    assert peak < 2 * 1024**2


# What is kept


def many(**statuses: int) -> str:
    inner = {"passed": "", "failed": "<failure>x</failure>", "error": "<error/>", "skipped": "<skipped/>"}
    order = [status for status, count in statuses.items() for _ in range(count)]
    random.Random(1).shuffle(order)  # noqa: S311 - an order, not a secret
    return around("".join(f'<testcase classname="c" name="{s}{i}">{inner[s]}</testcase>' for i, s in enumerate(order)))


@pytest.mark.parametrize("kind", ["pytest", "junit"])
def test_failures_are_kept_before_skips(reports: Reports, kind: Kind) -> None:
    suite = reports.read(many(passed=1000, skipped=1000, failed=150, error=20), kind)
    kept = [case.status for case in suite.cases]
    assert {status: kept.count(status) for status in kept} == {
        "failed": 150, "error": 20, "skipped": KEPT - 170, "passed": KEPT_PASSED,
    }  # fmt: skip
    assert kept[:170].count("skipped") == 0
    assert kept[-KEPT_PASSED:] == ["passed"] * KEPT_PASSED
    assert suite.dropped == 2170 - KEPT - KEPT_PASSED
    assert numbers(suite) == (1000, 150, 20, 1000, 0)


def test_failures_past_the_bound_are_counted(reports: Reports) -> None:
    suite = reports.read(many(failed=KEPT + 50, skipped=10, passed=1))
    assert (len(suite.cases), suite.dropped, suite.counts.failed) == (KEPT + 1, 60, KEPT + 50)


def test_memory_does_not_grow_with_the_cases(reports: Reports) -> None:
    peaks = []
    for count in (2_000, 20_000):
        xml = many(passed=count, failed=400, skipped=400)
        reports.read(xml, "pytest")
        del xml
        tracemalloc.start()
        read(reports.path, "pytest", skips={"skipped1*": "x"})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


# Rules over names

SKIPS = around(
    '<testcase classname="db" name="persists [a*b]"><skipped/></testcase>'
    '<testcase classname="db" name="valgrind"><skipped/></testcase>'
    '<testcase classname="web" name="later"><skipped type="todo"/></testcase>'
    '<testcase classname="web" name="valgrind ok"/>'
)


def test_named_skip_is_counted_by_name_or_title(reports: Reports) -> None:
    suite = reports.read(SKIPS, skips={"persists*": "slow", "db > *": "old", "late": "no", "gone*": "was there"})
    assert [(rule.pattern, rule.reason, rule.matched) for rule in suite.skip_rules] == [
        ("persists*", "slow", 1), ("db > *", "old", 2), ("late", "no", 0), ("gone*", "was there", 0),
    ]  # fmt: skip
    assert (suite.unnamed_skips, suite.unnamed_skip_count) == (("web > later",), 1)


def test_passed_case_does_not_use_up_a_skip_rule(reports: Reports) -> None:
    assert reports.read(SKIPS, skips={"valgrind ok": "x"}).skip_rules[0].matched == 0


def test_only_the_star_is_special(reports: Reports) -> None:
    suite = reports.read(SKIPS, skips={"persists [a*": "x", "valgrin?": "x", "l[a]ter": "x"})
    assert [rule.matched for rule in suite.skip_rules] == [1, 0, 0]


def test_unnamed_skips_are_listed_up_to_a_bound(reports: Reports) -> None:
    suite = reports.read(many(skipped=100))
    assert (len(suite.unnamed_skips), suite.unnamed_skip_count) == (NAMED, 100)


def test_critical_rule_counts_what_was_executed(reports: Reports) -> None:
    xml = around(
        '<testcase name="wal a"/><testcase name="wal b"><error/></testcase><testcase name="wal c"><skipped/></testcase>'
    )
    suite = reports.read(xml, skips={"wal*": "x"}, critical=["wal*", "s > wal a", "never", "wal*"])
    assert [(rule.pattern, rule.matched) for rule in suite.critical_rules] == [
        ("wal*", 2),
        ("s > wal a", 1),
        ("never", 0),
    ]


def test_critical_skip_stays_unnamed_though_a_rule_names_it(reports: Reports) -> None:
    suite = reports.read(SKIPS, skips={"*": "all fine"}, critical=["*valgrind"])
    assert (suite.unnamed_skips, suite.unnamed_skip_count) == (("db > valgrind",), 1)
    assert suite.skip_rules[0].matched == 3


def test_critical_case_that_a_skip_rule_reaches_is_named_though_it_ran(reports: Reports) -> None:
    xml = around('<testcase name="reads without mock"/><testcase name="mock"/><testcase name="persists"/>')
    suite = reports.read(xml, skips={"*mock*": "runs elsewhere"}, critical=["reads*", "persists"])
    assert suite.excused_critical == ("s > reads without mock",)


def test_rules_see_cases_that_are_not_kept(reports: Reports) -> None:
    suite = reports.read(many(passed=2000, skipped=900), skips={"skipped*": "x"}, critical=["passed*"])
    assert (suite.skip_rules[0].matched, suite.critical_rules[0].matched) == (900, 2000)


# Anything at all


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(reports: Reports, data: bytes) -> None:
    assert reports.read(data).problem is not None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_damage_is_answered(reports: Reports, data: st.DataObject) -> None:
    damaged = bytearray((DATA / "node24.xml").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        damaged[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    suite = reports.read(bytes(damaged), "node")
    assert len(suite.cases) + suite.dropped == sum(numbers(suite))


def test_node_report_with_a_suite_that_has_no_end_is_a_problem(reports: Reports) -> None:
    """What node leaves when a test calls process.exit(0)."""
    xml = f'<testsuites><undefined name="s"><testcase name="a"/></undefined>{footer(tests=1, suites=0)}</testsuites>'
    assert "node ended in the midst of a suite" in str(reports.read(xml, "node").problem)


def test_report_without_any_total_of_node_is_a_problem_for_node_alone(reports: Reports) -> None:
    xml = '<testsuites><testcase name="a"/></testsuites>'
    assert "node did not write it" in str(reports.read(xml, "node").problem)
    assert reports.read(xml, "junit").problem is None
    assert (
        reports.read(f"<testsuites><testcase name='a'/>{footer(tests=1, suites=0)}</testsuites>", "node").problem
        is None
    )


def test_executed_cases_of_one_name_are_repeated_and_skipped_ones_are_not(reports: Reports) -> None:
    case = '<testcase classname="{}" name="a">{}</testcase>'
    cases = [("x", ""), ("x", ""), ("x", "<failure/>"), ("y", ""), ("x", "<skipped/>"), ("y", "<skipped/>")]
    suite = reports.read(f"<testsuite>{''.join(case.format(*each) for each in cases)}</testsuite>")
    assert (numbers(suite), suite.repeated) == ((3, 1, 0, 2, 0), 2)


def test_names_that_are_remembered_are_bounded_and_repeats_of_them_are_still_seen(reports: Reports) -> None:
    cases = "".join(f'<testcase name="{number}"/>' for number in range(REMEMBERED + 5))
    suite = reports.read(f'<testsuite>{cases}<testcase name="0"/><testcase name="{REMEMBERED + 1}"/></testsuite>')
    assert suite.repeated == 1


# Words and totals


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ("", "passed"), ('status="run"', "passed"), ('status="PASSED"', "passed"), ('result="Completed"', "passed"),
        ('status="run" result="skipped"', "skipped"), ('status="Inconclusive"', "skipped"), ('result="?"', "skipped"),
        ('status="FAIL"', "failed"), ('status="run" result="Error"', "failed"),
        ('status="odd" result="failed"', "failed"),
    ],
)  # fmt: skip
def test_only_known_words_mean_passed(reports: Reports, attributes: str, status: str) -> None:
    (case,) = reports.read(around(f'<testcase name="a" {attributes}/>')).cases
    assert case.status == status


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("<system-out>x</system-out>", "passed"), ("<System-Err/>", "passed"), ("<steps><aborted/></steps>", "passed"),
        ("<aborted/>", "skipped"), ("<disabled/>", "skipped"), ("<FAILURE/>", "failed"), ("<Skipped/>", "skipped"),
        ("<aborted/><failure/>", "failed"),
    ],
)  # fmt: skip
def test_only_known_elements_stand_in_a_pass(reports: Reports, inner: str, status: str) -> None:
    (case,) = reports.read(around(f'<testcase name="a">{inner}</testcase>')).cases
    assert case.status == status


A, BAD = '<testcase name="a"/>', '<testcase name="b"><failure/></testcase>'


@pytest.mark.parametrize(
    "text",
    [
        f'<testsuites errors="1">{A}</testsuites>',
        f'<testsuites><testsuite name="s" failures="1">{A}</testsuite></testsuites>',
        f'<testsuites><testsuite>{A}</testsuite><testsuite name="b" tests="0" errors="1"/></testsuites>',
        f'<testsuite failures="2">{A}<testsuite>{BAD}</testsuite></testsuite>',
    ],
    ids=["root", "suite", "a file that did not load", "one of two"],
)
def test_failure_that_a_suite_states_and_no_case_shows_is_a_problem(reports: Reports, text: str) -> None:
    assert "contradicts itself" in str(reports.read(text).problem)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ('tests="2"', "s says tests=2, and shows 1"),
        ('skipped="3"', "s says skipped+disabled=3, and shows 0"),
        ('disabled="1"', "s says skipped+disabled=1, and shows 0"),
    ],
)
def test_test_that_a_suite_states_and_does_not_show_was_left_out(reports: Reports, attributes: str, told: str) -> None:
    suite = reports.read(f'<testsuites><testsuite name="s" {attributes}>{A}</testsuite></testsuites>')
    assert (suite.problem, suite.unnamed_skips, suite.unnamed_skip_count) == (None, (told,), 1)


@pytest.mark.parametrize(
    "text",
    [
        f'<testsuites tests="1" failures="0"><testsuite tests="1" errors="0">{A}</testsuite></testsuites>',
        f'<testsuites><testsuite tests="0">{A}</testsuite></testsuites>',
        f'<testsuites><testsuite tests="" failures="x">{A}</testsuite></testsuites>',
        f'<testsuite failures="1" skipped="1">{BAD}<testcase name="c"><skipped/></testcase></testsuite>',
        '<testsuite errors="1" failures="1"><testcase name="b"><failure/><error/></testcase></testsuite>',
    ],
    ids=["equal", "fewer", "no numbers", "shown", "two elements of one case"],
)
def test_total_that_its_cases_show_is_no_contradiction(reports: Reports, text: str) -> None:
    suite = reports.read(text)
    assert suite.problem is None
    assert not any("says" in title for title in suite.unnamed_skips)
