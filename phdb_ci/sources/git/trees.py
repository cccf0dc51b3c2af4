"""Make a commit of a local directory as it stands, without writing to it.

    a plain directory   one commit without a parent
    a working tree      its HEAD, or a commit on top of HEAD when something is uncommitted
    a subfolder         one commit without a parent, whose tree is the subfolder's

Git adds the files through an index of ours and stores their objects in the mirror, which has them from then on. The
directory's own repository gets no object, no ref and no lock; its index is only asked which paths are tracked. Every
file is read anew: neither times nor flags of that index can hide a change. The same files give the same id on every
machine.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from phdb_ci.base.locks import locked
from phdb_ci.errors import SourceError
from phdb_ci.sources.git.command import Done, git, git_ok
from phdb_ci.sources.git.mirror import Mirror, Taken, ceiling, fetch_commit, keep, pinned, prepare
from phdb_ci.sources.git.refs import FULL

_EPOCH = 946_684_800  # 2000-01-01, the date of every commit that has no date of its own
_PLAIN = "A plain directory"
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree with nothing in it
# What tools leave behind in a folder beside a matrix where no repository says what to ignore. Of a repo nothing is left
# out: a .venv that was committed by mistake is part of what is tested.
_CACHES = (".phdb-ci/", ".nox/", ".venv/", "__pycache__/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/")


def import_directory(at: Mirror) -> Taken:
    """One commit of a plain directory (the mirror's), with the same id on every machine.

    Raises:
        SourceError: the directory holds no file, another repository, or something unreadable.
    """
    with locked(at.lock, at.on_wait):
        prepare(at)
        return _import_plain(at, without=())


def import_worktree(at: Mirror) -> Taken:
    """The commit of a git working tree (the mirror's directory) as it stands, ignored files left out.

    Raises:
        SourceError: git cannot read it.
    """
    alone = ceiling(at.url)
    head = _head(at, alone)
    with locked(at.lock, at.on_wait):
        prepare(at)
        if head and pinned(at, head.commit) is None:
            fetch_commit(at, head.commit)
            keep(at, head.commit)
        index = _Index(at, env=alone)
        notes = _left_out(at, index.add_working_tree(""))
        tree = index.write_tree("")
        if head is None:
            return replace(_commit(at, tree, "Uncommitted files"), dirty=True, notes=notes)
        if tree == head.tree:
            return Taken(head.commit, tree=tree, head=head.commit, notes=notes)
        message = f"Uncommitted changes on {head.commit[:12]}"
        commit = _commit(at, tree, message, parent=head.commit, when=head.when)
        return replace(commit, head=head.commit, dirty=True, notes=notes)


def import_folder(at: Mirror) -> Taken:
    """One commit whose tree is exactly the mirror's directory, which may be a folder of a git working tree.

    Its id depends on the files alone. A folder of which no repository takes anything is taken as a plain directory.

    Raises:
        SourceError: the directory holds no file, or git cannot read it.
    """
    inside = git("-C", at.url, "rev-parse", "--show-prefix", sealed=False)
    if inside.code != 0 and "not a git repository" not in inside.err:
        raise at.unreachable(inside)
    prefix = os.fsdecode(inside.out).removesuffix("\n")
    with locked(at.lock, at.on_wait):
        prepare(at)
        index = _Index(at)
        listed = index.add_working_tree(prefix) if inside.code == 0 else []
        if not listed:
            return _import_plain(at, without=_CACHES)
        head = _head(at)
        if head and any(entry.absent for entry in listed):
            top = git("-C", at.url, "rev-parse", "--show-toplevel", sealed=False).text
            fetch_commit(replace(at, url=top), head.commit)
        tree = index.write_tree(prefix)
        committed = git("-C", at.url, "rev-parse", "--quiet", "--verify", f"HEAD:{prefix}", sealed=False).text
        commit = _commit(at, tree, _PLAIN)
        return replace(commit, head=head and head.commit, dirty=tree != committed, notes=_left_out(at, listed))


def _import_plain(at: Mirror, *, without: Iterable[str]) -> Taken:
    index = _Index(at, "--git-dir", str(at.path), "--work-tree", at.url, sealed=True)
    excludes = index.folder / "exclude"
    excludes.write_text("\n".join(without))
    added = index.git("-c", f"core.excludesFile={excludes}", "add", "--all", "--", ".")
    _, embedded, inner = added.err.partition("adding embedded git repository: ")
    if embedded:
        raise _nested(at, inner.partition("\n")[0])
    tree = index.write_tree("")
    if tree == _EMPTY:
        raise SourceError(f"{at.repo}: {at.where} is neither a git repository nor a folder with files")
    return _commit(at, tree, _PLAIN)


def _nested(at: Mirror, inner: str) -> SourceError:
    tries = ["move that repository out, or ignore it in a .gitignore"]
    return SourceError(f"{at.repo}: {at.where} holds another git repository: {inner}", tries=tries)


class _Head(NamedTuple):
    commit: str
    tree: str
    when: int


def _head(at: Mirror, env: Mapping[str, str] | None = None) -> _Head | None:
    shape = ("--max-count=1", "--no-show-signature", "--format=%H %T %ct")
    done = git("-C", at.url, "log", *shape, "HEAD", "--", env=env, sealed=False)
    if done.code == 0:
        commit, tree, when = done.text.split()
        if not FULL.fullmatch(commit):
            raise SourceError(f"{at.repo}: {at.where} does not use SHA-1 ids; a pin is 40 hex digits")
        return _Head(commit, tree, int(when))
    if "bad revision" in done.err or "any commits yet" in done.err:
        return None
    raise at.unreachable(done)


class _Listed(NamedTuple):
    """One path of an index, and its line for `update-index --index-info`; `absent`: left out by a sparse checkout."""

    path: str
    line: str
    absent: bool


def _left_out(at: Mirror, listed: list[_Listed]) -> tuple[str, ...]:
    notes = [
        f"{at.repo}: submodule {entry.path} is not checked out" for entry in listed if entry.line.startswith("160000 ")
    ]
    if absent := sum(entry.absent for entry in listed):
        notes.append(f"{at.repo}: {absent} files outside the sparse checkout are taken from its HEAD")
    return tuple(notes)


class _Index:
    """An empty index of ours, through which git reads a directory and writes its objects into the mirror."""

    def __init__(self, at: Mirror, *where: str, env: Mapping[str, str] | None = None, sealed: bool = False) -> None:
        self.at, self.where, self.theirs, self.sealed = at, ("-C", at.url, *where), dict(env or {}), sealed
        self.folder = at.path / "import"
        shutil.rmtree(self.folder, ignore_errors=True)  # of an earlier import
        self.folder.mkdir()
        objects = {"GIT_OBJECT_DIRECTORY": str(at.path / "objects")}
        self.ours = self.theirs | objects | {"GIT_INDEX_FILE": str(self.folder / "index")}

    def add_working_tree(self, prefix: str) -> list[_Listed]:
        """Add the files of a working tree below a prefix that are tracked or not ignored; what was added."""
        # Only paths and ids: without times and flags of the user's index, git looks at each file itself.
        tracked = self._list(self.theirs)
        self._index_info(tracked)
        # A folder that is ignored as a whole has nothing but what is tracked; git refuses to add the folder itself.
        asked = ("check-ignore", "--no-index", "--quiet", ".")
        ignored = prefix and git(*self.where, *asked, env={"GIT_LITERAL_PATHSPECS": "0"}, sealed=False).code == 0
        self.git("add", "--update" if ignored else "--all", "--sparse", "--", ".")
        top = Path(self.at.url)
        absent = [e for e in tracked if e.absent and not os.path.lexists(top / e.path.removeprefix(prefix))]
        added = self._list(self.ours)
        self._index_info(absent)
        return added + absent

    def write_tree(self, prefix: str) -> str:
        """The id of the tree of what was added, or of its part below a prefix."""
        return self.git("write-tree", *([f"--prefix={prefix}"] if prefix else [])).text

    def _list(self, env: Mapping[str, str]) -> list[_Listed]:
        done = self.git("ls-files", "--stage", "-t", "-z", "--full-name", "--", ".", env=env)
        lines = [line.split(" ", 1) for line in os.fsdecode(done.out).split("\0") if line]
        return [_Listed(line.split("\t", 1)[1], line, tag == "S") for tag, line in lines]

    def _index_info(self, listed: list[_Listed]) -> None:
        if listed:
            lines = "".join(f"{entry.line}\0" for entry in listed)
            self.git("update-index", "-z", "--index-info", stdin=os.fsencode(lines))

    def git(self, *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Done:
        """Run a git command on this index; SourceError when it fails."""
        env = self.ours if env is None else env
        done = git(*self.where, *args, env=env, stdin=stdin, sealed=self.sealed)
        if done.code == 0:
            return done
        before, unborn, _ = done.err.partition("/' does not have a commit checked out")
        if unborn:
            raise _nested(self.at, before.rpartition("error: '")[2])
        raise SourceError(f"{self.at.repo}: cannot take {self.at.where} as it stands: {done.line}")


def _commit(at: Mirror, tree: str, message: str, *, parent: str | None = None, when: int = _EPOCH) -> Taken:
    """Store and keep a commit of ours, whose id depends on nothing but these arguments."""
    who = {"NAME": "phdb-ci", "EMAIL": "phdb-ci@localhost", "DATE": f"{when} +0000"}
    env = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
    parents = ("-p", parent) if parent else ()
    commit = git_ok("--git-dir", str(at.path), "commit-tree", tree, *parents, "-m", message, env=env).text
    return replace(keep(at, commit), tree=tree)


def is_repository(directory: Path) -> bool:
    """Whether a directory is itself a git working tree or a bare repository; one around it does not count."""
    return (directory / ".git").exists() or is_bare(directory)


def is_bare(directory: Path) -> bool:
    """Whether a directory is a git directory without a working tree of its own."""
    return (directory / "HEAD").is_file() and (directory / "objects").is_dir() and (directory / "refs").is_dir()
