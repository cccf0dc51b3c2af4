"""The results of a run → one normalised JUnit file, streamed leg by leg.

The file is never greener than the verdict: a leg that is not passed and has no red case of its own (exit
code, no evidence, blocked) gets one case, named after the job, that carries the leg's status and reasons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from junitparser import Error, Failure, Skipped, TestCase, TestSuite

from phdb_ci.base.files import whole_file
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.results import Case, LegResult, Suite
from phdb_ci.models.statuses import STATUSES
from phdb_ci.models.verdict import Missing, VerdictArtifact, VerdictLeg
from phdb_ci.reports.text import detail_text, message_line, name_line

_OPEN = b'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="phdb-ci">\n'
_CLOSE = b"</testsuites>\n"


def write_junit(
    path: Path, legs: Iterable[VerdictLeg], *, missing: Iterable[Missing] = (),
    artifacts: Iterable[VerdictArtifact] = (),
) -> None:  # fmt: skip
    """Write the JUnit file of a run: one leg in memory at a time, and the file appears whole or not at all.

    Totals are what was counted; the property `not kept` says how many cases are missing. An artifact that jobs cannot
    use and a leg that left no result are a suite each. Raises DiskError.
    """
    with whole_file(path) as file:
        file.write(_OPEN)
        file.writelines(_as_bytes(_unbuilt(artifact)) for artifact in artifacts if not artifact.is_there)
        for leg in legs:
            file.writelines(_as_bytes(_quarantined(suite, leg)) for suite in _suites(leg.result, leg.repeat))
        file.writelines(_as_bytes(_missing(item)) for item in missing)
        file.write(_CLOSE)


def _unbuilt(artifact: VerdictArtifact) -> TestSuite:
    """One case with the words of the build."""
    case = _named(artifact.name, "build", artifact.seconds)
    result = Error(message_line(unbuilt(artifact.name, artifact.status)), artifact.status)
    result.text = detail_text("\n".join([*artifact.reasons, *artifact.words]))
    case.result = result
    facts = {"status": artifact.status, "log": f"{artifact.name}/log.txt", "repeat": artifact.repeat}
    return _element(f"build {artifact.name}", facts, [case])


def _missing(item: Missing) -> TestSuite:
    case = _named(item.job, f"{item.job}@{item.os}", 0.0)
    case.result = Error(message_line(item.reason), item.status)
    facts = {"job": item.job, "os": item.os, "status": item.status, "repeat": item.repeat}
    return _element(f"{item.job}@{item.os}", facts, [case])


def _suites(leg: LegResult, repeat: str) -> Iterator[TestSuite]:
    facts = _facts(leg, repeat)
    numbers: Counter[str] = Counter()
    for suite in leg.facts.counted_suites:
        numbers[suite.kind] += 1
        nth = f" {numbers[suite.kind]}" if numbers[suite.kind] > 1 else ""
        yield _report(suite, f"{leg.leg} {suite.kind}{nth}", facts)
    counts = [suite.counts for suite in leg.facts.suites]
    red = any(count.failed or count.error for count in counts)
    if not any(count.total for count in counts) or (leg.status != "passed" and not red):
        yield _leg_itself(leg, facts)


def _facts(leg: LegResult, repeat: str) -> dict[str, str]:
    """What holds for every suite of a leg; of one that is not green, where to look and what runs it alone."""
    facts = {"gate": leg.gate, "job": leg.job, "os": leg.os, "status": leg.status}
    if leg.status != "passed":
        facts |= {"log": f"{leg.leg}/log.txt", "workspace": leg.workspace or "", "repeat": repeat}
    return facts


def _report(suite: Suite, name: str, facts: Mapping[str, str]) -> TestSuite:
    properties = {
        "kind": suite.kind,
        "problem": suite.problem or "",
        "notes": "; ".join(suite.notes),
        "not kept": str(suite.dropped) if suite.dropped else "",
    }
    element = _element(name, {**facts, **properties}, [_case(case) for case in suite.cases])
    counts = suite.counts
    element.tests = counts.total
    element.failures, element.errors = counts.failed, counts.error
    element.skipped = counts.skipped + counts.todo
    element.time = max(suite.seconds, 0.0)
    return element


def _leg_itself(leg: LegResult, facts: Mapping[str, str]) -> TestSuite:
    case = _named(leg.job, leg.leg, leg.seconds)
    if leg.status != "passed":
        kind = {"failure": Failure, "skipped": Skipped}.get(STATUSES[leg.status].junit or "", Error)
        reasons = [*leg.reasons, *(suite.problem for suite in leg.facts.suites if suite.problem)]
        result = kind(message_line(reasons[0] if reasons else leg.status), leg.status)
        result.text = detail_text("\n".join([*reasons, *leg.facts.words]))
        case.result = result
    return _element(leg.leg, facts, [case])


def _element(name: str, properties: Mapping[str, str], cases: list[TestCase]) -> TestSuite:
    element = TestSuite(name_line(name))
    for key, value in properties.items():
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
        place = f"at {case.place}\n" if case.place else ""
        kind = {"failed": Failure, "error": Error}.get(case.status, Skipped)
        result = kind(message_line(case.message), "todo" if case.status == "todo" else None)
        result.text = detail_text(place + case.detail)
        element.result = result
    return element


def _named(name: str, suite: str, seconds: float) -> TestCase:
    return TestCase(name_line(name), name_line(suite) if suite else "", max(seconds, 0.0))


def _as_bytes(suite: TestSuite) -> bytes:
    data: bytes = suite.tostring()  # type: ignore[no-untyped-call]
    return data + b"\n"
