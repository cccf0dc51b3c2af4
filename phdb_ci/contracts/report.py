"""The cases as a JUnit file and as lines for people. Text from programs is cleaned before it is written."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from phdb_ci.contracts.stage import Case
from phdb_ci.errors import DiskError
from phdb_ci.junit.text import detail_text, message_line, name_line

SUITE = "contracts"
RESULTS = {"failed": "failure", "error": "error", "skipped": "skipped"}
WORDS = {"passed": "PASS", "failed": "FAIL", "error": "ERROR", "skipped": "SKIP"}


def write_report(path: Path, cases: Sequence[Case]) -> None:
    """Write the JUnit file, whole or not at all. Raises DiskError when it cannot be written."""
    count = {outcome: sum(case.outcome == outcome for case in cases) for outcome in WORDS}
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", name=SUITE, tests=str(len(cases)), failures=str(count["failed"]), errors=str(count["error"]),
        skipped=str(count["skipped"]), time=f"{sum(case.seconds for case in cases):.3f}",
    )  # fmt: skip
    for case in cases:
        suite.append(_element(case))
    ET.indent(root)
    write_whole(path, ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing. Raises DiskError when it cannot be written.

    It stands in a checkout: under a name that a commit could know, a link might wait for us.
    """
    try:
        fd, part = tempfile.mkstemp(prefix=".contracts-", dir=path.absolute().parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror or error}") from error


def line(case: Case) -> str:
    """One case as a person reads it, its notes below it."""
    message = f"  {message_line(case.message)}" if case.message else ""
    head = f"{WORDS[case.outcome]:5} {case.id} ({case.seconds:.2f} s){message}"
    return "\n".join([head, *(f"        {note}" for note in detail_text(case.detail).splitlines())])


def _element(case: Case) -> ET.Element:
    element = ET.Element("testcase", name=name_line(case.id), time=f"{case.seconds:.3f}")
    if case.outcome in RESULTS:
        result = ET.SubElement(element, RESULTS[case.outcome], message=message_line(case.message))
        result.text = detail_text(case.detail or case.message)
    elif case.detail:
        ET.SubElement(element, "system-out").text = detail_text(case.detail)
    return element
