"""What every record shares: frozen, no unknown keys, built on first use (start-up time)."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from phdb_ci.base.text import HIDDEN

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
SHA = r"^[0-9a-f]{40}$"
FOLDER = r"\./[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*"
# One visible line; it is shown in terminals, comments and workflows, where control characters bite.
TEXT = rf"^[^\x20{HIDDEN}][^{HIDDEN}]*$"

EXPECTED: dict[str, str] = {}  # of each pattern that matrix.toml meets, what a text that does not match is told


def matching(pattern: str, expected: str) -> StringConstraints:
    """A text that matches; `expected` is the message about one that does not."""
    EXPECTED[pattern] = expected
    return StringConstraints(pattern=pattern)


Sha = Annotated[str, matching(SHA, "a pin is the full commit id, 40 hex digits")]
Name = Annotated[str, matching(NAME, "a name has 1 to 64 lower-case letters, digits, - and _, a letter or digit first")]
# A repo of the matrix by its name, or a subfolder of the folder that the matrix lies in: `./checks/contracts`.
RepoName = Annotated[
    str,
    matching(
        rf"^(?:[a-z0-9][a-z0-9_-]{{0,63}}|{FOLDER})$",
        "the name of a repo, or of a folder beside the matrix, written as ./checks",
    ),
]
Text = Annotated[
    str, matching(TEXT, "must be one line of text, not empty, without a space before it or control characters in it")
]


class Record(BaseModel):
    """A frozen record; equality is by value. Numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False)


def first_problem(error: Exception) -> str:
    """What is wrong with a document that is no such record, in one line: the key first, where there is one."""
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0]
    first, *others = error.errors(include_url=False, include_context=False, include_input=False)
    key = ".".join(map(str, first["loc"]))
    more = f" (and {len(others)} more)" if others else ""
    return f"{key}: {first['msg']}{more}" if key else f"{first['msg']}{more}"


def glob_matches(pattern: str, text: str) -> bool:
    """Whether text matches pattern, where `*` stands for any run of characters and nothing else is special.

    Test names hold brackets and question marks, so fnmatch's other signs would bite.
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
