"""Lines and tables that fit a stream: cut and folded by the columns that they take up, in signs that it can show.

A page is what a stream can show. Nothing here writes to a stream or asks one.
"""

import codecs
import json
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
        line = self.fit(text)
        lines = fold(line, max(NARROWEST, self.width - indent)) if self.width else [line]
        return [" " * indent + line for line in lines]


ENDLESS = Page()  # a file or a pipe


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Signs of ours in ASCII; anything else as JSON writes it, so that a printed record stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(SIGNS.get(sign) or json.dumps(sign)[1:-1] for sign in lost), error.end


codecs.register_error(REPLACE, _replaced)


def duration(seconds: float) -> str:
    """Seconds as `3.2 s` or `2:05`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


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
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if columns(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        line = word
        while columns(line) > width:
            lines.append(_head(line, width))
            line = line.removeprefix(lines[-1])
    return [*lines, line] if line or not lines else lines


def table(
    rows: Iterable[Sequence[str]], page: Page = ENDLESS, *, drop: Sequence[int] = (), headed: bool = False
) -> list[str]:
    """Rows as aligned columns, as `blocks` makes them fit."""
    return [line for block in blocks(rows, page, drop=drop, headed=headed) for line in block]


def blocks(
    rows: Iterable[Sequence[str]], page: Page = ENDLESS, *, drop: Sequence[int] = (), headed: bool = False
) -> list[list[str]]:
    """The lines of each row. On a page without a width the last column is as long as it is; else it is folded.

    Where less than ROOM columns are left for it, it stands below its row (that of the first row of a `headed` table is
    left out). Where the others do not fit, those of `drop` go first, in that order, and then the widest is cut.
    """
    cells = [[page.fit(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = {index: max(columns(row[index]) for row in cells) for index in range(len(cells[0]) - 1)}
    if page.width is None:
        return [[_line(row, widths, row[-1], page)] for row in cells]
    left = _left(page.width, widths)
    if left >= ROOM:
        indent = " " * (page.width - left)
        folded = [fold(row[-1], left) for row in cells]
        return [
            [_line(row, widths, lines[0], page), *(indent + line for line in lines[1:])]
            for row, lines in zip(cells, folded, strict=True)
        ]
    for index in drop:
        if _left(page.width, widths) < -GAP:
            del widths[index]
    widest = max(widths, key=lambda index: widths[index])
    widths[widest] = max(NARROWEST, widths[widest] + min(0, _left(page.width, widths) + GAP))
    found = []
    for number, row in enumerate(cells):
        last = "" if headed and number == 0 else row[-1]
        below = fold(last, page.width - BELOW) if last else []
        found.append([_line(row, widths, "", page), *(" " * BELOW + line for line in below)])
    return found


def _left(width: int, widths: Mapping[int, int]) -> int:
    return width - sum(taken + GAP for taken in widths.values())


def _line(row: Sequence[str], widths: Mapping[int, int], last: str, page: Page) -> str:
    cells = [page.cut(row[index], width) for index, width in widths.items()]
    padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths.values(), strict=True)]
    return (" " * GAP).join([*padded, last]).rstrip()
