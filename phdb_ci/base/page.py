"""Lines and tables that fit a stream: cut and folded by the columns that they take up, in signs that it can show.

A page is what a stream can show. Nothing here writes to a stream or asks one.
"""

import codecs
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

SIGNS = {"✓": "+", "✗": "x", "…": "~", "→": "->", "≥": ">=", "≤": "<=", "×": "x", "·": "-", "–": "-"}  # noqa: RUF001 - signs for people
REPLACE = "phdb-ci-signs"  # the name under which Python finds _replaced
CODES = {"green": "32", "red": "31", "yellow": "33", "dim": "2"}
GAP, ROOM = 2, 36  # columns between two columns of a table; the least that its last one is worth showing with
NARROWEST = 4  # columns that every column keeps
BELOW = 4  # columns that the last cell is indented by where it stands below its row


class Page(NamedTuple):
    """What a stream can show: its width in columns (None: lines as long as they are), its encoding, colour or not."""

    width: int | None = None
    encoding: str = "utf-8"
    colour: bool = False

    def fit(self, text: str) -> str:
        """The text in characters that the encoding has; to be called before anything is cut or aligned."""
        return text.encode(self.encoding, REPLACE).decode(self.encoding)

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour of CODES, where that is wanted."""
        return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if self.colour else text

    def cut(self, text: str, width: int) -> str:
        """The text in at most `width` columns, and in characters that the encoding has."""
        line = self.fit(text)
        return line if columns(line) <= width else _head(line, width - 1) + self.fit("…")

    def fold(self, text: str, indent: int = 0) -> list[str]:
        """The text in lines that fit, each behind an indent."""
        room = max(NARROWEST, (self.width or sys.maxsize) - indent)
        return [" " * indent + line for line in fold(self.fit(text), room)]


ENDLESS = Page()  # a file or a pipe


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Signs of ours in ASCII; anything else as JSON writes it, so that a printed record stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(SIGNS.get(sign) or json.dumps(sign)[1:-1] for sign in lost), error.end


codecs.register_error(REPLACE, _replaced)


def columns(text: str) -> int:
    """How many columns of a terminal a line takes up."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _head(text: str, width: int) -> str:
    """The longest beginning that fits, at least one character."""
    used = 0
    for index, sign in enumerate(text):
        used += _columns(sign)
        if used > width:
            return text[: index or 1]
    return text


def fold(text: str, width: int) -> list[str]:
    """The words of a text in lines of at most `width` columns; a word that is longer is broken."""
    if columns(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and columns(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
        while columns(lines[-1]) > width:
            head = _head(lines[-1], width)
            lines[-1:] = [head, lines[-1].removeprefix(head)]
    return lines


def table(rows: Iterable[Sequence[str]], page: Page = ENDLESS) -> list[str]:
    """Rows as aligned columns, as `blocks` makes them fit."""
    return [line for block in blocks(rows, page) for line in block]


def blocks(
    rows: Iterable[Sequence[str]], page: Page, *, drop: Sequence[int] = (), headed: bool = False
) -> list[list[str]]:
    """The lines of each row; its last cell is folded.

    Where less than ROOM columns are left for it, it stands below its row (that of the first row of a `headed` table is
    left out). Where the others do not fit, those of `drop` go first, in that order, and then the widest is cut.
    """
    cells = [[page.fit(cell) for cell in row] for row in rows]
    width = page.width or sys.maxsize
    widths = {index: max(map(columns, column)) for index, column in enumerate([*zip(*cells, strict=True)][:-1])}
    indent = _reach(widths)
    beside = width - indent >= ROOM
    if not beside:
        indent, widths = BELOW, _narrowed(widths, width + GAP, drop)
    shown = []
    for number, row in enumerate(cells):
        last = fold("" if headed and not beside and number == 0 else row[-1], width - indent)
        first = last.pop(0) if beside else ""
        shown.append([_line(row, widths, first, page), *(" " * indent + line for line in last if line)])
    return shown


def _reach(widths: Mapping[int, int]) -> int:
    """The columns of a page that columns of a table take up, the gap behind each included."""
    return sum(widths.values()) + GAP * len(widths)


def _narrowed(widths: Mapping[int, int], room: int, drop: Sequence[int]) -> dict[int, int]:
    """The widths made to fit: without those of `drop`, as far as that is needed, and then the widest cut."""
    narrowed = dict(widths)
    for index in drop:
        if _reach(narrowed) > room:
            del narrowed[index]
    widest = max(narrowed, key=lambda index: narrowed[index])
    narrowed[widest] = max(NARROWEST, narrowed[widest] - max(0, _reach(narrowed) - room))
    return narrowed


def _line(row: Sequence[str], widths: Mapping[int, int], last: str, page: Page) -> str:
    cells = [page.cut(row[index], width) for index, width in widths.items()]
    padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths.values(), strict=True)]
    return (" " * GAP).join([*padded, last]).rstrip()
