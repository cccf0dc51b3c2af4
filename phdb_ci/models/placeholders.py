"""Placeholders in the commands and environment values of matrix.toml: `{repos.engine}`, `{data}`.

A placeholder is `{word(.word)*}`, its words of `A-Z a-z 0-9 _ -`. Braces right after a `$` are the shell's
(`${HOME}`), `{{data}}` gives the plain text `{data}`, and braces around anything else (`{print $1}`, `{}`,
`{a,b}`) are plain text, doubled or not.
"""

import re
from collections.abc import Mapping

_WORDS = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
# The first branch eats `${` and `${{`, so that what stands in them is never taken for a placeholder of ours.
_TOKEN = re.compile(rf"\$\{{+|\{{\{{(?P<plain>{_WORDS})\}}\}}|\{{(?P<name>{_WORDS})\}}")


def placeholders(text: str) -> list[str]:
    """The names of all placeholders in text, in order, without their braces."""
    return [match["name"] for match in _TOKEN.finditer(text) if match["name"] is not None]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Text with every placeholder replaced by its value; values are not looked through again.

    Raises KeyError for a name that values lacks. In a checked matrix there is none.
    """

    def replace(match: re.Match[str]) -> str:
        if match["name"] is not None:
            return values[match["name"]]
        return f"{{{match['plain']}}}" if match["plain"] is not None else match[0]

    return _TOKEN.sub(replace, text)
