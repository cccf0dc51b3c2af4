"""The outcomes as `PASS|FAIL name` lines with findings below, and as JUnit. Text of a repo is cleaned already."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

from phdb_ci.errors import DiskError
from phdb_ci.guards.table import Outcome

MOST = 100  # findings of one guard that are listed


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """What the job prints; the last line counts."""
    told = []
    for outcome in outcomes:
        told.append(f"{'FAIL' if outcome.findings else 'PASS'} {outcome.guard.name}")
        told += (f"  {finding}" for finding in outcome.findings[:MOST])
        if len(outcome.findings) > MOST:
            told.append(f"  and {len(outcome.findings) - MOST} more")
    failed = sum(bool(outcome.findings) for outcome in outcomes)
    count = sum(len(outcome.findings) for outcome in outcomes)
    told.append(f"{len(outcomes)} guards: {len(outcomes) - failed} hold, {failed} do not; findings: {count}")
    return told


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write JUnit, a case per guard: its message is the first finding, its text all of them. Raises DiskError."""
    failed = sum(bool(outcome.findings) for outcome in outcomes)
    suite = Element("testsuite", name="guards", tests=str(len(outcomes)), failures=str(failed))
    for outcome in outcomes:
        case = SubElement(suite, "testcase", classname="guards", name=outcome.guard.name, time="0")
        if outcome.findings:
            more = f" (and {len(outcome.findings) - 1} more)" if len(outcome.findings) > 1 else ""
            failure = SubElement(case, "failure", message=f"{outcome.findings[0]}{more}")
            failure.text = "\n".join(map(str, outcome.findings[:MOST]))
    try:
        ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror or error}") from error
