"""Bare mirrors in the cache, one per URL or local directory; every checkout takes its objects from them.

A commit that was taken once is kept by a ref of ours, `refs/pins/<sha>`, and noted in `taken/<sha>` together
with what was known of it; from then on it needs neither network nor a git process. Only fetching moves refs,
always under the mirror's lock.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from phdb_ci.base.files import write_whole
from phdb_ci.base.locks import OnWait, locked
from phdb_ci.errors import DiskError, NetworkError, PhdbError, SourceError
from phdb_ci.sources.git.command import Done, git
from phdb_ci.sources.git.env import mask
from phdb_ci.sources.git.refs import FULL, find

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/pull/*/head:refs/pull/*/head")
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_FETCH = (
    "-c", "fetch.unpackLimit=1",  # one pack is faster to read than many loose objects
    "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60",
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
    "--no-show-forced-updates", "--update-shallow",
)  # fmt: skip
_NO_COMMIT = ("not our ref", "unadvertised object", "find remote ref", "bad object")
_UNAUTHORIZED = ("could not read Username", "Authentication failed", "(publickey)", "error: 403")
_NO_REPOSITORY = ("not found", "not a git repository", "does not appear to be a git", "does not exist")


@dataclass(frozen=True)
class Mirror:
    """Where the objects of one URL or directory are kept; making this object touches nothing.

    Attributes:
        repo: the matrix's name of it, for messages.
        path: the bare repository.
        url: what is fetched from, credentials included; never show it, show `where`.
        on_wait: called when another run holds the mirror.
    """

    repo: str
    path: Path
    url: str
    on_wait: OnWait | None = None

    @property
    def where(self) -> str:
        """The URL or directory as it may be shown."""
        return mask(self.url)

    @property
    def lock(self) -> Path:
        """The file that is locked while the mirror changes."""
        return self.path.with_suffix(".lock")


@dataclass(frozen=True)
class Taken:
    """A commit that a mirror holds, and what is known of it."""

    commit: str
    reachable: bool = True
    notes: tuple[str, ...] = ()


def mirror_of(cache: Path, repo: str, url: str, *, on_wait: OnWait | None = None) -> Mirror:
    """The mirror of `url`, which may be a directory, in this cache."""
    key = hashlib.sha256(os.fsencode(url)).hexdigest()[:12]
    return Mirror(repo, cache.absolute() / "mirrors" / f"{repo}-{key}.git", url, on_wait)


def pinned(at: Mirror, commit: str) -> Taken | None:
    """The commit when it was taken before and nothing was fetched since; asks neither git nor the network."""
    known = _known(at, commit)
    if known is None or known["stamp"] != _stamp(at) or not _pin(at, commit).exists():
        return None
    return _taken(at, commit, known)


def take(at: Mirror, commit: str) -> Taken:
    """The commit with this full id, from the mirror if it is there, else fetched.

    Raises:
        SourceError: neither has it.
        NetworkError: the remote could not be asked.
    """
    found = pinned(at, commit)
    if found is not None:
        return found
    with locked(at.lock, at.on_wait):
        fresh = prepare(at)
        return (None if fresh else _look(at, commit)) or _fetched(at, commit)


def take_ref(at: Mirror, ref: str) -> Taken:
    """The commit that a branch, tag, `pull/N` or (abbreviated) id stands for now; a full id as in `take`."""
    if FULL.fullmatch(ref):
        return take(at, ref)
    with locked(at.lock, at.on_wait):
        prepare(at)
        fetch(at)
        commit = find(("--git-dir", str(at.path)), ref, repo=at.repo, where=at.where)
        return keep(at, commit)


def take_local(at: Mirror, ref: str) -> Taken:
    """The commit that `ref` stands for in the local repository of this mirror; only that commit is copied."""
    own = ("-C", at.url)
    commit = find(own, ref, repo=at.repo, where=at.where, env=ceiling(at.url), sealed=False)
    unreachable_from = ("rev-list", "--max-count=1", commit, "--not", "--all")
    reachable = not git(*own, *unreachable_from, env=ceiling(at.url), sealed=False).out
    with locked(at.lock, at.on_wait):
        prepare(at)
        if pinned(at, commit) is None:
            fetch_commit(at, commit)
        return keep(at, commit, reachable=reachable)


def ceiling(directory: str) -> dict[str, str]:
    """The variable that keeps git from looking for a repository above this directory."""
    return {"GIT_CEILING_DIRECTORIES": str(Path(directory).resolve().parent)}


def prepare(at: Mirror) -> bool:
    """Make the mirror when it is not there; whether it is new. Needs the lock."""
    if at.path.exists():
        return False
    folder = at.path.with_suffix(".new")  # renamed when it is whole
    try:
        shutil.rmtree(folder, ignore_errors=True)
        # Our own files instead of `git init`: no process, no template of the user.
        for inner in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "refs/pins", "taken"):
            (folder / inner).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        (folder / "config").write_text(_CONFIG)
        (folder / "source").write_text(at.where + "\n")
        # A cache may lie inside a directory that is imported.
        (at.path.parent / ".gitignore").write_text("*\n")
        folder.rename(at.path)
    except OSError as error:
        raise DiskError(f"cannot write the cache {at.path.parent}: {error.strerror}") from error
    return True


def fetch(at: Mirror) -> None:
    """Bring branches, tags and pull-request heads up to date. Needs the lock."""
    # The stamp first: whoever sees the old one with new refs would believe what is no longer so.
    write_whole(at.path / "stamp", b"%d" % time_ns())
    done = _fetch(at, *_REFSPECS, options=("--prune",))
    if done.code != 0:
        raise unreachable(at, done)


def fetch_commit(at: Mirror, commit: str) -> None:
    """Fetch this one commit, whatever refs point to it. Needs the lock."""
    done = _fetch(at, f"+{commit}:refs/pins/{commit}")
    if done.code == 0:
        return
    if any(sign in done.err for sign in _NO_COMMIT):
        tries = ["check the id", "was it pushed? was its branch deleted?"]
        tries.append(f"--repo {at.repo}=DIR for a local clone")
        raise SourceError(f"{at.repo}: commit {commit} is not in {at.where}, nor in the mirror", tries=tries)
    raise unreachable(at, done)


def _fetch(at: Mirror, *refspecs: str, options: tuple[str, ...] = ()) -> Done:
    arguments = ("--git-dir", str(at.path), *_FETCH, *options, "--", at.url, *refspecs)
    # A directory of this machine is none of the protocols that a user may want to shut.
    env = {"GIT_ALLOW_PROTOCOL": "file"} if at.url.startswith("/") else None
    done = git(*arguments, env=env, sealed=False)
    if done.code != 0 and ".lock': File exists" in done.err:
        # We hold the mirror's own lock: git's lock files are those of a run that was killed.
        for stale in at.path.rglob("*.lock"):
            stale.unlink(missing_ok=True)
        done = git(*arguments, env=env, sealed=False)
    return done


def unreachable(at: Mirror, done: Done) -> PhdbError:
    """The error for a fetch that failed: what git said, in whose terms, and what to try."""
    message, clone = f"{at.repo}: {at.where}: {done.line}", f"use a local clone: --repo {at.repo}=DIR"
    if "dubious ownership" in done.err:
        return SourceError(message, tries=[f"git config --global --add safe.directory {at.where}"])
    if any(sign in done.err for sign in _UNAUTHORIZED):
        tries = ["check the URL: a missing repository asks for a password too", "set up credentials for git"]
        return NetworkError(message, tries=[*tries, clone])
    if any(sign in done.err for sign in _NO_REPOSITORY):
        return SourceError(message, tries=["check the URL in matrix.toml", clone])
    return NetworkError(message, tries=["check the network, proxy and URL", clone])


def _fetched(at: Mirror, commit: str) -> Taken:
    fetch(at)
    found = _look(at, commit)
    if found is None:
        # Servers give a commit by its id although no ref of theirs leads to it: a fork's, or one that was
        # forced away.
        fetch_commit(at, commit)
        found = _look(at, commit)
    if found is None:
        tries = ["the id of an annotated tag is not that of its commit: git rev-parse TAG^{commit}"]
        raise SourceError(f"{at.repo}: {commit} is not a commit of {at.where}", tries=tries)
    return found


def _look(at: Mirror, commit: str) -> Taken | None:
    reachable = _reachable(at, commit)
    return None if reachable is None else keep(at, commit, reachable=reachable)


def _reachable(at: Mirror, commit: str) -> bool | None:
    """Whether a ref of the remote leads to the commit; None when the mirror does not have it."""
    own = ("--git-dir", str(at.path))
    if git(*own, "cat-file", "-t", commit).text != "commit":
        return None
    refs = ("--not", "--branches", "--tags", "--glob=refs/pull")
    done = git(*own, "rev-list", "--max-count=1", commit, *refs)
    return not done.out if done.code == 0 else None


def keep(at: Mirror, commit: str, *, reachable: bool | None = None) -> Taken:
    """Pin a commit that the mirror holds and note what is known of it. Needs the lock."""
    if reachable is None:
        reachable = bool(_reachable(at, commit))
    before = _known(at, commit) or {}
    known = {"stamp": _stamp(at), "reachable": reachable, "once": reachable or before.get("once", False)}
    write_whole(_pin(at, commit), f"{commit}\n".encode())
    write_whole(at.path / "taken" / commit, json.dumps(known).encode())
    return _taken(at, commit, known)


def _taken(at: Mirror, commit: str, known: Mapping[str, object]) -> Taken:
    if known["reachable"]:
        return Taken(commit)
    if known["once"]:
        said = f"is gone from {at.where} (force-pushed away?); using the mirror's copy"
    else:
        said = f"is on no branch, tag or pull request of {at.where}; a fork's commit looks like that"
    return Taken(commit, reachable=False, notes=(f"{at.repo}: {commit[:12]} {said}",))


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
