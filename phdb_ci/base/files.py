"""Look through, remove and write into trees that a job has made: of any depth, with any names, links never followed.

Python's own walk and rmtree recurse (until 3.12), and a job can nest folders deeper than that carries.
"""

import errno
import io
import os
import stat
import subprocess
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path

from phdb_ci.errors import DiskError


def walk(top: Path, *, without: Container[str] = frozenset({".git"})) -> Iterator[tuple[str, list[str]]]:
    """Each folder below `top` with the names of what in it is no folder; folders named in `without` are left out.

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
        subprocess.run(
            [*command, os.fspath(path)], check=False, capture_output=True, stdin=subprocess.DEVNULL
        )


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file to read. Raises OSError for anything else; a pipe in its place does not block."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(fd, "rb")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing. Raises DiskError when it cannot be written.

    It stands in a checkout: under a name that a commit could know, a link might wait for us.
    """
    try:
        fd, part = tempfile.mkstemp(prefix=".phdb-ci-", dir=path.absolute().parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror or error}") from error
