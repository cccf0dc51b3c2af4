"""New commits for matrix.toml: which ones, from what the remotes say, and the file's text with them in it. Pure.

Nothing here asks a remote or writes a file (`commands/bump.py` does).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any, Literal

from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import MatrixError, SourceError
from phdb_ci.matrix.load import parse
from phdb_ci.matrix.locate import Path, Scanner
from phdb_ci.models.hosting import Action, Home
from phdb_ci.models.matrix import Repo

HEADS, TAGS = "refs/heads/", "refs/tags/"
RELEASES = TAGS + "v*"
# At most nine digits each: a tag is hostile text, and Python itself refuses numbers of some thousand digits.
_RELEASE = re.compile(r"v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_QUOTES = ('"""', "'''", '"', "'")
Refs = Mapping[str, str]


@dataclass(frozen=True)
class Move:
    """One pinned commit of the matrix and the one that it should be, at the branch or tag that it `follows`."""

    kind: Literal["repo", "self", "action"]
    name: str
    url: str
    old: str
    new: str
    follows: str
    version: str = ""
    note: str = ""

    @property
    def moved(self) -> bool:
        """Whether the file has to change."""
        return self.old != self.new or bool(self.version and self.version != self.follows)

    @property
    def values(self) -> dict[Path, str]:
        """Where it stands in the matrix, and what is to stand there."""
        if self.kind == "repo":
            return {("repos", self.name, "pin"): self.new}
        if self.kind == "self":
            return {("self", "commit"): self.new}
        at = ("actions", self.name)
        return {(*at, "commit"): self.new, (*at, "version"): self.follows}


@dataclass(frozen=True)
class Pin:
    """An action as the matrix pins it, and what its own tags say of that.

    Attributes:
        fault: what is untrue about version and commit; empty when that tag names this very commit.
        newer: the newest release, when it is newer than the pinned one.
    """

    kind: Literal["action"]
    name: str
    url: str
    version: str
    commit: str
    fault: str
    newer: str


def repo_move(name: str, repo: Repo, refs: Refs, branches: Iterable[str] = ()) -> Move:
    """To the present commit of its branch. Raises SourceError, with the near ones of `branches`, if there is none."""
    commit = refs.get(HEADS + repo.track)
    if commit is None:
        near = perhaps(repo.track, (branch.removeprefix(HEADS) for branch in branches), cutoff=0.5)
        message = f'{name}: there is no branch "{repo.track}" (repos.{name}.track) in its repository.{near}'
        raise SourceError(message, tries=["correct `track` in matrix.toml"])
    return Move("repo", name, repo.url, repo.pin, commit, repo.track)


def home_move(home: Home, url: str, refs: Refs) -> Move:
    """To its newest release. Raises SourceError when it has none."""
    tag = newest(refs)
    if tag is None:
        tries = ["tag a release: git tag -a v0.1.0 && git push origin v0.1.0", "check self.repository in matrix.toml"]
        raise SourceError(f"self: {home.repository} has no release tag (vX.Y.Z)", tries=tries)
    return Move("self", "self", url, home.commit, refs[TAGS + tag], tag)


def action_move(name: str, action: Action, url: str, refs: Refs) -> Move:
    """To its newest release, never back. Raises SourceError when there is none, or when only older ones are left."""
    tag = newest(refs)
    if tag is None:
        raise SourceError(f"{name}: it has no release tag (vX.Y.Z)", tries=["check its name in matrix.toml"])
    if _number(tag) < _number(action.version):
        message = f"{name}: its newest release is {tag}, older than {action.version}, which the matrix has"
        raise SourceError(message, tries=["was a release deleted, or did the matrix name one that never was?"])
    fault = _fault(action, refs)
    note = f"{fault}: was the pin wrong, or was the tag moved? Look before you use it" if fault else ""
    return Move("action", name, url, action.commit, refs[TAGS + tag], tag, action.version, note)


def action_pin(name: str, action: Action, url: str, refs: Refs) -> Pin:
    """What the tags say of a pinned action. A moved tag and an invented commit look alike: neither is true."""
    tag = newest(refs)
    newer = tag if tag and _number(tag) > _number(action.version) else ""
    return Pin("action", name, url, action.version, action.commit, _fault(action, refs), newer)


def newest(refs: Refs) -> str | None:
    """The release tag (vX.Y.Z and nothing else) with the highest version."""
    tags = [ref.removeprefix(TAGS) for ref in refs if ref.startswith(TAGS)]
    return max(filter(_RELEASE.fullmatch, tags), key=_number, default=None)


def edited(text: str, name: str, wanted: Mapping[Path, str]) -> str:
    """The matrix's text with these values, all else kept to the byte; messages call it `name`.

    Raises:
        MatrixError: the new text would be no matrix, or not exactly the old one with these values.
    """
    expected: Any = parse(text, name).model_dump(by_alias=True)
    places = Scanner(text).values
    for path in sorted(wanted, key=lambda path: places[path], reverse=True):
        reduce(getitem, path[:-1], expected)[path[-1]] = wanted[path]
        start, end = places[path]
        quote = next(quote for quote in _QUOTES if text.startswith(quote, start))
        text = text[:start] + quote + wanted[path] + quote + text[end:]
    if parse(text, name).model_dump(by_alias=True) != expected:
        raise MatrixError(f"{name}: the new values cannot be set without changing more than them")
    return text


def _fault(action: Action, refs: Refs) -> str:
    claim = f"the matrix says that {action.version} is {action.commit}"
    commit = refs.get(TAGS + action.version)
    if commit is None:
        return f"{claim}, and there is no such tag"
    return f"{claim}, and the tag says {commit}" if commit != action.commit else ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").split("."))
