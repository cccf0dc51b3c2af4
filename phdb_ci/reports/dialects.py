"""What JUnit elements, attributes and totals mean to pytest, node, ctest, surefire and gtest.

The runners differ in what they leave out rather than in what they write; each rule names who needs it. Totals that a
runner states are held against what was counted: a report that contradicts itself proves nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from phdb_ci.base.text import counted
from phdb_ci.models.results import CaseStatus

Attrs = Mapping[str, str]
Cases = Mapping[CaseStatus, int]

ROOTS = frozenset({"testsuites", "testsuite"})
RESULTS: Mapping[str, CaseStatus] = {
    "failure": "failed", "error": "error", "skipped": "skipped", "rerunFailure": "failed", "rerunError": "error",
}  # fmt: skip
LOWER = {name.lower(): name for name in RESULTS}  # in any case of letters
FLAKY = frozenset({"flakyFailure", "flakyError"})  # surefire: failed first, passed when run again
# Within one case the highest counts; todo is above a failure because node writes both for a todo that throws.
IN_CASE: Mapping[CaseStatus, int] = {"passed": 0, "skipped": 1, "error": 2, "failed": 3, "todo": 4}

# What a case without a result element says in its `status` or `result`, in any case of letters. Whatever is not among
# these words is not known to have passed.
PASSED_WORDS = frozenset({"", "passed", "pass", "ok", "success", "successful", "succeeded", "run", "completed"})
FAILED_WORDS = frozenset({
    "fail", "failed", "failure", "error", "errored", "broken", "crashed", "aborted", "timedout",
})  # fmt: skip
# What may stand in a case that passed.
NEUTRAL = frozenset({
    "system-out", "system-err", "properties", "property", "output", "description", "attachments", "attachment",
    "comment", "measurement", "metadata", "tags", "tag", "labels", "label", "traits", "trait", "steps", "step", "logs",
    "log", "file", "location", *(word.lower() for word in FLAKY),
})  # fmt: skip
# ctest calls these skipped and exits 8.
_NOT_RUN = (
    "Unable to find executable", "Fixture dependency failed", "Required Files Missing",
    "Failed to change working directory", "Missing Configuration",
)  # fmt: skip
_STATED_BY_PYTEST = ("tests", "failures", "errors", "skipped")
_STATED_BY_SUITES = {"failed": ("failures", "errors"), "left out": ("skipped", "disabled"), "all": ("tests",)}
_FOOTER = re.compile(r"\s*(tests|suites|pass|fail|cancelled|skipped|todo) ([0-9]{1,9})\s*")


def result_status(local: str, result: Attrs, case: Attrs) -> CaseStatus:
    """The status that a result element gives to its case."""
    status = RESULTS[local]
    if status != "skipped":
        return status
    if result.get("type") == "todo":
        return "todo"
    could_not_run = case.get("status") == "notrun" and result.get("message", "").startswith(_NOT_RUN)
    return "error" if could_not_run else "skipped"


def stated_status(case: Attrs) -> tuple[CaseStatus, str]:
    """The status of a case that has no result element, and the word that makes it other than passed."""
    words = [case[name] for name in ("status", "result") if name in case]
    bad = next((word for word in words if word.strip().lower() in FAILED_WORDS), None)
    if bad is not None:
        return "failed", bad
    unknown = next((word for word in words if word.strip().lower() not in PASSED_WORDS), None)
    return ("passed", "") if unknown is None else ("skipped", unknown)


@dataclass
class Totals:
    """What a report holds beside its cases: what its runner states in attributes and comments, what was counted."""

    elements: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESULTS, 0))
    stated: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(_STATED_BY_PYTEST, 0))
    footer: dict[str, int] = field(default_factory=dict)
    suites: int = 0
    unfinished: int = 0  # <undefined>: how node's reporter calls a suite whose end it has not seen
    merged: int = 0  # cases that were the second of one test
    open: list[tuple[Attrs, Counter[str]]] = field(default_factory=list)  # suites, and what was counted before each
    short: list[str] = field(default_factory=list)  # suites that state more than they hold
    failing_short: list[str] = field(default_factory=list)  # of those, the ones that state a failure

    def begin(self, attrs: Attrs, counts: Cases) -> None:
        """A suite begins, whatever it is called; `counts` are the cases before it."""
        self.open.append((attrs, self._held(counts)))

    def end(self, counts: Cases) -> None:
        """A suite ends: what it states counts like what its cases say."""
        attrs, before = self.open.pop()
        held = self._held(counts)
        name = attrs.get("name", "") or "a suite"
        for kind, words in _STATED_BY_SUITES.items():
            stated = sum(whole_number(attrs.get(word)) or 0 for word in words)
            if stated > (shown := held[kind] - before[kind]):
                text = f"{name} says {'+'.join(words)}={stated}, and shows {shown}"
                (self.failing_short if kind == "failed" else self.short).append(text)

    def _held(self, counts: Cases) -> Counter[str]:
        """What was counted so far; one case may hold several elements, and one that is left out may be an error."""
        bad, left = counts["failed"] + counts["error"], counts["skipped"] + counts["todo"]
        elements = sum(number for name, number in self.elements.items() if name != "skipped")
        return Counter({
            "failed": max(bad, elements), "left out": max(left, self.elements["skipped"]),
            "all": bad + left + counts["passed"],
        })  # fmt: skip

    def add_suite(self, attrs: Attrs) -> None:
        """Count a suite and add up what it states; one that states no number leaves none."""
        self.suites += 1
        for word, before in self.stated.items():
            number = whole_number(attrs.get(word))
            self.stated[word] = None if before is None or number is None else before + number

    def add_comment(self, text: str) -> None:
        """Keep the last total of each name: diagnostics of tests are comments too, and node's own totals come last."""
        if match := _FOOTER.fullmatch(text[:100]):
            self.footer[match[1]] = int(match[2])


