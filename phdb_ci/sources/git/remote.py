"""What a remote's branches and tags stand for right now; asks the remote, fetches nothing, keeps nothing."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from phdb_ci.errors import NetworkError, SourceError
from phdb_ci.sources.git.command import Done, git
from phdb_ci.sources.git.env import mask

# What the remote sends is hostile: a name with anything but visible ASCII in it is no name.
_LINE = re.compile(r"([0-9a-f]{40})\t(refs/[!-~]+)")
_PEELED = "^{}"
_PATIENCE = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
_MISSING = (
    "not found", "not a git repository", "does not appear to be a git", "does not exist", "dubious ownership",
)  # fmt: skip


def remote_refs(url: str, patterns: Iterable[str]) -> dict[str, str]:
    """Full ref names that match a pattern (`refs/heads/main`, `refs/tags/v*`) → the ids they stand for.

    An annotated tag stands for what it names, not for itself. git's own matching takes a pattern for the end of
    a name, so that `refs/heads/main` would also be a branch called `x/refs/heads/main`: here it is the whole.

    Raises:
        SourceError: there is no repository at the URL.
        NetworkError: it could not be asked.
    """
    wanted = tuple(patterns)
    kinds = [kind for kind in ("heads", "tags") if all(one.startswith(f"refs/{kind}/") for one in wanted)]
    options = ("--quiet", *(f"--{kind}" for kind in kinds))  # then the others are not even sent
    asked = [name for pattern in wanted for name in (pattern, pattern + _PEELED)]
    # A directory of this machine is none of the protocols that a user may want to shut.
    env = {"GIT_ALLOW_PROTOCOL": "file"} if url.startswith("/") else None
    # From /, so that the settings of whatever repository we are started in do not count.
    done = git("-C", "/", *_PATIENCE, "ls-remote", *options, "--", url, *asked, env=env, sealed=False)
    if done.code != 0:
        raise _failed(url, done)
    found: dict[str, str] = {}
    for line in done.out.decode(errors="replace").split("\n"):
        match = _LINE.fullmatch(line)
        name = match[2].removesuffix(_PEELED) if match else ""
        if match and any(fnmatchcase(name, pattern) for pattern in wanted):
            found[name] = match[1]  # the peeled line comes behind the tag's own
    return found


def origin_of(directory: Path) -> str | None:
    """The URL of a checkout's remote `origin`, as its own configuration has it; None when it has none."""
    done = git("-C", str(directory), "config", "--local", "--get", "remote.origin.url", sealed=False)
    return done.text or None if done.code == 0 else None


def _failed(url: str, done: Done) -> SourceError | NetworkError:
    said = f"{mask(url)} cannot be asked for its refs: {done.line}"
    if any(sign in done.err for sign in _MISSING):
        return SourceError(said, tries=["check the URL in matrix.toml", f"git ls-remote {mask(url)}"])
    tries = ["check the network, proxy and URL", "a private or missing repository asks for credentials"]
    return NetworkError(said, tries=tries)
