"""Reading JUnit of a thousand to a million cases against junitparser: time and memory."""

import json
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Literal

from tests.benchmark.measure import OURS, Limit, Row, Times, interleave, ratio
from tests.benchmark.programs import HERE, ProgramError, output, say

PEER = "junitparser"
MILLION = 1_000_000
SIZES = (1_000, 10_000, 100_000, MILLION)
TIME_LIMIT, MEMORY_LIMIT, SAME_MEMORY = {100_000: 0.6}, {100_000: 25.0}, 1.1
ROOM = 4_000_000  # kB of memory that must be free for the peer's million


def run(root: Path, rounds: int) -> list[Row]:
    """All sizes; the large ones in fewer rounds."""
    found: list[Row] = []
    memory: dict[int, float] = {}
    for size in SIZES:
        say(f"junit: {size:,} cases")
        path = root / f"{size}.xml"
        write(path, size)
        times, peaks = _contest(path, size, rounds)
        memory[size] = median(peaks[OURS])
        found += _rows(size, times, peaks)
        path.unlink()
    small, large = memory[100_000], memory[MILLION]
    limit = Limit("ratio", SAME_MEMORY)
    return [
        *found,
        Row("junit", "1,000,000 cases, memory", "ours at 100,000", large / small, large, small, "MB", limit),
    ]


def write(path: Path, cases: int) -> None:
    """A report as a runner writes it: one suite per thousand cases; some failures with text, some skips."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
        for first in range(0, cases, 1000):
            file.write(f'<testsuite name="suite {first}" tests="{min(1000, cases - first)}" time="1.0">\n')
            file.writelines(_case(number) for number in range(first, min(first + 1000, cases)))
            file.write("</testsuite>\n")
        file.write("</testsuites>\n")


def _case(number: int) -> str:
    names = f'classname="tests.test_module_{number % 40}" name="test_number_{number}"'
    start = f'<testcase {names} time="0.{number % 1000:03}"'
    if number % 100 == 7:
        text = "a line of a traceback&#10;" * 12
        return f'{start}><failure message="assert {number} == 0">{text}</failure></testcase>\n'
    if number % 20 == 3:
        return f'{start}><skipped message="not here"/></testcase>\n'
    return f"{start} />\n"


def _contest(path: Path, size: int, rounds: int) -> tuple[Times, Times]:
    """Seconds and megabytes above the bare interpreter, per contestant."""
    names = [OURS, PEER] if size < MILLION or _free() > ROOM else [OURS]
    empty = _read("nothing", path)["peak"]
    peaks: Times = {name: [] for name in names}

    def turn(name: str) -> float:
        said = _read(name, path)
        if said["cases"] != size:
            raise ProgramError(f"{name} saw {said['cases']} of {size} cases")
        peaks[name].append((said["peak"] - empty) / 1000)
        return said["seconds"]

    turns = {name: partial(turn, name) for name in names}
    return interleave(turns, 1 if size >= MILLION else rounds), peaks


def _rows(size: int, times: Times, peaks: Times) -> list[Row]:
    return [
        _row(f"{size:,} cases, time", times, "s", TIME_LIMIT.get(size)),
        _row(f"{size:,} cases, memory", peaks, "MB", MEMORY_LIMIT.get(size)),
    ]


def _row(case: str, figures: Times, unit: Literal["s", "MB"], limit: float | None) -> Row:
    other = PEER if PEER in figures else OURS  # too little memory for the peer: ours alone is still of interest
    ours, theirs = figures[OURS], figures[other]
    target = Limit("ours", limit) if limit else None
    return Row("junit", case, other, ratio(ours, theirs), median(ours), median(theirs), unit, target)


def _read(name: str, path: Path) -> dict[str, float]:
    said = json.loads(output([sys.executable, str(HERE / "child_junit.py"), name, str(path)]))
    return {key: float(value) for key, value in said.items()}


def _free() -> int:
    """Kilobytes of memory that are free; none where that is not known."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable:")), 0)
