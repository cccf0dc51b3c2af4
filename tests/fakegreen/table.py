"""Results as a table for the terminal and as JSON: themes, cases, what must be looked at, sums. Pure."""

import json
from collections.abc import Sequence

from tests.fakegreen.score import Plain, Result, Score, score

HEAD = ("case", "must get", "phdb-ci", "exit code", "JUnit", "time")


def text(results: Sequence[Result], seconds: float) -> str:
    """The table for a terminal."""
    rows = [_cells(result) for result in results]
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    lines = [_padded(HEAD, widths)]
    theme = ""
    for result, row in zip(results, rows, strict=True):
        if result.case.theme != theme:
            theme = result.case.theme
            lines += ["", theme]
        lines.append(_padded(row, widths))
    return "\n".join([*lines, "", *_faults(results), *sums(score(results)), _took(results, seconds)])


def sums(total: Score) -> list[str]:
    """The lines at the end."""
    caught = f"caught {total.caught} of {total.fakes} fakes, missed {total.missed}"
    alarms = f"false alarms {total.false_alarms} of {total.honest} honest variants"
    return [
        f"{'phdb-ci':<17}  {caught}; {alarms}",
        _plain("plain exit code", total.exit_code, total),
        _plain("plain JUnit count", total.junit, total),
    ]


def as_json(results: Sequence[Result], seconds: float) -> str:
    """All of it for programs."""
    total = score(results)
    document = {
        "schema": 1,
        "seconds": round(seconds, 1),
        "fakes": total.fakes,
        "caught": total.caught,
        "missed": total.missed,
        "honest": total.honest,
        "false_alarms": total.false_alarms,
        "exit_code": vars(total.exit_code),
        "junit": vars(total.junit),
        "cases": [_row(result) for result in results],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _row(result: Result) -> dict[str, object]:
    case = result.case
    return {
        "id": case.id,
        "theme": case.theme,
        "job": case.job,
        "why": case.why,
        "expected": case.status,
        "status": result.status,
        "reasons": list(result.reasons),
        "word": result.word,
        "fault": result.fault,
        "exit_code": result.exit_code,
        "junit": result.junit,
        "seconds": round(result.seconds, 1),
    }


def _cells(result: Result) -> tuple[str, ...]:
    mark = "" if result.fault is None else f"  {result.word}"
    said = f"{result.status}{mark}"
    return (result.case.id, result.case.status, said, result.exit_code, result.junit, f"{result.seconds:.1f} s")


def _faults(results: Sequence[Result]) -> list[str]:
    lines = []
    for result in results:
        if result.fault is not None:
            lines += [f"{result.word} {result.case.id}: {result.fault}", f"  {result.case.why}"]
    return [*lines, ""] if lines else []


def _took(results: Sequence[Result], seconds: float) -> str:
    return f"{len(results)} cases in {seconds:.0f} s"


def _plain(name: str, plain: Plain, total: Score) -> str:
    silent = plain.fakes_silent + plain.honest_silent
    nothing = f"; nothing to look at in {silent}" if silent else ""
    return (
        f"{name:<17}  calls {plain.fakes_green} of {total.fakes} fakes green, "
        f"{plain.honest_red} of {total.honest} honest variants red{nothing}"
    )


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = [cell.ljust(width) for cell, width in zip(cells[:-1], widths, strict=False)]
    return "  ".join([*parts, cells[-1].rjust(widths[-1])]).rstrip()
