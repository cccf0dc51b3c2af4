"""Place a commit's files in a directory, and say later whether they are still what was placed.

A checkout has two git directories. Ours, beside the tree, holds the index that git wrote while it placed the
files; every later question is answered from it. The other is `.git` inside the tree, a copy for the job,
never believed. Both borrow their objects from the mirror. One git process places a tree; asking whether it is
untouched takes none.
"""

import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.errors import DiskError, PhdbError
from phdb_ci.sources.git.command import Done, failure, git, git_ok
from phdb_ci.sources.git.index import LINK, parse
from phdb_ci.sources.git.survey import Survey, read_file, survey

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[gc]\n\tauto = 0\n"
_JOB_FOLDERS = {"", "objects", "objects/info", "refs"}
_UNDER_WAY = "ref: refs/heads/under-way\n"


@dataclass(frozen=True)
class Checkout:
    """A commit's files in `dest`; `gitdir` is our own git directory for it, `mirror` has the objects."""

    dest: Path
    gitdir: Path
    commit: str
    mirror: Path


def checkout(
    mirror: Path,
    commit: str,
    dest: Path,
    *,
    gitdir: Path | None = None,
    clean: bool = True,
    trash: Path | None = None,
) -> Checkout:
    """Make `dest` hold exactly this commit of the mirror; the caller is alone with `dest`.

    What is right already is not touched, so that its times stay.

    Args:
        mirror: the bare repository with the commit.
        commit: its full id.
        dest: the directory; when it exists it must be a checkout of ours.
        gitdir: our git directory for it; beside `dest` by default.
        clean: remove what the commit does not have, ignored files too.
        trash: a folder on the same disk where removed folders are moved to; without it they are deleted at
            once.

    Raises:
        DiskError: it cannot be written, is not ours, or the mirror is damaged.
    """
    place = Checkout(dest, gitdir or git_dir_of(dest), commit, mirror)
    try:
        seen = _look(place)
        if seen is None or seen.altered:
            seen = _place(place, trash)
        if clean:
            _sweep(place, seen, trash)
        _give_job_git(place, trash)
    except OSError as error:
        raise DiskError(f"cannot check out into {dest}: {error.strerror or error}") from error
    return place


def checkout_many(
    wanted: Iterable[tuple[Path, str, Path]], *, jobs: int = 2, trash: Path | None = None
) -> list[Checkout]:
    """`checkout` of many `(mirror, commit, dest)`, `jobs` at a time; more than four gain nothing."""
    places = [Checkout(dest, git_dir_of(dest), commit, mirror) for mirror, commit, dest in wanted]
    missing = [place for place in places if not _there(place, trash)]
    if missing:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=jobs) as pool:
            list(
                pool.map(lambda place: checkout(place.mirror, place.commit, place.dest, trash=trash), missing)
            )
    return places


def _there(place: Checkout, trash: Path | None) -> bool:
    if not present(place.dest, place.commit, gitdir=place.gitdir):
        return False
    try:
        _give_job_git(place, trash)
    except OSError:
        return False  # checkout() meets it again, and says what it is
    return True


def present(dest: Path, commit: str, *, gitdir: Path | None = None) -> bool:
    """Whether `dest` holds this commit, placed by us, nothing changed or added; `.git` does not count."""
    seen = _look(Checkout(dest, gitdir or git_dir_of(dest), commit, Path()))
    return seen is not None and not seen.altered and not seen.extra


def changed(placed: Checkout) -> list[str]:
    """The tracked files that are not what was placed: edited, deleted, of another kind; not: touched."""
    seen = _look(placed)
    if seen is None:
        raise DiskError(f"{placed.gitdir} is gone: nothing can be said about {placed.dest}")
    return seen.altered


def unknown(placed: Checkout) -> list[str]:
    """The files that are not the commit's and that no .gitignore names; a new one beside tracked files is told."""
    where = ("--git-dir", str(placed.gitdir.absolute()), "--work-tree", str(placed.dest.absolute()))
    those = ("--others", "--exclude-per-directory=.gitignore", "-z")
    done = git_ok("-C", str(placed.dest), *where, "ls-files", *those)
    found = [os.fsdecode(path) for path in done.out.split(b"\0") if path]
    entries, _ = parse((placed.gitdir / "index").read_bytes())
    tracked = {entry.path for entry in entries}
    rules = sorted({"".join(path.rpartition("/")[:2]) + ".gitignore" for path in tracked} - tracked)
    return found + [path for path in rules if path not in found and os.path.lexists(placed.dest / path)]


def same_content(placed: Checkout, content: bytes) -> list[str]:
    """The tracked files that hold just this content, whatever their line ends are where they are checked out."""
    oids = {_blob(content), _blob(content.replace(b"\r\n", b"\n"))}
    entries, _ = parse((placed.gitdir / "index").read_bytes())
    return [entry.path for entry in entries if entry.oid in oids]


def _blob(content: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).digest()


def outside_links(placed: Checkout) -> list[str]:
    """The tracked links that leave the folder in which the checkouts stand: what they show is in no commit."""
    entries, _ = parse((placed.gitdir / "index").read_bytes())
    found = []
    for entry in entries:
        if entry.mode == LINK:
            path = placed.dest / entry.path
            target = os.path.normpath(path.parent / path.readlink()) if path.is_symlink() else str(path)
            if not target.startswith(f"{placed.dest.parent}/"):
                found.append(entry.path)
    return found


