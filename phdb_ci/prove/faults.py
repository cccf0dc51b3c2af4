"""The faults by name: what each engine does wrong, its program, and what can be wrong with a report."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from phdb_ci.junit import read_lines, read_report
from phdb_ci.models.matrix import FAULTS, Report
from phdb_ci.models.proofs import REPORT_FAULTS
from phdb_ci.models.results import Suite

CONTROL = "none"  # the sound engine behind the same program: what fails with it says nothing of a fault
OTHER = "other-commit"
DATA = ("drops-writes", "empty-reads", "foreign-rows", "corrupt-value")
WORDS = {
    "dead": "always fails",
    "null": "answers nothing, exit code 0",
    "drops-writes": "says that it wrote, and does not",
    "empty-reads": "finds no row, ever",
    "foreign-rows": "answers with somebody else's rows",
    "corrupt-value": "changes one value of an answer",
    "hang": "never answers",
    OTHER: "is a build of another commit",
}
REPORTS = {
    "emptied": "the report has no test in it",
    "skipped": "every test of the report is skipped",
    "truncated": "the report ends in the middle",
}
assert tuple(REPORTS) == REPORT_FAULTS  # noqa: S101 - likewise
assert tuple(WORDS) == FAULTS  # noqa: S101 - one list of names, in two places for their words


def write_engine(folder: Path, fault: str, real: Path) -> Path:
    """Write the engine with this fault; `real` is the sound one that it hands everything else to."""
    source = Path(__file__).with_name("engine.py").read_text(encoding="utf-8")
    for name, value in (("REAL", str(real)), ("FAULT", fault), ("PROGRAM", real.name)):
        source = _set(source, name, value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / real.name
    # A shebang line is cut at 127 bytes, and takes one argument: a shell finds any interpreter.
    body = folder / f"{real.name}.py"
    body.write_text(source, encoding="utf-8")
    path.write_text(
        f'#!/bin/sh\nexec {_quoted(sys.executable)} -IS {_quoted(str(body))} "$@"\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def spoilt_suite(report: Report, kept: Path, fault: str, work: Path) -> Suite | None:
    """The suite of a report with a fault in it, read as the harness reads it; None for a kind without a report."""
    if report.kind == "exit" or not kept.is_file():
        return None
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{fault}-{kept.name}"
    if report.kind == "lines":
        path.write_text("".join(f"{line}\n" for line in _lines(kept, fault)), encoding="utf-8")
        return read_lines(path, skips=report.skips, critical=report.critical, start=0)
    path.write_bytes(_xml(kept, fault))
    return read_report(report.kind, path, skips=report.skips, critical=report.critical)


def _set(source: str, name: str, value: str) -> str:
    start = source.index(f"\n{name} = ") + 1
    end = source.index("\n", start)
    return f"{source[:start]}{name} = {value!r}{source[end:]}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _lines(kept: Path, fault: str) -> list[str]:
    lines = kept.read_text(encoding="utf-8", errors="replace").splitlines()
    if fault != "truncated":  # a harness that ran nothing would count nothing
        lines = [line for line in lines if "pass=" not in line]
    if fault == "emptied":
        return [line for line in lines if not line.startswith(("PASS ", "FAIL ", "SKIP "))]
    if fault == "skipped":
        return [f"SKIP {line[5:]}" if line.startswith(("PASS ", "FAIL ")) else line for line in lines]
    return lines[: len(lines) // 2]


def _xml(kept: Path, fault: str) -> bytes:
    data = kept.read_bytes()
    if fault == "truncated":
        return data[: len(data) // 2]
    if fault == "emptied":
        return b'<?xml version="1.0"?>\n<testsuites><testsuite name="none" tests="0"/></testsuites>\n'
    root = ET.fromstring(data)  # noqa: S314 - the harness has read this very file before
    for case in root.iter("testcase"):
        for child in list(case):
            case.remove(child)
        ET.SubElement(case, "skipped", message="put there by phdb-ci prove")
    for suite in root.iter("testsuite"):
        count = str(len(list(suite.iter("testcase"))))
        for name in ("tests", "skipped", "failures", "errors"):
            if name in suite.attrib:
                suite.set(name, {"tests": count, "skipped": count}.get(name, "0"))
    return ET.tostring(root)
