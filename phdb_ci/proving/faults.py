"""The faults by name: what each engine does wrong, its program, and what can be wrong with a report."""

import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from phdb_ci.base.text import plain
from phdb_ci.models.matrix import Report
from phdb_ci.models.report_kinds import REPORT_KINDS
from phdb_ci.models.results import Suite
from phdb_ci.reports import read_suite
from phdb_ci.reports.lines import LINE

CONTROL = "none"  # the sound engine behind the same program: what fails with it says nothing of a fault
AGAIN = "none-again"  # the control once more, after all faults
OTHER = "other-commit"


def write_engine(folder: Path, fault: str, real: Path) -> Path:
    """Write the engine with this fault; `real` is the sound one that it hands everything else to."""
    source = Path(__file__).with_name("engine.py").read_text(encoding="utf-8")
    for name, value in (
        ("REAL", str(real)),
        ("FAULT", CONTROL if fault == AGAIN else fault),
        ("PROGRAM", real.name),
    ):
        source = _set(source, name, value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / real.name
    # A shebang line is cut at 127 bytes, and takes one argument: a shell finds any interpreter.
    body = folder / f"{real.name}.py"
    body.write_text(source, encoding="utf-8")
    path.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(body))} "$@"\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def spoilt_suite(
    report: Report, kept: Path, log: Path, output_from: int, fault: str, work: Path
) -> Suite | None:
    """The suite of a report with a fault in it, read as the harness reads it.

    Args:
        report: the job's row for it.
        kept: the report in the leg's folder; the log for a kind that is read from it.
        log: the leg's log.
        output_from: the byte of the log at which the run commands' output begins.
        fault: one of REPORT_FAULTS, or CONTROL for a report that is only written again.
        work: a folder for the report with the fault in it.

    Returns:
        None for a kind without a report, and for a report that only the harness's own reader can read.
    """
    if not REPORT_KINDS[report.kind].cases or not kept.is_file():
        return None
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{fault}-{kept.name}"
    if REPORT_KINDS[report.kind].place == "log":
        path.write_bytes(_lines(kept.read_bytes()[output_from:], fault))
        return read_suite(report, path, path, 0)
    try:
        path.write_bytes(_xml(kept.read_bytes(), fault))
    except ET.ParseError:
        return None
    return read_suite(report, path, log, output_from)


def _set(source: str, name: str, value: str) -> str:
    start = source.index(f"\n{name} = ") + 1
    end = source.index("\n", start)
    return f"{source[:start]}{name} = {value!r}{source[end:]}"


def _lines(output: bytes, fault: str) -> bytes:
    lines = output.decode(errors="replace").splitlines(keepends=True)
    if fault == "truncated":
        return "".join(lines[: len(lines) // 2]).encode()
    if fault == "emptied":
        lines = [line for line in lines if not LINE.match(plain(line))]
    elif fault == "skipped":
        lines = [_skipped(line) for line in lines]
    if fault != CONTROL:  # a harness that ran nothing would count nothing
        lines = [line for line in lines if "pass=" not in line]
    return "".join(lines).encode()


def _skipped(line: str) -> str:
    found = LINE.match(plain(line))
    return f"SKIP {found[3].strip()}\n" if found else line


def _xml(data: bytes, fault: str) -> bytes:
    """The report with a fault in it and with totals that fit, so that only what it says is noticed."""
    if fault == "truncated":
        return data[: len(data) // 2]
    root = ET.fromstring(data, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))  # noqa: S314 - read before
    if fault == "emptied":
        for parent in list(root.iter()):
            for case in parent.findall("testcase"):
                parent.remove(case)
    elif fault == "skipped":
        for case in root.iter("testcase"):
            case[:] = []
            ET.SubElement(case, "skipped", message="put there by phdb-ci prove")
    if fault != CONTROL:
        _set_totals(root)
    return ET.tostring(root)


def _set_totals(root: "ET.Element[str]") -> None:
    """Totals of a report in which no case passes or fails: pytest's attributes and node's closing comments."""
    for suite in [one for one in root.iter() if one.tag in ("testsuites", "testsuite")]:
        count = str(len(list(suite.iter("testcase"))))
        for name in ("tests", "skipped", "failures", "errors"):
            if name in suite.attrib:
                suite.set(name, {"tests": count, "skipped": count}.get(name, "0"))
    cases, suites = len(list(root.iter("testcase"))), len(list(root.iter("testsuite")))
    totals = {
        "tests": cases,
        "suites": suites,
        "skipped": cases,
        "pass": 0,
        "fail": 0,
        "cancelled": 0,
        "todo": 0,
    }
    for comment in [one for one in root.iter() if not isinstance(one.tag, str)]:
        word = (comment.text or "").split()
        if len(word) == 2 and word[0] in totals:
            comment.text = f" {word[0]} {totals[word[0]]} "
