"""Make a commit of a local directory as it stands, without writing to it; look up tree ids.

A plain directory becomes one commit that is the same on every machine. A working tree becomes its HEAD, or a
commit on top of HEAD when something is uncommitted: its index is copied, its new objects go to a folder of
ours, and what the mirror lacks is packed into it, so that the mirror still holds everything when the
directory is gone.
"""

import hashlib
import os
import posixpath
import re
import shutil
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.locks import locked
from phdb_ci.errors import DiskError, SourceError
from phdb_ci.sources.git import memo
from phdb_ci.sources.git.command import Done, git, git_ok
from phdb_ci.sources.git.index import Entry, parse, root_tree, shown
from phdb_ci.sources.git.mirror import Mirror, ceiling, fetch_commit, keep, pinned, prepare, unreachable
from phdb_ci.sources.git.refs import FULL

_EPOCH = 946_684_800  # 2000-01-01, the date of every commit that has no date of its own
_NO_COMMIT = re.compile(r"^error: '(.+?)/?' does not have a commit checked out", re.MULTILINE)


@dataclass(frozen=True)
class Imported:
    """The commit that stands for a directory. `dirty`: it is not the directory's HEAD."""

    commit: str
    dirty: bool = False
    notes: tuple[str, ...] = ()


def import_directory(at: Mirror) -> Imported:
    """One commit of a plain directory (the mirror's), with the same id on every machine.

    Raises:
        SourceError: the directory holds no file, another repository, or something unreadable.
    """
    with locked(at.lock, at.on_wait):
        prepare(at)
        seen = memo.look(Path(at.url))
        known = memo.commit_of(at.path, seen)
        if known is not None and pinned(at, known) is not None:
            return Imported(known)
        # Begun anew each time: what an index has, git keeps, even if it is ignored by now or its attributes
        # changed.
        index = _fresh(at.path / "import") / "index"
        env, own = {"GIT_INDEX_FILE": str(index)}, ("--git-dir", str(at.path))
        done = git("-C", at.url, *own, "--work-tree", at.url, "add", "--all", "--", ".", env=env)
        if done.code != 0:
            fresh = _NO_COMMIT.search(done.err)
            told = SourceError(f"{at.repo}: cannot read {at.where}: {done.line}")
            raise _nested(at, fresh[1]) if fresh else told
        _check_plain(at, index)
        tree = git_ok(*own, "write-tree", env=env).text
        commit = write_commit(
            at.path / "objects", tree, parent=None, when=_EPOCH, message="A plain directory"
        )
        keep(at, commit, reachable=True)
        memo.remember_commit(at.path, seen, commit)
        return Imported(commit)


def _check_plain(at: Mirror, index: Path) -> None:
    found = parse(index.read_bytes())[0] if index.exists() else []
    if not found:
        raise SourceError(
            f"{at.repo}: {at.where} is not a git repository, nor holds it a file to take instead"
        )
    inner = next((entry.path for entry in found if entry.submodule), None)
    if inner is not None:
        raise _nested(at, inner)


