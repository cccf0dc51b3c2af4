"""What is posted: the one comment of a pull request, and the commit status beside it.

The comment is found again by its marker and its author, edited in place, never doubled. Anybody can write the marker,
so the author counts as well. An older run that comes late changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from github import GithubException, UnknownObjectException
from github.CommitStatus import CommitStatus as Posted
from github.PaginatedList import PaginatedList

from phdb_ci.github.client import Client, message_of
from phdb_ci.models.posting import CommitStatus
from phdb_ci.rendering.comment.marker import PREFIX, State, digest, read

if TYPE_CHECKING:
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest


@dataclass(frozen=True)
class Settled:
    """What became of the comment: None where there is none to write, `newer` where it is of a later run."""

    done: Literal["created", "edited", "unchanged", "newer"] | None
    removed: int = 0


def settle(
    client: Client, pull: "PullRequest", author: str, bodies: Sequence[str], known: Callable[[State], bool],
    *, create: bool = True,
) -> Settled:  # fmt: skip
    """Bring the comment to the first of these bodies that GitHub takes; the oldest stays, others of ours go.

    `known` says whether a run is one that GitHub knows: a marker can be edited, and could name one that never was.
    """
    ours = find(pull, author)
    wanted, _ = read(bodies[0])
    if wanted and any(known(state) for state in _newer(ours, wanted)):
        return Settled("newer")
    if not ours:
        return _create(client, pull, author, bodies) if create else Settled(None)
    oldest, *others = ours
    stays = any(_is(oldest.body or "", body) for body in bodies)
    if not stays:
        try:
            _write(bodies, oldest.edit)
        except UnknownObjectException:  # deleted since we looked; what else is ours is seen on the next look
            return _create(client, pull, author, bodies)
    for comment in others:
        with suppress(UnknownObjectException):  # somebody was quicker
            comment.delete()
    return Settled("unchanged" if stays else "edited", len(others))


def find(pull: "PullRequest", author: str) -> "list[IssueComment]":
    """Our comments, the oldest first: the marker is where they begin, and the author is ours."""
    ours = [
        comment
        for comment in pull.get_issue_comments()
        if (comment.body or "").startswith(PREFIX)
        and comment.user is not None
        and comment.user.login.lower() == author.lower()
    ]
    return sorted(ours, key=lambda comment: comment.id)


def _create(client: Client, pull: "PullRequest", author: str, bodies: Sequence[str]) -> Settled:
    def oldest() -> "IssueComment | None":
        return next(iter(find(pull, author)), None)

    _write(bodies, lambda body: client.insist(lambda: pull.create_issue_comment(body), oldest))
    return Settled("created")


def _newer(comments: "list[IssueComment]", wanted: State) -> Iterator[State]:
    for comment in comments:
        state, _ = read(comment.body or "")
        if state is None or state.head != wanted.head or state.run_number is None:
            continue
        if (state.run_number, state.attempt) > (wanted.run_number or 0, wanted.attempt):
            yield state


def _is(stored: str, body: str) -> bool:
    """Whether a stored comment says this; its text is compared, because people can edit it."""
    (state, text), (wanted, _) = read(stored), read(body)
    return state is not None and state == wanted and digest(text) == state.digest


def _write(bodies: Sequence[str], send: Callable[[str], object]) -> None:
    """Send the fullest body that GitHub takes."""
    for body in bodies:
        try:
            send(body)
        except GithubException as error:
            too_long = error.status in (413, 422) and "too long" in message_of(error).lower()
            if not too_long or body is bodies[-1]:
                raise
        else:
            return


def set_status(client: Client, sha: str, wanted: CommitStatus) -> Literal["created", "unchanged"]:
    """Post the status, unless the newest one of its context says the same: GitHub keeps them all."""
    if _stands(client, sha, wanted):
        return "unchanged"
    body = wanted.model_dump(exclude_none=True)

    def post() -> bool:
        client.repository.requester.requestJsonAndCheck("POST", f"{client.repository.url}/statuses/{sha}", input=body)
        return True

    client.insist(post, lambda: _stands(client, sha, wanted) or None)
    return "created"


def _stands(client: Client, sha: str, wanted: CommitStatus) -> bool:
    """Whether the newest status of the context says this; GitHub lists the newest first."""
    url = f"{client.repository.url}/commits/{sha}/statuses"
    for posted in PaginatedList(Posted, client.repository.requester, url, None):
        if posted.context == wanted.context:
            facts = (posted.state, posted.description, posted.target_url)
            return facts == (wanted.state, wanted.description, wanted.target_url)
    return False
