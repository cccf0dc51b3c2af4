"""The manifest that a job must write: put an earlier one away, find what the job wrote, and read it as hostile text.

What it says is gathered here as facts; that a fact is a fault is evidence.py's to say. The figures of a manifest are
metrics.py's.
"""

import fnmatch
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.files import open_regular, walk
from phdb_ci.base.strict_json import NotStrictError, parse
from phdb_ci.models.matrix import Manifest
from phdb_ci.models.results import ManifestFact

LIMIT = 8 * 1024 * 1024  # bytes; a manifest is a page or two
DEPTH = 50
LONGEST = 200  # characters of a key or a word that are looked at
# A key that names something measured, whatever it is called, but for what is set beforehand.
_WORDS = r"p\d+|[munµ]s|msec|latency|throughput|qps|tps|rps|speedup|ops|ratio|mean|median|avg|stddev"
MEASURED_KEY = re.compile(rf"(?:.*[_-])?(?:{_WORDS})(?:[_-].*)?", re.IGNORECASE)
SET_KEY = re.compile(r".*(?:threshold|target|timeout|limit|budget).*", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # where a word begins in camelCase
MEASURED_STATUS = ("pass", "fail")


def put_away(wanted: Manifest, checkouts: Iterable[Path]) -> None:
    """Delete what matches before the job runs: what matches afterwards was written by the job."""
    for _, path in _matching(wanted, checkouts):
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Found:
    """The one manifest that a job has written: how it is called, where it is, its text, when it was written."""

    shown: str
    path: Path
    text: bytes
    written: float


def read(wanted: Manifest, checkouts: Iterable[Path]) -> tuple[ManifestFact, Path | None]:
    """What the manifest says that the job has written, and where it is."""
    found = find(wanted, checkouts)
    if isinstance(found, ManifestFact):
        return found, None
    return judge(found.text, found.shown, wanted), found.path


def find(wanted: Manifest, checkouts: Iterable[Path]) -> Found | ManifestFact:
    """The manifest, or the fact that says why there is none to judge."""
    found = _matching(wanted, checkouts)
    if not found:
        return ManifestFact(absent=f"the job wrote no {wanted.file}")
    if len(found) > 1:
        return ManifestFact(absent=f"the job wrote {len(found)} files that match {wanted.file}")
    shown, path = found[0]
    try:
        with open_regular(path) as file:
            text, written = file.read(LIMIT + 1), os.fstat(file.fileno()).st_mtime
    except OSError:
        return ManifestFact(file=shown, absent=f"{shown} is a link or no regular file")
    if len(text) > LIMIT:
        return ManifestFact(file=shown, absent=f"{shown} is too large to be a manifest")
    return Found(shown, path, text, written)


def judge(text: bytes, shown: str, wanted: Manifest) -> ManifestFact:
    """The status and the problems of a manifest's text."""
    try:
        document = parse(text)
    except NotStrictError as error:
        told = f": {error}" if str(error) else ""
        return ManifestFact(file=shown, problems=(f"{shown} is not JSON{told}",))
    status = document.get("status") if isinstance(document, dict) else None
    problems = []
    if status not in wanted.status:
        problems.append(f"{shown} has status {str(status)[:40]!r}, expected {' or '.join(wanted.status)}")
    if not wanted.numbers:
        problems += [
            f"{shown} holds a number that was not measured here: {place}" for place in _numbers(document)[:5]
        ]
    return ManifestFact(file=shown, status=str(status)[:40], problems=tuple(problems))


def _numbers(node: object, where: str = "", depth: int = 0) -> list[str]:
    """Where something measured stands; anything but null counts, so that "1.0" is no way round."""
    if depth > DEPTH:
        return [f"{where} (nested too deep)"]
    found = []
    if isinstance(node, dict):
        for key, value in node.items():
            place = f"{where}.{str(key)[:40]}".lstrip(".")
            if _measured(key) and not isinstance(value, dict | list | None):
                found.append(place)
            elif depth and key == "status" and value in MEASURED_STATUS:
                found.append(f"{place} is {value!r}")
            else:
                found += _numbers(value, place, depth + 1)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            place = f"{where}[{index}]"
            bare = _measured(where.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]) and not isinstance(
                value, dict | list | None
            )
            found += [place] if bare else _numbers(value, place, depth + 1)
    return found


def _measured(key: str) -> bool:
    key = key[:LONGEST]
    return MEASURED_KEY.fullmatch(_HUMP.sub("_", key)) is not None and SET_KEY.fullmatch(key) is None


def _matching(wanted: Manifest, checkouts: Iterable[Path]) -> list[tuple[str, Path]]:
    """Every file below the checkouts that the pattern names, as `repo/path` and path."""
    patterns = {wanted.file, wanted.file.removeprefix("**/")}
    found = []
    for top in checkouts:
        for folder, names in walk(top):
            for name in names:
                inside = f"{folder}/{name}"[len(str(top)) + 1 :]
                if any(fnmatch.fnmatchcase(inside, pattern) for pattern in patterns):
                    shown = os.fsencode(f"{top.name}/{inside}").decode(errors="replace")
                    found.append((shown, Path(folder, name)))
    return sorted(found)