def _nested(at: Mirror, inner: str) -> SourceError:
    tries = ["a plain directory is taken as a whole: move that repository out, or make this one too"]
    return SourceError(f"{at.repo}: {at.where} holds another git repository: {inner}", tries=tries)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def import_worktree(at: Mirror) -> Imported:
    """The commit of a git working tree (the mirror's directory) as it stands, ignored files left out.

    Raises:
        SourceError: git cannot read it.
    """
    head = _head(at)
    with locked(at.lock, at.on_wait):
        prepare(at)
        folder = _fresh(at.path / "import")
        try:
            _bring_head(at, head)
            look = _Look(at, folder)
            tree, notes = look.tree()
            if head and tree == head.tree:
                return Imported(head.commit, notes=notes)
            commit = look.commit(tree, head)
            if pinned(at, commit) is None:
                look.pack(commit, head)
                keep(at, commit, reachable=True)
            return Imported(commit, dirty=True, notes=notes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Head:
    commit: str
    tree: str
    when: int


def _head(at: Mirror) -> _Head | None:
    shape = ("--max-count=1", "--no-show-signature", "--format=%H %T %ct")
    done = git("-C", at.url, "log", *shape, "HEAD", "--", env=ceiling(at.url), sealed=False)
    if done.code == 0:
        commit, tree, when = done.text.split()
        if not FULL.fullmatch(commit):
            raise SourceError(f"{at.repo}: {at.where} does not use SHA-1 ids; a pin is 40 hex digits")
        return _Head(commit, tree, int(when))
    if "bad revision" in done.err or "any commits yet" in done.err:
        return None
    raise unreachable(at, done)


def _bring_head(at: Mirror, head: _Head | None) -> None:
    if head and pinned(at, head.commit) is None:
        fetch_commit(at, head.commit)
        keep(at, head.commit, reachable=True)


class _Look:
    """One look at a working tree: a copy of its index, and a folder for the objects that are new in it."""

    def __init__(self, at: Mirror, folder: Path) -> None:
        self.repo, self.top, self.objects, self.index = at.repo, at.url, folder / "objects", folder / "index"
        self.objects.mkdir()
        self.mirrored = at.path / "objects"
        own, common = _git_dirs(Path(at.url))
        self.theirs = common / "objects"
        # Of the user's index comes what is tracked although ignored, and stat data that saves reading every
        # file.
        if (own / "index").exists():
            noted = (own / "index").stat().st_mtime_ns
            self.index.write_bytes(self._honest((own / "index").read_bytes()))
            os.utime(self.index, ns=(noted, noted))  # by it git knows which files may have changed unseen

    def _honest(self, data: bytes) -> bytes:
        # "Assume unchanged" and "skip worktree" make git look away from files; the tree as it stands has
        # them.
        top = Path(self.top)
        marked = {
            e.path for e in self._entries(data) if e.assumed or (e.skipped and os.path.lexists(top / e.path))
        }
        return shown(data, marked) if marked else data

    def _entries(self, data: bytes) -> list[Entry]:
        try:
            return parse(data)[0] if data else []
        except ValueError as error:
            raise SourceError(f"{self.repo}: the index of {self.top} cannot be read: {error}") from error

    def tree(self) -> tuple[str, tuple[str, ...]]:
        """The tree as it stands, and what it leaves out."""
        self._git("add", "--all", "--sparse", "--", ".")
        data = self.index.read_bytes() if self.index.exists() else b""
        found = self._entries(data)
        notes = [f"{self.repo}: submodule {e.path} is not checked out" for e in found if e.submodule]
        absent = sum(entry.skipped for entry in found)
        if absent:
            notes.append(f"{self.repo}: {absent} files outside the sparse checkout are taken from its HEAD")
        return (data and root_tree(data)) or self._git("write-tree", "--missing-ok").text, tuple(notes)

    def commit(self, tree: str, head: _Head | None) -> str:
        """A commit of that tree on top of HEAD."""
        if head is None:
            return write_commit(self.objects, tree, parent=None, when=_EPOCH, message="Uncommitted files")
        message = f"Uncommitted changes on {head.commit[:12]}"
        return write_commit(self.objects, tree, parent=head.commit, when=head.when, message=message)

    def pack(self, commit: str, head: _Head | None) -> None:
        """Pack what HEAD does not have; staged content may be nowhere but in the user's repository."""
        wanted = f"{commit}\n" + (f"^{head.commit}\n" if head else "")
        to = str(self.mirrored / "pack" / "pack")
        self._git("pack-objects", "--quiet", "--revs", to, borrowed=self.theirs, stdin=wanted.encode())

    def _git(self, *args: str, borrowed: Path | None = None, stdin: bytes = b"") -> Done:
        # To add and to write trees, git borrows from the mirror, not from the user: it renews the time of
        # what it finds instead of writing it again.
        env = ceiling(self.top) | {
            "GIT_INDEX_FILE": str(self.index),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(borrowed or self.mirrored),
        }
        done = git("-C", self.top, *args, env=env, stdin=stdin, sealed=False)
        if done.code != 0:
            raise SourceError(f"{self.repo}: cannot take {self.top} as it stands: {done.line}")
        return done


def _quoted(path: Path) -> str:
    # A colon would end the path in git's list of them.
    return '"' + str(path).replace("\\", r"\\").replace('"', r"\"") + '"'


def write_commit(objects: Path, tree: str, *, parent: str | None, when: int, message: str) -> str:
    """Store a commit of ours, whose id depends on nothing but these arguments; its id.

    By hand, as one object is one file and a process would cost more than all the rest.
    """
    who = f"phdb-ci <phdb-ci@localhost> {when} +0000"
    parents = f"parent {parent}\n" if parent else ""
    body = f"tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n".encode()
    raw = b"commit %d\0%s" % (len(body), body)
    commit = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    path = objects / commit[:2] / commit[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f"tmp_{commit[2:]}")
        fresh.write_bytes(zlib.compress(raw))
        fresh.replace(path)
    return commit


def _git_dirs(top: Path) -> tuple[Path, Path]:
    """A working tree's own git directory and the one it shares with other worktrees."""
    own = top / ".git"
    if own.is_file():
        own = top / own.read_text().removeprefix("gitdir:").strip()
    shared = own / "commondir"
    return own, (own / shared.read_text().strip() if shared.exists() else own).resolve()


def is_repository(directory: Path) -> bool:
    """Whether a directory is itself a git working tree or a bare repository; one around it does not count."""
    return (directory / ".git").exists() or is_bare(directory)


def is_bare(directory: Path) -> bool:
    """Whether a directory is a git directory without a working tree of its own."""
    return (
        (directory / "HEAD").is_file() and (directory / "objects").is_dir() and (directory / "refs").is_dir()
    )


def tree_ids(mirror: Path, commit: str, paths: Iterable[str]) -> dict[str, str | None]:
    """The git id of each path (file or directory) at a commit; None where there is none. At most one process.

    Raises:
        ToolError, DiskError: the mirror cannot be read.
    """
    wanted = list(paths)
    known = memo.trees_of(mirror, commit)
    if not known.keys() >= set(wanted):
        known = _ask_tree_ids(mirror, commit, wanted)
        memo.remember_trees(mirror, commit, known)
    return {path: known[path] for path in wanted}


def _ask_tree_ids(mirror: Path, commit: str, wanted: list[str]) -> dict[str, str | None]:
    # A path with a line's end would shift all answers after it; no tree that we take has one.
    asked = [path for path in wanted if "\n" not in path]
    lines = "".join(f"{_object(commit, path)}\n" for path in [".", *asked])
    arguments = ("--git-dir", str(mirror), "cat-file", "--batch-check=%(objectname)")
    answers = os.fsdecode(git_ok(*arguments, stdin=os.fsencode(lines)).out).split("\n")
    if not FULL.fullmatch(answers[0]):
        raise DiskError(
            f"the mirror {mirror} lacks commit {commit}", tries=[f"delete {mirror} and run again"]
        )
    found = {path: line for path, line in zip(asked, answers[1:], strict=False) if FULL.fullmatch(line)}
    return {path: found.get(path) for path in wanted}


def _object(commit: str, path: str) -> str:
    plain = posixpath.normpath(path)
    return f"{commit}^{{tree}}" if plain == "." else f"{commit}:{plain}"
