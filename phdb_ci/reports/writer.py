"""The results of a run → one normalised JUnit file, streamed leg by leg.

The file is never greener than the verdict: a leg that is not passed and has no red case of its own (exit
code, no evidence, blocked) gets one case, named after the job, that carries the leg's status and reasons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from junitparser import Error, Failure, Skipped, TestCase, TestSuite

from phdb_ci.base.files import whole_file
from phdb_ci.models.results import Case, LegResult, Suite
from phdb_ci.models.statuses import STATUSES
from phdb_ci.models.verdict import VerdictLeg
from phdb_ci.reports.text import detail_text, message_line, name_line

_OPEN = b'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="phdb-ci">\n'
_CLOSE = b"</testsuites>\n"


def write_junit(path: Path, legs: Iterable[VerdictLeg]) -> None:
    """Write the JUnit file of a run: one leg in memory at a time, and the file appears whole or not at all.

    Totals are what was counted; the property `not kept` says how many cases are missing. Raises DiskError.
    """
    with whole_file(path) as file:
        file.write(_OPEN)
        for leg in legs:
            file.writelines(_as_bytes(_quarantined(suite, leg)) for suite in _suites(leg.result))
        file.write(_CLOSE)


def _suites(leg: LegResult) -> Iterator[TestSuite]:
    numbers: Counter[str] = Counter()
    for suite in leg.facts.counted_suites:
        numbers[suite.kind] += 1
        nth = f" {numbers[suite.kind]}" if numbers[suite.kind] > 1 else ""
        yield _report(leg, suite, f"{leg.leg} {suite.kind}{nth}")
    counts = [suite.counts for suite in leg.facts.suites]
    red = any(count.failed or count.error for count in counts)
    if not any(count.total for count in counts) or (leg.status != "passed" and not red):
        yield _leg_itself(leg)


def _report(leg: LegResult, suite: Suite, name: str) -> TestSuite:
    properties = {
        "kind": suite.kind,
        "problem": suite.problem or "",
        "notes": "; ".join(suite.notes),
        "not kept": str(suite.dropped) if suite.dropped else "",
    }
    element = _element(leg, name, properties, [_case(case) for case in suite.cases])
    counts = suite.counts
    element.tests = counts.total
    element.failures, element.errors = counts.failed, counts.error
    element.skipped = counts.skipped + counts.todo
    element.time = max(suite.seconds, 0.0)
    return element


def _leg_itself(leg: LegResult) -> TestSuite:
    case = _named(leg.job, leg.leg, leg.seconds)
    if leg.status != "passed":
        kind = {"failure": Failure, "skipped": Skipped}.get(STATUSES[leg.status].junit or "", Error)
        reasons = [*leg.reasons, *(suite.problem for suite in leg.facts.suites if suite.problem)]
        result = kind(message_line(reasons[0] if reasons else leg.status), leg.status)
        result.text = detail_text("\n".join(reasons))
        case.result = result
    return _element(leg, leg.leg, {}, [case])


def _element(leg: LegResult, name: str, properties: dict[str, str], cases: list[TestCase]) -> TestSuite:
    element = TestSuite(name_line(name))
    facts = {"gate": leg.gate, "job": leg.job, "os": leg.os, "status": leg.status}
    for key, value in (facts | properties).items():
        if value:
            element.add_property(key, message_line(value))
    element.add_testcases(cases)
    return element


def _quarantined(suite: TestSuite, leg: VerdictLeg) -> TestSuite:
    """The suite with the issue of each quarantine of its leg."""
    for item in leg.quarantine:
        suite.add_property("quarantine", message_line(item.row.issue))
    return suite


def _case(case: Case) -> TestCase:
    element = _named(case.name, case.suite, case.seconds)
    if case.status != "passed":
        kind = {"failed": Failure, "error": Error}.get(case.status, Skipped)
        result = kind(message_line(case.message), "todo" if case.status == "todo" else None)
        result.text = detail_text(case.detail)
        element.result = result
    return element


def _named(name: str, suite: str, seconds: float) -> TestCase:
    return TestCase(name_line(name), name_line(suite) if suite else "", max(seconds, 0.0))


def _as_bytes(suite: TestSuite) -> bytes:
    data: bytes = suite.tostring()  # type: ignore[no-untyped-call]
    return data + b"\n"
