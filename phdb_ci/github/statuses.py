"""The commit status beside the comment. One that says the same already is not posted again: GitHub keeps them all."""

from typing import Literal

from github.CommitStatus import CommitStatus as Posted
from github.PaginatedList import PaginatedList

from phdb_ci.github.client import Client
from phdb_ci.models.posting import CommitStatus


def set_status(client: Client, sha: str, wanted: CommitStatus) -> Literal["created", "unchanged"]:
    """Post the status, unless the newest one of its context is the same."""
    if _there(client, sha, wanted):
        return "unchanged"
    body = wanted.model_dump(exclude_none=True)

    def post() -> bool:
        client.repository.requester.requestJsonAndCheck("POST", f"{client.repository.url}/statuses/{sha}", input=body)
        return True

    client.insist(post, lambda: _there(client, sha, wanted) or None)
    return "created"


def _there(client: Client, sha: str, wanted: CommitStatus) -> bool:
    """Whether the newest status of the context says this; GitHub lists the newest first."""
    url = f"{client.repository.url}/commits/{sha}/statuses"
    for one in PaginatedList(Posted, client.repository.requester, url, None):
        if one.context == wanted.context:
            return (one.state, one.description, one.target_url) == (
                wanted.state, wanted.description, wanted.target_url,
            )  # fmt: skip
    return False
