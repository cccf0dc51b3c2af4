"""Read a git index file (versions 2 to 4): paths, ids, and the stat data that git noted for each file. Pure.

The index of a checkout is its snapshot: git fills it with size, times and inode of every file that it places,
so nothing of our own has to be recorded, and asking whether a tree is untouched needs no git process.
"""

import hashlib
import os
import stat
import struct
from typing import NamedTuple

_HEAD = struct.Struct(">4sII")
_ENTRY = struct.Struct(">10I20sH")
_ASSUME_UNCHANGED, _EXTENDED = 0x8000, 0x4000
_SKIP_WORKTREE = 0x4000
LINK, _GITLINK = 0o120000, 0o160000
_PREFIXED = 4  # the version that leaves out what a path shares with the one before


class Entry(NamedTuple):
    """One tracked path, and what its file looked like when git last wrote or checked it.

    Attributes:
        assumed, skipped: git was told not to look at the file ("assume unchanged", "skip worktree").
        offset: where the entry starts in the index.
    """

    path: str
    mode: int
    oid: bytes
    size: int
    mtime: int
    ctime: int
    inode: int
    offset: int
    assumed: bool
    skipped: bool

    @property
    def submodule(self) -> bool:
        """Whether the entry is another repository's commit."""
        return self.mode == _GITLINK

    def same(self, now: os.stat_result) -> bool:
        """Whether a file with this lstat is the one that git noted."""
        return (
            self.mtime == now.st_mtime_ns
            and self.ctime == now.st_ctime_ns
            and self.size == now.st_size & 0xFFFFFFFF
            and self.inode == now.st_ino & 0xFFFFFFFF
            and self.mode == git_mode(now.st_mode)
        )


def git_mode(mode: int) -> int:
    """The mode under which git would record a file; of its permissions only the owner's x-bit counts."""
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    return LINK if stat.S_ISLNK(mode) else 0


def parse(data: bytes) -> tuple[list[Entry], int]:
    """Every entry of an index file in its order, and where the entries end.

    Raises:
        ValueError: this is not an index that we can read.
    """
    if len(data) < _HEAD.size or data[:4] != b"DIRC":
        raise ValueError("not an index file")
    try:
        return _parse(data)
    except (struct.error, IndexError) as error:
        raise ValueError("the index file is cut short") from error


def _parse(data: bytes) -> tuple[list[Entry], int]:
    _, version, count = _HEAD.unpack_from(data)
    found, at, path = [], _HEAD.size, b""
    for _ in range(count):
        facts = _ENTRY.unpack_from(data, at)
        flags, start = facts[11], at + _ENTRY.size
        extended = 0
        if flags & _EXTENDED:
            extended, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        kept, start = _shared(data, start, len(path)) if version == _PREFIXED else (0, start)
        end = data.index(0, start)
        path = path[:kept] + data[start:end]
        ctime, mtime = facts[0] * 10**9 + facts[1], facts[2] * 10**9 + facts[3]
        marks = bool(flags & _ASSUME_UNCHANGED), bool(extended & _SKIP_WORKTREE)
        found.append(
            Entry(os.fsdecode(path), facts[6], facts[10], facts[9], mtime, ctime, facts[5], at, *marks)
        )
        at = end + 1 if version == _PREFIXED else at + (end - at + 8) // 8 * 8
    return found, at


def _shared(data: bytes, at: int, length: int) -> tuple[int, int]:
    # Version 4 writes a path as "drop n bytes of the one before, then add": n is a variable-length number.
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | data[at] & 0x7F
    return length - value, at + 1


def root_tree(data: bytes) -> str | None:
    """The id of the tree that the whole index stands for, where git noted it and it still holds."""
    _, at = parse(data)
    while at < len(data) - 28:  # the checksum, and one extension's own header
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if name == b"TREE":
            header, _, rest = data[at + 8 : at + 8 + length].partition(b"\n")
            return None if b"-" in header else rest[:20].hex()
        at += 8 + length
    return None


def shown(data: bytes, those: set[str]) -> bytes:
    """`data` with the marks "assume unchanged" and "skip worktree" taken off these paths."""
    raw = bytearray(data)
    for entry in parse(data)[0]:
        if entry.path in those:
            at = entry.offset + _ENTRY.size - 2
            flags = struct.unpack_from(">H", raw, at)[0] & ~_ASSUME_UNCHANGED
            struct.pack_into(">H", raw, at, flags)
            if flags & _EXTENDED:
                extended = struct.unpack_from(">H", raw, at + 2)[0] & ~_SKIP_WORKTREE
                struct.pack_into(">H", raw, at + 2, extended)
    raw[-20:] = hashlib.sha1(raw[:-20], usedforsecurity=False).digest()
    return bytes(raw)
