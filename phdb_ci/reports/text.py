"""Names, messages and details as reports carry them, made fit to keep: cleaned and cut. Pure."""

import re

from phdb_ci.base.text import ROOM, cut, one_line, plain

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
    """A message as one line, runs of white space as one space."""
    return one_line(text, MESSAGE_LIMIT)


def detail_text(text: str) -> str:
    """A traceback or log, its lines kept."""
    return cut(plain(text[: ROOM * DETAIL_LIMIT]).strip("\n").rstrip(), DETAIL_LIMIT)
