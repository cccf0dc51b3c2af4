"""A problem of the file, and how problems are shown: place, owner, what was expected, the line itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phdb_ci.base.nearest import nearest
from phdb_ci.base.text import cut
from phdb_ci.matrix.locate import Path, Scanner

KINDS = {"repos": "repo", "artifacts": "artifact", "jobs": "job", "gates": "gate"}
SHOWN = 100
WIDTH = 110


@dataclass(frozen=True)
class Problem:
    """Something wrong at a key of the file.

    Attributes:
        path: the keys that lead to it; a number is a place in a list.
        text: what is wrong and what was expected, without a full stop.
        got, near: a name that was not known, and the known ones that it may have been meant for.
        missing: the last key of path is not there; the problem is its table's.
    """

    path: Path
    text: str
    got: str = ""
    near: tuple[str, ...] = ()
    missing: bool = False


def report(problems: list[Problem], document: Mapping[str, Any], text: str, name: str) -> str:
    """All problems as one message, by line. Positions are looked for only here: a sound file costs nothing."""
    scanner = Scanner(text)
    placed = sorted(((scanner.offset_of(problem.path), problem) for problem in problems), key=lambda item: item[0])
    blocks = [_block(problem, offset, document, text, name) for offset, problem in placed[:SHOWN]]
    if len(placed) > SHOWN:
        blocks.append(f"and {len(placed) - SHOWN} more")
    head = [f"{name} has {len(placed)} problems"] if len(placed) > 1 else []
    return "\n".join(head + blocks)


def near_name(problem: Problem) -> str | None:
    """The known name that was probably meant."""
    return nearest(problem.got, problem.near) if problem.got else None


def where(problem: Problem, document: Mapping[str, Any]) -> str:
    """Who the problem is about, by name: `job e2e-engine, report 2 (lines), min_tests`."""
    path = problem.path[:-1] if problem.missing else problem.path
    words: list[list[str]] = [[]]
    node: Any = document
    for depth, part in enumerate(path):
        outer, node = node, _step(node, part)
        if depth == 1 and path[0] in KINDS:
            words = [[f"{KINDS[str(path[0])]} {key_text(part)}"], []]
        elif isinstance(part, str):
            words[-1].append(key_text(part))
        elif words[-1] == ["reports"]:
            words[-1:] = [[f"report {part + 1}{_value(node, 'kind')}"], []]
        elif words == [["quarantine"]]:
            words = [[f"quarantine {part + 1}{_value(node, 'job')}"], []]
        elif len(outer) > 1:
            words += [[f"entry {part + 1}"], []]
    return ", ".join(".".join(keys) for keys in words if keys) or "the top of the file"


def quoted_line(text: str, line: int, column: int | None = None) -> str:
    """The line as rustc quotes one, with a mark below column; of a long line the part around it."""
    lines = text.split("\n")
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    start = 0
    if len(source) > WIDTH and column is not None and column > WIDTH // 2:
        start = min(column - WIDTH // 2, len(source) - WIDTH)
    shown = "".join(_visible(sign) for sign in source[start : start + WIDTH])
    shown = ("…" if start else "") + shown + ("…" if start + WIDTH < len(source) else "")
    quote = f"{line:>5} | {shown}"
    if column is None:
        return quote
    return f"{quote}\n      | {' ' * (column - start + bool(start))}^"


def shown_text(value: str, limit: int = 60) -> str:
    """A text of the file in quotes, cut, without control characters."""
    inner = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut(value, limit)
    )
    return f'"{inner}"'


def described(value: Any) -> str:
    """A value of the file in a few words."""
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        return f"{value}".lower()[:40]  # lower: true and false
    except ValueError:  # Python refuses to write out a number of thousands of digits
        return "a very long number"


def key_text(key: str | int) -> str:
    """A key as it is written in TOML: quoted where it must be."""
    return str(key) if re.fullmatch(r"[A-Za-z0-9_-]+", str(key)) else shown_text(str(key))


def _block(problem: Problem, offset: int, document: Mapping[str, Any], text: str, name: str) -> str:
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset) - 1
    near = near_name(problem)
    hint = f" Perhaps you meant {shown_text(near)}?" if near else ""
    head = f"{name}:{line}: At {where(problem, document)}: {problem.text}.{hint}"
    return f"{head}\n{quoted_line(text, line, column)}"


def _value(row: Any, key: str) -> str:
    """The value by which a row of a list is known, in brackets; nothing where it is no plain word."""
    value = row.get(key) if isinstance(row, dict) else None
    return f" ({value})" if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else ""


def _step(node: Any, part: str | int) -> Any:
    try:
        return node[part]
    except (KeyError, IndexError, TypeError):
        return None


def _visible(sign: str) -> str:
    return sign if sign.isprintable() else " " if sign == "\t" else "\ufffd"
