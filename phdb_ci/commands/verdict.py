"""`phdb-ci verdict RESULTS_DIR --gate G`: the verdict over results that were gathered elsewhere: GitHub's fan-in."""

import argparse
import os
from dataclasses import replace
from datetime import date

from phdb_ci.commands._delivery import deliver, new_run_id, run_directory, run_here, show, verdict_today
from phdb_ci.commands._options import baseline_of, check_gate, proofs_beside
from phdb_ci.errors import Exit
from phdb_ci.judging.fanin import gather, read_needs, read_results
from phdb_ci.matrix import load


def main(arguments: argparse.Namespace) -> int:
    """Read, judge, write the run directory, print the verdict; 0, 1 or 3."""
    matrix = load(arguments.matrix)
    check_gate(matrix, arguments.gate, "--gate")
    run, today = run_here(os.environ), date.today()  # noqa: DTZ011 - a quarantine ends on the user's own day
    run = replace(run, id=arguments.run_id or run.id)
    results, needs = read_results(arguments.results), read_needs(arguments.needs)
    gathered = gather(matrix, arguments.gate, results, needs, run, today, proofs_beside(arguments.matrix))
    verdict = verdict_today(gathered, *baseline_of(arguments.baseline, os.environ), today)
    out = run_directory(arguments.out, arguments.matrix, new_run_id(), arguments.gate)
    deliver(verdict, out, arguments, {"outcome": verdict.outcome})
    show(verdict, out, arguments)
    return Exit[verdict.outcome.upper()]
