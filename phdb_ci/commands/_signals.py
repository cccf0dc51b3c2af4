"""Ctrl-C and its like, for the verbs that run jobs."""

import signal
from typing import Self

from phdb_ci.errors import Interrupted
from phdb_ci.execution.process import Canceller, end_children


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP: before the run starts they end phdb-ci, after that they cancel the run."""

    def __init__(self, cancel: Canceller) -> None:
        self._cancel = cancel
        self.caught = False
        self.running = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, old in self._before.items():
            signal.signal(number, old)  # type: ignore[arg-type]  # what signal.signal() itself returned

    def _handle(self, _number: int, _frame: object) -> None:
        self.caught = True
        self._cancel.cancel()
        if not self.running:
            end_children()
            raise Interrupted("interrupted before anything ran: there is no verdict")
