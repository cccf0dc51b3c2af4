"""`phdb-ci verdict RESULTS_DIR --gate G`: the verdict over results that were gathered elsewhere: GitHub's fan-in."""

import argparse
import os
from datetime import UTC, date, datetime

from phdb_ci.base.nearest import perhaps
from phdb_ci.commands._common import baseline_of
from phdb_ci.commands._proofs import proofs_beside
from phdb_ci.commands._verdict import attempt, code, deliver, head, run_directory, run_url, show, verdict_today
from phdb_ci.errors import UsageError
from phdb_ci.judging.fanin import gather, read_needs, read_results
from phdb_ci.judging.gathered import Run
from phdb_ci.matrix import load


def main(arguments: argparse.Namespace) -> int:
    """Read, judge, write the run directory, print the verdict; 0, 1 or 3."""
    matrix = load(arguments.matrix)
    if arguments.gate not in matrix.gates:
        raise UsageError(
            f"--gate {arguments.gate}: no gate of the matrix.{perhaps(arguments.gate, matrix.gates)}",
            tries=[f"gates: {', '.join(matrix.gates) or 'none'}"],
        )
    run, today = _run(arguments), date.today()  # noqa: DTZ011 - a quarantine ends on the user's own day
    found, needs = read_results(arguments.results), read_needs(arguments.needs)
    proofs = proofs_beside(arguments.matrix)
    gathered = gather(matrix, arguments.gate, found, needs, run, today, proofs)
    verdict = verdict_today(gathered, *baseline_of(arguments.baseline, os.environ))
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{run.id or 'fan-in'}"
    out = run_directory(arguments.out, arguments.matrix, run_id, arguments.gate)
    deliver(verdict, out, arguments, {"outcome": verdict.outcome})
    show(verdict, out, arguments)
    return code(verdict)


def _run(arguments: argparse.Namespace) -> Run:
    """The run that is expected: GitHub's own variables where it runs there, `--run-id` before them."""
    on_github = os.environ.get("GITHUB_RUN_ID")
    return Run(
        arguments.run_id or on_github or None,
        attempt(os.environ) if on_github else None,
        head(os.environ),
        run_url(os.environ),
    )
