"""`phdb-ci prove [JOB…]`: what does each job notice? Runs it against broken engines and writes down what was seen.

proofs.json (for programs) and docs/proofs.md (for people) lie beside the matrix, with a table for each kind of stack.
"""

import argparse
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.commands._common import cache_dir, planned
from phdb_ci.commands._proofs import write_proofs
from phdb_ci.commands._verdict import point_latest, run_directory
from phdb_ci.commands.run import Signals
from phdb_ci.console import Console, counted, duration, table
from phdb_ci.errors import Exit, UsageError
from phdb_ci.inventory import cpus
from phdb_ci.matrix import load
from phdb_ci.models.matrix import FAULTS, Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, Proofs
from phdb_ci.process import Canceller
from phdb_ci.prove import Estimate, measure, provable
from phdb_ci.run.context import Context
from phdb_ci.run.housekeeping import open_work


def main(arguments: argparse.Namespace) -> int:
    """Measure, write, print the table; 1 with `--check` where a claim was not measured true, 130 when interrupted."""
    if not arguments.names:
        arguments.names = [name for name, job in load(arguments.matrix).jobs.items() if job.evidence.witness]
    console, cancel = Console.for_terminal(os.environ), Canceller()
    with Signals(cancel) as signals:
        matrix, plan = planned(arguments)
        run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        out = run_directory(arguments.out, run_id, "prove")
        work, _lock = open_work(cache_dir(os.environ), run_id)
        context = Context(
            matrix=matrix, plan=plan, cache=cache_dir(os.environ), out=out, work=work, caller=dict(os.environ),
            run_id=run_id, progress=console, cancel=cancel,
        )  # fmt: skip
        nodes = provable(context)
        if not nodes:
            raise UsageError(
                "none of these jobs declares a witness: there is no engine to put a broken one in place of"
            )
        signals.running = True
        console.begin(len(nodes) * (len(FAULTS) + 1))
        try:
            found = measure(context, arguments.jobs or cpus(), told=lambda estimate: _tell(console, estimate))
        finally:
            console.end()
    if signals.caught:
        return Exit.INTERRUPTED
    proofs = _proofs(plan, found)
    write_proofs(arguments.matrix, matrix, proofs)
    point_latest(out, arguments.out)
    _show(arguments, matrix, proofs, out)
    return Exit.FAIL if arguments.check and broken(matrix, proofs) else Exit.PASS


def broken(matrix: Matrix, proofs: Proofs) -> list[str]:
    """The claims of the measured jobs that were not measured true, one line each."""
    lines = []
    for one in proofs.jobs:
        for fault in matrix.jobs[one.job].notices:
            noticed = one.noticed(fault)
            if not noticed:
                told = "missed it" if noticed is False else f"not measured: its control {one.control}"
                lines.append(f"{one.job} claims to notice {fault}: {told}")
    return lines


def _tell(console: Console, estimate: Estimate) -> None:
    console.note(f"{counted(estimate.legs, 'leg')} with a broken engine, about {duration(estimate.seconds)}")


def _proofs(plan: Plan, found: tuple[JobProofs, ...]) -> Proofs:
    return Proofs(
        tool=__version__, measured=f"{datetime.now(UTC):%Y-%m-%d}", platform=plan.platform,
        stack=plan.sources.stack, jobs=found,
    )  # fmt: skip


def _show(arguments: argparse.Namespace, matrix: Matrix, proofs: Proofs, out: Path) -> None:
    if arguments.json:
        print(proofs.model_dump_json(indent=1))
        return
    rows: list[tuple[str, ...]] = [("job", "sound", *FAULTS)]
    rows += [(one.job, one.control, *(_word(one, fault) for fault in FAULTS)) for one in proofs.jobs]
    print("\n".join(table(rows)))
    rows = [
        ("its report", *REPORT_FAULTS),
        *((one.job, *(_word(one, fault) for fault in REPORT_FAULTS)) for one in proofs.jobs),
    ]
    print("\n" + "\n".join(table(rows)))
    for line in broken(matrix, proofs):
        print(line)
    print(f"{out}", file=sys.stderr)


def _word(one: JobProofs, fault: str) -> str:
    return {True: "noticed", False: "MISSED", None: "-"}[one.noticed(fault)]
