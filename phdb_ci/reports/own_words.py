"""A log → the few lines of it that say why a command failed, in the program's own words.

The end of the command's output; of a Python traceback that stands there, its last frames and its error. Of a build or
a set-up the first error in the form that compilers share: the errors after it mostly follow from it. What is read and
what is kept are bounded; every line is clean and short.
"""

import io
import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, takewhile
from pathlib import Path

from phdb_ci.base.files import open_regular
from phdb_ci.base.text import both_ends, plain

MOST = 12  # lines that are kept
WIDTH = 240  # characters of one
BEHIND = 4  # lines behind a compiler's error: the source line and what points into it
BEFORE, AFTER = 2, 3  # lines around a traceback
FIRST, LAST = 4, 2  # lines of a run of lines that begin with the same word
MOST_READ = 2_000  # lines of a log's end
TAIL = 256 * 1024  # bytes of a log's end that are read
SEARCHED = 64 * 1024 * 1024  # bytes in which a compiler's error is looked for
MAX_LINE = 8 * 1024  # bytes of a line that are looked at
GAP = "⋮"

# `file:line: error`, `file:line:column: fatal error`, `file(line,column): error`, `CMake Error at file:line`: GCC,
# Clang, MSVC, tsc, mypy, CMake.
_ERROR = re.compile(
    r"\S[^:(]{0,500}(?::\d+(?::\d+)?|\(\d+(?:,\d+)?\))(?::| -) (?:fatal )?error\b.*|\S+ Error at [^:]{1,500}:\d+\b.*"
)
_HEADER, _FRAME = "Traceback (most recent call last):", 'File "'


def words_of(log: Path, start: int, root: str, *, builds: bool = False) -> tuple[str, ...]:
    """Why the command failed whose output is the log from the byte `start` on.

    Paths below the folder `root` are shown as seen from there. `builds`: the command compiles or installs, so that a
    compiler's error is looked for first. Empty for a log that cannot be read, and for one with nothing to see.
    """
    try:
        with open_regular(log) as file:
            lines = _first_error(file, start) if builds else []
            lines = lines or last_words(_tail(file, start), root)
    except OSError:
        return ()
    return tuple(both_ends(seen_from(root, line), WIDTH) for line in lines)


def seen_from(root: str, text: str) -> str:
    """The text with paths below the folder `root` as seen from there, `file://` addresses of them included."""
    return text.replace(f"file://{root}/", "").replace(f"{root}/", "")


def place_of(text: str, root: str) -> str:
    """Where a traceback says that it happened, `file:line` as seen from `root`; empty where it names no file there.

    The innermost frame of a file below `root`: JavaScript puts it first (`at f (file:line:column)`), Python last.
    """
    named = re.compile(rf"^(\s*at\b)?[^\n]*?{re.escape(root)}/([^\s:\"()]+)(?::|\", line )(\d+)", re.MULTILINE)
    frames = list(named.finditer(text))
    if not frames:
        return ""
    frame = next((match for match in frames if match[1]), frames[-1])
    return f"{frame[2]}:{frame[3]}"


def last_words(text: str, root: str = "") -> list[str]:
    """The lines of a text's end that say most, at most MOST; `root`: the folder of the files that are the job's own."""
    lines = list(filter(None, map(_clean, text.splitlines())))
    return _traceback(lines, root) or _message(lines)


def _tail(file: io.BufferedReader, start: int) -> str:
    first = max(start, os.fstat(file.fileno()).st_size - TAIL)
    file.seek(first)
    return file.read(TAIL).decode(errors="replace")


def _first_error(file: io.BufferedReader, start: int) -> list[str]:
    """The first line in the compilers' form and the indented lines behind it; none where there is no such line."""
    lines = _lines(file, start)
    for line in lines:
        if _ERROR.match(line):
            behind = filter(None, (next(lines, "") for _ in range(BEHIND)))
            return [line, *takewhile(_depth, behind)]
    return []


def _lines(file: io.BufferedReader, start: int) -> Iterator[str]:
    file.seek(start)
    left = SEARCHED
    while left > 0 and (raw := file.readline(MAX_LINE)):
        left -= len(raw)
        yield _clean(raw.decode(errors="replace"))


def _traceback(lines: Sequence[str], root: str) -> list[str]:
    """The last traceback with the lines around it; none where none stands at the end.

    A traceback is a header, frames that are indented deeper, and an error that is not.
    """
    head = next((i for i in reversed(range(len(lines))) if lines[i].strip() == _HEADER), None)
    if head is None:
        return []
    depth = _depth(lines[head])
    error = next((i for i in range(head + 1, len(lines)) if _depth(lines[i]) <= depth), None)
    if error is None or len(lines) - error > MOST:
        return []
    frames = _frames(lines[head + 1 : error], root)
    before, after = lines[max(0, head - BEFORE) : head], lines[error + 1 :]
    after = [GAP, *after[1 - AFTER :]] if len(after) > AFTER else after
    room = max(0, MOST - len(frames) - 1 - len(after))
    return [*(before[-room:] if room else []), *frames, lines[error], *after]


def _frames(lines: Sequence[str], root: str) -> list[str]:
    """The last frame, and above it the last one of a file below `root` where that is another."""
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(_FRAME)]
    if not starts:
        return list(lines[-2:])
    own = [i for i in starts if _is_own(lines[i], root)]
    if not own or own[-1] == starts[-1]:
        return list(lines[starts[-1] :][:3])
    return [*lines[own[-1] :][:2], GAP, *lines[starts[-1] :][:2]]


def _is_own(frame: str, root: str) -> bool:
    file = frame.lstrip().removeprefix(_FRAME)
    return bool(root) and (file.startswith(f"{root}/") or not file.startswith(("/", "<")))


def _message(lines: Sequence[str]) -> list[str]:
    """The last lines, where a run of lines that begin with the same words counts as one message: both its ends stay.

    Two words count first (`npm error`), and what is left by one (the `at` of a stack).
    """
    shown: list[str] = []
    for is_long, runs in groupby(_runs(lines[-MOST_READ:], 2), lambda run: len(run) > FIRST + LAST):
        neighbours = list(runs)
        alike = neighbours if is_long else _runs(list(chain.from_iterable(neighbours)), 1)
        shown += chain.from_iterable(map(_ends, alike))
    return shown[-MOST:]


def _runs(lines: Sequence[str], words: int) -> Iterator[list[str]]:
    """The lines in runs of neighbours that begin with the same words."""
    return (list(run) for _, run in groupby(lines, lambda line: line.split(maxsplit=words)[:words]))


def _ends(run: list[str]) -> list[str]:
    """A run that is not long as it is; of a long one both ends, without lines that are no more than its prefix."""
    if len(run) <= FIRST + LAST:
        return run
    words = run[-1].split()
    said = [line for line in run if (start := line.split()) != words[: len(start)]] or run
    return [*said[:FIRST], GAP, *run[-LAST:]]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _clean(line: str) -> str:
    return plain(line[:MAX_LINE]).expandtabs(4).rstrip()
