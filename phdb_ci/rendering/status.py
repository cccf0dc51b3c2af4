"""Verdict → the commit status beside the comment: one word for GitHub, one line for people."""

from typing import Literal

from phdb_ci.base.text import cut
from phdb_ci.models.posting import CommitStatus, Posting
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.entries import entries
from phdb_ci.rendering.headline import counts, judged

LIMIT = 140  # characters; GitHub takes no more


def commit_status(verdict: Verdict, posting: Posting | None = None) -> CommitStatus:
    """The status: incomplete is GitHub's `error`, which is red, too."""
    found = entries(verdict)
    states: dict[str, Literal["success", "failure", "error"]] = {"pass": "success", "fail": "failure"}
    stack = "" if verdict.stack == "public" else "not the public stack: "
    return CommitStatus(
        state=states.get(judged(verdict, found), "error"),
        description=cut(f"{stack}{counts(verdict, found)}", LIMIT),
        target_url=posting.run_url if posting else None,
    )
