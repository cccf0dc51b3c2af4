"""`PASS|SKIP|FAIL name[: reason]` lines in a job's log → Suite, for shell harnesses.

Script and runner both report: `PASS x` by the script, `PASS x.test` by the runner. That is one case, and the
worst word wins: a script that says SKIP and exits 0 is taken as a pass by its runner, and a FAIL is never
outvoted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from phdb_ci.models.results import CaseStatus, Suite
from phdb_ci.reports.log import lines_with
from phdb_ci.reports.source import Refused, check_file
from phdb_ci.reports.tally import RawCase, Tally
from phdb_ci.reports.text import counted, message_line, name_line

MAX_NAMES = 100_000
MAX_TOTALS = 100

_SIGNS = tuple(map(re.compile, (rb"PASS", rb"SKIP", rb"FAIL", rb"pass=")))
# A failure counts in automake's spelling too (`FAIL: name`); a pass only in the one that was agreed on.
LINE = re.compile(r"(?:(PASS|SKIP)[ \t]|\s*(FAIL)[ \t:])\s*(\S.*)")
_TOTALS = re.compile(r"(?:\S.*?)?\bpass=([0-9]{1,9})\s+skip=([0-9]{1,9})\s+fail=([0-9]{1,9})\s*")
_STATUS: Mapping[str, CaseStatus] = {"PASS": "passed", "SKIP": "skipped", "FAIL": "failed"}
_WORST: Mapping[CaseStatus, int] = {"passed": 0, "skipped": 1, "failed": 2}


class _Totals(NamedTuple):
    passed: int
    skipped: int
    failed: int


def read_lines(path: Path, *, skips: Mapping[str, str], critical: Sequence[str], start: int = 0) -> Suite:
    """Read the PASS, SKIP and FAIL lines of a log; never raises for what is in it.

    Args:
        path: the job's log.
        skips: pattern → reason, the named skips.
        critical: patterns of cases that must have been executed.
        start: the byte at which the run commands' output begins; what the set-up printed is before it.

    Returns:
        One case per name; no such line at all is zero cases and no problem.
    """
    harness = _Harness()
    problem = None
    try:
        check_file(path)
        for line in lines_with(path, start, _SIGNS):
            harness.take(line)
    except Refused as refused:
        problem = f"{path.name} {refused}"
    except OSError as error:
        problem = f"{path.name} cannot be read: {error.strerror or error}"
    tally = Tally("lines", skips, critical)
    for name, (status, reason) in harness.cases.items():
        tally.add(RawCase("", name, status, 0.0, reason, ""))
    return tally.finish(
        message_line(problem) if problem else harness.broken_promise(tally.counts),
        list(harness.notes(tally.counts)),
    )


class _Harness:
    """What the lines said so far; bounded by the number of names."""

    def __init__(self) -> None:
        self.cases: dict[str, tuple[CaseStatus, str]] = {}
        self.totals: dict[str, _Totals] = {}
        self.torn: set[str] = set()

    def take(self, line: str) -> None:
        """Look at one line of the log."""
        if found := LINE.match(line):
            self._case(_STATUS[found[1] or found[2]], found[3])
        elif (found := _TOTALS.fullmatch(line)) and len(self.totals) < MAX_TOTALS:
            self.totals[line] = _Totals(*map(int, found.groups()))

    def broken_promise(self, counts: Mapping[CaseStatus, int]) -> str | None:
        """A totals line with a failure that no FAIL line shows; `fail` there is 0 or 1, not a count."""
        if counts["failed"]:
            return None
        line = next((line for line, totals in self.totals.items() if totals.failed), None)
        return None if line is None else f"no FAIL line for: {message_line(line)}"

    def notes(self, counts: Mapping[CaseStatus, int]) -> Iterator[str]:
        """Where the lines contradict each other or the totals."""
        if self.torn:
            yield f"{counted(len(self.torn), 'name', 'names')} passed and failed, which counts as failed"
        if not self.totals:
            return
        # Each harness of a log has a totals line of its own; the same line twice is one harness run twice.
        passed = sum(totals.passed for totals in self.totals.values())
        skipped = sum(totals.skipped for totals in self.totals.values())
        if (passed, skipped) != (counts["passed"], counts["skipped"]):
            read = f"{counts['passed']} passed and {counts['skipped']} skipped"
            yield f"the totals line says pass={passed} skip={skipped}, the lines show {read}"
        if counts["failed"] and not any(totals.failed for totals in self.totals.values()):
            yield f"the totals line says fail=0, the lines show {counts['failed']} failed"

    def _case(self, status: CaseStatus, rest: str) -> None:
        name, _, reason = rest.partition(": ")
        name = name_line(name.strip().removesuffix(":").removesuffix(".test"))
        reason = message_line(reason)
        known = self.cases.get(name)
        if known is None:
            if len(self.cases) >= MAX_NAMES:
                raise Refused(f"has more than {MAX_NAMES:,} names in PASS, SKIP and FAIL lines")
            self.cases[name] = (status, reason)
            return
        if {status, known[0]} == {"passed", "failed"}:
            self.torn.add(name)
        if _WORST[status] > _WORST[known[0]] or (status == known[0] and not known[1]):
            self.cases[name] = (status, reason)
