"""A report's bytes made fit for an XML parser, and the lines of a job's log that hold a sign; both bounded."""

import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from phdb_ci.base.text import plain

MAX_BYTES = 2 * 1024**3
CHUNK = 64 * 1024
MAX_LOG = 256 * 1024 * 1024  # bytes of a log; a command's output is cut long before
BLOCK = 1024 * 1024
MAX_LINE = 8 * 1024  # bytes of a line that are looked at

# What XML 1.0 cannot hold. One of them voids a whole file, and node writes them raw. In UTF-8 and in every
# single-byte encoding these bytes stand for nothing else.
_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20)])
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # its first two bytes; expat reads it by itself


class Refused(Exception):  # noqa: N818 - an answer about a file, caught in this package, not a fault
    """Why a report cannot be believed, as a sentence about the file."""


def check_file(path: Path) -> None:
    """See that there is a file worth reading. Raises Refused: it is missing, no regular file, empty or too large."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Refused("was not written") from None
    except (OSError, ValueError) as error:
        raise Refused(f"cannot be read: {error}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise Refused("is not a regular file")
    if facts.st_size == 0:
        raise Refused("is empty")
    _check_size(facts.st_size)


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise Refused(f"is larger than {MAX_BYTES // 1024**3} GiB")


def xml_chunks(path: Path, hunger: Callable[[], int]) -> Iterator[tuple[bytes, int]]:
    """A report from its start to its end, with how many control characters were taken out of each chunk.

    `hunger` says how much to read next. UTF-16 stays as it is. Raises Refused: the file grew past the bound.
    """
    size = 0
    with path.open("rb", buffering=0) as file:
        controls = b"" if file.read(2) in _UTF_16 else _CONTROLS
        file.seek(0)
        while raw := file.read(hunger()):
            size += len(raw)
            _check_size(size)
            chunk = raw.translate(None, controls)
            yield chunk, len(raw) - len(chunk)


def lines_with(log: Path, start: int, signs: Sequence[re.Pattern[bytes]]) -> Iterator[str]:
    """The lines that hold a sign, cleaned, as far as MAX_LINE; a lone carriage return ends a line too.

    The log is scanned in blocks, and only a block that holds a sign is read line by line. A sign is best a literal or
    begins with one: several of those are found many times faster than an alternation of them.

    `start` is the byte at which the run commands' output begins. Raises Refused: the output is too large; OSError: it
    cannot be read.
    """
    fresh = True
    with log.open("rb") as file:
        if log.stat().st_size - start > MAX_LOG:
            raise Refused(f"is larger than {MAX_LOG // 1024**2} MiB")
        file.seek(start)
        while block := file.read(BLOCK):
            block += file.readline(BLOCK)
            if any(sign.search(block) for sign in signs):
                lines = block.splitlines()
                for raw in lines if fresh else lines[1:]:
                    line = raw[:MAX_LINE]
                    if any(sign.search(line) for sign in signs):
                        yield plain(line.decode("utf-8", "replace")).rstrip()
            fresh = block.endswith(b"\n")
