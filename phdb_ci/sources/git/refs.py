"""Which commit a branch, tag, pull request or id of a repository stands for."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import SourceError, UsageError
from phdb_ci.sources.git.command import Done, git

FULL = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,40}")
_PULL = re.compile(r"pull/([1-9][0-9]*)")
# What git forbids in a ref's name, and control characters; the rest of `rev^{...}` syntax goes with it, on
# purpose.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|^@$|^$")


def check_ref(ref: str, who: str, *tries: str) -> None:
    """Refuse what cannot be a ref, and above all what git could take for an option.

    Raises:
        UsageError: it is no ref; `who` asked for it.
    """
    if _FORBIDDEN.search(ref):
        expected = "a branch, a tag, a commit (at least 7 of its digits) or pull/N"
        raise UsageError(f"{who}: {ref!r} cannot be a ref", tries=[*tries, expected])


def find(
    at: tuple[str, ...], ref: str, *, repo: str, where: str, env: Mapping[str, str] | None = None, sealed: bool = True
) -> str:
    """The commit of `ref` in the repository that the options `at` select.

    Raises:
        SourceError: there is none, or more than one.
    """
    check_ref(ref, repo)
    ask = partial(git, *at, env=env, sealed=sealed)
    candidates = _candidates(ref)
    done = ask("for-each-ref", "--format=%(refname)", "--", *candidates)
    if done.code != 0:
        raise SourceError(f"cannot read the repository {at[-1]}: {done.line}")
    commits = {name: _commit(ask, name) for name in done.text.splitlines() if name in candidates}
    if len(set(commits.values())) > 1:
        raise SourceError(
            f"{repo}: {ref!r} is more than one thing in {where}", tries=[f"say {name}" for name in commits]
        )
    commit = next(iter(commits.values()), None)
    if commit is None and (_SHORT.fullmatch(ref) or ref == "HEAD"):
        commit = _commit(ask, ref)
    if commit is None:
        listing = ("for-each-ref", "--format=%(refname:lstrip=2)", "--", "refs/heads", "refs/tags")
        near = perhaps(ref, ask(*listing).text.splitlines(), cutoff=0.5)
        raise SourceError(
            f"{repo}: {ref!r} is no branch, tag, commit or pull request of {where}.{near}",
            tries=["a commit needs at least 7 of its digits; a pull request is pull/N"],
        )
    return commit


def _candidates(ref: str) -> list[str]:
    pull = _PULL.fullmatch(ref)
    if pull:
        return [f"refs/pull/{pull[1]}/head"]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/{kind}/{ref}" for kind in ("heads", "tags", "remotes")]


def _commit(ask: Callable[..., Done], name: str) -> str | None:
    done = ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return done.text if done.code == 0 and FULL.fullmatch(done.text) else None
