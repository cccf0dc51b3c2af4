"""A report's bytes, made fit for an XML parser: bounded, no raw control characters, UTF-16 made UTF-8."""

import codecs
import stat
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 2 * 1024**3
CHUNK = 64 * 1024

# What XML 1.0 cannot hold. One of them voids a whole file, and node writes them raw. In UTF-8 and in every
# single-byte encoding these bytes stand for nothing else.
_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20)])
_CONTROL_CHARS = dict.fromkeys(_CONTROLS)
_UTF_16 = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}


class Refused(Exception):  # noqa: N818 - an answer about a file, caught in this package, not a fault
    """Why a report cannot be believed, as a sentence about the file."""


def check_file(path: Path) -> None:
    """See that there is a file worth reading.

    Raises:
        Refused: it is missing, no regular file, empty or too large.
    """
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
    if facts.st_size > MAX_BYTES:
        raise Refused(f"is larger than {MAX_BYTES // 1024**3} GiB")


class Source:
    """A file in chunks.

    Attributes:
        controls: how many control characters were taken out so far.
        fed: how many bytes were handed on so far.
        encoding: what the parser must be told instead of what the document says, or None.
        hunger: how much to read next; the reader raises it while one token goes on over several chunks.
    """

    def __init__(self, path: Path) -> None:
        self.controls = 0
        self.fed = 0
        self.hunger = CHUNK
        self._path = path
        with path.open("rb") as file:
            self._utf_16 = _UTF_16.get(file.read(2))
        self.encoding = "utf-8" if self._utf_16 else None

    def chunks(self) -> Iterator[bytes]:
        """The file from its start to its end.

        Raises:
            Refused: it grew past the bound while it was read, or its UTF-16 is broken.
        """
        decoder = codecs.getincrementaldecoder(self._utf_16)() if self._utf_16 else None
        taken = 0
        with self._path.open("rb", buffering=0) as file:
            while raw := file.read(self.hunger):
                taken += len(raw)
                if taken > MAX_BYTES:
                    raise Refused(f"is larger than {MAX_BYTES // 1024**3} GiB")
                yield self._count(
                    self._clean(raw) if decoder is None else self._recode(decoder, raw, final=False)
                )
        if decoder is not None:
            yield self._count(self._recode(decoder, b"", final=True))

    def _count(self, chunk: bytes) -> bytes:
        self.fed += len(chunk)
        return chunk

    def _clean(self, raw: bytes) -> bytes:
        chunk = raw.translate(None, _CONTROLS)
        self.controls += len(raw) - len(chunk)
        return chunk

    def _recode(self, decoder: codecs.IncrementalDecoder, raw: bytes, *, final: bool) -> bytes:
        try:
            text = decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            raise Refused(f"is not UTF-16 throughout ({error.reason})") from error
        clean = text.translate(_CONTROL_CHARS)
        self.controls += len(text) - len(clean)
        return clean.encode()
