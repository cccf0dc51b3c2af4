"""Rows as a table for the terminal, as Markdown, as JSON: ratios, then figures, then the machine. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tests.benchmark.measure import OURS, Row

TIMES = "\N{MULTIPLICATION SIGN}"
HEAD = ("measured", "against", "ratio", "target", OURS, "the other")
NOTE = "ratio: phdb-ci's figure over the other's; below 1 is less time or memory. Medians of interleaved rounds."


def text(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """The table for a terminal: one block per section, columns aligned."""
    cells = [_cells(row) for row in rows]
    widths = [max(len(line[column]) for line in [HEAD, *cells]) for column in range(len(HEAD))]
    lines = [_padded(HEAD, widths)]
    section = ""
    for row, line in zip(rows, cells, strict=True):
        if row.section != section:
            section = row.section
            lines += ["", section]
        lines.append(_padded(line, widths))
    return "\n".join([*lines, "", *_closing(rows, machine)])


def markdown(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """The table for the README."""
    lines = [f"| {' | '.join(HEAD)} |", "|:--|:--|--:|:--|--:|--:|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(row))} |" for row in rows]
    return "\n".join([*lines, "", *_closing(rows, machine)])


def as_json(rows: Sequence[Row], machine: Mapping[str, str], seconds: float) -> str:
    """All of it for programs."""
    document = {
        "schema": 1,
        "machine": dict(machine),
        "seconds": round(seconds, 1),
        "rows": [asdict(row) | {"met": row.met} for row in rows],
    }
    return json.dumps(document, indent=1)


def _cells(row: Row) -> tuple[str, ...]:
    return (row.case, row.other, _ratio(row.ratio), _target(row), _figure(row.ours, row), _figure(row.theirs, row))


def _ratio(value: float) -> str:
    return f"{value:.2f}{TIMES}" if value >= 0.1 else f"{value:.1g}{TIMES}"


def _target(row: Row) -> str:
    if row.limit is None:
        return ""
    sign = "<" if row.limit.below else "≤"
    shown = f"{row.limit.value:g}{TIMES}" if row.limit.of == "ratio" else f"{row.limit.value:g} {row.unit}"
    return f"{'pass' if row.met else 'MISS'} ({sign} {shown})"


def _figure(value: float, row: Row) -> str:
    if row.unit == "MB":
        return f"{value:.1f} MB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    left, right = cells[:2], cells[2:]
    parts = [cell.ljust(width) for cell, width in zip(left, widths[:2], strict=True)]
    parts += [right[0].rjust(widths[2]), right[1].ljust(widths[3])]
    parts += [cell.rjust(width) for cell, width in zip(right[2:], widths[4:], strict=True)]
    return "  ".join(parts).rstrip()


def _closing(rows: Sequence[Row], machine: Mapping[str, str]) -> list[str]:
    judged = [row for row in rows if row.met is not None]
    kept = sum(row.met is True for row in judged)
    where = " · ".join(f"{name} {value}" for name, value in machine.items())
    return [NOTE, f"Targets: {kept} of {len(judged)} met.", f"Machine: {where}"]
