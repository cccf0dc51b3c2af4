"""The documents that a job must write: put earlier ones away, find what the job wrote; a manifest is read here too.

It is hostile text. What it says is gathered here as facts; that a fact is a fault is evidence.py's to say. Documents of
figures are read by figures.py.
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


def put_away(pattern: str, checkouts: Iterable[Path]) -> None:
    """Delete what matches before the job runs: what matches afterwards was written by the job."""
    for _, path in _matching(pattern, checkouts):
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Found:
    """The one document that a job has written: how it is called, where it is, its text."""

    shown: str
    path: Path
    text: bytes


def find(pattern: str, checkouts: Iterable[Path]) -> Found | str:
    """The document, or why there is none to judge."""
    found = _matching(pattern, checkouts)
    if not found:
        return f"the job wrote no {pattern}"
    if len(found) > 1:
        return f"the job wrote {len(found)} files that match {pattern}"
    shown, path = found[0]
    try:
        with open_regular(path) as file:
            text = file.read(LIMIT + 1)
    except OSError:
        return f"{shown} is a link or no regular file"
    if len(text) > LIMIT:
        return f"{shown} is larger than {LIMIT} bytes"
    return Found(shown, path, text)


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
        problems += [f"{shown} holds a number that was not measured here: {place}" for place in _numbers(document)[:5]]
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


def _matching(pattern: str, checkouts: Iterable[Path]) -> list[tuple[str, Path]]:
    """Every file below the checkouts that the pattern names, as `repo/path` and path."""
    patterns = {pattern, pattern.removeprefix("**/")}
    found = []
    for top in checkouts:
        for folder, names in walk(top):
            for name in names:
                inside = f"{folder}/{name}"[len(str(top)) + 1 :]
                if any(fnmatch.fnmatchcase(inside, one) for one in patterns):
                    shown = os.fsencode(f"{top.name}/{inside}").decode(errors="replace")
                    found.append((shown, Path(folder, name)))
    return sorted(found)
