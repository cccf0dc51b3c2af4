"""Failures that were printed: a line that says so by its first word, or its first behind `[a tag]` or `a-program: `.

A printed line is nobody's record: it makes a green job unproven, never failed. Where a runner records itself or writes
a report, its own output quotes many failures; there a line must shout (`FAILED …`) to count.
"""

import re
from collections.abc import Iterable

from phdb_ci.base.text import cut
from phdb_ci.reports.text import message_line

SHOWN = 160  # characters of a line that are kept
SHOUTED = frozenset({"FAIL", "FAILED", "FAILURE", "FAILURES"})
SAID = frozenset({"fail", "failed", "failure", "failures", "error", "errors", "fatal", "panic"})

_LINE = re.compile(r"\s*(?:\[[^\]]{1,60}\] ?)*(?:[a-z][\w./-]{0,60}: )?([A-Za-z]{4,60})([:!]| (?=\S))\s*(.*)")
_NOTHING = re.compile(r"(?:0|none)\b.*", re.IGNORECASE)
_TRACEBACK = "(most recent call last)"
_ANY, _LOUD = (
    (rb"FAIL", rb"[Ff]ail", rb"ERROR", rb"[Ee]rror", rb"[Ff]atal|[Pp]anic", rb"Traceback|Exception"),
    (rb"FAIL",),
)


def signs(*, loud: bool) -> tuple[re.Pattern[bytes], ...]:
    """What a line must hold to be looked at."""
    return tuple(map(re.compile, _LOUD if loud else _ANY))


def is_failure(line: str, *, loud: bool = False) -> bool:
    """Whether a line says that something failed; `loud`: only one that shouts it counts."""
    match = _LINE.fullmatch(line)
    if match is None or _NOTHING.fullmatch(match[3]):
        return False
    word, sign, rest = match.groups()
    if word in SHOUTED:
        return True
    if loud:
        return False
    if word == "Traceback":
        return rest.startswith(_TRACEBACK)
    return sign != " " and (word.lower() in SAID or word.endswith(("Error", "Exception")))


def first_failure(lines: Iterable[str], *, loud: bool) -> str | None:
    """The first line that says so, to be shown."""
    line = next((line for line in lines if is_failure(line, loud=loud)), None)
    return None if line is None else cut(message_line(line), SHOWN)
