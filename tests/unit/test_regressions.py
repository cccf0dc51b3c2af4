"""What is worse than on the base: by cases, by evidence, by jobs; and never a success by absence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.judging import evidence
from phdb_ci.judging.gathered import Run, gathered_here
from phdb_ci.judging.verdict import make_verdict
from phdb_ci.models.matrix import Matrix, Quarantine
from phdb_ci.models.results import Case, CaseStatus, LegResult
from phdb_ci.models.verdict import Regressions, Unaffected, Verdict
from phdb_ci.planning.plan import make_plan, select
from phdb_ci.rendering.comment import comment, regressions_status
from phdb_ci.rendering.verdict_text import verdict_text
from tests.builders import case, command, exit_only, leg, quarantine, result, suite, use, verdict, worse
from tests.helpers import inventory, job, matrix, sources
from tests.page import heading, page

TODAY = date(2026, 11, 25)
WITNESS: dict[str, Any] = {
    "artifacts": ["embed"], "evidence": {"witness": {"artifact": "embed", "min_calls": 3}},
}  # fmt: skip
BARE: dict[str, Any] = WITNESS | {"reports": [{"kind": "exit", "min_tests": 0}]}
ROWS = matrix({"smoke": job(**WITNESS), "bench": job(**BARE), "lint": job()})


def judged(*legs: LegResult, rows: Matrix = ROWS, baseline: Verdict | None = None, today: date = TODAY) -> Verdict:
    gate, names, lead = select(rows, ["pr-gate"])
    plan = make_plan(rows, gate, names, lead, sources(), inventory())
    gathered = gathered_here(rows, plan, legs, [], Run("4242"), "2026-11-25T03:00:00Z", 1.0)
    return make_verdict(gathered, tool="0.1.0", today=today, baseline=baseline)


def smoke(*cases: Case, status: Any = "", calls: int = 4, exit_code: int | None = None, **fields: Any) -> LegResult:
    """`smoke` with these cases, all of them kept; its status by its facts."""
    bad = any(one.failing for one in cases)
    code = int(bad) if exit_code is None else exit_code
    told = {"commands": (command("make check", code),), "suites": (suite(*cases),)}
    told["artifacts"] = (use(calls, verbs={"exec": calls}),)
    made = result("smoke", "passed", **told | fields)
    found, reasons, _ = evidence.judge(ROWS.jobs["smoke"], made.facts)
    return made.model_copy(update={"status": status or found, "reasons": reasons})


def bench(exit_code: int = 0, calls: int = 4) -> LegResult:
    told: dict[str, Any] = {"commands": (command("make check", exit_code),), "suites": (exit_only(),)}
    made = result("bench", "passed", artifacts=(use(calls, verbs={"exec": calls}),), **told)
    found, reasons, _ = evidence.judge(ROWS.jobs["bench"], made.facts)
    return made.model_copy(update={"status": found, "reasons": reasons})


LINT = result("lint")
A, B, C = (case(name) for name in ("a", "b", "c"))
BAD_A, BAD_B = case("a", "failed"), case("b", "failed")


def told(before: LegResult, now: LegResult | None, **fields: Any) -> list[tuple[str, str]]:
    """What is worse in one leg, the others being the same: kinds and texts."""
    others = [one for one in (smoke(A, B), bench(), LINT) if one.leg != before.leg]
    base = judged(before, *others)
    made = judged(*([now] if now else []), *others, baseline=base, **fields)
    assert not made.regressions.unknown
    return [(item.kind, item.text) for item in made.regressions.worse]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param((A, B), (A, B), [], id="the same"),
        pytest.param((A, B), (A, B, C), [], id="one more"),
        pytest.param((A, BAD_B), (A, BAD_B), [], id="failed already"),
        pytest.param((A, BAD_B), (A, B), [], id="mended"),
        pytest.param((A, B), (A, BAD_B), [("new failure", "b")], id="new failure"),
        pytest.param((A, BAD_B), (BAD_A, BAD_B), [("new failure", "a")], id="one more failure"),
        pytest.param((A, BAD_B), (BAD_A, B), [("new failure", "a")], id="another failure for it"),
        pytest.param((A, B), (A, B, case("c", "failed")), [("new failure", "c")], id="new case that fails"),
        pytest.param((A, B, C), (A, B), [("case is gone", "c")], id="case that is gone"),
        pytest.param((A, B, C), (A, B, case("c", "skipped")), [("case is gone", "c")], id="case that is skipped"),
        pytest.param((A, C, BAD_B), (A, C), [("case is gone", "b")], id="failing case that is gone"),
        pytest.param((A, A, B), (A, B), [("case is gone", "a")], id="title that is there less often"),
        pytest.param((A, A, BAD_A), (A, BAD_A, A), [], id="title of several, one of which fails"),
        pytest.param((A, A, BAD_A), (A, BAD_A, BAD_A), [("new failure", "a")], id="title that fails more often"),
        pytest.param((A, B), (A, case("b", "error")), [("new failure", "b")], id="error"),
        pytest.param((A, BAD_B), (A, case("b", "error")), [], id="failure that is an error now"),
    ],
)
def test_cases_are_compared_by_title_and_count(
    before: Sequence[Case], now: Sequence[Case], expected: list[tuple[str, str]]
) -> None:
    assert told(smoke(*before), smoke(*now)) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(smoke(A, B), smoke(A, B, calls=0), "unproven: embed was called 0 times", id="never called"),
        pytest.param(smoke(A, BAD_B), smoke(A, BAD_B, calls=0), "unproven: embed was called 0", id="below a failure"),
        pytest.param(smoke(A, B), smoke(A, B, exit_code=3), "failed: exit 3: make check", id="exit code"),
        pytest.param(smoke(A, B), smoke(A, B, error="no cmake"), "error: no cmake", id="could not run"),
        pytest.param(smoke(A, B), smoke(blocked_by="embed failed"), "blocked: embed failed", id="blocked"),
        pytest.param(smoke(A, BAD_B), smoke(A, BAD_B, exit_code=137), "failed: exit 137", id="killed beside a failure"),
        pytest.param(
            smoke(A, B), smoke(suites=(suite(problem="not written"),), exit_code=4), "failed: exit 4", id="none ran"
        ),
        pytest.param(bench(), bench(1), "failed: exit 1", id="job without cases"),
        pytest.param(bench(1), bench(calls=0), "unproven: embed was called 0 times", id="red that shows less"),
    ],
)
def test_evidence_that_is_gone_is_worse(before: LegResult, now: LegResult, expected: str) -> None:
    (found,) = told(before, now)
    assert found[1].startswith(expected)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(bench(1), bench(1), id="exit code"),
        pytest.param(bench(calls=0), bench(calls=0), id="unproven"),
        pytest.param(bench(calls=0), bench(1), id="it shows more now"),
        pytest.param(bench(1), bench(), id="passes now"),
        pytest.param(smoke(A, B, exit_code=3), smoke(A, B, exit_code=4), id="another exit code"),
    ],
)
def test_job_that_was_red_by_itself_is_not_worse(before: LegResult, now: LegResult) -> None:
    assert told(before, now) == []


def test_counts_decide_where_not_every_case_is_kept() -> None:
    many = smoke(suites=(suite(A, B, passed=900),))
    assert told(many, smoke(suites=(suite(A, passed=901),))) == []
    assert told(many, smoke(suites=(suite(A, B, passed=890),))) == [("fewer tests", "10 tests fewer")]
    failing = suite(*(case(f"f{number}", "failed") for number in range(300)))
    kept = failing.model_copy(update={"cases": failing.cases[:200], "dropped": 100})
    others = failing.model_copy(update={"cases": failing.cases[100:], "dropped": 100})
    assert told(smoke(suites=(kept,)), smoke(suites=(others,))) == []
    more = kept.model_copy(update={"counts": kept.counts.model_copy(update={"failed": 302})})
    assert told(smoke(suites=(kept,)), smoke(suites=(more,))) == [("new failure", "2 tests more than on the base")]


def test_job_that_left_no_result_is_worse_where_it_had_one() -> None:
    assert told(smoke(A, B), None) == [("less evidence", "left no result")]


def test_job_that_the_gate_has_no_more_is_worse() -> None:
    base = judged(smoke(A, B), bench(), LINT)
    fewer = matrix({"smoke": ROWS.jobs["smoke"], "lint": job()})
    found = judged(smoke(A, B), LINT, rows=fewer, baseline=base).regressions
    assert [(item.leg, item.kind) for item in found.worse] == [("bench@ubuntu-24.04", "job is gone")]
    skipping = job(**BARE, skip={"ubuntu-24.04": "slow"}, os=["macos-15"])
    skipped = matrix({"smoke": ROWS.jobs["smoke"], "lint": job(), "bench": skipping})
    (gone,) = judged(smoke(A, B), LINT, rows=skipped, baseline=base).regressions.worse
    assert (gone.kind, gone.text) == ("job is gone", "slow")


def test_jobs_that_were_not_asked_for_are_not_gone() -> None:
    base = judged(smoke(A, B), bench(), LINT)
    plan = make_plan(ROWS, "smoke", ("smoke",), None, sources(), inventory())
    gathered = gathered_here(ROWS, plan, [smoke(A, B)], [], Run("1"), "2026-11-25T03:00:00Z", 1.0)
    found = make_verdict(gathered, tool="0.1.0", today=TODAY, baseline=base).regressions
    assert found.answer == "none worse"


def test_what_fails_now_comes_first() -> None:
    found = told(smoke(A, B, C), smoke(A, BAD_B, case("d", "failed")))
    assert found == [("new failure", "b"), ("new failure", "d"), ("case is gone", "c")]
    base = judged(smoke(A, B, C), bench(), LINT)
    made = judged(smoke(A, B), bench(1), LINT, baseline=base)
    assert [item.kind for item in made.regressions.worse] == ["new failure", "case is gone"]


# Quarantine


def test_quarantined_case_is_no_regression_while_it_holds() -> None:
    row = quarantine(job="smoke", case="b")
    rows = ROWS.model_copy(update={"quarantine": (row,)})
    assert told(smoke(A, B), smoke(A, BAD_B), rows=rows) == []
    assert told(smoke(A, B, C), smoke(A, C), rows=rows) == []
    assert told(smoke(A, B), smoke(BAD_A, BAD_B), rows=rows) == [("new failure", "a")]
    later = date(2027, 2, 1)
    assert told(smoke(A, B), smoke(A, BAD_B), rows=rows, today=later) == [("new failure", "b")]
    assert told(smoke(A, BAD_B), smoke(A, BAD_B), rows=rows, today=later) == []


@pytest.mark.parametrize(("row", "count"), [(quarantine(), 0), (quarantine(date(2026, 11, 24)), 1)])
def test_quarantined_job_is_no_regression_while_it_holds(row: Quarantine, count: int) -> None:
    rows = ROWS.model_copy(update={"quarantine": (row,)})
    assert len(told(smoke(A, B), smoke(A, BAD_B), rows=rows)) == count
    assert len(told(smoke(A, B), None, rows=rows)) == count


# Unknown


def test_without_a_baseline_it_is_unknown() -> None:
    found = judged(smoke(A, B), bench(), LINT).regressions
    assert (found.answer, found.words, found.unknown) == ("unknown", "unknown", ("no baseline to compare with",))


def test_verdict_that_says_nothing_of_it_is_unknown() -> None:
    assert verdict(leg()).regressions.answer == Regressions().answer == "unknown"


@pytest.mark.parametrize(
    ("before", "now", "unknown"),
    [
        pytest.param(smoke(status="error"), smoke(A, BAD_B), True, id="no result there"),
        pytest.param(smoke(status="error"), smoke(A, B), False, id="no result there, passes here"),
        pytest.param(smoke(status="timeout"), smoke(status="timeout"), True, id="no result on either side"),
        pytest.param(None, smoke(A, BAD_B), True, id="left nothing there"),
        pytest.param(None, smoke(A, B), False, id="left nothing there, passes here"),
        pytest.param(smoke(A, B), smoke(status="cancelled"), True, id="cancelled here"),
        pytest.param(None, None, True, id="left nothing on either side"),
    ],
)
def test_what_cannot_be_compared_is_never_a_success(
    before: LegResult | None, now: LegResult | None, unknown: bool
) -> None:
    base = judged(*([before] if before else []), bench(), LINT)
    found = judged(*([now] if now else []), bench(), LINT, baseline=base).regressions
    assert found.answer == ("unknown" if unknown else "none worse")
    assert bool(found.unknown) == unknown


def test_baseline_without_a_job_in_common_is_unknown() -> None:
    other = verdict(leg("other"), gate="other")
    assert judged(smoke(A, B), bench(), LINT, baseline=other).regressions.answer == "unknown"


@pytest.mark.parametrize(("stack", "answer"), [("stand-in", "unknown"), ("local", "none worse")])
def test_baseline_of_a_stand_in_says_nothing_of_the_public_stack(stack: str, answer: str) -> None:
    legs = smoke(A, B), bench(), LINT
    base = judged(*legs).model_copy(update={"stack": stack})
    assert judged(*legs, baseline=base).regressions.answer == answer


def test_where_nothing_could_be_affected_nothing_is_worse() -> None:
    rows = matrix({"smoke": job()})
    plan = make_plan(rows, "pr-gate", (), None, sources(), inventory())
    gathered = gathered_here(rows, plan, [], [], Run("1"), "2026-11-25T03:00:00Z", 1.0)
    changed = Unaffected(repo="lis", base="b" * 40, head="c" * 40, paths=("README.md",))
    for baseline in (None, judged(smoke(A, B))):
        made = make_verdict(replace(gathered, unaffected=changed), tool="0.1.0", today=TODAY, baseline=baseline)
        assert made.regressions.answer == "none worse"


STATES: tuple[CaseStatus, ...] = ("passed", "failed", "error", "skipped", "todo")
CASES = st.lists(st.builds(case, st.sampled_from("abc"), st.sampled_from(STATES)), max_size=6)


@given(CASES, CASES)
def test_answer_never_changes_the_verdict_and_nothing_is_worse_than_itself(before: list[Case], now: list[Case]) -> None:
    base = judged(smoke(*before), bench(), LINT)
    made = judged(smoke(*now), bench(), LINT, baseline=base)
    alone = judged(smoke(*now), bench(), LINT)
    assert (made.outcome, made.headline) == (alone.outcome, alone.headline)
    assert judged(smoke(*before), bench(), LINT, baseline=base).regressions.answer == "none worse"


# Shown


WORSE = Regressions(worse=(worse("a`b|c"), worse(kind="case is gone", job="lint")), more=1, unknown=())


def test_comment_has_one_line_and_a_list() -> None:
    made = verdict(leg(), regressions=WORSE, baseline="7")
    text = comment(made)
    assert heading(text) == "## ✅ phdb-ci: 1 job passed"
    assert "❌ Compared with the baseline: **3 worse**" in text
    assert "<summary>Worse than on the base: 3</summary>" in text
    assert "- `smoke@ubuntu-24.04`: new failure: ``a`b|c``" in text
    assert "- and 1 more" in text
    assert "a`b|c" in page(made).code


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Regressions(unknown=()), "✅ Compared with the baseline: **none worse**"),
        (
            Regressions(unknown=("smoke was cancelled",)),
            "❓ Compared with the baseline: **unknown** (`smoke was cancel",
        ),
    ],
)
def test_comment_says_where_nothing_is_worse_and_where_nobody_knows(answer: Regressions, line: str) -> None:
    assert line in comment(verdict(leg(), regressions=answer, baseline="7"))


def test_comment_of_a_run_that_nobody_compares_says_nothing_of_it() -> None:
    assert "ompared" not in comment(verdict(leg()))


def test_terminal_lists_what_is_worse() -> None:
    text = verdict_text(verdict(leg(), regressions=WORSE, baseline="7"))
    assert "regressions: 3 worse than in run 7\n  smoke@ubuntu-24.04: new failure: a`b|c\n" in text
    assert "regressions" not in verdict_text(verdict(leg()))


@pytest.mark.parametrize(
    ("answer", "baseline", "state", "description"),
    [
        (WORSE, "7", "failure", "3 worse: smoke, lint"),
        (Regressions(unknown=()), "7", "success", "none worse"),
        (Regressions(unknown=("x",)), "7", "error", "unknown: not everything could be compared"),
        (Regressions(), None, "error", "unknown: no baseline"),
    ],
)
def test_status_is_green_only_where_everything_was_compared(
    answer: Regressions, baseline: str | None, state: str, description: str
) -> None:
    status = regressions_status(verdict(leg(), regressions=answer, baseline=baseline))
    assert (status.context, status.state, status.description) == ("phdb-ci / regressions", state, description)
    local = regressions_status(verdict(leg(), regressions=answer, baseline=baseline, stack="local"))
    assert local.description == f"not the public stack: {description}"
