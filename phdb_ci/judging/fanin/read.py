"""Read what other machines left, each file as the hostile file that it is."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.base.files import open_regular
from phdb_ci.base.strict_json import parse
from phdb_ci.errors import ResultsError
from phdb_ci.models.base import first_problem
from phdb_ci.models.results import LegResult

RESULT = "result.json"
LIMIT = 64 * 1024 * 1024  # bytes of one file
DEPTH = 3  # folders below RESULTS_DIR that are looked through, but for those of legs
LEG = re.compile(r"([^@]+@[^@]+?)(?:@([0-9]{1,5}))?")  # a leg's folder: job@os, and the attempt behind another @


@dataclass(frozen=True)
class Needs:
    """What GitHub says of the run's jobs: `result` and `outputs` by job id. Not given outside of GitHub."""

    results: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    given: bool = False

    def output(self, job: str, name: str) -> str | None:
        """An output of a job; None where there is none or it is empty."""
        return self.outputs.get(job, {}).get(name) or None


@dataclass(frozen=True)
class ResultFile:
    """A file that calls itself a leg's result: the record, or why it is none.

    `leg` is the one that its folder is named for; where the folder has no leg's name, the one that the record names,
    else the folder's name.
    """

    leg: str
    result: LegResult | None
    problem: str | None = None
    attempt: int | None = None  # the one that its folder is named for


def read_needs(path: Path | None) -> Needs:
    """`toJSON(needs)` of a workflow. Raises ResultsError for anything else."""
    if path is None:
        return Needs()
    try:
        if path.stat().st_size > LIMIT:
            raise ResultsError(f"--needs {path}: larger than {LIMIT} bytes")
        document = parse(path.read_bytes(), surrogates=True)
        results = {_text(job): _text(row["result"]) for job, row in document.items()}
        outputs = {
            _text(job): {_text(name): _text(value) for name, value in (row.get("outputs") or {}).items()}
            for job, row in document.items()
        }
    except OSError as error:
        raise ResultsError(f"--needs {path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"--needs {path}: not what toJSON(needs) gives: {type(error).__name__}") from error
    return Needs(results, outputs, given=True)


def _text(value: object) -> str:
    """A value as text that can be written again, with no half of a surrogate pair; nothing for null."""
    return "" if value is None else str(value).encode(errors="replace").decode()


def read_results(folder: Path) -> list[ResultFile]:
    """Every result in a folder and below, links not followed, in a fixed order. Raises ResultsError for no folder.

    The folder may be a leg's own: GitHub extracts the only artifact that a pattern matches without a folder around it.
    """
    if not folder.is_dir():
        raise ResultsError(f"{folder}: there is no such directory of results")
    return [_read(path) for path in sorted(_files(folder, DEPTH))]


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The results in a folder and below. A leg's own folder is not looked through: it can put there what it likes."""
    path = folder / RESULT
    if os.path.lexists(path):
        yield path
        return
    for entry in os.scandir(folder):
        if not entry.is_dir(follow_symlinks=False):
            continue
        inner = Path(entry.path)
        if "@" not in entry.name:
            yield from _files(inner, depth - 1) if depth else ()
        elif os.path.lexists(inner / RESULT):
            yield inner / RESULT


def _read(path: Path) -> ResultFile:
    named = LEG.fullmatch(path.parent.name)
    leg, attempt = (named[1], int(named[2]) if named[2] else None) if named else (path.parent.name, None)
    record = _record(path)
    if isinstance(record, str):
        return ResultFile(leg, None, record, attempt)
    if named and record.leg != leg:
        return ResultFile(leg, None, f"{RESULT} is of {record.leg}", attempt)
    if attempt not in (None, record.attempt):
        problem = f"{RESULT} is of attempt {record.attempt}, and its folder of attempt {attempt}"
        return ResultFile(leg, None, problem, attempt)
    return ResultFile(record.leg, record, None, attempt)


def _record(path: Path) -> LegResult | str:
    """What a file holds, or why that is no record of ours."""
    try:
        with open_regular(path) as file:
            data = file.read(LIMIT + 1)
        if len(data) > LIMIT:
            return f"{RESULT} is larger than {LIMIT} bytes"
        return LegResult.model_validate_json(data)
    except OSError as error:
        return f"{RESULT} is no regular file, or cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return f"{RESULT} is no record of ours: {first_problem(error)[:200]}"
