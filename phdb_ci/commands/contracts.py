"""`phdb-ci contracts diff OLD NEW`: what two sets of commits answer, compared field by field.

OLD and NEW are records of shapes, or directories that hold one: a run of phdb-ci, a leg of it. A field that was
removed, renamed or retyped without a higher protocol version is exit 1, and is named.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.contracts.shapes import FILE
from phdb_ci.errors import Exit, ResultsError
from phdb_ci.files import walk

if TYPE_CHECKING:
    from phdb_ci.contracts.diff import Shapes, Verdict

LIMIT = 8 * 1024 * 1024  # bytes of a record; ours has some ten kilobytes


def main(arguments: argparse.Namespace) -> int:
    """Compare and tell; 0 when readers of the old answers can read the new ones or were warned, else 1."""
    from phdb_ci.contracts.diff import compare

    verdicts = compare(read_shapes(arguments.old), read_shapes(arguments.new))
    broken = [verdict for verdict in verdicts if verdict.broken]
    if arguments.json:
        document = {
            "broken": [one.contract for one in broken],
            "contracts": [one.model_dump() for one in verdicts],
        }
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(lines(verdicts)))
    return Exit.FAIL if broken else Exit.PASS


def lines(verdicts: "Iterable[Verdict]") -> list[str]:
    """The comparison for people: a line per contract that differs, its fields below it, the verdict last."""
    told, broken, same = [], 0, 0
    for verdict in verdicts:
        broken += verdict.broken
        if not (verdict.changes or verdict.broken):
            same += 1
            continue
        versions = f"{_version(verdict.old_version)} → {_version(verdict.new_version)}"
        told.append(
            f"{'BROKEN' if verdict.broken else 'ok':6} {verdict.contract} (protocol version {versions})"
        )
        told += [f"         {change.text}" for change in verdict.changes]
        told += [f"       ✗ {verdict.reason}"] if verdict.broken else []
    told.append(f"{same} contracts are the same" if same != 1 else "1 contract is the same")
    if broken:
        told.append(f"{broken} broken: give a higher major protocol version, or bring the fields back")
    return told


def read_shapes(place: Path) -> "Shapes":
    """The record at place, a file or a directory that holds one.

    Raises ResultsError when there is none, more than one that differ, or one that is no record of this version.
    """
    from phdb_ci.contracts.diff import Shapes

    path = _find(place)
    try:
        return Shapes.model_validate(json.loads(_read(path)))
    except (OSError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0]
        raise ResultsError(
            f"{path}: not a record of shapes: {told}",
            tries=[f"python -m phdb_ci.contracts run … --record {FILE}"],
        ) from error


def _find(place: Path) -> Path:
    if not place.is_dir():
        if not place.exists():
            raise ResultsError(f"{place}: there is no such file or directory")
        return place
    named = (Path(folder, name) for folder, names in walk(place) for name in names if name == FILE)
    found = sorted(path for path in named if path.is_file() and not path.is_symlink())
    if not found:
        raise ResultsError(
            f"{place}: holds no {FILE}",
            tries=["phdb-ci run contracts --out DIR", "name the record's own file"],
        )
    if len({_read(path) for path in found}) > 1:
        raise ResultsError(f"{place}: holds {len(found)} records that differ", tries=map(str, found[:5]))
    return found[0]


def _read(path: Path) -> bytes:
    if path.stat().st_size > LIMIT:
        raise ResultsError(f"{path}: larger than {LIMIT} bytes")
    return path.read_bytes()


def _version(version: str | int | None) -> str:
    return "none" if version is None else str(version)
