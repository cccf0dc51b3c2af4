"""JUnit XML → cases, streamed through expat: memory does not grow with the file, no total in it is believed.

A DOCTYPE is refused: no runner writes one, and entities are an attack.
"""

import re
from pathlib import Path
from xml.parsers import expat

from phdb_ci.base.text import ROOM, counted, plain
from phdb_ci.models.results import CaseStatus
from phdb_ci.reports.dialects import (
    FLAKY,
    IN_CASE,
    LOWER,
    NEUTRAL,
    RESULTS,
    ROOTS,
    Dialect,
    Totals,
    result_status,
    stated_status,
)
from phdb_ci.reports.input import CHUNK, Refused, xml_chunks
from phdb_ci.reports.tally import RawCase, Tally
from phdb_ci.reports.text import DETAIL_LIMIT, MESSAGE_LIMIT, name_line, outer

MAX_DEPTH = 100
MAX_TOKEN = 8 * 1024**2  # one tag or comment; the parser must hold it whole
MAX_TAGS = 5_000  # different tag and attribute names; the parser keeps every one
READ = ROOM * DETAIL_LIMIT  # characters of either end of a failure's text that are read
MAX_FAILED = 20_000  # failed tests that are remembered until their teardown
NAMED_FLAKY = NAMED_SHORT = 5

_WORST = {**IN_CASE, "todo": 1}  # of two cases that are one test
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")


