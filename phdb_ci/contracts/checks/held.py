"""Writers that are started, come to where they wait for what they shall write, and write when they get it.

So what is timed is the write itself, not the start of a program. What an acknowledged one was told must be read back.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.contracts.checks.engine import INSERT, UPDATE
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Stage, demand

SETTLE = 0.03  # seconds in which a started engine comes to where it reads its parameters

FILL = 12, "x" * 65_536  # rows and their size: read at each start, and too little for a checkpoint of the log
NO_SUCH_COMMAND = 2  # the exit code of an engine that has no session


@dataclass(frozen=True)
class Write:
    """One statement and its parameters; once it is acknowledged, the row of this key has this name."""

    sql: str
    parameters: tuple[str, ...]
    key: str
    name: str


def insert(key: str, name: str = "written", text: str = "a row") -> Write:
    """A new row."""
    return Write(INSERT, (key, name, text), key, name)


def update(key: str, name: str) -> Write:
    """A new name for the row of this key."""
    return Write(UPDATE, (name, key), key, name)


@dataclass
class Ledger:
    """What was acknowledged: the name of each row, by its key."""

    names: dict[str, str] = field(default_factory=dict)

    def note(self, write: Write, answer: str | None) -> bool:
        """Take a write in when its answer says that it was done; whether it does."""
        done = is_written(answer)
        if done:
            self.names[write.key] = write.name
        return done

    def all_there(self, stage: Stage, stack: Stack) -> None:
        """Everything is read back as it was acknowledged. Raises BrokenError, naming how much is not."""
        answer = stage.answer("exec-json", stack.exec_json("SELECT id, name FROM packages"))
        there = {row.get("id"): row.get("name") for row in answer["rows"]}
        lost = [key for key, name in self.names.items() if there.get(key) != name]
        demand(
            not lost,
            f"{len(lost)} of {len(self.names)} acknowledged rows are gone or as they were before, "
            f"{', '.join(lost[:5])} among them",
        )


def is_written(line: str | None) -> bool:
    """Whether an answer acknowledges one row."""
    try:
        answer = parse(line or "")
    except NotAnAnswerError:
        return False
    return isinstance(answer, dict) and answer.get("affected") == 1


def directory(stage: Stage, name: str, rows: Iterable[str] = ()) -> Stack:
    """A migrated data directory of its own, with rows of these keys in it, that can be updated."""
    stack = stage.stack.at(stage.stack.scratch / name)
    for verb in ("open", "migrate"):
        done = stack.engine(verb)
        demand(done.code == 0, f"{verb}: exit 0 expected, got {done.told}")
    for key in rows:
        stage.answer("exec-json", stack.exec_json(INSERT, key, "before", "a row to be updated"))
    return stack


def fill(stage: Stage, stack: Stack) -> None:
    """Put so much into a data directory that reading and writing it takes a while."""
    rows, text = FILL
    for number in range(rows):
        stage.answer("exec-json", stack.exec_json(INSERT, f"fill-{number}", "fill", text))


def waiting(stack: Stack, write: Write, settle: float | None = None) -> Program:
    """A writer that has been started and waits for its parameters."""
    writer = stack.start_exec_json(write.sql, hold_input=True)
    time.sleep(SETTLE if settle is None else settle)
    demand(not writer.ended, f"the writer of {write.key} did not wait for its parameters")
    return writer


def release(writer: Program, write: Write) -> None:
    """Give it its parameters, all of them, and nothing behind them."""
    writer.send(json.dumps(write.parameters))
    writer.close_input()


def usual_time(stack: Stack, write: Write) -> float:
    """The seconds from a writer's parameters to its answer. Raises BrokenError when it cannot write."""
    writer = waiting(stack, write)
    release(writer, write)
    writer.give(TIMEOUT)
    started = time.monotonic()
    answer = writer.line(TIMEOUT)
    seconds = time.monotonic() - started
    done = writer.finish(TIMEOUT)
    demand(is_written(answer), f"{write.sql.split()[0]} of {write.key}: not acknowledged: {done.told}")
    return seconds


def session(stack: Stack) -> Program | None:
    """A session of the engine, which answers; None where the engine has no such command."""
    process = stack.engine_session()
    answer = tell(process, "SELECT id FROM packages WHERE id = ?", "nobody")
    if answer is None:
        done = process.finish(TIMEOUT)
        demand(done.code == NO_SUCH_COMMAND, f"the engine's session gave no answer: {done.told}")
        return None
    try:
        good = isinstance(parse(answer).get("rows"), list)
    except (NotAnAnswerError, AttributeError) as error:
        raise BrokenError(f"the engine's session: {error}") from error
    demand(good, f"the engine's session: $.rows expected, got {answer[:120]}")
    return process


def tell(process: Program, sql: str, *parameters: str) -> str | None:
    """One statement in a session of the engine, and the line that it answers; None when it answers none."""
    send(process, sql, *parameters)
    return process.line(TIMEOUT)


def send(process: Program, sql: str, *parameters: str) -> None:
    """One statement in a session of the engine, not waited for."""
    process.send(json.dumps({"sql": sql, "params": list(parameters)}) + "\n")


def stamps(data: Path) -> dict[str, tuple[int, int]]:
    """Every file below the directory, with its size and time of change."""
    found = {}
    for folder, _, names in os.walk(data):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - in a loop that must be quick
            try:
                facts = os.lstat(path)
            except OSError:
                continue
            found[path] = facts.st_size, facts.st_mtime_ns
    return found
