"""The outcomes as `PASS|FAIL name` lines with findings below, and as JUnit. Text of a repo is cleaned already."""

from collections.abc import Sequence
from pathlib import Path

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
    """Write JUnit, a case per guard: its message is the first finding, its text what fits. Raises DiskError."""
    from phdb_ci.reports.cases import (
        Written,
        write_cases,
    )  # what a report needs, a run without one does not load

    cases = []
    for guard, found in ((outcome.guard.name, outcome.findings) for outcome in outcomes):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = f"{found[0]}{more}" if found else ""
        cases.append(
            Written(guard, "failed" if found else "passed", 0.0, message, "\n".join(map(str, found[:MOST])))
        )
    write_cases(path, "guards", cases)
