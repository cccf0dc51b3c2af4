"""The sticky comment once more, on a GitHub that somebody else wrote: npm's emulate.

It has no commit statuses, keeps no artifacts and knows no limit of size, so that only the comment is tested here.
"""

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from phdb_ci.github.client import Client
from phdb_ci.github.posts import find, settle
from phdb_ci.github.runs import Run, pulls_of
from phdb_ci.models.posting import Posting
from phdb_ci.rendering.comment import comments
from phdb_ci.rendering.comment.marker import PREFIX, State
from tests.builders import HEAD
from tests.integration.github.downloads import NODE, node_folder
from tests.integration.github.world import QUICK, failing, passing

if TYPE_CHECKING:
    from github.PullRequest import PullRequest

OWN, BOT, TOKEN, STRANGER = "phdb-bot/lis", "phdb-bot", "ghp_" + "t" * 36, "ghp_" + "s" * 36


class Emulated:
    """A repository with one open pull request."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.call("POST", f"/repos/{OWN}/pulls", {"title": "a change", "head": "topic", "base": "main"})

    def call(self, method: str, path: str, body: object = None, token: str = TOKEN) -> Any:
        request = urllib.request.Request(  # noqa: S310 - 127.0.0.1
            self.base + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.loads(answer.read() or b"null")

    def comment(self, body: str, token: str = TOKEN) -> int:
        return int(self.call("POST", f"/repos/{OWN}/issues/1/comments", {"body": body}, token)["id"])

    @property
    def client(self) -> Client:
        return Client(self.base, TOKEN, OWN, QUICK)

    def pull(self) -> "PullRequest":
        """The pull request, found as the second stage finds it."""
        head = self.call("GET", f"/repos/{OWN}/pulls/1")["head"]["sha"]
        run = Run(4242, 318, 1, "pull_request", "completed", "success", "x", head, "topic", OWN)
        (pull,) = pulls_of(self.client, run)
        return pull

    def ours(self) -> list[str]:
        return [one.body for one in find(self.pull(), BOT)]


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    """An emulated GitHub of this test's own; it ends with its standard input."""
    program = ["node", "--input-type=module", "-e", (NODE / "emulate.mjs").read_text()]
    env = {**os.environ, "TOKEN": TOKEN, "STRANGER": STRANGER, "PORT": str(_port())}
    with subprocess.Popen(
        program, cwd=node_folder(), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        assert base.startswith("http://127.0.0.1:"), "emulate did not start; node 20.19 or newer is needed"
        try:
            yield Emulated(base)
        finally:
            process.stdin.close()
            process.wait(10)


def known(_: State) -> bool:
    return True


def bodies(number: int, *, good: bool = True) -> tuple[str, ...]:
    made = (passing if good else failing)(run_id=str(number), head=HEAD)
    posting = Posting(repository=OWN, run_id=number, run_number=number, base="main")
    return tuple(comments(made, posting))


def test_comment_is_created_edited_and_then_left_alone(emulated: Emulated) -> None:
    client, pull = emulated.client, emulated.pull()
    assert settle(client, pull, BOT, bodies(318, good=False), known).done == "created"
    assert settle(client, pull, BOT, bodies(319), known).done == "edited"
    assert settle(client, pull, BOT, bodies(319), known).done == "unchanged"
    assert settle(client, pull, BOT, bodies(318, good=False), known).done == "newer"
    (body,) = emulated.ours()
    assert "all 2 jobs passed" in body


def test_three_of_ours_among_250_leave_the_oldest(emulated: Emulated) -> None:
    for number in range(250):
        emulated.comment(f"comment {number}", STRANGER)
        if number in (40, 140, 240):
            emulated.comment(f"{PREFIX}b2xk -->\nold {number}\n")
    oldest = find(emulated.pull(), BOT)[0].id
    settled = settle(emulated.client, emulated.pull(), BOT, bodies(318), known)
    assert (settled.done, settled.removed) == ("edited", 2)
    assert [one.id for one in find(emulated.pull(), BOT)] == [oldest]
    assert "all 2 jobs passed" in emulated.ours()[0]


def test_marker_of_somebody_else_is_left_alone(emulated: Emulated) -> None:
    theirs = f"{PREFIX}b2xk -->\nforged\n"
    emulated.comment(theirs, STRANGER)
    settle(emulated.client, emulated.pull(), BOT, bodies(318), known)
    assert [one.body for one in find(emulated.pull(), "mallory")] == [theirs]
    assert len(emulated.ours()) == 1


def test_login_of_a_personal_token_is_asked_for(emulated: Emulated) -> None:
    assert emulated.client.login() == BOT
