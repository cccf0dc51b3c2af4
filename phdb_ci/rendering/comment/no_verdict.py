"""What is published when a run has no verdict: it says so, and is never green.

An older verdict must not go on looking like that of the commit that nobody has judged.
"""

from phdb_ci.base.text import cut
from phdb_ci.models.posting import REGRESSIONS, CommitStatus, Posting
from phdb_ci.models.statuses import STATUSES
from phdb_ci.rendering.comment.marker import marked, state_of

# GitHub's word for how a run ended → what stands in the heading.
ENDS = {
    "cancelled": f"{STATUSES['cancelled'].icon} phdb-ci: cancelled: no verdict",
    "action_required": "⏸️ phdb-ci: waits for approval: no verdict",
}
OTHER = f"{STATUSES['missing'].icon} phdb-ci: no verdict"
_WHY = {
    "cancelled": "was cancelled before there was a verdict",
    "action_required": "waits until somebody with write access approves it",
    "startup_failure": "could not be started; its workflow file is at fault",
    "timed_out": "ran into its time limit and left no verdict",
}


def no_verdict(
    posting: Posting, head: str, conclusion: str, why: str = "left no verdict"
) -> tuple[str, CommitStatus, CommitStatus]:
    """Comment and commit statuses of a run without a verdict. `conclusion` is GitHub's, `why` a text of our own."""
    run = f"[run #{posting.run_number}]({posting.run_url}) attempt {posting.attempt}"
    reason = _WHY.get(conclusion, why)
    sentence = f"{run} for `{head[:7]}` {reason}. Nothing is known about this commit: this is not green."
    body = f"## {ENDS.get(conclusion, OTHER)}\n\n{sentence}\n"
    title = ENDS[conclusion].partition(": ")[2] if conclusion in ENDS else f"no verdict: the run {why}"
    status = CommitStatus(state="error", description=cut(title, 140), target_url=posting.run_url)
    compared = status.model_copy(update={"context": REGRESSIONS, "description": "unknown: no verdict"})
    return marked(state_of(posting, head, "none", body), body), status, compared
