"""Records → text for people, through the one Jinja2 environment. Pure: a verdict gives one text, anywhere.

Python decides what is shown and makes every value safe (markdown.py), templates only loop, and what is too
long is made again from less (shed.py). No clock, no environment, no network; of the disk only the templates.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.base.text import cut
from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.marker import MARKER, State, digest, marked
from phdb_ci.rendering.shed import COMMENT, SUMMARY, Level, rungs
from phdb_ci.rendering.status import commit_status
from phdb_ci.rendering.view import view

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MARKER", "comment", "comments", "commit_status", "environment", "summary", "templates"]


def comment(verdict: Verdict, posting: Posting | None = None) -> str:
    """The pull-request comment: GitHub Markdown, at most 65,000 bytes; its first line is the marker.

    With a posting it names its run and links its jobs.
    """
    return next(comments(verdict, posting))


def comments(verdict: Verdict, posting: Posting | None = None) -> Iterator[str]:
    """The comment, and then the same with ever less in it, for a server that takes less than it says."""
    return rungs(COMMENT, _text("comment.md.j2", verdict, posting))


def summary(verdict: Verdict) -> str:
    """The step summary: the same with everything, at most 1,000,000 bytes."""
    return next(rungs(SUMMARY, _text("summary.md.j2", verdict, None)))


def _text(name: str, verdict: Verdict, posting: Posting | None) -> Callable[[Level], str]:
    template = environment().get_template(name)

    def text(level: Level) -> str:
        body = template.render(view=view(verdict, level, posting))
        number, attempt, seen = None, verdict.attempt, None
        if posting:
            number, attempt, seen = posting.run_number, posting.attempt, digest(body)
        state = State(
            run_id=cut(verdict.run_id, 100), run_number=number, attempt=attempt, head=verdict.head,
            outcome=verdict.outcome, digest=seen,
        )  # fmt: skip
        return marked(state, body)

    return text


@cache
def environment() -> "Environment":
    """The one environment: delimiters that neither bash nor GitHub uses, unknown names are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(templates()), undefined=StrictUndefined,
        autoescape=_is_html,  # noqa: S701 - HTML escapes would show in Markdown, which markdown.py makes safe
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        variable_start_string="!{{", variable_end_string="}}",
        block_start_string="<%", block_end_string="%>", comment_start_string="<#", comment_end_string="#>",
    )  # fmt: skip


def templates() -> Path:
    """Where the templates are: inside the package that a wheel has installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "templates"
    return installed if installed.is_dir() else package.with_name("templates")


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html.j2")
