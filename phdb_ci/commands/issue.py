"""`phdb-ci issue JOB [CASE]`: a report about a job that is not green, ready to be filed where the fault is.

It reads a run; nothing is sent anywhere.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phdb_ci.base.nearest import perhaps
from phdb_ci.commands._options import read_verdict, runs_of
from phdb_ci.errors import Exit, ResultsError, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.results import Case
from phdb_ci.models.verdict import Verdict, VerdictLeg
from phdb_ci.rendering.issue import issue_of
from phdb_ci.terminal import read_end

LOG_BYTES = 64 * 1024


def main(arguments: argparse.Namespace) -> int:
    """Print the report: Markdown, or the record with `--json`; 0. Raises UsageError where nothing is to be reported."""
    file = _verdict_file(arguments.run or runs_of(arguments.matrix) / "latest")
    verdict = read_verdict(file)
    leg = _leg(verdict, arguments.job)
    cases = _cases(leg, arguments.case)
    log = read_end(file.parent / leg.result.leg / "log.txt", LOG_BYTES)
    issue = issue_of(verdict, leg, cases, load(arguments.matrix).repos, log)
    print(issue.model_dump_json(indent=1) if arguments.json else issue.body, end="\n" if arguments.json else "")
    return Exit.PASS


def _verdict_file(run: Path) -> Path:
    file = run / "verdict.json" if run.is_dir() else run
    if not file.is_file():
        tries = ["run a gate first: phdb-ci run GATE", "name a run: --run DIR"]
        raise ResultsError(f"there is no file {file}", tries=tries)
    return file


def _leg(verdict: Verdict, name: str) -> VerdictLeg:
    """The leg `JOB@OS`, or the first of a job's that is not green. Raises UsageError."""
    legs = [leg for leg in verdict.legs if name in (leg.result.job, leg.result.leg)]
    gone = [item for item in verdict.missing if name in (item.job, f"{item.job}@{item.os}")]
    red = [leg for leg in legs if leg.result.status != "passed"]
    if red:
        return red[0]
    if gone:
        raise UsageError(f"{name} left no result in this run: {gone[0].reason}")
    if legs:
        raise UsageError(f"{name} passed in this run: there is nothing to report")
    known = [leg.result.job for leg in verdict.legs]
    tries = [f"jobs: {', '.join(known) or 'none'}"]
    raise UsageError(f"this run has no job {name}.{perhaps(name, known)}", tries=tries)


def _cases(leg: VerdictLeg, pattern: str | None) -> Sequence[Case]:
    """The failing cases that a pattern names, all of them without one. Raises UsageError where it names none."""
    cases = leg.result.facts.failing
    chosen = [case for case in cases if pattern is None or case.is_named(pattern)]
    if pattern is not None and not chosen:
        titles = [case.title for case in cases]
        near = perhaps(pattern, [*titles, *(case.name for case in cases)])
        tries = [f"failed: {', '.join(titles[:5]) or 'no case'}"]
        raise UsageError(f"no case {pattern} failed in {leg.result.leg}.{near}", tries=tries)
    return chosen
