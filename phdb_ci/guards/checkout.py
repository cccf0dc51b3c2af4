"""A checkout as the guards see it: its text files, read once, within bounds. The only module that touches the disk.

Not read: `.git`, installed packages and what builds leave; binary files (databases of sqlite are told by their first
bytes); links that lead out of the checkout; what is over 4 MiB or cannot be opened. Of the last two, data is noted,
while code, build files, settings and pages (`kinds.must_be_read`) are findings: what they hold cannot be told. A NUL
makes none of those binary: compilers read on, so they are read without it. Nothing that a repository holds can make it
hang, grow without bound or leave its folder.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from phdb_ci.base.files import walk
from phdb_ci.guards.kinds import must_be_read

MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 50_000
MAX_TOTAL = 512 * 1024 * 1024
QUOTE = 160
DATABASE = b"SQLite format 3\0"
SKIPPED = frozenset(
    {
        ".git", "node_modules", "build", "dist", ".venv", "venv", "__pycache__", ".mypy_cache", ".ruff_cache",
        ".pytest_cache", ".nox", ".tox", ".next", "target",
    }
)  # fmt: skip

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufe00-\ufe0f"
    "\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True)
class File:
    """A text file; `path` is relative to the checkout, with `/`."""

    repo: str
    path: str
    text: str = field(repr=False)

    @property
    def name(self) -> str:
        """Its last part, in small letters."""
        return self.path.rpartition("/")[2].lower()

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines; line n is `lines[n - 1]`."""
        return tuple(line.rstrip("\r") for line in self.text.split("\n"))

    def at(self, line: int, why: str) -> "Finding":
        """A finding on a line of this file."""
        inside = 1 <= line <= len(self.lines)
        return Finding(self.repo, self.path, line, why, quoted(self.lines[line - 1]) if inside else "")


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong, where, and the line that shows it. Without a path it is about the repo as a whole."""

    repo: str
    path: str
    line: int
    why: str
    quote: str = ""

    def __str__(self) -> str:
        """`repo/path:line: why: the line`, cleaned: paths and lines are a repository's text."""
        where = f"{self.repo}/{quoted(self.path)}:{self.line}" if self.path else self.repo
        return f"{where}: {quoted(self.why)}" + (f": {self.quote}" if self.quote else "")


def quoted(text: str) -> str:
    """A line as it may be shown: without what is not seen, spaces squeezed, cut."""
    head = _UNSEEN.sub(" ", text[: 8 * QUOTE])
    line = " ".join(head.split())
    return line if len(line) <= QUOTE else line[: QUOTE - 1] + "…"


class Checkout:
    """One repo's checkout. Files are read when first asked for."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.notes: list[str] = []
        self.too_much: str | None = None
        self.untold: list[Finding] = []
        self.databases: list[str] = []  # of sqlite, by their paths; known when the files have been read

    @cached_property
    def files(self) -> tuple[File, ...]:
        """Every text file, by path."""
        found, total = [], 0
        for path in self.paths:
            text = self._text(path)
            if text is None:
                continue
            total += len(text)
            if total > MAX_TOTAL:
                self.too_much = f"it has more than {MAX_TOTAL // 1024**2} MiB of text"
                break
            found.append(File(self.name, path, text))
        return tuple(found)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file by its path, the unread ones included."""
        found: list[str] = []
        for folder, names in walk(self.root, without=SKIPPED):
            base = Path(folder).relative_to(self.root)
            found += ((base / name).as_posix() for name in names)
            if len(found) > MAX_FILES:
                self.too_much = f"it has more than {MAX_FILES:,} files"
                break
        return tuple(sorted(found[:MAX_FILES]))

    def limits(self) -> Iterator[Finding]:
        """A checkout that was not read as a whole, or holds nothing, cannot be judged."""
        what = "the checkout holds no text file" if not self.files else self.too_much
        if what:
            yield Finding(self.name, "", 0, f"cannot tell: {what}")
        yield from self.untold

    def _text(self, path: str) -> str | None:
        full = self.root / path
        try:
            if full.is_dir() or not full.resolve().is_relative_to(self.root.resolve()):
                return None  # a link to a folder, or out of here
            descriptor = os.open(full, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                state = os.fstat(descriptor)
                if not stat.S_ISREG(state.st_mode):
                    return None
                data = file.read(MAX_BYTES + 1)
        except (OSError, RuntimeError) as error:
            # A link to nothing, or to itself, holds nothing.
            bare = full.is_symlink() and not isinstance(error, PermissionError)
            self._unread(path, f"could not be read ({type(error).__name__})", must=not bare)
            return None
        database = data.startswith(DATABASE)
        self.databases += [path] * database
        read_anyway = data.startswith(b"#!") or must_be_read(path)
        if database or (b"\0" in data[:8192] and not read_anyway):
            return None
        if len(data) > MAX_BYTES:
            self._unread(path, f"was not read: over {MAX_BYTES // 1024**2} MiB")
            return None
        return (data.replace(b"\0", b"") if read_anyway else data).decode("utf-8-sig", "replace")

    def _unread(self, path: str, why: str, *, must: bool = True) -> None:
        if must and must_be_read(path):
            self.untold.append(Finding(self.name, path, 1, f"cannot tell: it {why}"))
        else:
            self.notes.append(f"{self.name}/{quoted(path)} {why}")