def git_dir_of(dest: Path) -> Path:
    """Where our git directory of a checkout is unless somebody says otherwise: outside of the tree."""
    return dest.with_name(f".{dest.name}.git")


def _look(place: Checkout) -> Survey | None:
    # HEAD is written last: when it names the commit, the index beside it is that commit's.
    try:
        if (place.gitdir / "HEAD").read_text() != place.commit + "\n":
            return None
        return survey(place.dest, place.gitdir)
    except (FileNotFoundError, ValueError):
        return None


def _place(place: Checkout, trash: Path | None) -> Survey:
    if _occupied(place):
        tries = ["move it away", "choose another directory"]
        raise DiskError(f"{place.dest} exists and is no checkout of phdb-ci; it is left alone", tries=tries)
    fresh = not place.dest.exists()
    again = place.gitdir.exists()
    done = _read_tree(place)
    if done.code != 0 and again:
        # A damaged index, or something in git's way that it does not dare to remove: start from nothing.
        discard(place.dest, trash)
        discard(place.gitdir, trash)
        done = _read_tree(place)
    if done.code != 0:
        raise _failed(place, done)
    (place.gitdir / "HEAD").write_text(place.commit + "\n")
    return Survey() if fresh else survey(place.dest, place.gitdir, trusted=True)


def _occupied(place: Checkout) -> bool:
    if place.gitdir.exists() or not os.path.lexists(place.dest):
        return False
    return place.dest.is_symlink() or not place.dest.is_dir() or any(place.dest.iterdir())


def _read_tree(place: Checkout) -> Done:
    _write_git_dir(place.gitdir, _UNDER_WAY, place.mirror)
    (place.gitdir / "index.lock").unlink(missing_ok=True)  # of a run that was killed
    if place.dest.is_symlink() or place.dest.is_file():
        place.dest.unlink()  # a job put it there
    place.dest.mkdir(parents=True, exist_ok=True)
    where = ("--git-dir", str(place.gitdir.absolute()), "--work-tree", str(place.dest.absolute()))
    return git(*where, "read-tree", "-u", "--reset", place.commit)


def _failed(place: Checkout, done: Done) -> PhdbError:
    error = failure(done, ("read-tree",))
    if isinstance(error, DiskError):
        return error
    tries = [f"delete {place.mirror} and run again: the mirror is fetched anew"]
    return DiskError(f"cannot check out {place.commit[:12]} from {place.mirror}: {done.line}", tries=tries)


def _git_files(head: str, mirror: Path) -> dict[str, bytes]:
    files = {
        "HEAD": head.encode(),
        "config": _CONFIG.encode(),
        "objects/info/alternates": os.fsencode(mirror.absolute() / "objects") + b"\n",
    }
    with suppress(FileNotFoundError):
        files["shallow"] = (mirror / "shallow").read_bytes()
    return files


def _write_git_dir(path: Path, head: str, mirror: Path) -> None:
    (path / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (path / "refs").mkdir(exist_ok=True)
    for name, content in _git_files(head, mirror).items():
        (path / name).write_bytes(content)


def _job_files(place: Checkout) -> dict[str, bytes]:
    return _git_files(place.commit + "\n", place.mirror) | {"index": (place.gitdir / "index").read_bytes()}


def _same_job_git(place: Checkout) -> bool:
    top = place.dest / ".git"
    if top.is_symlink():
        return False
    expected, found = _job_files(place), 0
    for folder, folders, files in os.walk(top):
        inside = folder[len(str(top)) + 1 :]
        if inside not in _JOB_FOLDERS or any(Path(folder, name).is_symlink() for name in folders):
            return False
        for name in files:
            if not _holds(f"{folder}/{name}", expected.get(f"{inside}/{name}" if inside else name)):
                return False
            found += 1
    return found == len(expected)


def _holds(path: str, content: bytes | None) -> bool:
    try:
        return content is not None and read_file(path, len(content) + 1) == content
    except OSError:
        return False


def _give_job_git(place: Checkout, trash: Path | None) -> None:
    # No hook and no setting of an earlier job may stay.
    if _same_job_git(place):
        return
    inner = place.dest / ".git"
    discard(inner, trash)
    _write_git_dir(inner, place.commit + "\n", place.mirror)
    # A copy: with a link, a job that writes into its index would write into ours.
    (inner / "index").write_bytes((place.gitdir / "index").read_bytes())


def _sweep(place: Checkout, seen: Survey, trash: Path | None) -> None:
    for path in seen.extra:
        discard(place.dest / path, trash)


def discard(path: Path, trash: Path | None) -> None:
    """Remove a file or folder; with `trash` a folder is only moved there. Nothing there is no error."""
    try:
        folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not folder:
        path.unlink()
    elif trash is None:
        _remove_tree(path)
    else:
        trash.mkdir(parents=True, exist_ok=True)
        path.rename(trash / uuid.uuid4().hex)


def _remove_tree(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except PermissionError:
        # Jobs leave folders that nothing can be removed from; Go's module cache is one.
        path.chmod(0o700)
        for folder, folders, _ in os.walk(path):
            for inner in (Path(folder, name) for name in folders):
                if not inner.is_symlink():
                    inner.chmod(0o700)
        shutil.rmtree(path)
