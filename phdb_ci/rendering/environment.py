"""The one Jinja2 environment, and where the templates are."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


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
