"""The texts that matrix.toml may hold, each with what its message says; those that records share are in base.py."""

import re
from typing import Annotated

from pydantic import AfterValidator

from phdb_ci.base.github_url import OWNER_NAME
from phdb_ci.models.base import NAME, Text, matching

EnvName = Annotated[
    str, matching(r"^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name has letters, digits and _, and starts with no digit")
]
EnvValue = Annotated[str, matching(r"^[^\x00]*$", "a variable's value cannot hold a NUL character")]
Verb = Annotated[str, matching(r"^[A-Za-z-]{1,32}$", "a verb is the first word of a call: 1 to 32 letters and -")]
LineWord = Annotated[str, matching(r"^[A-Za-z][A-Za-z_-]{0,31}$", "a word at the start of a line: letters, - and _")]
Os = Annotated[
    str,
    matching(r"^(ubuntu|macos|windows)-[a-z0-9.]+$", "a runner is written as ubuntu-24.04, macos-15 or windows-2025"),
]
Branch = Annotated[str, matching(r"^[A-Za-z0-9_][A-Za-z0-9_./+-]*$", "a branch is written as main or release/1.2")]
Url = Annotated[
    str,
    matching(
        r"^(https://|ssh://|git@|file://|/)[^\x00-\x1f\x7f]+$", "a URL starts with https://, ssh://, git@, file:// or /"
    ),
]
IssueUrl = Annotated[str, matching(r"^https://[^\s\x00-\x1f\x7f]+$", "an issue is a link that starts with https://")]
# A command may have several lines.
Command = Annotated[
    str,
    matching(
        r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$",
        "a command is a text that is not blank and has no control characters",
    ),
]

# For GitHub.
ActionName = Annotated[
    str, matching(rf"^{OWNER_NAME}(/[A-Za-z0-9._-]+)*$", "an action is written as owner/name or owner/name/folder")
]
Repository = Annotated[str, matching(rf"^{OWNER_NAME}$", "a repository on GitHub is written as owner/name")]
Version = Annotated[str, matching(r"^v[0-9]+\.[0-9]+\.[0-9]+$", "a version is written as v1.2.3")]
VersionPrefix = Annotated[
    str, matching(r"^[0-9]+(\.[0-9]+){0,2}$", "the version of a tool is written as 24, 24.1 or 24.1.0")
]
Image = Annotated[
    str,
    matching(
        r"^[a-z0-9][a-z0-9./_-]*:[A-Za-z0-9][A-Za-z0-9._-]*@sha256:[0-9a-f]{64}$",
        "an image is written as name:tag@sha256: and 64 hex digits",
    ),
]
Cron = Annotated[
    str, matching(r"^[0-9*,/-]+( [0-9*,/-]+){4}$", "a time is written as five fields of cron, such as 17 3 * * *")
]
# A setting of a service; it stands in a workflow file, so it is no place for a password.
Setting = Annotated[str, matching(r"^[A-Za-z0-9_./:@+-]+$", "a setting has letters, digits and _./:@+- alone")]
SettingName = Annotated[
    str, matching(r"^[A-Z][A-Z0-9_]*$", "a variable's name has capital letters, digits and _, a letter first")
]
Probe = Annotated[
    str,
    matching(r"^[A-Za-z0-9_./=-]+( [A-Za-z0-9_./=-]+)*$", "a command of words with letters, digits and _./=- alone"),
]


def seconds(duration: str) -> int:
    """A duration such as `90s`, `10m` or `2h`, in seconds."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def _short(duration: str) -> str:
    if seconds(duration) > 6 * 3600:
        raise ValueError("must be at most 6h, after which GitHub ends a job")
    return duration


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts:
        raise ValueError("must be a path below the repository, with no '..' in it")
    return path


def _input(text: str) -> str:
    repo, sign, path = text.rpartition(":")
    if sign and not re.fullmatch(NAME, repo):
        raise ValueError("must be a path, or `REPO:PATH` for a path of another repo")
    _inside(path)
    return text


Duration = Annotated[
    str, matching(r"^[1-9][0-9]{0,4}(s|m|h)$", "a duration is written as 90s, 10m or 2h"), AfterValidator(_short)
]
RelPath = Annotated[Text, AfterValidator(_inside)]
Input = Annotated[Text, AfterValidator(_input)]
