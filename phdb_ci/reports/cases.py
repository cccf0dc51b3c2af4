"""A few cases → a JUnit file of one suite. Text of programs and repositories is cleaned before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from phdb_ci.base.files import write_whole
from phdb_ci.reports.text import detail_text, message_line, name_line

RESULTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Written:
    """One case; its outcome is passed, failed, error or skipped."""

    name: str
    outcome: str
    seconds: float = 0.0
    message: str = ""
    detail: str = ""


def write_cases(path: Path, suite: str, cases: Sequence[Written]) -> None:
    """Write the file, whole or not at all. Raises DiskError when it cannot be written."""
    count = {outcome: sum(case.outcome == outcome for case in cases) for outcome in RESULTS}
    root = ET.Element("testsuites")
    element = ET.SubElement(
        root, "testsuite", name=suite, tests=str(len(cases)), failures=str(count["failed"]),
        errors=str(count["error"]), skipped=str(count["skipped"]), time=f"{sum(case.seconds for case in cases):.3f}",
    )  # fmt: skip
    element.extend(map(_element, cases))
    ET.indent(root)
    write_whole(path, ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _element(case: Written) -> ET.Element:
    element = ET.Element("testcase", name=name_line(case.name), time=f"{case.seconds:.3f}")
    if case.outcome in RESULTS:
        result = ET.SubElement(element, RESULTS[case.outcome], message=message_line(case.message))
        result.text = detail_text(case.detail or case.message)
    elif case.detail:
        ET.SubElement(element, "system-out").text = detail_text(case.detail)
    return element
