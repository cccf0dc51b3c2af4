"""Look through, and remove, trees that a job has made: of any depth, with any names, links never followed.

Python's own walk and rmtree recurse (until 3.12), and a job can nest folders deeper than that carries.
"""

import os
import subprocess
from collections.abc import Container, Iterator
from pathlib import Path


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
