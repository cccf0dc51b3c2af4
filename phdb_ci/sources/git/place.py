"""Place a commit's files in a directory, and say later whether they are still what was placed.

The `.git` inside of a checkout is the job's: it borrows its objects from the mirror, and is never believed. What the
commit has is noted in memory before the job starts, and every file is read and compared with that. No time, no index,
no attribute, no setting and no filter in the tree takes part, so that nothing a job can write there decides.
"""

import hashlib
import os
import posixpath
import stat
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.base.files import open_regular, remove
from phdb_ci.errors import DiskError
from phdb_ci.sources.git.command import failure, git, git_ok
from phdb_ci.sources.git.content import FOLDER, LINK, SUBMODULE, Entry, entries, unreadable

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[gc]\n\tauto = 0\n"


@dataclass(frozen=True)
class Checkout:
    """A commit's files in `dest`; `mirror` has the objects, `entries` say what they must be."""

    dest: Path
    commit: str
    mirror: Path
    entries: tuple[Entry, ...] = field(repr=False)


def checkout(mirror: Path, commit: str, dest: Path, *, again: bool = False, trash: Path | None = None) -> Checkout:
    """Make `dest` hold exactly this commit of the mirror; the caller is alone with `dest`, which is absent.

    `again`: it is ours and may hold an earlier checkout, in whatever state: what is right in it is not touched, so that
    its times stay; what the commit does not have is removed. What is removed is moved to `trash`, on the same disk;
    without one it is deleted. Raises DiskError when `dest` cannot be written or is there, or the mirror is damaged.
    """
    placed = Checkout(dest, commit, mirror, entries(mirror, commit))
    try:
        if again:
            if _restore(placed, trash):
                return placed
            discard(dest, trash)
        dest.mkdir(parents=True)
        try:
            _write_git(placed)
            _read_tree(placed, "-u")
        except BaseException:
            discard(dest, trash)  # a part of a checkout is none
            raise
    except OSError as error:
        raise DiskError(f"cannot check out into {dest}: {error.strerror or error}") from error
    return placed


def export(mirror: Path, commit: str, dest: Path, paths: Iterable[str]) -> None:
    """Write these files and folders of a commit, nothing else and no `.git`, into `dest`, which is absent.

    Raises DiskError or OSError when that cannot be done.
    """
    placed = Checkout(dest, commit, mirror, entries(mirror, commit))
    below = tuple(f"{posixpath.normpath(path)}/" for path in paths)
    dest.mkdir(parents=True)
    _write_files(placed, [entry for entry in placed.entries if f"{entry.path}/".startswith(below)], dest)


def changed(placed: Checkout) -> list[str]:
    """The tracked files that are not what was placed: edited, deleted, of another kind; not: touched."""
    return _compare(placed)[0]


def unknown(placed: Checkout) -> list[str]:
    """The files that neither the commit has nor a .gitignore names; a new .gitignore in a tracked folder counts."""
    with _private_index(placed) as env:
        where = ("-C", str(placed.dest), *_git_dir(placed), "--work-tree", str(placed.dest.absolute()))
        those = ("--others", "--exclude-per-directory=.gitignore", "-z")
        done = git_ok(*where, "ls-files", *those, env=env)
    others = [os.fsdecode(path) for path in done.out.split(b"\0") if path]
    tracked = {entry.path: entry.mode for entry in placed.entries}
    folders = ["", *(f"{path}/" for path, mode in tracked.items() if mode == FOLDER)]
    rules = [f"{folder}.gitignore" for folder in folders if f"{folder}.gitignore" not in tracked]
    return others + [path for path in rules if path not in others and os.path.lexists(placed.dest / path)]


def same_content(placed: Checkout, content: bytes) -> list[str]:
    """The tracked files that hold just this content, whatever their line ends are where they are checked out."""
    oids = {_blob(content), _blob(content.replace(b"\r\n", b"\n"))}
    return [entry.path for entry in placed.entries if entry.oid in oids]


def outside_links(placed: Checkout) -> list[str]:
    """The tracked links that leave the folder in which the checkouts stand: what they show is in no commit."""
    leaving = []
    for entry in placed.entries:
        if entry.mode == LINK:
            path = placed.dest / entry.path
            target = os.path.normpath(path.parent / path.readlink()) if path.is_symlink() else str(path)
            if not target.startswith(f"{placed.dest.parent}/"):
                leaving.append(entry.path)
    return leaving


def discard(path: Path, trash: Path | None) -> None:
    """Remove a file or folder; with `trash` it is only moved there. Nothing there is no error."""
    if not os.path.lexists(path):
        return
    if trash is None:
        remove(path)
    else:
        trash.mkdir(parents=True, exist_ok=True)
        path.rename(trash / uuid.uuid4().hex)


def _git_dir(placed: Checkout) -> tuple[str, str]:
    return ("--git-dir", str(placed.mirror.absolute()))


def _write_git(placed: Checkout) -> None:
    """The job's own `.git`, made anew, so that no hook and no setting of an earlier job stays."""
    inner = placed.dest / ".git"
    (inner / "objects" / "info").mkdir(parents=True)
    (inner / "refs").mkdir()
    (inner / "HEAD").write_text(f"{placed.commit}\n")
    (inner / "config").write_text(_CONFIG)
    (inner / "objects" / "info" / "alternates").write_bytes(os.fsencode(placed.mirror.absolute() / "objects") + b"\n")
    with suppress(FileNotFoundError):
        (inner / "shallow").write_bytes((placed.mirror / "shallow").read_bytes())


