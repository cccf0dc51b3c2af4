"""However much there is to say, the text fits, is whole, and says what it left out."""

from typing import Any

import pytest

from phdb_ci.models.results import Counts
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering import comment, summary
from phdb_ci.rendering.shed import COMMENT, COMMENT_BUDGET, SUMMARY_BUDGET, ladder
from tests.builders import artifact, case, command, leg, missing, quarantine, rule, source, suite, verdict
from tests.page import checked, heading, page


def big(failing: int, legs: int = 1, size: int = 100_000, sign: str = "w") -> Verdict:
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
        baseline=text,
    )  # fmt: skip


SIGNS = [(300, 3, sign) for sign in ("w", "|", "`", "\\", "<")]
SHAPES = [(failing, legs, "\U0001f600") for failing, legs in ((3_000, 1), (300, 3), (30, 40), (3, 400))]


@pytest.mark.parametrize(("failing", "legs", "sign"), SIGNS + SHAPES)
def test_huge_verdict_fits_and_is_balanced(failing: int, legs: int, sign: str) -> None:
    made = big(failing, legs, sign=sign)
    text = comment(made)
    checked(text, COMMENT_BUDGET)
    assert heading(text) == f"## ❌ phdb-ci: {legs} failed, {legs} left no result of {2 * legs} jobs"
    assert "Left out to stay within GitHub's size limit: the timeline" in text


def test_huge_summary_fits_and_shows_more_than_the_comment() -> None:
    made = big(300, 8)
    text = summary(made)
    checked(text, SUMMARY_BUDGET)
    assert len(text) > 2 * len(comment(made))


def test_rows_beyond_the_limit_are_counted_failing_first() -> None:
    made = big(0, 400, sign="|")
    rows = [row for row in page(made).rows if len(row) == 8]
    assert [row[0] for row in rows[1:]] == ["❌"] * 40 + ["⋯"]
    assert rows[-1][1] == "and 760 more: 360 failed, 400 missing"


def test_what_is_left_out_comes_in_the_order_of_worth() -> None:
    assert [level.left_out[-1] for level in list(ladder(COMMENT))[1:6]] == [
        "the timeline", "tracebacks", "what passed jobs rest on", "tests beyond 20 per job",
        "details of the sources",
    ]  # fmt: skip


def test_tests_beyond_the_limit_are_counted() -> None:
    cases = [case(f"t{number}", "failed", message="m" * 250) for number in range(200)]
    text = comment(verdict(*(leg(f"j{number}", "failed", suite(*cases)) for number in range(8))))
    assert "and 180 more failing tests" in text
    assert "tests beyond 20 per job" in text
    kept = suite(case("t", "failed"), counts=Counts(failed=9), dropped=8)
    assert "and 8 more failing tests" in comment(verdict(leg("j", "failed", kept)))
