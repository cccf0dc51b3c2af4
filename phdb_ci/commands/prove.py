"""`phdb-ci prove [JOB…]`: what does each job notice? Runs it with broken artifacts and repos and shows what was seen.

It writes its run directory, and elsewhere only what it is told to: `--write FILE` (for programs), `--page FILE` (for
people), each with a table for every kind of stack.
"""

import argparse
import os
import sys

from phdb_ci.base.files import write_whole
from phdb_ci.base.page import table
from phdb_ci.commands._options import PROOFS, planned, proofs_beside, read_proofs
from phdb_ci.commands._running import Signals, context_of, parallel
from phdb_ci.errors import Exit, Interrupted, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.proofs import JobProofs, ProofFile, Proofs
from phdb_ci.proving.measure import measure, provable
from phdb_ci.rendering.proofs_page import fault_rows, proofs_page, report_rows
from phdb_ci.terminal import Board


def main(arguments: argparse.Namespace) -> int:
    """Measure and print the table; 1 with `--check` where a claim was not measured true, 130 when interrupted."""
    jobs = parallel(arguments.jobs)
    if not arguments.names:
        every = load(arguments.matrix)
        arguments.names = [name for name, job in every.jobs.items() if every.faults_of(job)] or list(every.jobs)
    earlier = read_proofs(arguments.write) if arguments.write else proofs_beside(arguments.matrix)
    board = Board.for_terminal(os.environ)
    with Signals() as signals:
        matrix, plan = planned(arguments)
        _look(matrix, plan, board)
        _write(arguments, earlier, matrix)  # as it is: before hours are spent, it shows that this can be done
        context = context_of(arguments, matrix, plan, "prove", board, signals.cancel)
        signals.running = True
        with board.region(sum(len(matrix.faults_of(matrix.jobs[node.job])) + 2 for node in provable(context))):
            measured = measure(context, arguments.matrix.resolve().parent, jobs)
    if signals.cancel.cancelled:
        raise Interrupted(f"interrupted: no proof was written; what ran is in {context.out}")
    proofs = Proofs(stack=plan.sources.stack, jobs=measured)
    claims = untrue(matrix, plan, proofs)
    rows = (*table(fault_rows(proofs, matrix)), "", *table(report_rows(proofs)))
    print(proofs.model_dump_json(indent=1) if arguments.json else "\n".join(rows))
    print("\n".join([*claims, str(context.out)]), file=sys.stderr if arguments.json else sys.stdout)
    write_whole(context.out / PROOFS, ProofFile(tables=(proofs,)).model_dump_json(indent=1) + "\n")
    _write(arguments, merged(earlier, matrix, proofs), matrix)
    return Exit.FAIL if arguments.check and claims else Exit.PASS


def merged(file: ProofFile, matrix: Matrix, new: Proofs) -> ProofFile:
    """The file with a new table in the place of the one of its stack; jobs that were not measured now stay."""
    before = file.of(new.stack)
    jobs = {proofs.job: proofs for proofs in (*(before.jobs if before else ()), *new.jobs)}
    newest = Proofs(stack=new.stack, jobs=tuple(jobs[name] for name in matrix.jobs if name in jobs))
    tables = [newest, *(other for other in file.tables if other.stack != new.stack)]
    return ProofFile(tables=tuple(sorted(tables, key=lambda proofs: proofs.stack)))


def untrue(matrix: Matrix, plan: Plan, proofs: Proofs) -> tuple[str, ...]:
    """The claims of the jobs that were asked for and that were not measured true, one line each."""
    elsewhere = {leg.job: f"not measured: {leg.reason}" for leg in plan.idle if leg.kind == "elsewhere"}
    return tuple(
        f"{name} claims to notice {fault}: {_why_not(job, fault) if job else elsewhere.get(name, 'not measured')}"
        for name in plan.jobs
        for job in (proofs.of(name),)
        for fault in matrix.jobs[name].notices
        if not (job and job.noticed(fault))
    )


def _why_not(job: JobProofs, fault: str) -> str:
    proof = job.of(fault)
    if proof is None:
        return f"not measured: with nothing broken it is {job.control}"
    return "missed it" if proof.noticed is False else f"not measured: {proof.status}: {proof.reason}"


def _look(matrix: Matrix, plan: Plan, board: Board) -> None:
    """Name the jobs that no fault applies to. Raises UsageError when there is no other."""
    here = dict.fromkeys(leg.job for leg in plan.legs)
    without = [job for job in here if not matrix.faults_of(matrix.jobs[job])]
    if len(without) == len(here):
        tries = ["give an artifact or a repo of these jobs a table of `faults` in matrix.toml"]
        raise UsageError("there is nothing to break before these jobs", tries=tries)
    if without:
        board.note(f"skipped: no fault applies to {', '.join(without)}")


def _write(arguments: argparse.Namespace, file: ProofFile, matrix: Matrix) -> None:
    if arguments.write:
        write_whole(arguments.write, file.model_dump_json(indent=1) + "\n")
    if arguments.page:
        write_whole(arguments.page, proofs_page(file, matrix))
