"""Quarantine of cases: what decides beside them, until when, and when one can be released."""

from datetime import date
from typing import Any

import pytest

from phdb_ci.judging import evidence, quarantine
from phdb_ci.judging.forgiving import forgiven
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.results import Case, Facts, LegResult
from phdb_ci.models.verdict import Quarantined, VerdictLeg
from tests.builders import case, command, result, rule, suite, use
from tests.builders import quarantine as row
from tests.helpers import job

TODAY = date(2026, 11, 25)
KNOWN = row(case="test_a*")
WITNESSED: dict[str, Any] = {
    "artifacts": ["embed"], "evidence": {"witness": {"artifact": "embed", "min_calls": 3}},
}  # fmt: skip
CRITICAL: dict[str, Any] = {"reports": [{"kind": "pytest", "min_tests": 2, "critical": ["test_a1", "test_c"]}]}


def ran(table: Job, *cases: Case, exit_code: int = 1, **facts: Any) -> LegResult:
    """A leg with these cases and two more that passed, judged by its row."""
    told: dict[str, Any] = {"commands": (command("make check", exit_code),), "suites": (suite(*cases, passed=2),)}
    made = result("smoke", "passed", **told | facts)
    status, reasons, _ = evidence.judge(table, made.facts)
    return made.model_copy(update={"status": status, "reasons": reasons})


def excused(table: Job, leg: LegResult, *rows: Quarantine, today: date = TODAY) -> bool:
    return quarantine.excused(table, leg, rows or (KNOWN,), today)


BAD, OTHER = case("test_a1", "failed"), case("test_b", "failed")


@pytest.mark.parametrize(
    ("leg", "is_excused"),
    [
        pytest.param(ran(job(), BAD), True, id="the case and its exit code"),
        pytest.param(ran(job(), BAD, exit_code=0), True, id="the case alone"),
        pytest.param(ran(job(), case("test_a1", "error")), True, id="a case that ended in an error"),
        pytest.param(ran(job(), BAD, BAD), True, id="its title twice"),
        pytest.param(ran(job(), BAD, OTHER), False, id="another case too"),
        pytest.param(ran(job(), OTHER), False, id="another case alone"),
        pytest.param(ran(job()), False, id="the exit code alone"),
        pytest.param(ran(job(), case("test_a1")), False, id="the exit code, and the case passed"),
        pytest.param(ran(job(), BAD, exit_code=2), False, id="an exit code that says more"),
        pytest.param(ran(job(), BAD, exit_code=139), False, id="a signal"),
        pytest.param(ran(job(), BAD, commands=(command(exit_code=1, timed_out=True),)), False, id="a time limit"),
        pytest.param(
            ran(job(), BAD, commands=(command(exit_code=1, leftovers=("sleep",)),)), False, id="a process left"
        ),
        pytest.param(ran(job(), BAD, error="no cmake"), False, id="an error"),
        pytest.param(ran(job(), BAD, cancelled=True), False, id="cancelled"),
        pytest.param(ran(job(), BAD, suites=(suite(BAD, passed=2, problem="truncated"),)), False, id="a torn report"),
        pytest.param(ran(job(), BAD, suites=(suite(BAD),)), False, id="too few tests"),
        pytest.param(
            ran(job(), suites=(suite(BAD, counts=suite(BAD, OTHER, passed=2).counts),)),
            False,
            id="one that is not kept",
        ),
    ],
)
def test_leg_is_excused_by_quarantined_cases_alone(leg: LegResult, is_excused: bool) -> None:
    assert excused(job(), leg) == is_excused


def test_job_with_a_command_that_did_not_run_is_not_excused() -> None:
    table = job(run=["make check", "make other"])
    assert not excused(table, ran(table, BAD))


@pytest.mark.parametrize(("calls", "is_excused"), [(3, True), (2, False)])
def test_unproven_evidence_below_a_quarantined_case_decides(calls: int, is_excused: bool) -> None:
    table = job(**WITNESSED)
    leg = ran(table, BAD, artifacts=(use(calls, verbs={"exec": calls}),))
    assert leg.status == "failed"
    assert excused(table, leg) == is_excused


@pytest.mark.parametrize(
    ("executed", "is_excused"),
    [
        pytest.param({"test_a1": 1, "test_c": 1}, True, id="both ran"),
        pytest.param({"test_a1": 0, "test_c": 1}, True, id="the quarantined one did not"),
        pytest.param({"test_a1": 1, "test_c": 0}, False, id="another one did not"),
    ],
)
def test_critical_case_that_did_not_run_decides_unless_it_is_quarantined(
    executed: dict[str, int], is_excused: bool
) -> None:
    table = job(**CRITICAL)
    rules = tuple(rule(name, matched=count) for name, count in executed.items())
    assert excused(table, ran(table, suites=(suite(BAD, passed=2, critical_rules=rules),))) == is_excused
    without_failure = ran(table, exit_code=0, suites=(suite(passed=3, critical_rules=rules),))
    assert (excused(table, without_failure) or without_failure.status == "passed") == is_excused