class JunitReader:
    """The expat handlers and what they remember; each case goes into the tally. One object per report."""

    def __init__(self, tally: Tally, dialect: Dialect) -> None:
        self.tally = tally
        self.dialect = dialect
        self.totals = Totals()
        self.nameless = self.strays = self.flaky = self.controls = 0
        self._flaky_names: list[str] = []
        self._locals: dict[str, str] = {}  # tag → its name without a namespace
        self._depth = self._stray_at = self._flaked = self._fed = 0
        self._path: list[str] = []
        self._attrs: dict[str, str] | None = None  # of the open case
        self._result: tuple[CaseStatus, str] | None = None  # of the open case: its worst status and message
        self._case_depth = 0
        self._unknown = ""  # an element of the open case of which nobody knows what it means
        self._text: list[str] = []
        self._room = 0  # characters of text that come before one is left out
        self._held: RawCase | None = None
        self._failed: set[int] = set()
        self._add = self._add_once if dialect.merges_teardown else tally.add
        self._parser: expat.XMLParserType

    def read(self, path: Path, _start: int) -> None:
        """Run the whole file through the handlers. Raises Refused: it is no whole, well-formed JUnit report."""
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _no_doctype
        parser.CommentHandler = self.totals.add_comment
        at_end = False
        try:
            for chunk, controls in xml_chunks(path, self._waiting):
                self.controls += controls
                self._fed += len(chunk)
                parser.Parse(chunk, False)
                self._check_bounds()
            at_end = True
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise Refused(self._syntax_problem(error, at_end=at_end)) from error
        except (LookupError, ValueError) as error:  # how pyexpat says that it does not know an encoding
            raise Refused(f"declares an encoding that cannot be read: {error}") from error

    def finish(self, problem: str | None) -> tuple[str | None, list[str]]:
        """Close what is open; the problem of the report and what was repaired in it."""
        if self._attrs is not None and self._result is not None:
            self._case_ends()  # a truncated file still shows the failure it broke off in
        self._release()
        notes = self._repairs()
        for text in self.totals.short[:NAMED_SHORT] if self.dialect.believes_suites else ():
            self.tally.leave_out(text)
        if problem is None:
            problem = self.dialect.problem(self.totals, self.tally.counts)
            difference = self.dialect.difference(self.totals, self.tally.counts)
            notes += [difference] if difference else []
        return problem, notes

    def _syntax_problem(self, error: expat.ExpatError, *, at_end: bool) -> str:
        if not at_end:
            return f"is not well-formed XML: {expat.ErrorString(error.code)}, line {error.lineno}"
        return f"is truncated: it breaks off in line {error.lineno}" if self._locals else "holds no XML"

    def _waiting(self) -> int:
        """How much to read next: as much as expat holds of an unfinished tag, which it scans anew at each call."""
        return max(CHUNK, self._fed - max(self._parser.CurrentByteIndex, 0))

    def _check_bounds(self) -> None:
        if self._waiting() > MAX_TOKEN:
            raise Refused(f"has a tag or comment of more than {MAX_TOKEN // 1024**2} MiB")
        _check_tags(len(self._parser.intern))

    def _repairs(self) -> list[str]:
        twice = "twice in the report (failed, then its teardown) and counts once"
        notes = (
            (self.controls, "control character was", "control characters were", "taken out of the file"),
            (self.totals.merged, "test stands", "tests stand", twice),
            (self.nameless, "case has", "cases have", "no name"),
            (self.strays, "failure outside any test case counts", "failures outside any test case count", "as a case"),
            (self.flaky, "case", "cases", f"passed only when run again: {', '.join(self._flaky_names)}"),
        )  # fmt: skip
        return [f"{counted(number, singular, plural)} {end}" for number, singular, plural, end in notes if number]

    # Handlers

    def _root(self, tag: str, attrs: dict[str, str]) -> None:
        root = self._local(tag)
        if root not in ROOTS:
            raise Refused(f"is not a JUnit report: its root is <{name_line(root)}>")
        self._parser.StartElementHandler = self._start
        self._start(tag, attrs)

    def _start(self, tag: str, attrs: dict[str, str]) -> None:
        self._depth += 1
        local = self._locals.get(tag) or self._local(tag)
        if local == "testcase":
            if self._attrs is not None:
                raise Refused("is not a JUnit report: it has a <testcase> inside a <testcase>")
            self._attrs, self._case_depth = attrs, self._depth
        elif local in ROOTS:
            self._suite_starts(local, attrs)
        elif local == "undefined":
            self.totals.unfinished += 1
        elif (name := LOWER.get(local.lower())) is not None:
            self._result_starts(name, attrs)
        elif local in FLAKY:
            self._flaked += 1
        elif self._attrs is not None and self._depth == self._case_depth + 1 and local.lower() not in NEUTRAL:
            self._unknown = self._unknown or f"<{local}>"
        if self._depth > MAX_DEPTH:
            raise Refused(f"is nested more than {MAX_DEPTH} deep")

    def _suite_starts(self, local: str, attrs: dict[str, str]) -> None:
        self.totals.begin(attrs, self.tally.counts)
        if local == "testsuite":
            self._path.append(plain(attrs.get("name", "")[:MESSAGE_LIMIT]).strip())
            self.totals.add_suite(attrs)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        local = self._locals[tag]
        if local == "testcase":
            self._case_ends()
        elif local in ROOTS:
            self.totals.end(self.tally.counts)
            if local == "testsuite":
                self._path.pop()
        elif local.lower() in LOWER:
            self._parser.CharacterDataHandler = None
            if self._stray_at > self._depth:
                self._stray_at = 0
                self._case_ends()

    def _chars(self, text: str) -> None:
        # Past the bound the end alone is kept on; what is kept is cut when it has doubled.
        self._text.append(text)
        self._room -= len(text)
        if self._room < -READ:
            whole = "".join(self._text)
            self._text, self._room = [whole[:READ], "\n…\n", whole[-READ:]], -READ // 2

    # What the handlers mean

    def _local(self, tag: str) -> str:
        _check_tags(len(self._locals))
        return self._locals.setdefault(tag, tag.rpartition(":")[2])

    def _result_starts(self, local: str, attrs: dict[str, str]) -> None:
        if self._attrs is None:
            if RESULTS[local] == "skipped":
                return
            # A suite that broke as a whole (fixture, container): no case shows it, it must not be lost.
            self.strays += 1
            self._attrs, self._stray_at = {"name": f"<{local}> outside any test case"}, self._depth
        self.totals.elements[local] += 1
        status = result_status(local, attrs, self._attrs)
        if self._result is None or IN_CASE[status] > IN_CASE[self._result[0]]:
            self._result = status, outer(attrs.get("message", ""), MESSAGE_LIMIT)
            self._text, self._room = [], READ
            self._parser.CharacterDataHandler = self._chars

    def _case_ends(self) -> None:
        attrs, result = self._attrs or {}, self._result
        self._attrs = self._result = None
        name, time = attrs.get("name", ""), attrs.get("time")
        if not name:
            self.nameless += 1
        suite = self.dialect.suite_of(attrs, self._path)
        seconds = seconds_of(time) if time else 0.0
        if result is None:
            status, word = stated_status(attrs)
            if status == "passed" and self._unknown:
                status, word = "skipped", self._unknown
            case = RawCase(suite, name, status, seconds, f"the report says {word}" if word else "", "")
        else:
            text = "".join(self._text)
            case = RawCase(suite, name, result[0], seconds, result[1] or _first_line(text), text)
        self._unknown = ""
        if self._flaked:
            self._flaked = 0
            if case.status == "passed":
                self.flaky += 1
                self._flaky_names += [name_line(name)] if self.flaky <= NAMED_FLAKY else []
        self._add(case)

    # pytest writes a test twice that failed and whose teardown then broke. Neighbours of one name are merged. Under
    # xdist other tests stand between the two; but the first is always a failure and the second an error, so that it is
    # enough to remember which tests failed.

    def _add_once(self, case: RawCase) -> None:
        held = self._held
        if held is not None and held.name == case.name != "" and held.suite == case.suite:
            self.totals.merged += 1
            self._held = _worse(held, case)
        elif case.status == "error" and hash((case.suite, case.name)) in self._failed:
            self.totals.merged += 1
        else:
            self._release()
            self._held = case

    def _release(self) -> None:
        case, self._held = self._held, None
        if case is not None:
            self.tally.add(case)
            if case.status == "failed" and len(self._failed) < MAX_FAILED:
                self._failed.add(hash((case.suite, case.name)))


def seconds_of(text: str) -> float:
    """A time of a report in seconds: `0.25`, `1,234.5`; what is no time (NaN, inf, negative, words) is 0."""
    try:
        if "," in text:
            text = text[:40].strip()
            text = text.replace(",", "" if _GROUPED.fullmatch(text) else ".")
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value < 1e9 else 0.0


def _worse(first: RawCase, second: RawCase) -> RawCase:
    """One case out of two: the worse status, both stories."""
    worse, other = (second, first) if _WORST[second.status] > _WORST[first.status] else (first, second)
    story = "\n\n".join(part for part in (worse.detail, other.message, other.detail) if part)
    return worse._replace(seconds=first.seconds + second.seconds, detail=story)


def _no_doctype(name: str, *_ids: object) -> None:
    if name.lower() == "html":
        raise Refused("is an HTML page, not a JUnit report")
    raise Refused("has a DOCTYPE, which no test runner writes")


def _check_tags(number: int) -> None:
    if number > MAX_TAGS:
        raise Refused(f"has more than {MAX_TAGS:,} different tags and attributes")


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")
