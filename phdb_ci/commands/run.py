"""`phdb-ci run`: run a gate or jobs and give the verdict. Ctrl-C and SIGTERM end every process and still give one."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from phdb_ci.artifacts.bundle import SUFFIX, pack
from phdb_ci.commands._common import baseline_of, cache_dir, matrix_option, parallel, planned
from phdb_ci.commands._signals import Signals
from phdb_ci.commands._verdict import (
    attempt,
    code,
    deliver,
    head,
    new_run_id,
    run_directory,
    run_url,
    show,
    verdict_today,
)
from phdb_ci.errors import Exit
from phdb_ci.execution import Context, Results, run_plan
from phdb_ci.execution.context import now
from phdb_ci.execution.housekeeping import open_work
from phdb_ci.execution.process import Canceller
from phdb_ci.judging.gathered import Run, Span, gathered_here
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Verdict
from phdb_ci.planning.plan import artifacts_named
from phdb_ci.terminal import Board


def main(arguments: argparse.Namespace) -> int:
    """Plan, run, judge, write the run directory, print the verdict; 0, 1, 3 or 130."""
    baseline, notes = baseline_of(arguments.baseline, os.environ)
    jobs = parallel(arguments.jobs)
    began, started = time.monotonic(), now()
    board = Board.for_terminal(os.environ)
    cancel = Canceller()
    with Signals(cancel) as signals:
        matrix, plan = planned(arguments)
        if arguments.published:
            plan = _with_published(plan, matrix)
        run_id = new_run_id()
        out = run_directory(arguments.out, arguments.matrix, run_id, plan.gate)
        (out / "plan.json").write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
        context = _context(matrix, plan, out, run_id, board, cancel)
        signals.running = True
        board.begin(len(plan.legs) + sum(node.stored is None for node in plan.artifacts))
        try:
            results = run_plan(context, jobs)
        finally:
            board.end()
        run = Run(context.run_id, context.attempt, context.head, run_url(os.environ))
        gathered = gathered_here(
            matrix, plan, results.legs, tuple(results.artifacts.values()), run,
            Span(started, time.monotonic() - began), _options(arguments),
        )  # fmt: skip
        verdict = verdict_today(gathered, baseline, notes)
        _hand_out(matrix, arguments.names, results, out)
        deliver(verdict, out, arguments, _outputs(verdict))
    _show(arguments, verdict, board, out)
    return Exit.INTERRUPTED if signals.caught else code(verdict)


def _with_published(plan: Plan, matrix: Matrix) -> Plan:
    """The plan, its builds replaced by what their repositories have published on GitHub under the same key."""
    from phdb_ci.github.published import with_published

    return with_published(plan, matrix, cache_dir(os.environ), os.environ)


def _context(matrix: Matrix, plan: Plan, out: Path, run_id: str, board: Board, cancel: Canceller) -> Context:
    cache = cache_dir(os.environ)
    work, _lock = open_work(cache, run_id)
    return Context(
        matrix=matrix, plan=plan, cache=cache, out=out, work=work, caller=dict(os.environ),
        run_id=os.environ.get("GITHUB_RUN_ID") or run_id, attempt=attempt(os.environ),
        head=head(os.environ), progress=board, cancel=cancel,
    )  # fmt: skip


def _hand_out(matrix: Matrix, names: Sequence[str], results: Results, out: Path) -> None:
    """Put the artifacts that were asked for by name into the run directory, each as one file with its manifest."""
    for name in artifacts_named(matrix, names):
        stored = results.artifacts[name].stored
        if stored is not None:
            (out / name).mkdir(exist_ok=True)
            pack(stored, out / name / f"{name}{SUFFIX}")


def _outputs(verdict: Verdict) -> dict[str, object]:
    """What a workflow wants to know: the outcome, and of a single artifact its key and digest."""
    values: dict[str, object] = {"outcome": verdict.outcome}
    if len(verdict.artifacts) == 1:
        one = verdict.artifacts[0]
        values |= {"key": one.key, "digest": one.digest or "", "status": one.status, "seconds": one.seconds}
    return values


def _options(arguments: argparse.Namespace) -> Sequence[str]:
    """The options that must be repeated to get the same run again."""
    options: list[str] = []
    if arguments.stack:
        options += ["--stack", str(arguments.stack)]
    return [*options, *matrix_option(arguments.matrix)]


def _show(arguments: argparse.Namespace, verdict: Verdict, board: Board, out: Path) -> None:
    for leg in verdict.legs:
        if leg.result.status not in ("passed", "cancelled"):
            board.log_tail(leg.result.leg, out / leg.result.leg / "log.txt")
    show(verdict, out, arguments)
