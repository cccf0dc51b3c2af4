"""Make a commit of a local directory as it stands, without writing to it.

    a plain directory   one commit without a parent
    a working tree      its HEAD, or a commit on top of HEAD when something is uncommitted
    a subfolder         one commit without a parent, whose tree is the subfolder's

Git adds the files through an index of ours and stores their objects in the mirror, which has them from then on. The
directory's own repository gets no object, no ref and no lock; its index is only asked which paths are tracked. Every
file is read anew: neither times nor flags of that index can hide a change. The same files give the same id on every
machine.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from phdb_ci.base.locks import locked
from phdb_ci.base.text import harmless
from phdb_ci.errors import SourceError
from phdb_ci.sources.git.command import Done, git, git_ok
from phdb_ci.sources.git.mirror import Mirror, Taken, ceiling, fetch_commit, keep, pinned, prepare
from phdb_ci.sources.git.refs import FULL

_EPOCH = "946684800"  # 2000-01-01, the date of every commit that has no date of its own
_PLAIN = "A plain directory"
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree with nothing in it
_IGNORED = "paths are ignored by one of your .gitignore files"
# What tools leave behind in a folder beside a matrix where no repository says what to ignore. Of a repo nothing is left
# out: a .venv that was committed by mistake is part of what is tested.
_CACHES = (".phdb-ci/", ".nox/", ".venv/", "__pycache__/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/")


def import_directory(at: Mirror, *, without: Iterable[str] = ()) -> Taken:
    """One commit of a plain directory (the mirror's), with the same id on every machine.

    `without`: what is left out, as in a .gitignore.

    Raises:
        SourceError: the directory holds no file, another repository, or something unreadable.
    """
    with locked(at.lock, at.on_wait):
        prepare(at)
        index = _Index(at, plain=True)
        excludes = index.folder / "exclude"
        excludes.write_text("\n".join(without))
        added = index.git("-c", f"core.excludesFile={excludes}", "add", "--all", "--", ".")
        _, embedded, inner = added.err.partition("adding embedded git repository: ")
        if embedded:
            raise _nested(at, inner.partition("\n")[0])
        tree = index.write_tree()
        if tree == _EMPTY:
            raise SourceError(f"{at.repo}: {at.where} is neither a git repository nor a folder with files")
        return _commit(at, tree, _PLAIN)


def import_worktree(at: Mirror) -> Taken:
    """The commit of a git working tree (the mirror's directory) as it stands, ignored files left out.

    Raises:
        SourceError: git cannot read it, or it is a sparse checkout.
    """
    alone = ceiling(at.url)
    _, head, of_head = _around(at, alone)
    with locked(at.lock, at.on_wait):
        prepare(at)
        if head and pinned(at, head) is None:
            fetch_commit(at, head)
            keep(at, head)
        index = _Index(at, env=alone)
        notes = _submodules(at, index.add_working_tree())
        tree = index.write_tree()
        if head and tree == of_head:
            return Taken(head, tree=tree, head=head, notes=notes)
        if head:
            when = git_ok("--git-dir", str(at.path), "log", "-1", "--no-show-signature", "--format=%ct", head).text
            commit = _commit(at, tree, f"Uncommitted changes on {head[:12]}", parent=head, when=when)
        else:
            commit = _commit(at, tree, "Uncommitted files")
        return replace(commit, head=head, dirty=True, notes=notes)


def import_folder(at: Mirror) -> Taken:
    """One commit whose tree is exactly the mirror's directory, which may be a folder of a git working tree.

    Its id depends on the files alone. A folder of which no repository takes anything is taken as a plain directory.

    Raises:
        SourceError: the directory holds no file, or git cannot read it, or it is in a sparse checkout.
    """
    prefix, head, of_head = _around(at)
    with locked(at.lock, at.on_wait):
        prepare(at)
        index = _Index(at, prefix or "")
        listed = [] if prefix is None else index.add_working_tree()
        if listed:
            tree = index.write_tree()
            return replace(_commit(at, tree, _PLAIN), head=head, dirty=tree != of_head, notes=_submodules(at, listed))
    return import_directory(at, without=_CACHES)


def _nested(at: Mirror, inner: str) -> SourceError:
    tries = ["move that repository out, or ignore it in a .gitignore"]
    return SourceError(f"{at.repo}: {at.where} holds another git repository: {harmless(inner)}", tries=tries)


def _around(at: Mirror, env: Mapping[str, str] | None = None) -> tuple[str | None, str | None, str | None]:
    """A directory's path in its repository, the id of HEAD, the id of HEAD's tree at that path; None for what is not.

    Raises SourceError when git cannot read it; without `env`, a directory may be in no repository.
    """
    # git answers in this order, up to what is not there: a HEAD without a commit, a path that HEAD does not have.
    done = git("-C", at.url, "rev-parse", "--show-prefix", "HEAD", "HEAD:./", env=env, sealed=False)
    if not done.out:
        if env is None and "not a git repository" in done.err:
            return None, None, None
        raise at.unreachable(done)
    prefix, *ids = os.fsdecode(done.out).split("\n")
    if len(ids[0]) > 40:
        raise SourceError(f"{at.repo}: {at.where} does not use SHA-1 ids; a pin is 40 hex digits")
    head, tree = [oid if FULL.fullmatch(oid) else None for oid in (*ids, "", "")][:2]
    return prefix, head, tree


def _submodules(at: Mirror, listed: list[str]) -> tuple[str, ...]:
    paths = [line.split("\t", 1)[1] for line in listed if line.startswith("160000 ")]
    return tuple(f"{at.repo}: submodule {harmless(path)} is not checked out" for path in paths)


class _Index:
    """An empty index of ours, through which git reads a directory and writes its objects into the mirror."""

    def __init__(
        self, at: Mirror, prefix: str = "", *, plain: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        """`plain`: of a directory without a repository, so that no configuration but ours counts."""
        ours = ("--git-dir", str(at.path), "--work-tree", at.url) if plain else ()
        self.at, self.prefix, self.where, self.sealed = at, prefix, ("-C", at.url, *ours), plain
        self.theirs = dict(env or {})
        self.folder = at.path / "import"
        shutil.rmtree(self.folder, ignore_errors=True)  # of an earlier import
        self.folder.mkdir()
        objects = {"GIT_OBJECT_DIRECTORY": str(at.path / "objects")}
        self.ours = self.theirs | objects | {"GIT_INDEX_FILE": str(self.folder / "index")}

    def add_working_tree(self) -> list[str]:
        """Add the files of a working tree below the prefix that are tracked or not ignored; a line for each."""
        tracked = self._list("-t", env=self.theirs)
        absent = [line for line in tracked if line.startswith("S ") and not self._exists(line)]
        if absent:
            tries = [f"git -C {self.at.where} sparse-checkout disable"]
            raise SourceError(
                f"{self.at.repo}: {self.at.where} is sparse: {len(absent)} files are not there", tries=tries
            )
        # Only paths and ids: without times and flags of the user's index, git looks at each file itself.
        lines = "".join(f"{line[2:]}\0" for line in tracked)
        self.git("update-index", "-z", "--index-info", stdin=os.fsencode(lines))
        if self.git("add", "--all", "--sparse", "--", ".").code != 0:
            # A folder that is ignored as a whole has nothing but what is tracked.
            self.git("add", "--update", "--sparse", "--", ".")
        return self._list(env=self.ours)

    def write_tree(self) -> str:
        """The id of the tree of what was added below the prefix."""
        return self.git("write-tree", *([f"--prefix={self.prefix}"] if self.prefix else [])).text

    def _list(self, *options: str, env: Mapping[str, str]) -> list[str]:
        done = self.git("ls-files", *options, "--stage", "-z", "--full-name", "--", ".", env=env)
        return os.fsdecode(done.out).split("\0")[:-1]

    def _exists(self, line: str) -> bool:
        path = line.split("\t", 1)[1].removeprefix(self.prefix)
        return os.path.lexists(f"{self.at.url}/{path}")

    def git(self, *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Done:
        """Run a git command on this index; SourceError when it fails."""
        env = self.ours if env is None else env
        done = git(*self.where, *args, env=env, stdin=stdin, sealed=self.sealed)
        if done.code == 0 or (done.code == 1 and _IGNORED in done.err):  # what it cannot read, it dies of: 128
            return done
        before, unborn, _ = done.err.partition("/' does not have a commit checked out")
        if unborn:
            raise _nested(self.at, before.rpartition("error: '")[2])
        raise SourceError(f"{self.at.repo}: cannot take {self.at.where} as it stands: {done.line}")


def _commit(at: Mirror, tree: str, message: str, *, parent: str | None = None, when: str = _EPOCH) -> Taken:
    """Store and keep a commit of ours, whose id depends on nothing but these arguments."""
    who = f"phdb-ci <phdb-ci@localhost> {when} +0000"
    above = f"parent {parent}\n" if parent else ""
    content = f"tree {tree}\n{above}author {who}\ncommitter {who}\n\n{message}\n".encode()
    commit = hashlib.sha1(b"commit %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
    if pinned(at, commit) is None:
        git_ok("--git-dir", str(at.path), "hash-object", "-t", "commit", "-w", "--stdin", stdin=content)
    return replace(keep(at, commit), tree=tree)


def is_repository(directory: Path) -> bool:
    """Whether a directory is itself a git working tree or a bare repository; one around it does not count."""
    return (directory / ".git").exists() or is_bare(directory)


def is_bare(directory: Path) -> bool:
    """Whether a directory is a git directory without a working tree of its own."""
    return (directory / "HEAD").is_file() and (directory / "objects").is_dir() and (directory / "refs").is_dir()
