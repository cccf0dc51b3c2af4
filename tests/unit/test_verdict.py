"""Results to a verdict: precedence, quarantine, what is missing, and that green is never an absence."""

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.judging.gathered import Run, gathered_here, reproduce, shown_source
from phdb_ci.judging.quarantine import decides
from phdb_ci.judging.verdict import headline, make_verdict, outcome
from phdb_ci.models.matrix import Matrix, Quarantine
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.models.statuses import Outcome, Status
from phdb_ci.models.verdict import Unaffected, Verdict, VerdictLeg
from phdb_ci.planning.plan import make_plan, select
from tests.builders import DIGEST, artifact, case, leg, missing, quarantine, result, suite
from tests.helpers import inventory, job, matrix, sources

TODAY = date(2026, 11, 25)
STATUSES: tuple[Status, ...] = get_args(Status)
FAIL = {"failed", "unproven", "timeout", "blocked"}


# Outcome


@pytest.mark.parametrize("status", STATUSES)
def test_one_leg_gives_its_outcome(status: Status) -> None:
    expected = "pass" if status == "passed" else "fail" if status in FAIL else "incomplete"
    assert outcome([leg(status=status)], []) == expected
    assert outcome([leg(), leg(status=status)], []) == expected


@pytest.mark.parametrize(("one", "two"), list(product(STATUSES, STATUSES)))
def test_fail_goes_before_incomplete_and_both_before_pass(one: Status, two: Status) -> None:
    found = {outcome([leg(status=status)], []) for status in (one, two)}
    expected = "fail" if "fail" in found else "incomplete" if "incomplete" in found else "pass"
    assert outcome([leg(status=one), leg(status=two)], []) == expected


def test_missing_leg_is_incomplete_and_hides_no_failure() -> None:
    assert outcome([leg()], [missing()]) == "incomplete"
    assert outcome([leg(status="failed")], [missing()]) == "fail"
    assert outcome([], [missing()]) == "incomplete"


def test_gate_in_which_nothing_decides_is_not_passed() -> None:
    assert outcome([], []) == "incomplete"
    assert outcome([leg(decides=False), leg(decides=False)], []) == "incomplete"


def test_leg_that_does_not_decide_changes_nothing() -> None:
    for status in STATUSES:
        assert outcome([leg(), leg(status=status, decides=False)], []) == "pass"


LEGS = st.lists(st.tuples(st.sampled_from(STATUSES), st.booleans()), max_size=5)


@given(found=LEGS, gone=st.integers(0, 1))
def test_pass_means_that_something_decided_and_all_of_it_passed(
    found: Sequence[tuple[Status, bool]], gone: int
) -> None:
    deciding = [status for status, counts in found if counts]
    legs = [leg(status=status, decides=counts) for status, counts in found]
    passes = outcome(iter(legs), [missing()] * gone) == "pass"
    assert passes == (not gone and deciding != [] and set(deciding) == {"passed"})


# Artifacts alone


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["built"], "pass"), (["reused"], "pass"), (["given"], "pass"), (["published", "built"], "pass"),
        (["failed"], "fail"), (["timeout"], "fail"), (["built", "failed"], "fail"), (["error", "failed"], "fail"),
        (["error"], "incomplete"), (["cancelled"], "incomplete"), (["built", "cancelled"], "incomplete"),
        ([], "incomplete"),
    ],
)  # fmt: skip
def test_artifacts_decide_where_no_job_was_asked_for(states: list[str], expected: Outcome) -> None:
    assert outcome([], [], artifacts=[artifact(status=one) for one in states]) == expected


def test_artifacts_excuse_no_leg() -> None:
    assert outcome([leg(status="failed")], [], artifacts=[artifact()]) == "fail"
    assert outcome([], [missing()], artifacts=[artifact()]) == "incomplete"


def test_run_of_an_artifact_alone_has_its_outcome_and_says_so() -> None:
    rows = matrix()
    of = make_plan(rows, "embed", (), None, sources(), inventory(), ["embed"])
    verdict = judged(of=(rows, of))
    assert (verdict.outcome, verdict.headline, verdict.gate) == ("pass", "embed built", "embed")


def test_artifact_makes_no_gate_green_in_which_no_job_ran() -> None:
    rows = matrix({"smoke": job(artifacts=["embed"], os=["macos-15"])})
    of = make_plan(rows, "smoke", ("smoke",), None, sources(), inventory())
    verdict = judged(of=(rows, of))
    assert (verdict.outcome, verdict.headline) == ("incomplete", "nothing that decides was run")


# Nothing affected


UNAFFECTED = Unaffected(repo="lis", base="b" * 40, head="c" * 40, paths=("README.md",), more=2)


