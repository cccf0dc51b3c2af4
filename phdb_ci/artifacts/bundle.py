"""An artifact as one file: a tar of its outputs and its manifest, for the way from one machine to another.

A zip, in which GitHub hands artifacts on, loses the mode bits. What comes back is hostile until its manifest was
checked: regular files alone, safe names, each once, within bounds; nothing is extracted by tarfile itself.
"""

import shutil
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from phdb_ci.artifacts.store import MANIFEST, file_digest, load
from phdb_ci.base.files import open_regular, whole_file
from phdb_ci.errors import ArtifactError
from phdb_ci.models.inventory import Stored

SUFFIX = ".tar"
LARGEST = 1 << 30  # bytes of all files together
MOST = 1000
ROOM = 4096  # bytes beside each file's own: headers and padding
# What tarfile raises on a file that was made to break it, beside its own errors.
BROKEN = (
    tarfile.TarError, OSError, EOFError, ValueError, OverflowError, LookupError, TypeError, RecursionError,
)  # fmt: skip


def is_bundle(file: Path) -> bool:
    """Whether a file that was handed in is meant as a bundle."""
    return file.suffix == SUFFIX and not file.is_dir()


def pack(stored: Stored, file: Path) -> None:
    """Write an artifact as a bundle. The same artifact gives the same bytes, whoever packs it and when."""
    with whole_file(file) as writing, tarfile.open(fileobj=writing, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in (MANIFEST, *sorted(stored.digests)):
            member = tarfile.TarInfo(name)
            member.mode = 0o644 if name == MANIFEST else 0o755
            with open_regular(stored.path / name) as reading:
                member.size = (stored.path / name).stat().st_size
                tar.addfile(member, reading)


def unpack(file: Path, folder: Path) -> Path:
    """Unpack a bundle below folder, by its digest; returns the artifact's own folder, sound and checked.

    One that was unpacked before is taken as it is, unless it was damaged since. Raises ArtifactError for anything that
    is no bundle.
    """
    try:
        if file.stat().st_size > LARGEST + MOST * ROOM:
            raise ArtifactError(f"{file} is larger than an artifact bundle can be")
        place = folder / file_digest(file)[:32]
        if _sound(place):
            return place
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read: {error.strerror}") from error
    try:
        _extract(file, temporary)
        load(temporary)
        if not _sound(place):
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):  # somebody else was quicker: what is there is checked now
                temporary.rename(place)
        load(place)
    except BROKEN as error:
        raise ArtifactError(f"{file} is no artifact bundle: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def _sound(place: Path) -> bool:
    try:
        load(place)
    except ArtifactError:
        return False
    return True


def _extract(file: Path, target: Path) -> None:
    total = 0
    paths: set[Path] = set()
    with tarfile.open(file, "r:") as tar:
        for member in tar:
            path = Path(member.name)
            plain = member.isreg() and member.size >= 0 and not path.is_absolute() and path.parts
            if not plain or ".." in path.parts:
                raise ArtifactError(f"{file} holds {member.name[:100]!r}, which is no plain file below it")
            total += member.size
            if path in paths or len(paths) >= MOST or total > LARGEST:
                raise ArtifactError(f"{file} holds a file twice, too many files, or more than {LARGEST >> 20} MiB")
            paths.add(path)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            reading = tar.extractfile(member)
            assert reading is not None  # noqa: S101 - a regular file has content
            with reading, (target / path).open("xb") as writing:
                shutil.copyfileobj(reading, writing)
            (target / path).chmod(0o755)
