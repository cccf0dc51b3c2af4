"""A report's bytes made fit for an XML parser, and the lines of a job's log that hold a sign; both bounded."""

import codecs
import re
import stat
from collections.abc import Iterator, Sequence
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
_UTF_16 = {
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be",
}  # fmt: skip


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


class XmlBytes:
    """A report in chunks, as UTF-8 where it is UTF-16, without control characters.

    Attributes:
        controls: how many control characters were removed so far.
        fed: how many bytes were handed on so far.
        encoding: what the parser must believe instead of what the document says, or None.
        hunger: how much to read next; the reader raises it while one token goes on over several chunks.
    """

    def __init__(self, path: Path) -> None:
        self.controls = self.fed = 0
        self.hunger = CHUNK
        self._path = path
        with path.open("rb") as file:
            self._utf_16 = _UTF_16.get(file.read(2))
        self.encoding = "utf-8" if self._utf_16 else None

    def chunks(self) -> Iterator[bytes]:
        """The file from its start to its end. Raises Refused: it grew past the bound, or its UTF-16 is broken."""
        decoder = codecs.getincrementaldecoder(self._utf_16)() if self._utf_16 else None
        size = 0
        with self._path.open("rb", buffering=0) as file:
            while raw := file.read(self.hunger):
                size += len(raw)
                _check_size(size)
                yield self._clean(_recoded(decoder, raw) if decoder else raw)
        if decoder:
            _recoded(decoder, b"", final=True)

    def _clean(self, raw: bytes) -> bytes:
        chunk = raw.translate(None, _CONTROLS)
        self.controls += len(raw) - len(chunk)
        self.fed += len(chunk)
        return chunk


def _recoded(decoder: codecs.IncrementalDecoder, raw: bytes, *, final: bool = False) -> bytes:
    try:
        return decoder.decode(raw, final).encode()
    except UnicodeDecodeError as error:
        raise Refused(f"is not UTF-16 throughout ({error.reason})") from error


def lines_with(log: Path, start: int, signs: Sequence[re.Pattern[bytes]]) -> Iterator[str]:
    """The lines that hold a sign, cleaned, as far as MAX_LINE; a lone carriage return ends a line too.

    The log is scanned in blocks, and only a block that holds a sign is read line by line. A sign is best a literal or
    begins with one: several of those are found many times faster than an alternation of them.

    Args:
        log: the job's log.
        start: the byte at which the run commands' output begins; what the set-up printed is before it.
        signs: one of them must be in a line.

    Raises:
        Refused: the output is too large to be looked through.
        OSError: it cannot be read.
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