class Dialect(NamedTuple):
    """One runner's JUnit.

    Attributes:
        suite_of: the suite of a case, from its attributes and the names of the suites around it.
        problem: where totals and cases cannot both be true, or the runner did not reach its end.
        difference: where totals and cases differ and may both be true.
        believes_suites: whether what a suite states counts; others' totals are held against their cases by `problem`.
        merges_teardown: whether a test that failed and whose teardown then broke is two cases.
    """

    suite_of: Callable[[Attrs, Sequence[str]], str]
    problem: Callable[[Totals, Cases], str | None] = lambda _totals, _cases: None
    difference: Callable[[Totals, Cases], str | None] = lambda _totals, _cases: None
    merges_teardown: bool = False
    believes_suites: bool = False


def _suites_around(_case: Attrs, path: Sequence[str]) -> str:
    """Node always writes the class name `test`."""
    return " > ".join(part for part in path if part)


def _class_name(case: Attrs, path: Sequence[str]) -> str:
    classname = case.get("classname")
    return _suites_around(case, path) if classname is None else classname


def _class_name_unless_repeated(case: Attrs, path: Sequence[str]) -> str:
    """Ctest repeats the case's name as its class."""
    return "" if case.get("classname") == case.get("name", "") else _class_name(case, path)


def _pytest_problem(totals: Totals, cases: Cases) -> str | None:
    """What cannot be in the attributes that pytest writes.

    `failures`, `errors` and `skipped` count result elements; `tests` counts what ran, so none where there are cases
    means that they were listed and not run (`--setup-only`).
    """
    contradictions = [
        f"pytest says {word}={stated}, the report holds {totals.elements[element]}"
        for word, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        if (stated := totals.stated[word]) is not None and stated != totals.elements[element]
    ]
    if totals.stated["tests"] == 0 < sum(cases.values()):
        contradictions.append(_pytest_tests(totals, cases))
    return _contradiction(contradictions)


def _pytest_difference(totals: Totals, cases: Cases) -> str | None:
    """Another number of tests: subtests count unseen, reruns are seen uncounted."""
    stated, total = totals.stated["tests"], sum(cases.values())
    if stated is None or total <= stated <= total + max(totals.merged, totals.elements["error"]):
        return None
    return _pytest_tests(totals, cases)


def _pytest_tests(totals: Totals, cases: Cases) -> str:
    return f"pytest says tests={totals.stated['tests']}, the report holds {counted(sum(cases.values()), 'case')}"


def _node_problem(totals: Totals, cases: Cases) -> str | None:
    """What node leaves when it ends before its tests do, and what another program leaves in its name."""
    if not cases["failed"] and totals.unfinished:
        return "node ended in the midst of a suite: the report has no end of it"
    if not cases["failed"] and not totals.footer:
        return "it holds none of the totals that node writes: node did not write it"
    return _contradiction(list(_node_contradictions(totals, cases)))


def _node_contradictions(totals: Totals, cases: Cases) -> Iterator[str]:
    """What cannot be in the totals that node writes as closing comments.

    A test with subtests is a suite in the file and a test in the totals; a suite that is skipped or empty is a case in
    the file and a suite in the totals. So tests and suites together agree exactly, the outcomes only within these. A
    hook that fails at the root fails cases that the totals leave out or count as skipped: more failures than stated is
    no contradiction, and the cases are red by themselves.
    """
    footer, failed = totals.footer, cases["failed"] + cases["error"]
    stated_failed = footer.get("fail", 0) + footer.get("cancelled", 0)
    if "fail" in footer and failed > stated_failed:
        return
    if "tests" in footer and "suites" in footer:
        stated, read = footer["tests"] + footer["suites"], sum(cases.values()) + totals.suites
        if stated != read:
            yield f"node says {stated} tests and suites, the report holds {read}"
    pairs = {
        "pass": (footer.get("pass"), cases["passed"]),
        "fail and cancelled": (stated_failed if "fail" in footer else None, failed),
        "skipped": (footer.get("skipped"), cases["skipped"]),
        "todo": (footer.get("todo"), cases["todo"]),
    }
    for word, (total, count) in pairs.items():
        if total is not None and not count - footer.get("suites", 0) <= total <= count + totals.suites:
            yield f"node says {word} {total}, the report holds {count}"
    if 0 < stated_failed <= totals.suites and not failed:
        yield f"node says {stated_failed} failed, no case shows it: a test with subtests is no case"


def _stated_failure(totals: Totals, _cases: Cases) -> str | None:
    """A suite states failures that no case of it shows: a file that did not load, a run cut by a filter."""
    return _contradiction(totals.failing_short[:5])


PYTEST = Dialect(_class_name, _pytest_problem, _pytest_difference, merges_teardown=True)
NODE = Dialect(_suites_around, _node_problem)
ANY = Dialect(_class_name_unless_repeated, _stated_failure, believes_suites=True)


def whole_number(text: str | None) -> int | None:
    """A count as an attribute states it, or None where that is not a number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _contradiction(contradictions: Sequence[str]) -> str | None:
    return f"contradicts itself: {'; '.join(contradictions)}" if contradictions else None
