"""A writer that is started, comes to where it reads its parameters, and writes in the moment that it gets them.

So what is timed is the write itself, not the start of a program.
"""

import json
import time

from phdb_ci.contracts.checks.engine import INSERT
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import Stage, demand

SETTLE = 0.03  # seconds in which a started engine comes to where it reads its parameters

FILL = 12, "x" * 65_536  # rows and their size: read at each start, and too little for a checkpoint of the log


def fill(stage: Stage, stack: Stack) -> None:
    """Put so much into a data directory that reading and writing it takes a while."""
    rows, text = FILL
    for number in range(rows):
        stage.answer("exec-json", stack.exec_json(INSERT, f"fill-{number}", "fill", text))


def waiting(stack: Stack, name: str, settle: float | None = None) -> Program:
    """A writer that has been started and waits for its parameters."""
    writer = stack.start_exec_json(INSERT, hold_input=True)
    time.sleep(SETTLE if settle is None else settle)
    demand(not writer.ended, f"the writer of {name} did not wait for its parameters")
    return writer


def release(writer: Program, name: str) -> None:
    """Give it its parameters, all of them, and nothing behind them."""
    writer.send(json.dumps([name, "writer", "a row"]))
    writer.close_input()


def usual_time(stack: Stack) -> float:
    """How long a writer takes from its parameters to its answer, in seconds."""
    writer = waiting(stack, "warm")
    started = time.monotonic()
    release(writer, "warm")
    writer.line(TIMEOUT)
    seconds = time.monotonic() - started
    writer.finish(TIMEOUT)
    return seconds
