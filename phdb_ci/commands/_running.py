"""What `run` and `prove` share: Ctrl-C and its like, and what the nodes of one run need to know."""

import os
import signal
from argparse import Namespace
from typing import Self

from phdb_ci.commands._delivery import new_run_id, run_directory, run_here
from phdb_ci.commands._options import cache_dir
from phdb_ci.errors import Interrupted, UsageError
from phdb_ci.execution.context import Context
from phdb_ci.execution.housekeeping import open_work
from phdb_ci.execution.process import Canceller, end_children
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.planning.inventory import cpus
from phdb_ci.terminal import Board


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP: before the run starts they end phdb-ci, after that they cancel the run."""

    def __init__(self) -> None:
        self.cancel = Canceller()
        self.running = False

    def __enter__(self) -> Self:
        ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._handle) for number in ends}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: object) -> None:
        self.cancel.cancel()
        if not self.running:
            end_children()
            raise Interrupted("interrupted before anything ran: there is no verdict")


def parallel(jobs: int | None) -> int:
    """`--jobs`: how many nodes run at once, by default the processors. Raises UsageError for less than one."""
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least one node must be able to run")
    return jobs or cpus()


def context_of(arguments: Namespace, matrix: Matrix, plan: Plan, name: str, board: Board, cancel: Canceller) -> Context:
    """A run that starts now: its directory, named after `name`, its folder in the cache, and who it is."""
    run_id, run, cache = new_run_id(), run_here(os.environ), cache_dir(os.environ)
    out = run_directory(arguments.out, arguments.matrix, run_id, name)
    work, _lock = open_work(cache, run_id)
    return Context(
        matrix=matrix, plan=plan, cache=cache, out=out, work=work, caller=dict(os.environ), run_id=run.id or run_id,
        attempt=run.attempt or 1, head=run.head, progress=board, cancel=cancel,
    )  # fmt: skip
