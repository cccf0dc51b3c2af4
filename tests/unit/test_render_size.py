"""However much there is to say, the text fits, is whole, and says what it left out."""

from typing import Any

import pytest

from phdb_ci.models.results import Counts
from phdb_ci.models.verdict import Regressions, Verdict
from phdb_ci.rendering.comment import comment, comments, summary
from phdb_ci.rendering.comment.size_budget import COMMENT_BUDGET, FULL, LEAST, SHORT, SUMMARY_BUDGET, Level, fitting
from tests.builders import artifact, case, command, leg, missing, quarantine, rule, source, suite, verdict, worse
from tests.page import checked, heading, page


def big(failing: int, legs: int = 1, size: int = 2_000, sign: str = "w") -> Verdict:
    """Many failing tests with long names, messages and tracebacks."""
    text = (sign * 60 + "\n") * (size // 61)
    cases = [case(f"{number} {text}", "failed", message=text, detail=text) for number in range(failing)]
    report = suite(*cases, skip_rules=tuple(rule(f"{number}{text}", text) for number in range(5)))
    told: dict[str, Any] = {"reasons": (text,) * 20, "summary": text, "notes": (text,) * 50}
    told["commands"] = (command(text, 1),) * 3
    excused = quarantine(owner=sign * 500, issue=f"https://e.com/{sign * 500}")
    return verdict(
        *(leg(f"job-{number}", "failed", report, quarantine=excused, **told) for number in range(legs)),
        missing=[missing(f"m-{number}", reason=text) for number in range(legs)], notes=(text,) * 50,
        sources=tuple(source(f"r-{number}", reachable=False, notes=(text,) * 9) for number in range(legs)),
        artifacts=(artifact(why=(text,) * 9),), reproduce=text, gate=text, tool=text, run_id=text,
        baseline=text, regressions=Regressions(worse=(worse(text),) * 200, more=7, unknown=(text,) * 200),
    )  # fmt: skip


# Texts longer than any limit, in signs that grow when they are made safe; and each way to be many.
HUGE = [
    *((30, 12, 2_000, sign) for sign in ("w", "|", "`", "\\", "<", "\U0001f600")),
    (1_000, 1, 2_000, "w"), (3, 200, 2_000, "w"), (12, 12, 100_000, "w"),
]  # fmt: skip


@pytest.mark.parametrize(("failing", "legs", "size", "sign"), HUGE)
def test_huge_verdict_fits_and_is_balanced(failing: int, legs: int, size: int, sign: str) -> None:
    made = big(failing, legs, size, sign)
    text = comment(made)
    checked(text, COMMENT_BUDGET)
    assert heading(text) == f"## ❌ phdb-ci: {legs} failed, {legs} left no result of {2 * legs} jobs"
    assert "Left out to stay within GitHub's size limit: " in text


def test_huge_summary_fits_and_shows_more_than_the_comment() -> None:
    made = big(30, 8)
    text = summary(made)
    checked(text, SUMMARY_BUDGET)
    assert len(text) > 2 * len(comment(made))


def test_rows_beyond_the_limit_are_counted_failing_first() -> None:
    made = big(0, 400, sign="|")
    rows = [row for row in page(made).rows if len(row) == 6 and row[1] != "job"]
    assert [row[0] for row in rows] == ["❌"] * 10 + ["⋯"]
    assert rows[-1][1] == "and 790 more: 390 failed, 400 missing"


@pytest.mark.parametrize(("budget", "level"), [(30, FULL), (29, SHORT), (20, SHORT), (19, LEAST), (10, LEAST)])
def test_most_that_fits_is_shown_and_then_ever_less(budget: int, level: Level) -> None:
    sizes = {FULL: 30, SHORT: 20, LEAST: 10}
    texts = list(fitting((FULL, SHORT, LEAST), budget, lambda one: "x" * sizes[one]))
    assert list(map(len, texts)) == [size for size in (30, 20, 10) if size <= sizes[level]]


def test_text_of_less_that_is_no_shorter_is_left_out() -> None:
    assert list(fitting((FULL, SHORT, LEAST), 30, lambda _: "same")) == ["same"]


def test_each_level_says_what_it_leaves_out() -> None:
    cases = [case(f"t{number}", "failed", message="m" * 250, detail="why\n" * 99) for number in range(30)]
    made = verdict(leg("a"), *(leg(f"j{number}", "failed", suite(*cases)) for number in range(3)))
    full, short, least = comments(made)
    assert "Left out" not in full
    assert "```text" in full
    assert f"size limit: {SHORT.left_out}." in short
    assert "```" not in short
    assert "<summary>❌ j0: 30 tests failed</summary>" in short
    assert f"size limit: {LEAST.left_out}." in least
    assert "<summary>" not in least


def test_tests_beyond_the_limit_are_counted() -> None:
    cases = [case(f"t{number}", "failed", message="m" * 250) for number in range(200)]
    text = comment(verdict(*(leg(f"j{number}", "failed", suite(*cases)) for number in range(8))))
    assert "and 180 more failing tests" in text
    assert "tests beyond 20 per job" in text
    kept = suite(case("t", "failed"), counts=Counts(failed=9), dropped=8)
    assert "and 8 more failing tests" in comment(verdict(leg("j", "failed", kept)))
