"""Bare mirrors in the cache, one per URL or local directory; every checkout takes its objects from them.

A commit that was taken once is kept by a ref of ours, `refs/pins/<sha>`, and noted in `taken/<sha>` together
with what was known of it; from then on it needs neither network nor a git process. Only fetching moves refs,
always under the mirror's lock.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from phdb_ci.base.files import remove, write_whole
from phdb_ci.base.locks import OnWait, locked
from phdb_ci.errors import PhdbError, SourceError
from phdb_ci.sources.git.command import Done, git, git_ok
from phdb_ci.sources.git.env import mask
from phdb_ci.sources.git.refs import FULL, find
from phdb_ci.sources.git.remote import ask, unreachable

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/pull/*/head:refs/pull/*/head")
_FETCH = (
    "-c", "fetch.unpackLimit=1",  # one pack is faster to read than many loose objects
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
    "--no-show-forced-updates", "--update-shallow",
)  # fmt: skip
_NO_COMMIT = ("not our ref", "unadvertised object", "find remote ref", "bad object")


@dataclass(frozen=True)
class Mirror:
    """Where the objects of one URL or directory are kept; making this object touches nothing.

    Attributes:
        repo: the matrix's name of it, for messages.
        path: the bare repository.
        url: what is fetched from, credentials included; never show it, show `where`.
        on_wait: called when another run holds the mirror.
        patience: the seconds before each further try of a remote that did not answer.
    """

    repo: str
    path: Path
    url: str
    on_wait: OnWait | None = None
    patience: tuple[float, ...] = ()

    @property
    def where(self) -> str:
        """The URL or directory as it may be shown."""
        return mask(self.url)

    @property
    def lock(self) -> Path:
        """The file that is locked while the mirror changes."""
        return self.path.with_suffix(".lock")

    def unreachable(self, done: Done) -> PhdbError:
        """The error for a git command that could not read the URL or directory."""
        return unreachable(f"{self.repo}: {self.where}", self.url, done, f"use a local clone: --repo {self.repo}=DIR")


@dataclass(frozen=True)
class Taken:
    """A commit that a mirror holds, and what is known of it.

    Attributes:
        commit: its id; the mirror keeps it.
        reachable: whether a branch, tag or pull request leads to it.
        notes: what a person should know.
        tree: of an imported directory, the id of its tree.
        head: of an imported directory, the commit of the repository that it is in; None without one.
        dirty: the imported directory is not what `head` has.
    """

    commit: str
    reachable: bool = True
    notes: tuple[str, ...] = ()
    tree: str | None = None
    head: str | None = None
    dirty: bool = False


def mirror_of(
    cache: Path, repo: str, url: str, *, on_wait: OnWait | None = None, patience: Iterable[float] = ()
) -> Mirror:
    """The mirror of `url`, which may be a directory, in this cache."""
    key = hashlib.sha256(os.fsencode(url)).hexdigest()[:12]
    return Mirror(repo, cache.absolute() / "mirrors" / f"{repo}-{key}.git", url, on_wait, tuple(patience))


def pinned(at: Mirror, commit: str) -> Taken | None:
    """The commit when it was taken before and nothing was fetched since; asks neither git nor the network."""
    known = _known(at, commit)
    if known is None or known["stamp"] != _stamp(at) or not _pin(at, commit).exists():
        return None
    return _taken(at, commit, known)


def take(at: Mirror, ref: str) -> Taken:
    """The commit that a branch, tag, `pull/N` or (abbreviated) id of the URL stands for now.

    A full id is fetched only when the mirror does not hold it.

    Raises:
        SourceError: neither has it.
        NetworkError: the remote could not be asked.
    """
    full = FULL.fullmatch(ref)
    known = pinned(at, ref) if full else None
    if known is not None:
        return known
    with locked(at.lock, at.on_wait):
        prepare(at)
        if full:
            return _look(at, ref) or _fetched(at, ref)
        fetch(at)
        commit = find(("--git-dir", str(at.path)), ref, repo=at.repo, where=at.where)
        return _look(at, commit) or _fetched(at, commit)


def take_local(at: Mirror, ref: str) -> Taken:
    """The commit that `ref` stands for in the local repository of this mirror; only that commit is copied."""
    directory, env = ("-C", at.url), ceiling(at.url)
    commit = find(directory, ref, repo=at.repo, where=at.where, env=env, sealed=False)
    unreachable_from = ("rev-list", "--max-count=1", commit, "--not", "--all")
    reachable = not git(*directory, *unreachable_from, env=env, sealed=False).out
    with locked(at.lock, at.on_wait):
        prepare(at)
        if pinned(at, commit) is None:
            fetch_commit(at, commit)
        return keep(at, commit, reachable=reachable)


def ceiling(directory: str) -> dict[str, str]:
    """The variable that keeps git from looking for a repository above this directory."""
    return {"GIT_CEILING_DIRECTORIES": str(Path(directory).resolve().parent)}


def prepare(at: Mirror) -> None:
    """Make the mirror where there is none. Needs the lock."""
    if at.path.exists():
        return
    folder = at.path.with_suffix(".new")  # renamed when it is complete
    remove(folder)
    git_ok("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(folder))
    write_whole(at.path.parent / ".gitignore", "*\n")  # a cache may lie inside a directory that is imported
    folder.rename(at.path)


def fetch(at: Mirror) -> None:
    """Bring branches, tags and pull-request heads up to date. Needs the lock."""
    # The stamp first: whoever sees the old one with new refs would believe what is no longer so.
    write_whole(at.path / "stamp", b"%d" % time_ns())
    done = _fetch(at, *_REFSPECS, options=("--prune",))
    if done.code != 0:
        raise at.unreachable(done)


def fetch_commit(at: Mirror, commit: str) -> None:
    """Fetch this one commit, whatever refs point to it. Needs the lock."""
    done = _fetch(at, f"+{commit}:refs/pins/{commit}")
    if done.code == 0:
        return
    if any(sign in done.err for sign in _NO_COMMIT):
        tries = ["check the id", "was it pushed? was its branch deleted?"]
        tries.append(f"--repo {at.repo}=DIR for a local clone")
        raise SourceError(f"{at.repo}: commit {commit} is not in {at.where}, nor in the mirror", tries=tries)
    raise at.unreachable(done)


def _fetch(at: Mirror, *refspecs: str, options: tuple[str, ...] = ()) -> Done:
    arguments = ("--git-dir", str(at.path), *_FETCH, *options, "--", at.url, *refspecs)
    done = ask(at.url, *arguments, patience=at.patience)
    if done.code != 0 and ".lock': File exists" in done.err:
        # We hold the mirror's own lock: git's lock files are those of a run that was killed.
        for stale in at.path.rglob("*.lock"):
            stale.unlink(missing_ok=True)
        done = ask(at.url, *arguments)
    return done


def _fetched(at: Mirror, commit: str) -> Taken:
    fetch(at)
    if fetched := _look(at, commit):
        return fetched
    # Servers give a commit by its id although no ref of theirs leads to it: a fork's, or one that was forced away.
    fetch_commit(at, commit)
    if fetched := _look(at, commit):
        return fetched
    tries = ["the id of an annotated tag is not that of its commit: git rev-parse TAG^{commit}"]
    raise SourceError(f"{at.repo}: {commit} is not a commit of {at.where}", tries=tries)


def _look(at: Mirror, commit: str) -> Taken | None:
    """The commit as the mirror has it, kept from now on; None when the mirror does not have it."""
    bare = ("--git-dir", str(at.path))
    if git(*bare, "cat-file", "-t", commit).text != "commit":
        return None
    refs = ("--not", "--branches", "--tags", "--glob=refs/pull")
    done = git(*bare, "rev-list", "--max-count=1", commit, *refs)
    return keep(at, commit, reachable=not done.out) if done.code == 0 else None


def keep(at: Mirror, commit: str, *, reachable: bool = True) -> Taken:
    """Pin a commit that the mirror holds and note what is known of it. Needs the lock."""
    before = _known(at, commit) or {}
    known = {"stamp": _stamp(at), "reachable": reachable, "once": reachable or before.get("once", False)}
    write_whole(_pin(at, commit), f"{commit}\n", parents=True)
    write_whole(at.path / "taken" / commit, json.dumps(known), parents=True)
    return _taken(at, commit, known)


def _taken(at: Mirror, commit: str, known: Mapping[str, object]) -> Taken:
    if known["reachable"]:
        return Taken(commit)
    if known["once"]:
        note = f"is gone from {at.where} (force-pushed away?); using the mirror's copy"
    else:
        note = f"is on no branch, tag or pull request of {at.where}; a fork's commit looks like that"
    return Taken(commit, reachable=False, notes=(f"{at.repo}: {commit[:12]} {note}",))


def _known(at: Mirror, commit: str) -> dict[str, object] | None:
    try:
        known = json.loads((at.path / "taken" / commit).read_bytes())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and {"stamp", "reachable", "once"} <= known.keys() else None


def _stamp(at: Mirror) -> str:
    try:
        return (at.path / "stamp").read_text()
    except OSError:
        return ""


def _pin(at: Mirror, commit: str) -> Path:
    return at.path / "refs" / "pins" / commit
