"""Place a commit's files in a directory, and say later whether they are still what was placed.

The `.git` inside of a checkout is the job's: it borrows its objects from the mirror, and is never believed. What the
commit has, and what git made of it where it converts line ends, is noted in memory before the job starts, and every
file is read and compared with that. No time, no index, no attribute, no setting and no filter takes part, neither of
the tree nor of the mirror, so that nothing a job can write there decides.
"""

import hashlib
import io
import os
import posixpath
import stat
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from phdb_ci.base.files import open_regular, remove
from phdb_ci.errors import DiskError
from phdb_ci.sources.git.command import Done, failure, git, git_ok
from phdb_ci.sources.git.content import FOLDER, LINK, SUBMODULE, Entry, entries, unreadable

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[gc]\n\tauto = 0\n"


@dataclass(frozen=True)
class Checkout:
    """A commit's files in `dest`; `mirror` has the objects, `entries` say what they must be.

    `converted`: what git wrote instead for the files whose line ends it converts.
    """

    dest: Path
    commit: str
    mirror: Path
    entries: tuple[Entry, ...] = field(repr=False)
    converted: Mapping[str, Entry] = field(default_factory=dict, repr=False)


def checkout(mirror: Path, commit: str, dest: Path, *, again: bool = False, trash: Path | None = None) -> Checkout:
    """Make `dest` hold exactly this commit of the mirror; the caller is alone with `dest`, which is absent.

    `again`: it is ours and may hold an earlier checkout, in whatever state: what is right in it is not touched, so that
    its times stay; what the commit does not have is removed. What is removed is moved to `trash`, on the same disk;
    without one it is deleted. Raises DiskError when `dest` cannot be written or is there, or the mirror is damaged.
    """
    placed = Checkout(dest, commit, mirror, entries(mirror, commit))
    try:
        if again:
            with suppress(OSError):  # a folder that a job closed
                known = _with_converted(placed)
                if _restore(known, trash):
                    return known
            discard(dest, trash)
        dest.mkdir(parents=True)
        try:
            _write_git(placed, dest / ".git")
            _read_tree(placed, "-u")
            return _with_converted(placed)
        except BaseException:
            discard(dest, trash)  # a part of a checkout is none
            raise
    except OSError as error:
        raise DiskError(f"cannot check out into {dest}: {error.strerror or error}") from error


def export(mirror: Path, commit: str, dest: Path, paths: Iterable[str]) -> Checkout:
    """Write these files and folders of a commit, nothing else and no `.git`, into `dest`, which is absent.

    The answer has the entries of what was written alone. Raises DiskError or OSError when that cannot be done.
    """
    placed = Checkout(dest, commit, mirror, entries(mirror, commit))
    below = tuple(f"{posixpath.normpath(path)}/" for path in paths)
    files = tuple(entry for entry in placed.entries if f"{entry.path}/".startswith(below))
    dest.mkdir(parents=True)
    _write_files(placed, files, dest)
    return replace(placed, entries=files)


def changed(placed: Checkout) -> list[str]:
    """The tracked files that are not what was placed: edited, deleted, of another kind; not: touched."""
    return _compare(placed)[0]


def unknown(placed: Checkout) -> list[str]:
    """The files that neither the commit has nor a .gitignore names; a new .gitignore in a tracked folder counts."""
    with _private_git(placed) as ours:
        where = ("-C", str(placed.dest), *ours, "--work-tree", str(placed.dest.absolute()))
        done = git_ok(*where, "ls-files", "--others", "--exclude-per-directory=.gitignore", "-z")
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
    inside = (f"{placed.dest.parent}/", f"{os.path.realpath(placed.dest.parent)}/")
    links = [entry.path for entry in placed.entries if entry.mode == LINK]
    return [path for path in links if not _target(placed.dest / path).startswith(inside)]


def _target(path: Path) -> str:
    """Where a link leads; the path itself when it is none."""
    text = os.fspath(path.readlink()) if path.is_symlink() else path.name
    if "/../" in f"{text.lstrip('./')}/":  # behind a name that is a link, `..` is another folder than it reads
        return os.path.realpath(path)
    return os.path.normpath(path.parent / text)


