"""The second answer: what is worse than on the base, as one line, one list, and one commit status."""

from collections.abc import Mapping
from typing import Literal

from phdb_ci.base.text import cut
from phdb_ci.models.posting import REGRESSIONS, CommitStatus, Posting
from phdb_ci.models.statuses import STATUSES
from phdb_ci.models.verdict import Regression, Regressions, Verdict
from phdb_ci.rendering.comment.entries import Shown
from phdb_ci.rendering.comment.size_budget import Level
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, first, points

ICONS = {"none worse": STATUSES["passed"].icon, "worse": STATUSES["failed"].icon, "unknown": STATUSES["unproven"].icon}
# Unknown is GitHub's `error`: a check that is required must not pass by absence.
STATES: Mapping[str, Literal["success", "failure", "error"]] = {
    "none worse": "success", "worse": "failure", "unknown": "error",
}  # fmt: skip
MOST_UNKNOWN, DESCRIPTION = 10, 140


def line(view: Shown) -> str:
    """`❌ Compared with main: 2 worse`; empty for a run that nobody compares and that compares itself with nothing."""
    answer, posting = view.verdict.regressions, view.posting
    if view.verdict.baseline is None and posting is None and not answer.count:
        return ""
    base = code(posting.base or "", 60) if posting else ""
    reason = f" ({code(answer.unknown[0], TITLE_LIMIT)})" if answer.answer == "unknown" and answer.unknown else ""
    return f"{ICONS[answer.answer]} Compared with {base or 'the baseline'}: **{answer.words}**{reason}"


def section(view: Shown, level: Level) -> Section | None:
    """What is worse and what was not compared; None where there is neither, or nothing to compare with."""
    answer = view.verdict.regressions
    if view.verdict.baseline is None or not (answer.count or answer.unknown):
        return None
    worse = answer.worse[: min(level.tests, level.rows)]
    hidden = answer.count - len(worse)
    lines = [*map(_point, worse), *([f"and {hidden} more"] if hidden else [])]
    lines += [f"not compared: {reason}" for reason in first(answer.unknown, MOST_UNKNOWN, limit=TITLE_LIMIT)]
    return Section(_title(answer), (points(lines),), opened=bool(answer.count))


def regressions_status(verdict: Verdict, posting: Posting | None = None) -> CommitStatus:
    """The commit status beside that of the verdict: red when something is worse or was not compared.

    Counts and names of jobs alone, so that nothing from a repository can stand in it.
    """
    answer = verdict.regressions
    text = answer.words
    if answer.count:
        text = f"{text}: {', '.join(dict.fromkeys(item.job for item in answer.worse))}"
    elif answer.unknown:
        text = f"{text}: {'no baseline' if verdict.baseline is None else 'not everything could be compared'}"
    stack = "" if verdict.stack == "public" else "not the public stack: "
    return CommitStatus(
        context=REGRESSIONS, state=STATES[answer.answer], description=cut(f"{stack}{text}", DESCRIPTION),
        target_url=posting.run_url if posting else None,
    )  # fmt: skip


def _title(answer: Regressions) -> str:
    return f"Worse than on the base: {answer.count}" if answer.count else "Not compared with the base"


def _point(item: Regression) -> str:
    return f"{code(item.leg, 100)}: {item.kind}: {code(item.text, TITLE_LIMIT)}"
