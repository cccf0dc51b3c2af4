"""The JSON documents that a job must write: note what is there before, find what the job wrote, read it.

It is hostile text. What it says is gathered here as facts; that a fact is against the job is judging's to say.
"""

import fnmatch
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from phdb_ci.base.files import open_regular, walk
from phdb_ci.base.strict_json import NotStrictError, parse
from phdb_ci.models.base import first_problem
from phdb_ci.models.figures import FiguresDocument
from phdb_ci.models.matrix import Figures, Manifest
from phdb_ci.models.results import FiguresFact, ManifestFact

LIMIT = 8 * 1024 * 1024  # bytes; a document is a page or two
DEPTH = 50
LONGEST = 200  # characters of a key or a word that are looked at
SHOWN = 5  # numbers of one manifest
# A key that names something measured, whatever it is called, but for what is set beforehand.
_WORDS = r"p\d+|[munµ]s|msec|latency|throughput|qps|tps|rps|speedup|ops|ratio|mean|median|avg|stddev"
MEASURED_KEY = re.compile(rf"(?:.*[_-])?(?:{_WORDS})(?:[_-].*)?", re.IGNORECASE)
SET_KEY = re.compile(r".*(?:threshold|target|timeout|limit|budget).*", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # where a word begins in camelCase
MEASURED_STATUS = ("pass", "fail")


def digests(pattern: str, checkouts: Iterable[Path]) -> dict[str, str]:
    """The sha256 of every file that matches, by `repo/path`: what the job leaves as it was is not the job's."""
    return {shown: _digest(path) for shown, path in _matching(pattern, checkouts)}


def _digest(path: Path) -> str:
    """The sha256 of a file's first LIMIT bytes; empty for what is no regular file."""
    try:
        with open_regular(path) as file:
            return hashlib.sha256(file.read(LIMIT)).hexdigest()
    except OSError:
        return ""


class Written(NamedTuple):
    """The one document that a job has written: how it is called, where it is, its text."""

    shown: str
    path: Path
    text: bytes


def find(pattern: str, checkouts: Iterable[Path], before: Mapping[str, str]) -> Written | str:
    """The document that is not as it was `before` the job (`digests`), or why there is none to judge."""
    every = _matching(pattern, checkouts)
    files = [(shown, path) for shown, path in every if before.get(shown) != _digest(path)]
    if not files:
        stale = f": {every[0][0]} is as it was before the job" if every else ""
        return f"the job wrote no {pattern}{stale}"
    if len(files) > 1:
        return f"the job wrote {len(files)} files that match {pattern}"
    shown, path = files[0]
    try:
        with open_regular(path) as file:
            text = file.read(LIMIT + 1)
    except OSError:
        return f"{shown} is a link or no regular file"
    if len(text) > LIMIT:
        return f"{shown} is larger than {LIMIT} bytes"
    return Written(shown, path, text)


def read_manifest(text: bytes, shown: str, wanted: Manifest) -> ManifestFact:
    """The status and the problems of a manifest."""
    try:
        document = parse(text)
    except NotStrictError as error:
        return ManifestFact(file=shown, problems=(_not_json(shown, error),))
    status = document.get("status") if isinstance(document, dict) else None
    problems = []
    if status not in wanted.status:
        problems.append(f"{shown} has status {str(status)[:40]!r}, expected {' or '.join(wanted.status)}")
    if not wanted.numbers:
        numbers = _numbers(document)[:SHOWN]
        problems += [f"{shown} holds a number that was not measured here: {place}" for place in numbers]
    return ManifestFact(file=shown, status=str(status)[:40], problems=tuple(problems))


def read_figures(text: bytes, shown: str, wanted: Figures) -> FiguresFact:
    """The figures and notes, or why it is no document of figures. That one is missing or too high is not said here."""
    from pydantic import ValidationError

    fact = FiguresFact(file=shown, unit=wanted.unit, threshold=wanted.threshold)
    try:
        parse(text)
        document = FiguresDocument.model_validate_json(text, strict=True)
    except NotStrictError as error:
        return fact.model_copy(update={"problems": (_not_json(shown, error),)})
    except ValidationError as error:
        return fact.model_copy(update={"problems": (f"{shown}: {first_problem(error)}",)})
    return fact.model_copy(update={"figures": document.figures, "notes": document.notes})


def _not_json(shown: str, error: NotStrictError) -> str:
    return f"{shown} is not JSON" + (f": {error}" if str(error) else "")


def _numbers(node: object, where: str = "", depth: int = 0) -> list[str]:
    """Where something measured stands; anything but null counts, so that "1.0" is no way round."""
    if depth > DEPTH:
        return [f"{where} (nested too deep)"]
    places = []
    if isinstance(node, dict):
        for key, value in node.items():
            place = f"{where}.{str(key)[:40]}".lstrip(".")
            if _measured(key, value):
                places.append(place)
            elif depth and key == "status" and value in MEASURED_STATUS:
                places.append(f"{place} is {value!r}")
            else:
                places += _numbers(value, place, depth + 1)
    elif isinstance(node, list):
        key = where.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]
        for index, value in enumerate(node):
            place = f"{where}[{index}]"
            places += [place] if _measured(key, value) else _numbers(value, place, depth + 1)
    return places


def _measured(key: str, value: object) -> bool:
    if isinstance(value, dict | list | None):
        return False
    key = "".join(filter(str.isprintable, unicodedata.normalize("NFKC", key[:LONGEST])))
    return MEASURED_KEY.fullmatch(_HUMP.sub("_", key)) is not None and SET_KEY.fullmatch(key) is None


def _matching(pattern: str, checkouts: Iterable[Path]) -> list[tuple[str, Path]]:
    """Every file below the checkouts that the pattern names, as `repo/path` and path."""
    patterns = {pattern, pattern.removeprefix("**/")}
    files = []
    for top in checkouts:
        for folder, names in walk(top):
            for name in names:
                inside = f"{folder}/{name}"[len(str(top)) + 1 :]
                if any(fnmatch.fnmatchcase(inside, glob) for glob in patterns):
                    shown = os.fsencode(f"{top.name}/{inside}").decode(errors="replace")
                    files.append((shown, Path(folder, name)))
    return sorted(files)
