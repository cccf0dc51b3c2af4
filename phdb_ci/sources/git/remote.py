"""Ask a remote: run the commands that do, say why one failed, list what branches and tags stand for now."""

import os
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from phdb_ci.base.github_url import HOST
from phdb_ci.errors import NetworkError, PhdbError, SourceError
from phdb_ci.sources.git.command import Done, git
from phdb_ci.sources.git.env import mask

# What the remote sends is hostile: a name with anything but visible ASCII in it is no name.
_LINE = re.compile(r"([0-9a-f]{40})\t(refs/[!-~]+)")
_PEELED = "^{}"
_UNAUTHORIZED = ("could not read Username", "Authentication failed", "(publickey)", "error: 403")
_FINAL = ("not our ref", "unadvertised object", "find remote ref", ".lock': File exists")  # another try is no use
_NO_REPOSITORY = ("not found", "not a git repository", "does not appear to be a git", "does not exist")


def ask(url: str, *command: str, patience: Sequence[float] = ()) -> Done:
    """Run a git command that asks the remote at `url`; the user's configuration counts.

    One that did not answer is asked again after each of the seconds of `patience`.
    """
    # A directory of this machine is none of the protocols that a user may want to shut.
    env = {"GIT_ALLOW_PROTOCOL": "file"} if url.startswith("/") else token_env(url, os.environ)
    arguments = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60", *command)
    for seconds in (*patience, None):
        done = git(*arguments, env=env, sealed=False, remote=True)
        is_final = any(sign in done.err for sign in (*_FINAL, *_UNAUTHORIZED, *_NO_REPOSITORY))
        if done.code == 0 or is_final or seconds is None:
            break
        time.sleep(seconds)
    return done


def token_env(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that let git show a run on GitHub its token there, which is throttled less than nobody's."""
    token = environ.get("GITHUB_TOKEN", "")
    if environ.get("GITHUB_ACTIONS") != "true" or not token or not url.startswith(f"{HOST}/"):
        return {}
    basic = b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{HOST}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: basic {basic}",
    }  # fmt: skip


def unreachable(message: str, url: str, done: Done, *tries: str) -> PhdbError:
    """The error for a remote that did not answer: what git said, whose fault it is, and what to try."""
    message = f"{message}: {done.line}"
    if "dubious ownership" in done.err:
        return SourceError(message, tries=[f"git config --global --add safe.directory {mask(url)}"])
    if any(sign in done.err for sign in _UNAUTHORIZED):
        advice = ("check the URL: a missing repository asks for a password too", "set up credentials for git")
        return NetworkError(message, tries=[*advice, *tries])
    if any(sign in done.err for sign in _NO_REPOSITORY):
        return SourceError(message, tries=["check the URL in matrix.toml", *tries])
    return NetworkError(message, tries=["check the network, proxy and URL", *tries])


def remote_refs(url: str, patterns: Iterable[str]) -> dict[str, str]:
    """Full ref names that match a pattern (`refs/heads/main`, `refs/tags/v*`) → the ids they stand for.

    An annotated tag stands for what it names, not for itself. git's own matching takes a pattern for the end of
    a name, so that `refs/heads/main` would also match a branch `x/refs/heads/main`: here it is the full name.

    Raises:
        SourceError: there is no repository at the URL.
        NetworkError: it could not be asked.
    """
    wanted = tuple(patterns)
    kinds = [kind for kind in ("heads", "tags") if all(pattern.startswith(f"refs/{kind}/") for pattern in wanted)]
    options = ("--quiet", *(f"--{kind}" for kind in kinds))  # then the others are not even sent
    names = [name for pattern in wanted for name in (pattern, pattern + _PEELED)]
    # From /, so that the settings of whatever repository we are started in do not count.
    done = ask(url, "-C", "/", "ls-remote", *options, "--", url, *names)
    if done.code != 0:
        tries = f"git ls-remote {mask(url)}"
        raise unreachable(f"{mask(url)} cannot be asked for its refs", url, done, tries)
    refs: dict[str, str] = {}
    for line in done.out.decode(errors="replace").split("\n"):
        match = _LINE.fullmatch(line)
        name = match[2].removesuffix(_PEELED) if match else ""
        if match and any(fnmatchcase(name, pattern) for pattern in wanted):
            refs[name] = match[1]  # the peeled line comes behind the tag's own
    return refs


def origin_of(directory: Path) -> str | None:
    """The URL of a checkout's remote `origin`, as its own configuration has it; None when it has none."""
    done = git("-C", str(directory), "config", "--local", "--get", "remote.origin.url", sealed=False)
    return done.text or None if done.code == 0 else None
