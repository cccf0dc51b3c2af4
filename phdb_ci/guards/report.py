"""The outcomes as `PASS|FAIL name` lines with findings below, and as JUnit. Text of a repo is cleaned already."""

import os
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

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


def junit(outcomes: Sequence[Outcome]) -> str:
    """A JUnit document: a case per guard; its message is the first finding, its text all of them."""
    failed = sum(bool(outcome.findings) for outcome in outcomes)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites><testsuite name="guards" tests="{len(outcomes)}" failures="{failed}" errors="0" skipped="0">',
    ]
    for outcome in outcomes:
        head = f'<testcase classname="guards" name={quoteattr(outcome.guard.name)} time="0"'
        if not outcome.findings:
            parts.append(f"{head}/>")
            continue
        more = f" (and {len(outcome.findings) - 1} more)" if len(outcome.findings) > 1 else ""
        text = "\n".join(map(str, outcome.findings[:MOST]))
        message = quoteattr(f"{outcome.findings[0]}{more}")
        parts.append(f"{head}><failure message={message}>{_text(text)}</failure></testcase>")
    parts.append("</testsuite></testsuites>")
    return "\n".join(parts) + "\n"


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write it, whole or not at all. Raises DiskError when it cannot be written."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(junit(outcomes), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DiskError(f"{path} cannot be written: {error.strerror or error}") from error


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
