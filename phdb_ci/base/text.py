"""Text for people: counted, cut, and without the characters that nobody sees. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

TIMES, DASH = "\u00d7", "\u2013"  # a dash where nothing is counted, which is not the same as none
LONGEST = 1e7  # seconds; what claims to be longer is no duration

# Insides of a regular expression's brackets. Controls, the ends of lines and the marks that turn the direction of
# writing change how a whole line reads; a JSON Schema can hold them.
HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# Fillers, joiners and variation selectors: Python calls them printable, and they show nothing.
HOLLOW = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
# All that shows nothing: also soft hyphens, zero-width signs, tags, and what XML cannot hold (surrogates and the like).
UNSEEN = (
    HIDDEN
    + HOLLOW
    + (r"\xad\u061c\u180e\u200b-\u200f\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff")
)

ROOM = 4  # characters read for one that is shown: what is shown bounds the work, not what was sent

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_UNSEEN = re.compile(rf"[{UNSEEN}](?<![\t\n])")


def counted(number: int, one: str, many: str | None = None) -> str:
    """The number with its word: `1 leg`, `7 legs`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and 7 more`."""
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def tallied(words: Iterable[str]) -> str:
    """`2 failed, 1 unproven`, in the order in which they come first."""
    return ", ".join(f"{number} {word}" for word, number in Counter(words).items())


def bounded(seconds: float) -> float:
    """A duration that can be reckoned with: finite, not negative."""
    return min(max(seconds, 0.0), LONGEST)


def duration(seconds: float, digits: int = 1) -> str:
    """`3.2 s`, `4:58`, `1:02:03`; `digits` of the seconds behind the point below a minute."""
    total = round(bounded(seconds), digits)
    if total < 60:
        return f"{total:.{digits}f} s"
    minutes, total = divmod(round(total), 60)
    return f"{minutes}:{total:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{total:02}"


def cut(text: str, limit: int) -> str:
    """The text, at most limit characters; a cut one ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def both_ends(text: str, limit: int) -> str:
    """The text, at most limit characters; of a longer one its start and more of its end, an ellipsis between them."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return text[:head].rstrip() + "…" + text[len(text) - (limit - 1 - head) :].lstrip()


def plain(text: str) -> str:
    """The text without escape sequences and without anything that is not seen; tabs and line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, limit: int) -> str:
    """The text without what is not seen, runs of white space as one space, cut."""
    return cut(" ".join(plain(text[: ROOM * limit]).split()), limit)


def harmless(text: str, limit: int = 300) -> str:
    """One line that neither a terminal nor GitHub obeys (`##[` is a command anywhere), its blanks kept, cut."""
    line = plain(text[: ROOM * limit]).replace("\n", " ").replace("\t", " ")
    return cut(line.replace("##[", "## ["), limit)