def _in_tree(placed: Checkout) -> tuple[str, ...]:
    dest = placed.dest.absolute()
    return ("-C", str(dest), "--git-dir", str(dest / ".git"), "--work-tree", str(dest))


def _read_tree(placed: Checkout, *options: str) -> None:
    done = git(*_in_tree(placed), "read-tree", "--reset", *options, placed.commit)
    if done.code != 0:
        error = failure(done, ("read-tree",))
        raise error if isinstance(error, DiskError) else unreadable(placed.mirror, placed.commit, done)


def _restore(placed: Checkout, trash: Path | None) -> bool:
    """Bring an earlier checkout to the commit and leave alone what is right; False where that was not possible."""
    if placed.dest.is_symlink() or not placed.dest.is_dir():
        return False
    with suppress(OSError):  # a folder that a job closed
        altered, extra = _compare(placed)
        for path in (*extra, *altered, ".git"):  # links in a folder's place are extra: they go first, unfollowed
            discard(placed.dest / path, trash)
        _write_git(placed)
        _read_tree(placed)
        # The index learns which files are right; the others are gone, and are all that is written.
        git(*_in_tree(placed), "update-index", "-q", "--refresh")
        if altered:
            _read_tree(placed, "-u")
        return _compare(placed) == ([], [])
    return False


def _compare(placed: Checkout) -> tuple[list[str], list[str]]:
    """Tracked paths that are not as the commit has them, and paths that it does not have; a link is never followed."""
    tracked = {entry.path: entry for entry in placed.entries}
    altered = {path for path, entry in tracked.items() if entry.mode != FOLDER}
    extra: list[str] = []
    folders = [] if placed.dest.is_symlink() else [""]
    while folders:
        folder = folders.pop()
        # A folder that a job closed to us or took away: what was in it counts as gone.
        with suppress(OSError), os.scandir(f"{placed.dest}/{folder}") as items:
            for item in items:
                path = folder + item.name
                entry = tracked.get(path)
                if entry is None or not _as_committed(item.path, entry):
                    extra += [path] if path not in altered else []
                    continue
                altered.discard(path)
                if entry.mode == FOLDER:
                    folders.append(path + "/")
                elif entry.mode == SUBMODULE:  # an empty folder here
                    extra += [f"{path}/{inner.name}" for inner in Path(item.path).iterdir()]
    if altered and any(path.rpartition("/")[2] == ".gitattributes" for path in tracked):
        altered -= _as_converted(placed, [tracked[path] for path in altered])
    return sorted(altered), sorted(path for path in extra if path != ".git")


def _as_committed(path: str, entry: Entry) -> bool:
    """Whether a path has what the commit has, byte by byte, and its mode; a folder need only be one."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            return entry.mode in (FOLDER, SUBMODULE)
        if stat.S_ISLNK(mode):
            return entry.mode == LINK and _blob(os.fsencode(Path(path).readlink())) == entry.oid
        # Of the permissions, git records the owner's x-bit alone.
        expected = stat.S_ISREG(mode) and (0o100755 if mode & 0o100 else 0o100644)
        if entry.mode != expected:
            return False
        with open_regular(Path(path)) as file:
            return _blob(file.read(entry.size + 1)) == entry.oid
    except OSError:
        return False


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def _as_converted(placed: Checkout, doubtful: Sequence[Entry]) -> set[str]:
    """Those paths that have what git writes for them when it converts line ends."""
    # Into an empty tree: there git takes the attributes from the index, not from files that a job may have written.
    files = [entry for entry in doubtful if entry.mode not in (LINK, SUBMODULE)]
    with tempfile.TemporaryDirectory(prefix="phdb-ci-") as folder:
        _write_files(placed, files, Path(folder))
        converted = [(entry, Path(folder, entry.path).read_bytes()) for entry in files]
    return {
        entry.path
        for entry, content in converted
        if _as_committed(f"{placed.dest}/{entry.path}", entry._replace(oid=_blob(content), size=len(content)))
    }


def _write_files(placed: Checkout, files: Sequence[Entry], folder: Path) -> None:
    """Write some of a commit's files into an empty folder, as git does."""
    where = ("-C", str(folder), *_git_dir(placed), "--work-tree", str(folder.absolute()))
    names = b"".join(os.fsencode(entry.path) + b"\0" for entry in files if entry.mode not in (FOLDER, SUBMODULE))
    with _private_index(placed) as env:
        git_ok(*where, "checkout-index", "--quiet", "-z", "--stdin", stdin=names, env=env)


@contextmanager
def _private_index(placed: Checkout) -> Iterator[dict[str, str]]:
    """The variable by which git uses an index of ours that holds the commit."""
    with tempfile.TemporaryDirectory(prefix="phdb-ci-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        files = [entry for entry in placed.entries if entry.mode != FOLDER]
        lines = "".join(f"{entry.mode:06o} {entry.oid} 0\t{entry.path}\0" for entry in files)
        git_ok(*_git_dir(placed), "update-index", "-z", "--index-info", stdin=os.fsencode(lines), env=env)
        yield env
