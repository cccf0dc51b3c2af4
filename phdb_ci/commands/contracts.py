"""`phdb-ci contracts diff OLD NEW`: what two sets of commits answer, compared field by field.

OLD and NEW are records of shapes, or directories that hold one: a run of phdb-ci, a leg of it. A field that was
removed, renamed or retyped without a higher protocol version is exit 1, and is named. A record without a contract, or
one that lacks some because its run has failed, is exit 2: nothing was compared.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.base.files import open_regular, walk
from phdb_ci.contracts.shapes import FILE
from phdb_ci.errors import Exit, ResultsError
from phdb_ci.models.results import LegResult
from phdb_ci.terminal import plain

if TYPE_CHECKING:
    from phdb_ci.contracts.diff import Comparison, Shapes

RESULT = "result.json"  # of a leg, in the folder above its reports
LIMIT = 8 * 1024 * 1024  # bytes of a record; ours has some ten kilobytes


@dataclass(frozen=True)
class Taken:
    """A record and what is known of the run that wrote it: its commits, by repository; empty when nothing is."""

    shapes: "Shapes"
    commits: dict[str, str]


def main(arguments: argparse.Namespace) -> int:
    """Compare and tell; 0 when readers of the old answers can read the new ones or were warned, else 1."""
    from phdb_ci.contracts.diff import compare

    old, new = take(arguments.old), take(arguments.new)
    _comparable(arguments.old, old.shapes, new.shapes)
    compared = compare(old.shapes, new.shapes)
    broken = [one for one in compared if one.broken]
    if arguments.json:
        document = {
            "broken": [one.contract for one in broken],
            "old": {"commits": old.commits, "failed": list(old.shapes.failed)},
            "new": {"commits": new.commits, "failed": list(new.shapes.failed)},
            "contracts": [one.model_dump() for one in compared],
        }
        print(json.dumps(document, indent=1))
    else:
        print("\n".join([_of("old", old), _of("new", new), *lines(compared)]))
    return Exit.FAIL if broken else Exit.PASS


def lines(compared: "Iterable[Comparison]") -> list[str]:
    """The comparison for people: a line per contract that differs, its fields below it, what to do last."""
    told, broken, same, alone = [], 0, 0, 0
    for one in compared:
        broken += one.broken
        alone += any(change.field == "$" and change.kind == "added" for change in one.changes)
        if not (one.changes or one.broken or one.old_version != one.new_version):
            same += 1
            continue
        versions = f"{_version(one.old_version)} → {_version(one.new_version)}"
        told.append(
            f"{'BROKEN' if one.broken else 'ok':6} {plain(one.contract)} (protocol version {versions})"
        )
        told += [f"         {plain(change.text)}" for change in one.changes]
        told += [f"       ✗ {plain(one.reason)}"] if one.broken else []
    told.append(f"{same} contracts are the same" if same != 1 else "1 contract is the same")
    if alone:
        told.append(f"{alone} not compared: the old record lacks {'it' if alone == 1 else 'them'}")
    if broken:
        told.append(f"{broken} broken: give a higher major protocol version, or bring the fields back")
    return told


def _comparable(place: Path, old: "Shapes", new: "Shapes") -> None:
    """Raises ResultsError where the old record lacks contracts because its run has failed: they would pass for new."""
    lacking = sorted(set(new.contracts) - set(old.contracts))
    if old.failed and lacking:
        raise ResultsError(
            f"{_shown(place)}: lacks {plain(', '.join(lacking))}, and {len(old.failed)} checks have failed in its run "
            f"({plain(', '.join(old.failed[:3]), 200)}): what they would have seen cannot be compared",
            tries=["compare with the record of a run whose checks pass", "phdb-ci run contracts --out DIR"],
        )


def _of(which: str, taken: Taken) -> str:
    """One line: which commits a record is of, and what has failed in its run."""
    commits = ", ".join(f"{repo} {commit[:7]}" for repo, commit in taken.commits.items())
    failed = len(taken.shapes.failed)
    told = f"; {failed} {'check has' if failed == 1 else 'checks have'} failed there" if failed else ""
    return f"{which}: {plain(commits or 'commits not known')}{told}"


def take(place: Path) -> Taken:
    """The record at place, and the commits that the run beside it names."""
    path, shapes = _read_shapes(place)
    return Taken(shapes, _commits(path))


def read_shapes(place: Path) -> "Shapes":
    """The record at place, a file or a directory that holds one.

    Raises ResultsError when there is none, more than one that differ, or one that cannot be read, is no record of
    this version or holds no contract.
    """
    return _read_shapes(place)[1]


def _read_shapes(place: Path) -> tuple[Path, "Shapes"]:
    from phdb_ci.contracts.diff import Shapes

    try:
        path, data = _find(place) if place.is_dir() else (place, _read(place, named=True))
    except FileNotFoundError as error:
        raise ResultsError(f"{_shown(place)}: there is no such file or directory") from error
    except OSError as error:
        where = _shown(error.filename or place)
        raise ResultsError(f"{where}: cannot be read: {error.strerror or error}") from error
    try:
        shapes = Shapes.model_validate(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise ResultsError(
            f"{_shown(path)}: not a record of shapes: {plain(str(error).splitlines()[0])}",
            tries=[f"python -m phdb_ci.contracts run … --record {FILE}"],
        ) from error
    if not shapes.contracts:
        raise ResultsError(f"{_shown(path)}: holds no contract: its run has seen no answer to be compared")
    return path, shapes


def _commits(record: Path) -> dict[str, str]:
    """The commits of the leg that wrote a record, as its result names them; empty where there is none beside it."""
    try:
        with open_regular(record.absolute().parents[1] / RESULT) as file:
            result = LegResult.model_validate_json(file.read(LIMIT))
    except (OSError, IndexError, ValueError):
        return {}
    return {source.repo: source.commit for source in result.sources}


def _find(place: Path) -> tuple[Path, bytes]:
    """The one record below a directory; several with the same bytes are one."""
    named = (Path(folder, name) for folder, names in walk(place) for name in names if name == FILE)
    found = sorted(path for path in named if path.is_file() and not path.is_symlink())
    if not found:
        raise ResultsError(
            f"{place}: holds no {FILE}",
            tries=["phdb-ci run contracts --out DIR", "name the record's own file"],
        )
    data = _read(found[0])
    if any(_read(path) != data for path in found[1:]):
        raise ResultsError(f"{place}: holds {len(found)} records that differ", tries=map(_shown, found[:5]))
    return found[0], data


def _read(path: Path, *, named: bool = False) -> bytes:
    """The bytes of a record; only one that a person has named may be a link or a pipe."""
    with path.open("rb") if named else open_regular(path) as file:
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise ResultsError(f"{_shown(path)}: larger than {LIMIT} bytes")
    return data


def _shown(path: Path | str) -> str:
    """A path as a message may hold it: a job names what lies below its run directory."""
    return plain(str(path), 1000)


def _version(version: str | int | None) -> str:
    return "none" if version is None else plain(str(version))
