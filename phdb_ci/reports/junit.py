"""JUnit XML → Suite, streamed through expat: memory does not grow with the file, no total in it is believed.

A DOCTYPE is refused: no runner writes one, and entities are an attack.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from phdb_ci.models.results import CaseStatus, Suite
from phdb_ci.reports.crosscheck import node_contradictions, pytest_contradictions, pytest_difference
from phdb_ci.reports.dialects import (
    FLAKY,
    IN_CASE,
    RESULTS,
    ROOTS,
    XmlKind,
    result_status,
    stated_status,
    suite_of,
)
from phdb_ci.reports.doubles import Doubles
from phdb_ci.reports.source import CHUNK, Refused, Source, check_file
from phdb_ci.reports.tally import RawCase, Tally
from phdb_ci.reports.text import (
    DETAIL_LIMIT,
    MESSAGE_LIMIT,
    counted,
    message_line,
    name_line,
    number,
    plain,
    whole,
)

MAX_DEPTH = 100
MAX_TOKEN = 8 * 1024**2  # one tag or comment; the parser must hold it whole
MAX_TAGS = 5_000  # different tag and attribute names; the parser keeps every one

_FOOTER = re.compile(r"\s*(tests|suites|pass|fail|cancelled|skipped|todo) ([0-9]{1,9})\s*")


class _Result:
    """What a case says of itself so far; text past the bound is not kept."""

    def __init__(self, status: CaseStatus, message: str) -> None:
        self.status = status
        self.message = message[: 4 * MESSAGE_LIMIT]
        self.pieces: list[str] = []
        self.size = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def read_report(kind: XmlKind, path: Path, *, skips: Mapping[str, str], critical: Sequence[str]) -> Suite:
    """Read a JUnit file; never raises for what is in it.

    Args:
        kind: whose dialect it is; `junit` for any other writer.
        path: the file.
        skips: pattern → reason, the named skips.
        critical: patterns of cases that must have been executed.

    Returns:
        The Suite, with `problem` set where the file cannot be believed and with whatever could be counted.
    """
    reader = _Reader(kind, Tally(kind, skips, critical))
    problem = None
    try:
        check_file(path)
        reader.read(Source(path))
    except Refused as refused:
        problem = f"{path.name} {refused}"
    except OSError as error:
        problem = f"{path.name} cannot be read: {error.strerror or error}"
    return reader.finish(None if problem is None else message_line(problem))


class _Reader:
    """The expat handlers and what they remember. One use."""

    def __init__(self, kind: XmlKind, tally: Tally) -> None:
        self.kind = kind
        self.tally = tally
        self.notes: list[str] = []
        self.elements = dict.fromkeys(RESULTS, 0)
        self.stated: dict[str, int | None] = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        self.footer: dict[str, int] = {}
        self.suites = self.open_suites = 0
        self.nameless = self.strays = self.flaky = 0
        self._flaky_names: list[str] = []
        self._locals: dict[str, str] = {}
        self._depth = 0
        self._path: list[str] = []
        self._attrs: dict[str, str] | None = None
        self._result: _Result | None = None
        self._stray_at = self._flaked = 0
        self._doubles = Doubles(tally.add)
        self._hand_on = self._doubles.add if kind == "pytest" else tally.add
        self._parser = expat.ParserCreate()

    def read(self, source: Source) -> None:
        """Run the whole file through the handlers.

        Raises:
            Refused: the file is not a whole, well-formed JUnit report.
        """
        parser = self._parser = expat.ParserCreate(source.encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _no_doctype
        if self.kind == "node":
            parser.CommentHandler = self._comment
        at_end = False
        try:
            for chunk in source.chunks():
                parser.Parse(chunk, False)
                self._check_bounds(source)
            at_end = True
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise Refused(self._what_is_wrong(error, at_end=at_end)) from error
        except (LookupError, ValueError) as error:  # how pyexpat says that it does not know an encoding
            raise Refused(f"declares an encoding that cannot be read: {error}") from error
        finally:
            if source.controls:
                taken = counted(source.controls, "control character was", "control characters were")
                self.notes.append(f"{taken} taken out of the file")

    def finish(self, problem: str | None) -> Suite:
        """Close what is open and hand over the Suite."""
        if self._attrs is not None and self._result is not None:
            self._case_ends()  # a truncated file still shows the failure it broke off in
        self._doubles.close()
        self._note_repairs()
        if problem is None:
            problem = self._unfinished() or self._contradiction()
        return self.tally.finish(problem, self.notes)

    def _what_is_wrong(self, error: expat.ExpatError, *, at_end: bool) -> str:
        if not at_end:
            return f"is not well-formed XML: {expat.ErrorString(error.code)}, line {error.lineno}"
        return f"is truncated: it breaks off in line {error.lineno}" if self._locals else "holds no XML"

    def _check_bounds(self, source: Source) -> None:
        """Expat holds an unfinished tag in memory and scans it anew at each call; both must stay bounded."""
        waiting = source.fed - max(self._parser.CurrentByteIndex, 0)
        if waiting > MAX_TOKEN:
            raise Refused(f"has a tag or comment of more than {MAX_TOKEN // 1024**2} MiB")
        source.hunger = max(CHUNK, waiting)
        if len(self._parser.intern) > MAX_TAGS:
            raise _too_many_tags()

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
            self._attrs = attrs
        elif local == "testsuite":
            self._suite_starts(attrs)
        elif local == "undefined" and self.kind == "node":
            self.open_suites += 1  # how node's reporter calls a suite whose end it has not seen
        elif local in RESULTS:
            self._result_starts(local, attrs)
        elif local in FLAKY:
            self._flaked += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"is nested more than {MAX_DEPTH} deep")

    def _end(self, tag: str) -> None:
        self._depth -= 1
        local = self._locals[tag]
        if local == "testcase":
            self._case_ends()
        elif local == "testsuite":
            self._path.pop()
        elif local in RESULTS:
            self._parser.CharacterDataHandler = None
            if self._stray_at > self._depth:
                self._stray_at = 0
                self._case_ends()

    def _chars(self, text: str) -> None:
        # It must not unset itself past the bound: pyexpat would call it again for what it buffered.
        result = self._result
        if result is not None and result.size < 4 * DETAIL_LIMIT:
            result.pieces.append(text)
            result.size += len(text)

    def _comment(self, text: str) -> None:
        # Diagnostics of tests are comments too; node's own totals come last: keep the last of each name.
        if found := _FOOTER.fullmatch(text[:100]):
            self.footer[found[1]] = int(found[2])

    # What the handlers mean

    def _local(self, tag: str) -> str:
        if len(self._locals) > MAX_TAGS:
            raise _too_many_tags()
        return self._locals.setdefault(tag, tag.rpartition(":")[2])

    def _suite_starts(self, attrs: dict[str, str]) -> None:
        self.suites += 1
        self._path.append(plain(attrs.get("name", "")[:MESSAGE_LIMIT]).strip())
        if self.kind == "pytest":
            for word, before in self.stated.items():
                here = whole(attrs.get(word))
                self.stated[word] = None if before is None or here is None else before + here

    def _result_starts(self, local: str, attrs: dict[str, str]) -> None:
        if self._attrs is None:
            if RESULTS[local] == "skipped":
                return
            # A suite that broke as a whole (fixture, container): no case tells of it, it must not be lost.
            self.strays += 1
            self._attrs, self._stray_at = {"name": f"<{local}> outside any test case"}, self._depth
        self.elements[local] += 1
        status = result_status(local, attrs, self._attrs)
        if self._result is None or IN_CASE[status] > IN_CASE[self._result.status]:
            self._result = _Result(status, attrs.get("message", ""))
            self._parser.CharacterDataHandler = self._chars

    def _case_ends(self) -> None:
        attrs, result = self._attrs or {}, self._result
        self._attrs = self._result = None
        name, time = attrs.get("name", ""), attrs.get("time")
        if not name:
            self.nameless += 1
        suite = suite_of(self.kind, attrs, self._path)
        seconds = number(time) if time else 0.0
        if result is None:
            case = RawCase(suite, name, stated_status(attrs), seconds, "", "")
        else:
            text = result.text
            case = RawCase(suite, name, result.status, seconds, result.message or _first_line(text), text)
        if self._flaked:
            self._flaky_ends(case)
        self._hand_on(case)

    def _flaky_ends(self, case: RawCase) -> None:
        self._flaked = 0
        if case.status == "passed":
            self.flaky += 1
            if len(self._flaky_names) < 5:
                self._flaky_names.append(name_line(case.name))

    def _note_repairs(self) -> None:
        if self._doubles.merged:
            twice = counted(self._doubles.merged, "test stands", "tests stand")
            self.notes.append(f"{twice} twice in the report (failed, then its teardown) and counts once")
        if self.nameless:
            self.notes.append(f"{counted(self.nameless, 'case has', 'cases have')} no name")
        if self.strays:
            strays = counted(
                self.strays, "failure outside any test case counts", "failures outside any test case count"
            )
            self.notes.append(f"{strays} as a case")
        if self.flaky:
            flaky = counted(self.flaky, "case", "cases")
            self.notes.append(f"{flaky} passed only when run again: {', '.join(self._flaky_names)}")

    def _unfinished(self) -> str | None:
        """What node leaves when it ends before its tests do, and what another one leaves in its name."""
        if self.kind != "node" or self.tally.counts["failed"]:
            return None
        if self.open_suites:
            return "node ended in the midst of a suite: the report has no end of it"
        if not self.footer:
            return "it holds none of the totals that node writes: node did not write it"
        return None

    def _contradiction(self) -> str | None:
        """Where the runner's own totals and the cases cannot both be true; None when they can."""
        found: list[str] = []
        if self.kind == "pytest":
            found += pytest_contradictions(self.stated, self.elements, self.tally.total)
            other = pytest_difference(self.stated, self.elements, self.tally.total, self._doubles.merged)
            self.notes += [other] if other else []
        elif self.kind == "node":
            found += node_contradictions(self.footer, self.tally.counts, self.suites)
        return f"contradicts itself: {'; '.join(found)}" if found else None


def _no_doctype(name: str, *_ids: object) -> None:
    if name.lower() == "html":
        raise Refused("is an HTML page, not a JUnit report")
    raise Refused("has a DOCTYPE, which no test runner writes")


def _too_many_tags() -> Refused:
    return Refused(f"has more than {MAX_TAGS:,} different tags and attributes")


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")
