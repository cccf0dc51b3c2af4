"""Records → text for people, through the one Jinja2 environment. Pure: a verdict gives one text, anywhere.

Python decides what is shown and makes every value safe (markdown.py), templates only loop, and what is too
long is made again from less (shed.py). No clock, no environment, no network; of the disk only the templates.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.models.verdict import Verdict
from phdb_ci.render.headline import MARKER
from phdb_ci.render.shed import COMMENT, SUMMARY, fitting
from phdb_ci.render.view import view

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MARKER", "comment", "environment", "summary", "templates"]


def comment(verdict: Verdict) -> str:
    """The pull-request comment: GitHub Markdown, at most 65,000 bytes; its first line is the marker."""
    template = environment().get_template("comment.md.j2")
    return fitting(COMMENT, lambda level: template.render(view=view(verdict, level)))


def summary(verdict: Verdict) -> str:
    """The step summary: the same with everything, at most 1,000,000 bytes."""
    template = environment().get_template("summary.md.j2")
    return fitting(SUMMARY, lambda level: template.render(view=view(verdict, level)))


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
