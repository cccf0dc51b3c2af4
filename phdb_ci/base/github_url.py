"""Repositories on GitHub by their addresses: read from a clone URL, written as a page and as a clone URL. Pure."""

import re

OWNER_NAME = r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"  # with ? behind it, as short as can be
HOST = "https://github.com"
PAGE = rf"{re.escape(HOST)}/{OWNER_NAME}"  # of a repository, as a regular expression
_CLONE = re.compile(rf"(?:{re.escape(HOST)}/|git@github\.com:)({OWNER_NAME}?)(?:\.git)?/?")


def repository_of(url: str) -> str | None:
    """`OWNER/NAME` of a repository on GitHub from its clone URL; None for any other URL."""
    match = _CLONE.fullmatch(url)
    return match[1] if match else None


def page_of(url: str) -> str | None:
    """The page of a repository on GitHub from its clone URL; None for any other URL."""
    repository = repository_of(url)
    return f"{HOST}/{repository}" if repository else None


def clone_url(repository: str) -> str:
    """The URL that `OWNER/NAME` is cloned from."""
    return f"{HOST}/{repository}.git"
