"""`PASS|SKIP|FAIL name[: reason]` lines in a job's log → cases, for shell harnesses.

Script and runner both report: `PASS x` by the script, `PASS x.test` by the runner. That is one case, and the
worst word wins: a script that says SKIP and exits 0 is taken as a pass by its runner, and a FAIL is never
outvoted.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from phdb_ci.models.results import CaseStatus
from phdb_ci.reports import printed
from phdb_ci.reports.input import Refused, lines_with
from phdb_ci.reports.tally import RawCase, Tally
from phdb_ci.reports.text import message_line, name_line

MAX_NAMES = 100_000
MAX_TOTALS = 100

_SIGNS = tuple(map(re.compile, (rb"PASS", rb"SKIP", rb"FAIL", rb"pass=")))
_WORD = re.compile(r"([A-Z][A-Z_-]{1,31}):?[ \t]+(\S.*)")  # what a line could mean
_ITS_SIGN = re.compile(rb"[A-Z]{2}")
_TOTALS = re.compile(r"(?:\S.*?)?\bpass=([0-9]{1,9})\s+skip=([0-9]{1,9})\s+fail=([0-9]{1,9})\s*")
_STATUS: Mapping[str, CaseStatus] = {"PASS": "passed", "SKIP": "skipped", "FAIL": "failed"}
_WORST: Mapping[CaseStatus, int] = {"passed": 0, "skipped": 1, "failed": 2}


class LinesReader:
    """What the lines said so far; bounded by the number of names. One case per name goes into the tally at the end."""

    def __init__(self, tally: Tally, words: Mapping[str, CaseStatus]) -> None:
        self.tally = tally
        self.cases: dict[str, tuple[CaseStatus, str]] = {}
        self.totals: dict[str, tuple[int, ...]] = {}  # line → passed, skipped, failed
        self.doubts: dict[str, str] = {}  # name → the line that speaks against it
        self._status = {**_STATUS, **words}
        self._line = _line_of(words)
        self._signs = tuple(re.compile(re.escape(word).encode()) for word in words)
        self._failure: str | None = None  # since the last line of a case

    def read(self, path: Path, start: int) -> None:
        """Read the run commands' output, which begins at `start`. Raises Refused: it is too large."""
        watched = (*printed.signs(loud=False), _ITS_SIGN) if self.tally.watches else ()
        for line in lines_with(path, start, (*_SIGNS, *self._signs, *watched)):
            if match := self._line.match(line):
                self._case(self._status[match[1] or match[2]], match[3])
            elif (match := _TOTALS.fullmatch(line)) and len(self.totals) < MAX_TOTALS:
                self.totals[line] = tuple(map(int, match.groups()))
            elif (match := _WORD.match(line)) and len(self.doubts) < MAX_NAMES:
                self.doubts.setdefault(_name(match[2])[0], line)
            if self._failure is None and printed.is_failure(line) and not self._line.match(line):
                self._failure = line

    def finish(self, problem: str | None) -> tuple[str | None, list[str]]:
        """Hand over the cases; a failure in the totals alone is a problem, any other difference a note."""
        for name, (status, reason) in self.cases.items():
            self.tally.add(RawCase("", name, status, 0.0, reason, ""))
            if status == "passed" and name in self.doubts:
                self.tally.doubt(name, self.doubts[name])
        return problem or self._failure_without_a_line(), list(self._notes())

    def _failure_without_a_line(self) -> str | None:
        """A totals line with a failure that no FAIL line shows; `fail` there is 0 or 1, not a count."""
        if self.tally.counts["failed"]:
            return None
        line = next((line for line, totals in self.totals.items() if totals[2]), None)
        return None if line is None else f"no FAIL line for: {message_line(line)}"

    def _notes(self) -> Iterator[str]:
        counts = self.tally.counts
        if not self.totals:
            return
        # Each harness of a log has a totals line of its own; the same line twice is one harness run twice.
        passed, skipped, _ = map(sum, zip(*self.totals.values(), strict=True))
        if (passed, skipped) != (counts["passed"], counts["skipped"]):
            read = f"{counts['passed']} passed and {counts['skipped']} skipped"
            yield f"the totals line says pass={passed} skip={skipped}, the lines show {read}"

    def _case(self, status: CaseStatus, text: str) -> None:
        name, reason = _name(text)
        if self._failure is not None and name not in self.cases:
            self.doubts[name] = self._failure
        self._failure = None
        earlier = self.cases.get(name)
        if earlier is None:
            if len(self.cases) >= MAX_NAMES:
                raise Refused(f"has more than {MAX_NAMES:,} names in PASS, SKIP and FAIL lines")
            self.cases[name] = (status, reason)
            return
        if _WORST[status] > _WORST[earlier[0]] or (status == earlier[0] and not earlier[1]):
            self.cases[name] = (status, reason)


def _line_of(words: Mapping[str, CaseStatus]) -> re.Pattern[str]:
    """The lines that are cases; a failure counts in automake's spelling too (`FAIL: name`), indented or not."""
    good = "|".join(map(re.escape, ("PASS", "SKIP", *(word for word, status in words.items() if status != "failed"))))
    bad = "|".join(map(re.escape, ("FAIL", *(word for word, status in words.items() if status == "failed"))))
    return re.compile(rf"(?:({good})[ \t]|\s*({bad})[ \t:])\s*(\S.*)")


def _name(text: str) -> tuple[str, str]:
    """The name of a case, without the endings that runners give it, and its reason."""
    name, _, reason = text.partition(": ")
    return name_line(name.strip().removesuffix(":").removesuffix(".test")), message_line(reason)
