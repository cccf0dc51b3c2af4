"""Text → Markdown that GitHub shows as that text and as nothing else.

What a test, a branch or a log says is hostile: it would like to be a link, a mention, an image, the end of
a row or of a section. Nothing of it is shown outside a code span or a fenced block: only there do GitHub's
parser and the filters that run after it (mentions, issue numbers, commit ids) leave it alone. HTML escapes do
not stop them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phdb_ci.base.github_url import PAGE
from phdb_ci.base.text import HOLLOW, cut

TITLE_LIMIT, TEXT_LIMIT, LINE_LIMIT = 200, 300, 160

_HOLLOW = re.compile(f"[{HOLLOW}]")
# cmark takes no run of more than 80 backticks for a code span, and none of more than 255 for a fence.
_RUN = re.compile("`{9,}")
_RUN_URL = re.compile(rf"{PAGE}/actions/runs/([0-9]{{1,20}})(?:/attempts/[0-9]{{1,5}})?")
_ISSUE_URL = re.compile(rf"{PAGE}/(issues|pull)/([0-9]{{1,10}})")
_WEB = re.compile(PAGE)


@dataclass(frozen=True)
class Section:
    """Finished blocks of Markdown below a title; without one they always stand open.

    The title is text of our own, because it stands in HTML.
    """

    title: str
    parts: tuple[str, ...]
    opened: bool = False

    @property
    def text(self) -> str:
        """The section as one block."""
        body = "\n\n".join(self.parts)
        if not self.title:
            return body
        return f"<details{' open' * self.opened}>\n<summary>{self.title}</summary>\n\n{body}\n\n</details>"


def one_line(text: str, limit: int) -> str:
    """The text on one line: what is not seen is gone, runs of white space are one space."""
    return cut(" ".join(_seen(text[: 4 * limit]).split()), limit)


def code(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text as a code span, its fence longer than any run of backticks in it; empty for nothing to see."""
    line = one_line(text, limit)
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: Sequence[str] = ()) -> str:
    """A table of finished Markdown, where a pipe ends no cell; columns are aligned to the left without `align`."""
    rule = f"|{'|'.join(align or [':--'] * len(head))}|"
    return "\n".join([_row(head), rule, *map(_row, rows)])


def points(lines: Iterable[str]) -> str:
    """One point for each line."""
    return "\n".join(f"- {line}" for line in lines)


def first(texts: Sequence[str], most: int, *, limit: int = TEXT_LIMIT, hidden: int = 0) -> list[str]:
    """The first texts as code spans, and how many there are beside them, those that are `hidden` already included."""
    hidden += max(0, len(texts) - most)
    spans = [code(text, limit) for text in texts[:most]]
    return [*filter(None, spans), *([f"and {hidden} more"] if hidden else [])]


def fenced(lines: Sequence[str], language: str = "text") -> str:
    """The lines as a fenced block."""
    fence = "`" * max(3, 1 + max(map(_longest_run, lines), default=0))
    return "\n".join([f"{fence}{language}", *lines, fence])


def excerpt(text: str, count: int) -> list[str]:
    """The lines of a traceback that say most, at most count: its start, and more of its end: the error."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()]
    if len(lines) > count:
        head = count // 3
        lines = [*lines[:head], "⋮", *lines[len(lines) - (count - head - 1) :]]
    # The indentation stays.
    shown = (cut(_seen(line[: 4 * LINE_LIMIT].expandtabs(4)).rstrip(), LINE_LIMIT) for line in lines)
    return list(filter(None, shown))


def word(name: str) -> str:
    """A name of the matrix (letters, digits, `_`, `-`) as plain Markdown."""
    return name.replace("_", "\\_")


def run_link(url: str | None) -> str | None:
    """A link to a workflow run, made anew from its number; None for anything that is not such an address."""
    match = _RUN_URL.fullmatch(url or "")
    return f"[run {match[1]}]({match[0]})" if match else None


def issue_link(url: str, *, linked: bool = True) -> str:
    """A link to an issue or pull request on GitHub; any other address is shown and not linked."""
    match = _ISSUE_URL.fullmatch(url) if linked else None
    if match is None:
        return code(url, TITLE_LIMIT)
    return f"[{'issue' if match[1] == 'issues' else 'pull request'} {match[2]}]({url})"


def commit_link(web: str | None, commit: str) -> str:
    """A commit's short id, linked where its repository is known to be on GitHub."""
    short = f"`{commit[:7]}`"
    return f"[{short}]({web}/commit/{commit})" if web and _WEB.fullmatch(web) else short


def compare_link(web: str | None, old: str, new: str, text: str) -> str:
    """Text of our own, linked to what changed between two commits where that can be."""
    return f"[{text}]({web}/compare/{old}...{new})" if web and _WEB.fullmatch(web) else text


def _row(row: Sequence[str]) -> str:
    cells = [cell.replace("|", "\\|") for cell in row]
    return f"| {' | '.join(cells)} |"


def _seen(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        signs = (sign if sign.isprintable() else " " if sign.isspace() else "" for sign in text)
        text = _HOLLOW.sub("", "".join(signs))
    return _RUN.sub("````````…", text)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
