"""Publish what GitHub knows now: the verdict of the newest run for a pull request's present head.

Level-triggered: whichever run woke us, the newest decides, so that the order in which runs end does not matter. After a
write everything is read again, and what is not settled then is settled once more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from github import UnknownObjectException

from phdb_ci.errors import PhdbError, ResultsError
from phdb_ci.github.client import Client
from phdb_ci.github.posts import set_status, settle
from phdb_ci.github.runs import Run, jobs_of, newest, pulls_of, run_of
from phdb_ci.github.verdict_file import verdict_left
from phdb_ci.models.posting import CommitStatus, Posting, Published
from phdb_ci.rendering.comment import comments, commit_status, regressions_status
from phdb_ci.rendering.comment.marker import State
from phdb_ci.rendering.comment.no_verdict import no_verdict

if TYPE_CHECKING:
    from github.PullRequest import PullRequest

EVENTS = ("pull_request", "push", "merge_group")
TURNS = 3
SETTLED = (None, "unchanged")  # what became of something that was as it should be
_NO_VERDICT = ("cancelled", "action_required")  # conclusions after which what a run left is no verdict


@dataclass(frozen=True)
class Place:
    """Where to publish, and what counts."""

    server: str  # the web server that links lead to
    workflow: str  # the file of the workflow whose runs count
    legs: Mapping[str, frozenset[str]]  # of each gate, as the matrix has them: a verdict is about all of them
    author: str | None = None  # whom we write as; the token's owner by default


@dataclass(frozen=True)
class Words:
    """What is to be published of a run. Nothing of what was refused, but what stood there before must not stay."""

    bodies: tuple[str, ...]  # the comment, from full to short
    status: CommitStatus
    regressions: CommitStatus
    refused: ResultsError | None = None  # what the run left is not believed


def publish(client: Client, number: int, place: Place) -> Published:
    """Bring comment and status up to date with the newest run beside this one. Raises PhdbError for what failed."""
    with client.asking(f"run {number}", "actions: read"):
        woke = run_of(client, number)
    if ignored := _ignored(woke, place):
        return Published(run=woke.id, notes=(ignored,))
    with client.asking("who we are", "metadata: read"):
        author = place.author or client.login()
    done = Published(run=woke.id)
    words = cache(partial(_words, client, place))
    for _ in range(TURNS):
        turn = _turn(client, woke, author, words)
        done = _both(done, turn)
        if all(end in SETTLED for end in (turn.comment, turn.status, turn.regressions)) and not turn.removed:
            break
    return done


def _ignored(run: Run, place: Place) -> str | None:
    if run.path != place.workflow:
        return f"run {run.id} is of another workflow than {place.workflow}: nothing to publish"
    if run.event not in EVENTS:
        return f"run {run.id} was not started by a pull request, a push or a merge queue: nothing to publish"
    if run.conclusion == "skipped":
        return f"run {run.id} was skipped: nothing to publish"
    return None


def _turn(client: Client, woke: Run, author: str, words: Callable[[Run, str | None], Words]) -> Published:
    pulls: list[PullRequest | None] = [None]
    if woke.event == "pull_request":
        with client.asking("pull requests", "pull-requests: write"):
            pulls = list(pulls_of(client, woke))
        if not pulls:
            head = f"{woke.sha[:7]} of {woke.home or 'a repository that is gone'}"
            note = f"no open pull request has the head {head}, it has moved on or is closed: nothing was published"
            return Published(run=woke.id, notes=(note,))
    with client.asking("runs", "actions: read"):
        run = newest(client, woke)
    if run.status != "completed":
        note = f"run {run.id}, attempt {run.attempt}, is newer and not over: it will publish its own verdict"
        return Published(run=run.id, attempt=run.attempt, notes=(note,))
    done = Published(run=run.id, attempt=run.attempt)
    # One branch may be proposed for several: the verdict is about the commit, and so about each.
    for pull in pulls:
        done = _both(done, _write(client, run, pull, author, words(run, pull.base.ref if pull else None)))
    return done


def _words(client: Client, place: Place, run: Run, base: str | None) -> Words:
    posting = Posting(
        repository=client.name, server=place.server, run_id=run.id, run_number=run.number, attempt=run.attempt,
        base=base,
    )  # fmt: skip
    verdict, reason, refused = None, "", None
    try:
        if run.conclusion not in _NO_VERDICT:
            verdict, reason = verdict_left(client, run, place.legs)
    except ResultsError as error:
        reason, refused = "left a verdict that is not believed", ResultsError(f"{error.message}; nothing was published")
    if verdict is None:
        body, status, compared = no_verdict(posting, run.sha, run.conclusion, reason)
        return Words((body,), status, compared, refused)
    legs = [leg.result.leg for leg in verdict.legs] + [f"{leg.job}@{leg.os}" for leg in verdict.missing]
    with client.asking("the run's jobs", "actions: read"):
        posting = posting.model_copy(update={"jobs": jobs_of(client, run, legs)})
    return Words(
        tuple(comments(verdict, posting)), commit_status(verdict, posting), regressions_status(verdict, posting)
    )


def _write(client: Client, run: Run, pull: "PullRequest | None", author: str, words: Words) -> Published:
    """The comment, then the statuses; a comment that cannot be written does not keep them back."""
    done = Published(run=run.id, attempt=run.attempt, pull=pull.number if pull else None)
    errors: list[PhdbError] = [words.refused] if words.refused else []
    try:
        if pull:
            with client.asking("the comment", "pull-requests: write"):
                create = words.refused is None
                settled = settle(client, pull, author, words.bodies, partial(_known, client), create=create)
            if settled.done == "newer":
                note = f"the comment is of a newer run than {run.id}, attempt {run.attempt}: nothing was published"
                return done.model_copy(update={"notes": (note,)})
            done = done.model_copy(update={"comment": settled.done, "removed": settled.removed})
    except PhdbError as error:
        errors.append(error)
    try:
        with client.asking("the commit status", "statuses: write"):
            done = done.model_copy(update={"status": set_status(client, run.sha, words.status)})
            done = done.model_copy(update={"regressions": set_status(client, run.sha, words.regressions)})
    except PhdbError as error:
        errors.append(error)
    if errors:
        raise _joined(errors)
    return done


def _known(client: Client, state: State) -> bool:
    try:
        run = run_of(client, int(state.run_id))
    except (ValueError, UnknownObjectException):
        return False
    return (run.number, run.sha) == (state.run_number, state.head) and state.attempt <= run.attempt


def _joined(errors: list[PhdbError]) -> PhdbError:
    """Errors of one kind as one, so that somebody who has to grant two things learns it at once."""
    kind = type(errors[0])
    same = [error for error in errors if type(error) is kind]
    tries = dict.fromkeys(line for error in same for line in error.tries)
    return kind("; ".join(error.message for error in same), tries=tries)


def _both(before: Published, after: Published) -> Published:
    """What two turns did: of a first write and a second look the write counts."""
    changes = {
        "comment": before.comment if before.comment and after.comment in SETTLED else after.comment,
        "status": before.status if before.status and after.status in SETTLED else after.status,
        "regressions": before.regressions if before.regressions and after.regressions in SETTLED else after.regressions,
        "removed": before.removed + after.removed, "pull": after.pull or before.pull,
        "notes": tuple(dict.fromkeys((*before.notes, *after.notes))),
    }  # fmt: skip
    return after.model_copy(update=changes)
