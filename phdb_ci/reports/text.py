"""Names, messages and details as reports carry them, made fit to keep: cleaned and cut. Pure."""

import re

from phdb_ci.base.text import ROOM, both_ends, cut, one_line, plain

NAME_LIMIT = 300
MESSAGE_LIMIT = 400
DETAIL_LIMIT = 4_000

_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")


def name_line(text: str) -> str:
    """A name as one line, inner spaces kept as patterns are compared with it; `?` when nothing is left."""
    if not (text.isascii() and text.isprintable()):
        text = plain(_BREAKS.sub(" ", text[: ROOM * NAME_LIMIT]))
    return cut(text.strip(), NAME_LIMIT) or "?"


def message_line(text: str) -> str:
    """A message as one line, runs of white space as one space; of a long one both ends."""
    return both_ends(one_line(outer(text, MESSAGE_LIMIT), 2 * ROOM * MESSAGE_LIMIT), MESSAGE_LIMIT)


def detail_text(text: str) -> str:
    """A traceback or log, its lines kept; of a long one both ends."""
    return both_ends(plain(outer(text, DETAIL_LIMIT)).strip("\n").rstrip(), DETAIL_LIMIT)


def outer(text: str, limit: int) -> str:
    """Of a text that is much longer than the limit as much of both ends as is read for it."""
    room = ROOM * limit
    return text if len(text) <= 2 * room else f"{text[:room]}…{text[-room:]}"