def test_run_that_could_affect_nothing_is_a_pass_only_when_nothing_ran_and_nothing_is_missing() -> None:
    assert outcome([], [], unaffected=UNAFFECTED) == "pass"
    assert outcome([], [missing()], unaffected=UNAFFECTED) == "incomplete"
    assert outcome([leg(status="failed")], [], unaffected=UNAFFECTED) == "fail"
    assert outcome([leg(status="unproven")], [missing()], unaffected=UNAFFECTED) == "fail"
    assert outcome([leg(status="error")], [], unaffected=UNAFFECTED) == "incomplete"


@pytest.mark.parametrize(("paths", "more", "text"), [(("a",), 0, "1 path"), (("a", "b"), 48, "50 paths")])
def test_headline_of_a_run_that_could_affect_nothing_says_so(paths: tuple[str, ...], more: int, text: str) -> None:
    why = UNAFFECTED.model_copy(update={"paths": paths, "more": more})
    told = headline("pass", [], [], unaffected=why)
    assert told == f"not run: nothing that a job reads has changed in lis ({text})"
    assert headline("fail", many("failed", "a"), [], unaffected=why) == "of 1 job, 1 failed (a)"


# Missing, and what its quarantine or its artifact says


def test_blocked_leg_fails_and_quarantined_one_does_not_decide() -> None:
    gone = missing()
    assert outcome([leg()], [gone.model_copy(update={"blocked": True})]) == "fail"
    assert outcome([leg()], [gone.model_copy(update={"decides": False})]) == "pass"
    assert outcome([leg()], [gone.model_copy(update={"decides": False, "blocked": True})]) == "pass"
    assert outcome([], [gone.model_copy(update={"decides": False})]) == "incomplete"
    assert outcome([leg(decides=False)], [gone.model_copy(update={"decides": False})]) == "incomplete"


# Quarantine


@pytest.mark.parametrize(
    ("until", "counts"),
    [
        pytest.param(date(2026, 11, 24), True, id="over since yesterday"),
        pytest.param(date(2026, 11, 25), False, id="last day"),
        pytest.param(date(2026, 11, 26), False, id="until tomorrow"),
    ],
)
def test_quarantine_holds_to_the_end_of_its_last_day(until: date, counts: bool) -> None:
    assert decides([quarantine(until)], TODAY) == counts


def test_leg_without_quarantine_decides() -> None:
    assert decides([], TODAY)


def test_quarantine_of_cases_leaves_the_job_to_decide() -> None:
    assert decides([quarantine(case="test_a*")], TODAY)


# The verdict


Planned = tuple[Matrix, Plan]
RUN = Run("4242")


def plan(*quarantines: Quarantine, **fields: Any) -> Planned:
    """Two legs here, one elsewhere."""
    rows = matrix({"smoke": job(os=["ubuntu-24.04", "macos-15"]), "lint": job(**fields)}, quarantine=quarantines)
    gate, names, lead = select(rows, ["pr-gate"])
    return rows, make_plan(rows, gate, names, lead, sources(), inventory())


def judged(*legs: LegResult, of: Planned | None = None, run: Run = RUN, today: date = TODAY, **fields: Any) -> Verdict:
    built = ArtifactResult(name="embed", status="built", key="k1", digest=DIGEST)
    gathered = gathered_here(*(of or plan()), legs, [built], run, "2026-11-25T03:00:00Z", 1.23456)
    return make_verdict(gathered, tool="0.1.0", today=today, **fields)


def test_all_legs_passed_is_a_pass() -> None:
    verdict = judged(result("smoke"), result("lint"))
    assert (verdict.outcome, verdict.headline) == ("pass", "all 2 jobs passed")
    assert [item.os for item in verdict.idle] == ["macos-15"]
    assert verdict.seconds == 1.235
    assert verdict.lead == "smoke"


def test_claim_of_a_job_is_shown_with_what_was_measured_of_it() -> None:
    table = plan(notices=("dead",))
    verdict = judged(result("smoke"), result("lint"), of=table)
    assert {leg.result.job: leg.claimed for leg in verdict.legs} == {
        "smoke": "claims none", "lint": "claims 1, none measured on this stack",
    }  # fmt: skip


def test_leg_without_a_result_is_missing() -> None:
    verdict = judged(result("smoke"))
    assert verdict.outcome == "incomplete"
    assert [(item.job, item.reason) for item in verdict.missing] == [("lint", "left no result")]
    assert verdict.headline == "of 2 jobs, 1 missing (lint)"


def test_no_result_at_all_is_no_pass() -> None:
    assert judged().outcome == "incomplete"


def test_results_that_the_plan_does_not_name_make_nothing_green() -> None:
    other = [result("smoke", os="macos-15"), result("lint", os="macos-15"), result("bench")]
    verdict = judged(*other)
    assert (verdict.outcome, verdict.legs) == ("incomplete", ())


