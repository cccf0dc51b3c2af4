"""A failing case that is forgiven is forgiven in the record of its run, too, and nothing else is."""

import pytest

from phdb_ci.judging.forgiving import forgiven
from phdb_ci.models.results import Facts
from phdb_ci.models.runs import Run
from tests.builders import case, suite


def facts(*failing: str, **fields: object) -> Facts:
    told = {"runner": "pytest", "command": "pytest", "report": "asked", "exit_code": 1, "passed": 1}
    run = Run.model_validate(told | {"failed": len(failing), "failing": failing} | fields)
    return Facts(suites=(suite(case("b", "failed", suite="t.a"), passed=1),), runs=(run,))


@pytest.mark.parametrize("text", ["t.a > b", "t.a > b: assert 1 == 2"])
def test_forgiven_case_passed_on_record(text: str) -> None:
    (run,) = forgiven(facts(text), lambda _: True).runs
    assert (run.passed, run.failed, run.failing, run.exit_code) == (2, 0, (), 0)


def test_suite_around_a_forgiven_case_is_forgiven() -> None:
    assert forgiven(facts("t.a > b: no", "t.a: 1 subtest failed"), lambda _: True).runs[0].failed == 0


@pytest.mark.parametrize("other", ["t.a > bb: no", "c", "t.a > c"])
def test_failure_that_no_case_shows_stays(other: str) -> None:
    assert forgiven(facts("t.a > b: no", other), lambda _: True).runs[0].failed == 2


def test_failures_that_are_not_all_named_stay() -> None:
    assert forgiven(facts("t.a > b: no", failed=40), lambda _: True).runs[0].failed == 40


def test_exit_code_that_says_more_stays() -> None:
    assert forgiven(facts("t.a > b", exit_code=3), lambda _: True).runs[0].exit_code == 3


def test_case_that_is_not_forgiven_stays() -> None:
    assert forgiven(facts("t.a > b"), lambda _: False).runs[0].failed == 1


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        ("FAILED tests/test_a.py::b - assert 1 == 2", None),
        ("FAIL b", None),
        ("FAIL bb", "FAIL bb"),
        ("FAIL audit", "FAIL audit"),
    ],
)
def test_printed_failure_of_a_forgiven_case_is_no_other_one(printed: str, left: str | None) -> None:
    told = Facts(suites=(suite(case("b", "failed", suite="t.a"), printed=printed), suite(case("c"), printed=printed)))
    assert {one.printed for one in forgiven(told, lambda _: True).suites} == {left}
