"""The one comment of a pull request: found again by its marker and its author, edited in place, never doubled.

Anybody can write the marker, so the author counts as well. An older run that comes late changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from github import GithubException, UnknownObjectException

from phdb_ci.github.client import Client, message_of
from phdb_ci.rendering.comment.marker import PREFIX, State, digest, read

if TYPE_CHECKING:
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest


@dataclass(frozen=True)
class Settled:
    """What became of it. `newer`: another run of the same commit is further; nothing was written."""

    done: Literal["created", "edited", "unchanged", "newer"]
    removed: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was written or deleted."""
        return self.done in ("created", "edited") or self.removed > 0


def settle(
    client: Client,
    pull: "PullRequest",
    author: str,
    bodies: Callable[[], Iterable[str]],
    known: Callable[[State], bool],
) -> Settled:
    """Bring the comment to the first of these bodies that GitHub takes; the oldest stays, others of ours go.

    `known` says whether a run is one that GitHub knows: a marker can be edited, and could name one that never was.
    """
    own = find(pull, author)
    first = next(iter(bodies()))
    wanted, _ = read(first)
    if wanted and any(known(state) for state in _newer(own, wanted)):
        return Settled("newer")
    if not own:
        return _create(client, pull, author, bodies)
    keep, *others = own
    stays = any(_is(keep.body or "", body) for body in bodies())
    if not stays:
        try:
            _write(bodies(), keep.edit)
        except UnknownObjectException:  # deleted since we looked; what else is ours is seen on the next look
            return _create(client, pull, author, bodies)
    for comment in others:
        _delete(comment)
    return Settled("unchanged" if stays else "edited", len(others))


def find(pull: "PullRequest", author: str) -> "list[IssueComment]":
    """Our comments, the oldest first: the marker is where they begin, and the author is ours."""
    found = [
        comment
        for comment in pull.get_issue_comments()
        if (comment.body or "").startswith(PREFIX)
        and comment.user is not None
        and comment.user.login.lower() == author.lower()
    ]
    return sorted(found, key=lambda comment: comment.id)


def _create(client: Client, pull: "PullRequest", author: str, bodies: Callable[[], Iterable[str]]) -> Settled:
    _write(bodies(), lambda body: client.insist(lambda: pull.create_issue_comment(body), lambda: _oldest(pull, author)))
    return Settled("created")


def _oldest(pull: "PullRequest", author: str) -> "IssueComment | None":
    return next(iter(find(pull, author)), None)


def _newer(comments: "list[IssueComment]", wanted: State) -> Iterator[State]:
    """What comments of ours say of a newer run for the same commit."""
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


def _write(bodies: Iterable[str], send: Callable[[str], object]) -> None:
    """Send the fullest body that GitHub takes."""
    last: GithubException | None = None
    for body in bodies:
        try:
            send(body)
        except GithubException as error:
            if not _is_too_long(error):
                raise
            last = error
        else:
            return
    if last:
        raise last


def _is_too_long(error: GithubException) -> bool:
    return error.status in (413, 422) and "too long" in message_of(error).lower()


def _delete(comment: "IssueComment") -> None:
    try:
        comment.delete()
    except UnknownObjectException:
        return  # somebody was quicker