def discard(path: Path, trash: Path | None) -> None:
    """Remove a file or folder; with `trash` it is only moved there. Nothing there is no error."""
    if not os.path.lexists(path):
        return
    if trash is None:
        remove(path)
    else:
        trash.mkdir(parents=True, exist_ok=True)
        path.rename(trash / uuid.uuid4().hex)


def _write_git(placed: Checkout, inner: Path) -> None:
    """A git directory, made anew: no hook, setting or attribute of an earlier job is in it, nor one of the mirror's."""
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
    altered, extra = _compare(placed)
    for path in (*extra, *altered, ".git"):  # links in a folder's place are extra: they go first, unfollowed
        discard(placed.dest / path, trash)
    _write_git(placed, placed.dest / ".git")
    _read_tree(placed)
    # The index learns which files are right; the others are gone, and are all that is written.
    git(*_in_tree(placed), "update-index", "-q", "--refresh")
    if altered:
        _read_tree(placed, "-u")
    return _compare(placed) == ([], [])


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
                if entry is None or not _as_committed(item.path, placed.converted.get(path, entry)):
                    extra += [path] if path not in altered else []
                    continue
                altered.discard(path)
                if entry.mode == FOLDER:
                    folders.append(path + "/")
                elif entry.mode == SUBMODULE:  # an empty folder here
                    extra += [f"{path}/{inner.name}" for inner in Path(item.path).iterdir()]
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


def _with_converted(placed: Checkout) -> Checkout:
    """The checkout with what git writes for those of its files that it converts; asked before the job starts."""
    if not any(entry.path.rpartition("/")[2] == ".gitattributes" for entry in placed.entries):
        return placed
    doubtful = set(_compare(placed)[0])
    files = [entry for entry in placed.entries if entry.path in doubtful and entry.mode not in (LINK, SUBMODULE)]
    # Into an empty tree: there git takes the attributes from the index, not from files that a job may have written.
    with tempfile.TemporaryDirectory(prefix=".phdb-ci-", dir=placed.dest.parent) as folder:
        _write_files(placed, files, Path(folder))
        written = [(entry, Path(folder, entry.path).read_bytes()) for entry in files]
    converted = {entry.path: entry._replace(oid=_blob(content), size=len(content)) for entry, content in written}
    return replace(placed, converted=converted)


def _write_files(placed: Checkout, files: Sequence[Entry], folder: Path) -> None:
    """Write some of a commit's files into an empty folder, as git does. Raises DiskError for a damaged mirror."""
    names = b"".join(os.fsencode(entry.path) + b"\0" for entry in files if entry.mode not in (FOLDER, SUBMODULE))
    with _private_git(placed) as ours:
        where = ("-C", str(folder), *ours, "--work-tree", str(folder.absolute()))
        git_ok(*where, "checkout-index", "--quiet", "-z", "--stdin", stdin=names)
        _check_content(placed, files, ours)


def _check_content(placed: Checkout, files: Iterable[Entry], ours: Sequence[str]) -> None:
    """See that the mirror has, under each file's id, what has that id: git does not look, and a job can write there."""
    rules = [entry for entry in placed.entries if entry.path.rpartition("/")[2] == ".gitattributes"]
    oids = [entry.oid for entry in (*files, *rules) if entry.mode not in (FOLDER, SUBMODULE)]
    done = git_ok(*ours, "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
    out = io.BytesIO(done.out)
    for oid in oids:
        size = out.readline().rpartition(b" ")[2]
        if not size.strip().isdigit() or _blob(out.read(int(size))) != oid:
            raise unreadable(placed.mirror, placed.commit, Done(1, b"", f"fatal: object {oid} is damaged"))
        out.readline()


@contextmanager
def _private_git(placed: Checkout) -> Iterator[tuple[str, str]]:
    """The option by which git uses a git directory of ours, whose index holds the commit.

    It borrows the mirror's objects alone: settings and attributes there may be a job's.
    """
    with tempfile.TemporaryDirectory(prefix=".phdb-ci-", dir=placed.dest.parent) as folder:
        ours = ("--git-dir", folder)
        _write_git(placed, Path(folder))
        files = [entry for entry in placed.entries if entry.mode != FOLDER]
        lines = "".join(f"{entry.mode:06o} {entry.oid} 0\t{entry.path}\0" for entry in files)
        git_ok(*ours, "update-index", "-z", "--index-info", stdin=os.fsencode(lines))
        yield ours
