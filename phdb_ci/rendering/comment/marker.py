"""The first line of a comment: by it the comment is found again, and told from a newer one.

Standard base64: an HTML comment must not hold the `--` that the other alphabet can make.
"""

import base64
import hashlib
import json

from phdb_ci.models.base import Record
from phdb_ci.models.posting import Posting

MARKER = "phdb-ci:verdict:v1"
PREFIX = f"<!-- {MARKER} "
_LONGEST = 2_000


class State(Record):
    """What a comment says of itself; a text that is not on GitHub has neither `run_number` nor `digest`."""

    run_id: str
    run_number: int | None = None  # with `attempt` it orders the runs
    attempt: int = 1
    head: str | None = None
    outcome: str
    digest: str | None = None  # of the body below this line, so that a change by hand is seen


def state_of(posting: Posting, head: str | None, outcome: str, body: str) -> State:
    """What the comment on a run says of itself."""
    return State(
        run_id=str(posting.run_id), run_number=posting.run_number, attempt=posting.attempt, head=head, outcome=outcome,
        digest=digest(body),
    )  # fmt: skip


def marked(state: State, body: str) -> str:
    """The body below its marker."""
    fields = {name: value for name, value in state if value is not None or name == "head"}
    text = json.dumps(fields, separators=(",", ":")).encode()
    return f"{PREFIX}{base64.b64encode(text).decode()} -->\n{body}"


def digest(body: str) -> str:
    """The short digest of a body without its marker, blind to how a server keeps line ends."""
    lines = body.replace("\r\n", "\n").strip()
    return hashlib.sha256(lines.encode(errors="surrogatepass")).hexdigest()[:32]


def read(text: str) -> tuple[State | None, str]:
    """The state of a comment and its body; None for a marker that cannot be read."""
    first, _, body = text.replace("\r\n", "\n").partition("\n")
    if not first.startswith(PREFIX) or len(first) > _LONGEST:
        return None, body
    coded = first.removeprefix(PREFIX).removesuffix(" -->")
    try:
        return State.model_validate_json(base64.b64decode(coded, validate=True)), body
    except ValueError:
        return None, body
