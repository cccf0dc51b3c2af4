"""`phdb-ci run`: run a gate or jobs and give the verdict. Ctrl-C and SIGTERM end every process and still give one."""

import argparse
import os
import shutil
import time
from pathlib import Path

from phdb_ci.artifacts.bundle import SUFFIX, pack
from phdb_ci.commands._delivery import deliver, run_here, show, verdict_today
from phdb_ci.commands._options import baseline_of, cache_dir, matrix_option, planned
from phdb_ci.commands._running import Signals, context_of, parallel
from phdb_ci.errors import Exit
from phdb_ci.execution.context import now
from phdb_ci.execution.execute import Results, run_plan
from phdb_ci.judging.gathered import Run, gathered_here
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Verdict
from phdb_ci.terminal import Board


def main(arguments: argparse.Namespace) -> int:
    """Plan, run, judge, write the run directory, print the verdict; 0, 1, 3 or 130."""
    baseline, notes = baseline_of(arguments.baseline, os.environ)
    jobs = parallel(arguments.jobs)
    began, started = time.monotonic(), now()
    board = Board.for_terminal(os.environ)
    with Signals() as signals:
        matrix, plan = planned(arguments)
        if arguments.published:
            from phdb_ci.github.published import with_published

            plan = with_published(plan, matrix, cache_dir(os.environ), os.environ)
        context = context_of(arguments, matrix, plan, plan.gate, board, signals.cancel)
        (context.out / "plan.json").write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
        signals.running = True
        with board.region(len(plan.legs) + sum(node.stored is None for node in plan.artifacts)):
            results = run_plan(context, jobs)
        run = Run(context.run_id, context.attempt, context.head, run_here(os.environ).url)
        options = ["--stack", str(arguments.stack)] if arguments.stack else []
        options += [word for given in arguments.artifact for word in ("--artifact", given)]
        gathered = gathered_here(
            matrix, plan, results.legs, tuple(results.artifacts.values()), run,
            started, time.monotonic() - began, [*options, *matrix_option(arguments.matrix)],
        )  # fmt: skip
        verdict = verdict_today(gathered, baseline, notes)
        _hand_out(plan, results, context.out)
        deliver(verdict, context.out, arguments, _outputs(verdict))
    for leg in verdict.legs:
        if leg.result.status not in ("passed", "cancelled", "blocked"):
            board.log_tail(leg.result.leg, context.out / leg.result.leg / "log.txt")
    show(verdict, context.out, arguments)
    return Exit.INTERRUPTED if signals.cancel.cancelled else Exit[verdict.outcome.upper()]


def _hand_out(plan: Plan, results: Results, out: Path) -> None:
    for name in plan.named:
        stored = results.artifacts[name].stored
        if stored is not None:
            (out / name).mkdir(exist_ok=True)
            file = out / name / f"{name}{SUFFIX}"
            if stored.bundle:
                shutil.copyfile(stored.bundle, file)
            else:
                pack(stored, file)


def _outputs(verdict: Verdict) -> dict[str, object]:
    values: dict[str, object] = {"outcome": verdict.outcome}
    if len(verdict.artifacts) == 1:
        artifact = verdict.artifacts[0]
        values |= {"key": artifact.key, "digest": artifact.digest or ""}
        values |= {"status": artifact.status, "seconds": artifact.seconds, "words": artifact.words}
    return values
