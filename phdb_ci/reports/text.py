"""Text and numbers as reports carry them, made fit to keep: cleaned, cut, finite. Pure."""

import re

NAME_LIMIT = 300
MESSAGE_LIMIT = 400
DETAIL_LIMIT = 4_000

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
# What nobody sees but what changes how text reads: controls, bidi marks, zero-width signs, fillers, tags, and
# what XML cannot hold (surrogates, non-characters).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)  # fmt: skip
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")


def cut(text: str, limit: int) -> str:
    """The text, at most limit characters; a cut one ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(text: str) -> str:
    """The text without escape sequences and without anything that is not seen; tabs and line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))


def name_line(text: str) -> str:
    """A name as one line, inner spaces kept as patterns are compared with it; `?` when nothing is left."""
    if text.isascii() and text.isprintable():
        return cut(text.strip(), NAME_LIMIT) or "?"
    return cut(plain(_BREAKS.sub(" ", _head(text, NAME_LIMIT))).strip(), NAME_LIMIT) or "?"


def suite_line(text: str) -> str:
    """Like a name, but a suite may have none."""
    return name_line(text) if text else ""


def message_line(text: str) -> str:
    """A message as one line, runs of white space as one space."""
    return cut(" ".join(plain(_head(text, MESSAGE_LIMIT)).split()), MESSAGE_LIMIT)


def detail_text(text: str) -> str:
    """A traceback or log, its lines kept."""
    return cut(plain(_head(text, DETAIL_LIMIT)).strip("\n").rstrip(), DETAIL_LIMIT)


def number(text: str) -> float:
    """A time of a report in seconds: `0.25`, `1,234.5`; what is no time (NaN, inf, negative, words) is 0."""
    try:
        value = float(text)
    except ValueError:
        value = _with_commas(text[:40].strip())
    return value if 0.0 <= value < 1e9 else 0.0


def counted(number: int, one: str, many: str) -> str:
    """The number with its word."""
    return f"{number} {one if number == 1 else many}"


def whole(text: str | None) -> int | None:
    """A count as an attribute states it, or None where that is not a number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _head(text: str, limit: int) -> str:
    """Enough of the text to fill limit after cleaning: what is kept bounds the work, not what was sent."""
    return text if len(text) <= 4 * limit else text[: 4 * limit]


def _with_commas(text: str) -> float:
    grouped = _GROUPED.fullmatch(text) is not None
    try:
        return float(text.replace(",", "" if grouped else "."))
    except ValueError:
        return 0.0