def test_quarantine_that_is_over_excuses_nothing() -> None:
    leg = ran(job(), BAD)
    assert excused(job(), leg, today=date(2027, 1, 31))
    assert not excused(job(), leg, today=date(2027, 2, 1))


def test_case_is_named_by_its_name_or_its_title() -> None:
    bad = case("replays", "failed", suite="wal")
    for pattern, is_named in (("replays", True), ("wal > *", True), ("wal", False), ("REPLAYS", False)):
        assert excused(job(), ran(job(), bad), row(case=pattern)) == is_named


def test_two_rows_may_excuse_two_cases() -> None:
    leg = ran(job(), BAD, OTHER)
    assert excused(job(), leg, KNOWN, row(case="test_b"))
    assert not excused(job(), leg, KNOWN, row(date(2026, 11, 24), case="test_b"))


def test_leg_that_passed_is_not_excused() -> None:
    assert not excused(job(), ran(job(), case("test_a1"), exit_code=0))


def test_forgiving_nothing_leaves_facts_as_they_are() -> None:
    facts = Facts(suites=(suite(OTHER, passed=2),), commands=(command(exit_code=1),))
    assert forgiven(facts, lambda _: False) == facts


# Passes, and what should be done


def met(leg: LegResult, *rows: Quarantine, before: VerdictLeg | None = None) -> tuple[Quarantined, ...]:
    return quarantine.quarantined(leg, rows or (KNOWN,), TODAY, before)


def earlier(passes: int, of: Quarantine = KNOWN) -> VerdictLeg:
    return VerdictLeg(result=result(), quarantine=(Quarantined(row=of, holds=True, passes=passes),))


PASSED = ran(job(), case("test_a1"), exit_code=0)


@pytest.mark.parametrize(
    ("leg", "before", "passes"),
    [
        pytest.param(PASSED, None, 1, id="first"),
        pytest.param(PASSED, earlier(3), 4, id="counted on"),
        pytest.param(PASSED, earlier(3, row(case="test_b*")), 1, id="of another row"),
        pytest.param(ran(job(), BAD), earlier(3), 0, id="failed again"),
        pytest.param(ran(job(), BAD, case("test_a2")), earlier(3), 0, id="one of several failed"),
        pytest.param(ran(job(), exit_code=0), earlier(3), 3, id="did not run"),
        pytest.param(ran(job(), case("test_a1", "skipped")), earlier(3), 3, id="skipped"),
    ],
)
def test_passes_are_counted_from_run_to_run(leg: LegResult, before: VerdictLeg | None, passes: int) -> None:
    assert [item.passes for item in met(leg, before=before)] == [passes]


@pytest.mark.parametrize(("leg", "passes"), [(PASSED, 4), (ran(job(), OTHER), 0), (ran(job(), exit_code=3), 0)])
def test_passes_of_a_whole_job_are_those_of_the_job(leg: LegResult, passes: int) -> None:
    whole = row()
    assert [item.passes for item in met(leg, whole, before=earlier(3, whole))] == [passes]


def notes_of(leg: LegResult, before: VerdictLeg | None = None) -> list[str]:
    return [*quarantine.notes([VerdictLeg(result=leg, quarantine=met(leg, before=before))])]


def test_quarantine_that_passed_often_enough_is_proposed_for_release() -> None:
    assert notes_of(PASSED, earlier(quarantine.RELEASE - 2)) == []
    (note,) = notes_of(PASSED, earlier(quarantine.RELEASE - 1))
    assert note == (
        "smoke@ubuntu-24.04 test_a*: passed in 5 runs in a row: its quarantine can be released "
        "(https://github.com/acme/lidb/issues/42)"
    )


def test_pattern_that_names_no_case_is_said_where_every_case_is_known() -> None:
    (note,) = notes_of(ran(job(), suites=(suite(OTHER, case("test_c")),)))
    assert "smoke@ubuntu-24.04 test_a*: its quarantine names no case that ran" in note
    assert notes_of(ran(job(), OTHER)) == []  # two that passed are not kept


def test_failing_titles_are_kept_for_those_who_read_the_verdict() -> None:
    (item,) = met(ran(job(), BAD, OTHER))
    assert (item.failing, item.holds) == (("test_a1",), True)
