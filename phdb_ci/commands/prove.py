"""`phdb-ci prove [JOB…]`: what does each job notice? Runs it against broken engines and writes down what was seen.

proofs.json (for programs) and docs/proofs.md (for people) lie beside the matrix, with a table for each kind of stack.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from phdb_ci.base.text import counted
from phdb_ci.commands._common import cache_dir, parallel, planned
from phdb_ci.commands._proofs import check_writable, write_proofs
from phdb_ci.commands._signals import Signals
from phdb_ci.commands._verdict import new_run_id, run_directory
from phdb_ci.errors import Exit, Interrupted, UsageError
from phdb_ci.execution.context import Context
from phdb_ci.execution.housekeeping import open_work
from phdb_ci.execution.process import Canceller
from phdb_ci.matrix import load
from phdb_ci.models.matrix import FAULTS, Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, ProofRecord, Proofs
from phdb_ci.proving import Estimate, measure, provable
from phdb_ci.terminal import Console, duration, table


def main(arguments: argparse.Namespace) -> int:
    """Measure, print the table, write; 1 with `--check` where a claim was not measured true, 130 when interrupted."""
    jobs = parallel(arguments.jobs)
    if not arguments.names:
        arguments.names = [name for name, job in load(arguments.matrix).jobs.items() if job.evidence.witness]
    console, cancel = Console.for_terminal(os.environ), Canceller()
    with Signals(cancel) as signals:
        matrix, plan = planned(arguments)
        _look(matrix, plan, console)
        check_writable(arguments.matrix)
        run_id = new_run_id()
        out = run_directory(arguments.out, run_id, "prove")
        work, _lock = open_work(cache_dir(os.environ), run_id)
        context = Context(
            matrix=matrix, plan=plan, cache=cache_dir(os.environ), out=out, work=work, caller=dict(os.environ),
            run_id=run_id, progress=console, cancel=cancel,
        )  # fmt: skip
        signals.running = True
        console.begin(len(provable(context)) * (len(FAULTS) + 1))
        try:
            found = measure(context, jobs, told=lambda estimate: _tell(console, estimate))
        finally:
            console.end()
    if signals.caught:
        raise Interrupted(f"interrupted: no proof was written; what ran is in {out}")
    proofs = Proofs(stack=plan.sources.stack, jobs=found)
    untrue = (*broken(matrix, proofs), *elsewhere(matrix, plan))
    _show(arguments, proofs, untrue)
    write_proofs(arguments.matrix, matrix, proofs)
    print(f"{out}", file=sys.stderr)
    return Exit.FAIL if arguments.check and untrue else Exit.PASS


def broken(matrix: Matrix, proofs: Proofs) -> tuple[str, ...]:
    """The claims of the measured jobs that were not measured true, one line each."""
    return tuple(
        f"{one.job} claims to notice {fault}: {_why_not(one, fault)}"
        for one in proofs.jobs
        for fault in matrix.jobs[one.job].notices
        if not one.noticed(fault)
    )


def elsewhere(matrix: Matrix, plan: Plan) -> tuple[str, ...]:
    """The claims of jobs that were asked for and have no leg on this machine: nothing was measured of them."""
    here = {leg.job for leg in plan.legs}
    absent = {leg.job: leg.reason for leg in plan.idle if leg.job not in here and leg.kind == "elsewhere"}
    return tuple(
        f"{job} claims to notice {fault}: not measured: {reason}"
        for job, reason in absent.items()
        for fault in matrix.jobs[job].notices
    )


def _why_not(one: JobProofs, fault: str) -> str:
    if one.noticed(fault) is False:
        return "missed it"
    if one.control != "passed":
        return f"not measured: with the sound engine it is {one.control}"
    proof = one.of(fault)
    return (
        f"not measured: {proof.status}: {proof.reason}" if proof else "not measured: there was no such engine"
    )


def _look(matrix: Matrix, plan: Plan, console: Console) -> None:
    """Say which of the jobs have nothing that could be broken. Raises UsageError when none has."""
    without = sorted({leg.job for leg in plan.legs if not matrix.jobs[leg.job].evidence.witness})
    if len(without) == len({leg.job for leg in plan.legs}):
        raise UsageError(
            "none of these jobs declares a witness: there is no engine to put a broken one in place of"
        )
    if without:
        console.note(f"not measured, without a witness no engine is theirs: {', '.join(without)}")


def _tell(console: Console, estimate: Estimate) -> None:
    console.note(f"{counted(estimate.legs, 'leg')} with a broken engine, about {duration(estimate.seconds)}")


def _show(arguments: argparse.Namespace, proofs: Proofs, untrue: Sequence[str]) -> None:
    if arguments.json:
        print(ProofRecord(proofs=proofs, broken=tuple(untrue)).model_dump_json(indent=1), flush=True)
        return
    rows: list[tuple[str, ...]] = [("job", "sound", *FAULTS)]
    rows += [(one.job, one.control, *(_word(one, fault) for fault in FAULTS)) for one in proofs.jobs]
    print("\n".join(table(rows)))
    rows = [
        ("its report", *REPORT_FAULTS),
        *((one.job, *(_word(one, fault) for fault in REPORT_FAULTS)) for one in proofs.jobs),
    ]
    print("\n" + "\n".join(table(rows)))
    for line in untrue:
        print(line)


def _word(one: JobProofs, fault: str) -> str:
    return {True: "noticed", False: "MISSED", None: "-"}[one.noticed(fault)]
