"""The archive of an artifact → the bytes of one file in it. Pure; everything about the archive is hostile.

Nothing is written anywhere, so that no path in it could lead anywhere; a path that tries is refused all the same.
"""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from phdb_ci.errors import ResultsError

NAME = "verdict.json"
LIMIT = 64 * 1024 * 1024
MOST_ENTRIES, LONGEST_DIRECTORY = 64, 64 * 1024
_END = struct.Struct("<4s4H2LH")  # the record that ends an archive: its counts, its directory's size and place
_ENCRYPTED = 0x1 | 0x40 | 0x2000


def file_in(archive: bytes, *, name: str = NAME, limit: int = LIMIT) -> bytes:
    """The one file of this name at the top of the archive. Raises ResultsError for any archive that is not plain."""
    _check_end(archive)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return _inflate(opened, _entry(opened.infolist(), name), limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise _refused(f"cannot be unpacked: {type(error).__name__}") from error


def _check_end(archive: bytes) -> None:
    """The directory's size, before anything reads it: half a million empty entries are an attack as well."""
    if len(archive) < _END.size:
        raise _refused("is no zip archive")
    sign, _, _, here, total, size, _, comment = _END.unpack(archive[-_END.size :])
    if sign != b"PK\x05\x06" or comment:
        raise _refused("is no plain zip archive")
    if max(here, total) > MOST_ENTRIES or size > LONGEST_DIRECTORY:
        raise _refused(f"holds more than {MOST_ENTRIES} files")
    if archive[-_END.size - 20 :].startswith(b"PK\x06\x07"):  # a second, larger end that would count instead
        raise _refused("is no plain zip archive")


def _entry(entries: list[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    if len(entries) > MOST_ENTRIES:
        raise _refused(f"holds more than {MOST_ENTRIES} files")
    for entry in entries:
        _check(entry)
    named = [entry for entry in entries if entry.filename == name]
    if len(named) != 1:
        raise _refused(f"holds {len(named) or 'no'} {name}")
    return named[0]


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused("holds a link or another file that is none")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or set("\\\0:") & set(name):
        raise _refused("holds a path that leads out of it")
    if entry.flag_bits & _ENCRYPTED:
        raise _refused("is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused("is packed in a way that GitHub does not use")


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """What the entry really holds, no more of it than the limit: the size in its header is only a claim."""
    if entry.file_size <= limit:
        with archive.open(entry) as file:
            data = file.read(limit + 1)
        if len(data) <= limit:
            return data
    raise _refused(f"holds a {entry.filename} of more than {limit} bytes")


def _refused(fault: str) -> ResultsError:
    return ResultsError(f"the artifact {fault}")
