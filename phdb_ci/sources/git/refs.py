"""Which commit a branch, tag, pull request or id of a repository stands for."""

import difflib
import re
from collections.abc import Mapping

from phdb_ci.errors import SourceError, UsageError
from phdb_ci.sources.git.command import git, git_ok

FULL = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,40}")
_PULL = re.compile(r"pull/([1-9][0-9]*)")
# What git forbids in a ref's name, and control characters; the rest of `rev^{...}` syntax goes with it, on
# purpose.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|^@$|^$")


def check_ref(ref: str, who: str) -> None:
    """Refuse what cannot be a ref, and above all what git could take for an option.

    Raises:
        UsageError: it is no ref; `who` asked for it.
    """
    if _FORBIDDEN.search(ref):
        tries = ["a branch, a tag, a commit (at least 7 of its digits) or pull/N"]
        raise UsageError(f"{who}: {ref!r} cannot be a ref", tries=tries)


def find(
    at: tuple[str, ...],
    ref: str,
    *,
    repo: str,
    where: str,
    env: Mapping[str, str] | None = None,
    sealed: bool = True,
) -> str:
    """The commit of `ref` in the repository that the options `at` select.

    Raises:
        SourceError: there is none, or more than one.
    """
    check_ref(ref, repo)
    names = _names(at, _candidates(ref), env, sealed=sealed)
    commits = {name: _commit(at, name, env, sealed=sealed) for name in names}
    if len(set(commits.values())) > 1:
        raise SourceError(
            f"{repo}: {ref!r} is more than one thing in {where}", tries=[f"say {n}" for n in names]
        )
    direct = next(iter(commits.values()), None)
    if direct is None and (_SHORT.fullmatch(ref) or ref == "HEAD"):
        direct = _commit(at, ref, env, sealed=sealed)
    if direct is None:
        raise _unknown(at, ref, repo, where, env, sealed=sealed)
    return direct


def _candidates(ref: str) -> list[str]:
    pull = _PULL.fullmatch(ref)
    if pull:
        return [f"refs/pull/{pull[1]}/head"]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/{kind}/{ref}" for kind in ("heads", "tags", "remotes")]


def _names(
    at: tuple[str, ...], patterns: list[str], env: Mapping[str, str] | None, *, sealed: bool
) -> list[str]:
    done = git(*at, "for-each-ref", "--format=%(refname)", "--", *patterns, env=env, sealed=sealed)
    if done.code != 0:
        raise SourceError(f"cannot read the repository {at[-1]}: {done.line}")
    return [name for name in done.text.splitlines() if name in patterns]


def _commit(at: tuple[str, ...], name: str, env: Mapping[str, str] | None, *, sealed: bool) -> str | None:
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    done = git(*at, *arguments, env=env, sealed=sealed)
    return done.text if done.code == 0 and FULL.fullmatch(done.text) else None


def _unknown(
    at: tuple[str, ...], ref: str, repo: str, where: str, env: Mapping[str, str] | None, *, sealed: bool
) -> SourceError:
    listing = ("for-each-ref", "--format=%(refname:lstrip=2)", "--", "refs/heads", "refs/tags")
    names = git_ok(*at, *listing, env=env, sealed=sealed).text.splitlines()
    near = difflib.get_close_matches(ref, names, n=3, cutoff=0.5)
    tries = [f"perhaps you meant {' or '.join(repr(name) for name in near)}"] if near else []
    return SourceError(
        f"{repo}: {ref!r} is no branch, tag, commit or pull request of {where}",
        tries=[*tries, "a commit needs at least 7 of its digits; a pull request is pull/N"],
    )
