"""A comment as GitHub shows it: read back with its own Markdown parser (cmark-gfm, all extensions on)."""

from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.comment import MARKER, comment
from phdb_ci.rendering.comment.size_budget import COMMENT_BUDGET


class Page(HTMLParser):
    """What a browser would make of it: tags, links, tables, and the text inside and outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.shape: list[str] = []
        self.links: list[str] = []
        self.code: list[str] = []
        self.rows: list[list[str]] = []
        self.comments: list[str] = []
        self.unbalanced = False
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(f"<{tag} {attrs}>")
        if tag in ("br", "hr", "img"):
            return
        self.stack.append(tag)
        self.links += [str(value) for name, value in attrs if name == "href"]
        if tag == "code":
            self.code.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.shape.append(f"</{tag}>")
        if not self.stack or self.stack.pop() != tag:
            self.unbalanced = True

    def handle_data(self, data: str) -> None:
        if "code" in self.stack:
            self.code[-1] += data
        else:
            self.shape.append(data)
        if {"td", "th"} & set(self.stack):
            self.rows[-1][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def outside(self) -> str:
        """Tags and text that are not inside code."""
        return "".join(self.shape)

    def row(self, start: str) -> list[str]:
        """The first row whose job column begins like this."""
        return next(row for row in self.rows if len(row) > 1 and row[1].startswith(start))


def page(made: Verdict) -> Page:
    """The comment as read back, with what holds for every comment."""
    return checked(comment(made), COMMENT_BUDGET)


def checked(text: str, budget: int) -> Page:
    """The text as read back, once it is sure that it fits, is whole and has what it never may lack."""
    assert len(text.encode()) <= budget
    found = Page(text)
    assert not found.unbalanced
    assert not found.stack
    assert len(found.comments) == 1
    assert text.startswith(f"<!-- {MARKER} ")
    assert any(row[1:2] == ["job"] for row in found.rows)
    assert text.rstrip().endswith("</sub>")
    return found


def heading(text: str) -> str:
    return text.splitlines()[1]
