"""The cases as a JUnit file and as lines for people. Text from programs is cleaned before it is written."""

from collections.abc import Sequence
from pathlib import Path

from phdb_ci.contracts.stage import Case
from phdb_ci.reports.cases import Written, write_cases
from phdb_ci.reports.text import detail_text, message_line

SUITE = "contracts"
WORDS = {"passed": "PASS", "failed": "FAIL", "error": "ERROR", "skipped": "SKIP"}


def write_report(path: Path, cases: Sequence[Case]) -> None:
    """Write the JUnit file, whole or not at all. Raises DiskError when it cannot be written."""
    written = [Written(case.id, case.outcome, case.seconds, case.message, case.detail) for case in cases]
    write_cases(path, SUITE, written)


def line(case: Case) -> str:
    """One case as a person reads it, its notes below it."""
    message = f"  {message_line(case.message)}" if case.message else ""
    head = f"{WORDS[case.outcome]:5} {case.id} ({case.seconds:.2f} s){message}"
    return "\n".join([head, *(f"        {note}" for note in detail_text(case.detail).splitlines())])
