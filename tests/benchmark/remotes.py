"""Bare repositories to check out from: the four of the stand-in stack, and as many small ones as asked for.

Each has the file that pre-commit wants to see in a repository, so that all check out the same trees.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.programs import clean_env, output

HOOKS = b"- id: nothing\n  name: nothing\n  entry: nothing\n  language: fail\n"
WHO = "benchmark <benchmark@localhost> 946684800 +0000"


@dataclass(frozen=True)
class Remote:
    """A bare repository and the commit in it that is wanted; it is everybody's mirror."""

    name: str
    path: Path
    commit: str


def of_stack(stack: Path, root: Path) -> list[Remote]:
    """The repositories of the stand-in stack."""
    trees = sorted(path for path in stack.iterdir() if path.is_dir())
    return [_make(root, tree.name, _files(tree)) for tree in trees]


def small(count: int, root: Path) -> list[Remote]:
    """`count` repositories of twenty files each."""
    return [_make(root, f"repo-{number:03}", _generated(number)) for number in range(count)]


def _files(tree: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for path in sorted(tree.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            mode = "100755" if path.stat().st_mode & 0o100 else "100644"
            found[path.relative_to(tree).as_posix()] = (mode, path.read_bytes())
    return found


def _generated(number: int) -> dict[str, tuple[str, bytes]]:
    return {
        f"folder{file % 4}/file{file}.txt": ("100644", f"repository {number}, file {file}\n".encode() * 40)
        for file in range(19)
    }


def _make(root: Path, name: str, files: Mapping[str, tuple[str, bytes]]) -> Remote:
    path = root / f"{name}.git"
    skeleton = root / ".skeleton"
    if not skeleton.exists():
        output(["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(skeleton)])
    shutil.copytree(skeleton, path)
    stream = _stream({**files, ".pre-commit-hooks.yaml": ("100644", HOOKS)})
    command = ["git", "-C", str(path), "fast-import", "--quiet"]
    subprocess.run(command, input=stream, check=True, capture_output=True, env=clean_env())
    return Remote(name, path, output(["git", "-C", str(path), "rev-parse", "main"]).strip())


def _stream(files: Mapping[str, tuple[str, bytes]]) -> bytes:
    """What `git fast-import` reads: one commit with these files."""
    parts = [f"commit refs/heads/main\ncommitter {WHO}\ndata 1\nx\n".encode()]
    for name, (mode, content) in files.items():
        parts.append(f"M {mode} inline {name}\ndata {len(content)}\n".encode() + content + b"\n")
    return b"".join(parts)