def test_quarantined_leg_is_shown_and_does_not_decide_until_its_end() -> None:
    legs = result("smoke"), result("lint", "failed")
    of = plan(quarantine(date(2027, 1, 31), job="lint"))
    verdict = judged(*legs, of=of)
    assert (verdict.outcome, verdict.headline) == ("pass", "1 of 2 jobs passed, 1 quarantined")
    assert [one.result.status for one in verdict.legs] == ["passed", "failed"]
    later = judged(*legs, of=of, today=date(2027, 2, 1))
    assert (later.outcome, later.headline) == ("fail", "of 2 jobs, 1 failed (lint)")


def test_verdict_reads_back_from_its_json() -> None:
    verdict = judged(
        result("smoke", calls=3),
        result("lint", "failed", suite(case("a", "failed"))),
        of=plan(quarantine(job="lint", case="a")),
        notes=["a note"],
        run=Run("4242", 2, "a" * 40, "https://github.com/acme/lis/actions/runs/1"),
    )
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    first = verdict.legs[0].result
    assert LegResult.model_validate_json(first.model_dump_json()) == first


# Words


def many(status: Status, *names: str) -> list[VerdictLeg]:
    return [leg(name, status) for name in names]


@pytest.mark.parametrize(
    ("result_", "legs", "gone", "text"),
    [
        pytest.param("pass", many("passed", "a", "b"), [], "all 2 jobs passed", id="pass"),
        pytest.param(
            "fail",
            [*many("failed", "a", "b"), *many("unproven", "c")],
            [missing("d")],
            "of 4 jobs, 2 failed (a, b) · 1 unproven (c) · 1 missing (d)",
            id="each kind",
        ),
        pytest.param("fail", many("failed", *"abcdef"), [], "of 6 jobs, 6 failed (a, b, c, d, …)", id="many"),
        pytest.param("incomplete", [], [], "nothing that decides was run", id="nothing"),
        pytest.param(
            "incomplete",
            [leg("a", "failed", decides=False)],
            [],
            "nothing that decides was run, 1 quarantined",
            id="quarantined alone",
        ),
    ],
)
def test_headline_says_how_many_and_which(result_: Outcome, legs: list[VerdictLeg], gone: list[Any], text: str) -> None:
    assert headline(result_, legs, gone) == text


def sourced(**fields: Any) -> Any:
    found = sources()
    return found.model_copy(update={"repos": found.repos | {"lis": found.repos["lis"].model_copy(update=fields)}})


@pytest.mark.parametrize(
    ("gate", "is_gate", "fields", "options", "command"),
    [
        pytest.param("pr-gate", True, {}, [], "nox -s pr-gate", id="pins"),
        pytest.param("a+b", False, {}, [], "phdb-ci run a b", id="jobs"),
        pytest.param(
            "pr-gate",
            True,
            {"origin": "ref", "commit": "b" * 40},
            [],
            f"nox -s pr-gate -- --repo lis={'b' * 40}",
            id="ref",
        ),
        pytest.param(
            "pr-gate",
            True,
            {"origin": "ref", "commit": "b" * 40, "where": "/r/lis"},
            [],
            f"nox -s pr-gate -- --repo lis=/r/lis@{'b' * 40}",
            id="ref of a directory",
        ),
        pytest.param(
            "pr-gate",
            True,
            {"origin": "tree", "where": "/my dir/lis"},
            [],
            "nox -s pr-gate -- --repo 'lis=/my dir/lis'",
            id="tree",
        ),
        pytest.param(
            "pr-gate",
            True,
            {"origin": "tree", "where": "/s/lis", "via": "--stack /s"},
            ["--stack", "/s"],
            "nox -s pr-gate -- --stack /s",
            id="stack",
        ),
    ],
)
def test_reproduce_repeats_what_is_not_the_pin(
    gate: str, is_gate: bool, fields: dict[str, Any], options: list[str], command: str
) -> None:
    assert reproduce(gate, is_gate, map(shown_source, sourced(**fields).repos.values()), options) == command


@pytest.mark.parametrize(
    ("status", "expected"), [("built", "pass"), ("failed", "fail"), ("timeout", "fail"), ("cancelled", "incomplete")]
)
def test_artifact_that_was_asked_for_decides_beside_the_jobs(status: Any, expected: str) -> None:
    assert outcome([leg()], [], artifacts=[artifact(status=status)]) == expected
    assert outcome([], [], artifacts=[artifact(status=status)]) == expected
    assert outcome([leg(status="failed")], [], artifacts=[artifact(status=status)]) == "fail"


def test_quarantined_leg_without_a_result_is_told_as_quarantined() -> None:
    gone = missing(decides=False)
    assert outcome([leg()], [gone]) == "pass"
    assert headline("pass", [leg()], [gone]) == "1 of 2 jobs passed, 1 quarantined"
