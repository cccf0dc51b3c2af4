"""The texts that matrix.toml may hold: the pattern of each kind, by which messages know it, and its type."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from phdb_ci.models.base import NAME, Text

ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
ENV_VALUE = r"^[^\x00]*$"
DURATION = r"^[1-9][0-9]{0,4}(s|m|h)$"
VERB = r"^[A-Za-z-]{1,32}$"
OS = r"^(ubuntu|macos|windows)-[a-z0-9.]+$"
BRANCH = r"^[A-Za-z0-9_][A-Za-z0-9_./+-]*$"
URL = r"^(https://|ssh://|git@|file://|/)[^\x00-\x1f\x7f]+$"
ISSUE = r"^https://[^\s\x00-\x1f\x7f]+$"
# A command may have several lines; it is not blank and holds no control character but line end and tab.
COMMAND = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"

EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME)]
EnvValue = Annotated[str, StringConstraints(pattern=ENV_VALUE)]
Duration = Annotated[str, StringConstraints(pattern=DURATION)]
Verb = Annotated[str, StringConstraints(pattern=VERB)]
Os = Annotated[str, StringConstraints(pattern=OS)]
Branch = Annotated[str, StringConstraints(pattern=BRANCH)]
Command = Annotated[str, StringConstraints(pattern=COMMAND)]


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts:
        raise ValueError("must be a path below the repository, with no '..' in it")
    return path


RelPath = Annotated[Text, AfterValidator(_inside)]


def _input(text: str) -> str:
    repo, sign, path = text.rpartition(":")
    if sign and not re.fullmatch(NAME, repo):
        raise ValueError("must be a path, or `REPO:PATH` for a path of another repo")
    _inside(path)
    return text


Input = Annotated[Text, AfterValidator(_input)]
Url = Annotated[str, StringConstraints(pattern=URL)]
IssueUrl = Annotated[str, StringConstraints(pattern=ISSUE)]
