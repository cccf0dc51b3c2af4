"""Look through, remove and write into trees that a job has made: of any depth, with any names, links never followed.

Python's own walk and rmtree recurse (until 3.12), and a job can nest folders deeper than that carries.
"""

import errno
import io
import os
import secrets
import stat
import subprocess
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from phdb_ci.errors import DiskError

MATRIX = "matrix.toml"


def walk(top: Path, *, without: Container[str] = frozenset({".git"})) -> Iterator[tuple[str, list[str]]]:
    """Each folder below `top` with the names in it that are no folders; folders named in `without` are left out.

    A folder that cannot be read, or whose path is longer than the system takes, is passed over.
    """
    folders = [os.fspath(top)]
    while folders:
        folder = folders.pop()
        names: list[str] = []
        try:
            with os.scandir(folder) as items:
                for item in items:
                    if not item.is_dir(follow_symlinks=False):
                        names.append(item.name)
                    elif item.name not in without:
                        folders.append(item.path)
        except OSError:
            continue
        yield folder, names


def remove(path: Path) -> None:
    """Delete a file or a whole tree. rm(1) walks by descriptor, so no depth stops it; what is left is no error."""
    for command in (["rm", "-rf", "--"], ["chmod", "-R", "u+rwX", "--"], ["rm", "-rf", "--"]):
        if not os.path.lexists(path):
            return
        subprocess.run([*command, os.fspath(path)], check=False, capture_output=True, stdin=subprocess.DEVNULL)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file to read. Raises OSError for anything else; a pipe in its place does not block."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(fd, "rb")


def is_borrowed(path: Path, top: Path) -> bool:
    """Whether a file is another one by a link of either kind, or stands below a folder that is a link, up to `top`."""
    if not os.path.lexists(path):
        return False
    steps = (step for step in (path, *path.parents) if step.is_relative_to(top))
    return path.lstat().st_nlink > 1 or any(step.is_symlink() for step in steps)


def usual_matrix() -> Path:
    """`matrix.toml` here or in the nearest folder above that has one, as seen from here; here when none has."""
    here = Path.cwd()
    folder = next((folder for folder in (here, *here.parents) if (folder / MATRIX).is_file()), here)
    return Path(os.path.relpath(folder / MATRIX))


@contextmanager
def whole_file(path: Path, *, mode: int | None = None, parents: bool = False) -> Iterator[io.BufferedWriter]:
    """A file to write to, which appears at `path` at the end of the block: all of it or nothing.

    It may stand in a folder that a job can write to: it is written under a name that nobody can know beforehand, where
    no link can wait for us. `mode`: its mode, where that is not the one of any new file; `parents`: make its folder
    where there is none. Raises DiskError when it cannot be written.
    """
    part = path.with_name(f".phdb-ci-{secrets.token_hex(8)}")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
        part.replace(path)
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes | str, *, mode: int | None = None, parents: bool = False) -> None:
    """Write a file as `whole_file` does, text in UTF-8. Raises DiskError when it cannot be written."""
    with whole_file(path, mode=mode, parents=parents) as file:
        file.write(data.encode() if isinstance(data, str) else data)
