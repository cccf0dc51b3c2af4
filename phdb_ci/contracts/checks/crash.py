"""kill -9 of the engine in the middle of writes: what was acknowledged is there, in the log and beyond it."""

import signal
import time
from pathlib import Path

from phdb_ci.contracts.checks.held import (
    Ledger,
    Write,
    directory,
    fill,
    insert,
    release,
    session,
    stamps,
    tell,
    update,
    usual_time,
    waiting,
)
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import Check, Stage, demand

AT_ANSWER, IN_BETWEEN = 12, 24  # writers that are killed when they have answered, and while they write
SESSIONS = 3  # sessions that are killed
ROWS, TEXT = 24, "x" * 65_536  # more than a log of one MiB holds
LARGE = "y" * 1_200_000  # what no such log holds: its write is a checkpoint
CHECKPOINTS = 16  # that are cut off


def engine_rows(stage: Stage) -> None:
    """exec-json is killed as soon as it has answered an INSERT, and at points all over its write."""
    fill(stage, stage.stack)
    keys = [f"crash-{number}" for number in range(AT_ANSWER + IN_BETWEEN)]
    _killed_writers(stage, stage.stack, [insert(key) for key in keys])


def updates(stage: Stage) -> None:
    """An UPDATE that was acknowledged survives as well; so does what a session of the engine has acknowledged."""
    keys = [f"update-{number}" for number in range((AT_ANSWER + IN_BETWEEN) // 2)]
    in_session = [f"session-{number}" for number in range(SESSIONS)]
    stack = directory(stage, "crash-updates", [*keys, *in_session])
    _killed_writers(stage, stack, [update(key, f"new-{key}") for key in keys])
    ledger = Ledger()
    for key in in_session:
        process = session(stack)
        if process is None:
            stage.notes.append("the engine has no session")
            return
        for write in (
            insert(f"new-{key}"),
            update(key, "changed"),
            insert(f"newer-{key}"),
            update(key, "again"),
        ):
            demand(
                ledger.note(write, tell(process, write.sql, *write.parameters)),
                f"{write.key}: not acknowledged",
            )
        process.signal(signal.SIGKILL)
        process.end()
        ledger.all_there(stage, stack)
    stage.notes.append(f"{SESSIONS} sessions killed, {len(ledger.names)} rows acknowledged")


def checkpoint(stage: Stage) -> None:
    """Rows beyond what the log holds are there; so are they when the checkpoint is cut off in its middle."""
    stack, ledger = directory(stage, "crash-checkpoint", ["large"]), Ledger()
    for number in range(ROWS):
        write = insert(f"row-{number}", text=TEXT)
        answer = stack.exec_json(write.sql, *write.parameters)
        demand(ledger.note(write, answer.out), f"{write.key}: not acknowledged: {answer.told}")
    ledger.all_there(stage, stack)
    large = Write("UPDATE packages SET description = ? WHERE id = ?", (LARGE, "large"), "large", "before")
    usual = usual_time(stack, large)
    cut = 0
    for number in range(CHECKPOINTS):
        small = insert(f"small-{number}")
        ledger.note(small, stack.exec_json(small.sql, *small.parameters).out)
        writer = waiting(stack, large)
        before = stamps(stack.data)
        release(writer, large)
        writer.give(TIMEOUT)
        if number % 2:
            _until_it_moves(writer, stack.data, before, usual * 2)
        else:
            _pause(usual * number / CHECKPOINTS)
        writer.signal(signal.SIGKILL)
        cut += not ledger.note(large, writer.line(1.0))
        writer.end()
        ledger.all_there(stage, stack)
    stage.notes.append(f"{len(ledger.names)} rows acknowledged, {cut} of {CHECKPOINTS} large writes cut off")
    demand(cut, "no large write could be cut off")


def _killed_writers(stage: Stage, stack: Stack, writes: list[Write]) -> None:
    """The first third is killed at its answer, the others while they write."""
    usual, ledger, at_answer = usual_time(stack, insert("warm")), Ledger(), len(writes) // 3
    for number, write in enumerate(writes):
        writer = waiting(stack, write)
        release(writer, write)
        if number < at_answer:
            answer = writer.line(TIMEOUT)
            writer.signal(signal.SIGKILL)
        else:
            _pause(usual * (number - at_answer) / (len(writes) - at_answer))
            writer.signal(signal.SIGKILL)
            answer = writer.line(1.0)  # what it said before it died counts, too
        writer.end()
        ledger.note(write, answer)
    kept = len(ledger.names)
    stage.notes.append(f"{kept} rows acknowledged, {len(writes) - kept} writes cut off before that")
    demand(kept >= at_answer // 2, f"only {kept} of {len(writes)} writes were acknowledged")
    ledger.all_there(stage, stack)


def _until_it_moves(writer: Program, data: Path, before: dict[str, tuple[int, int]], limit: float) -> None:
    """Until a file has become smaller, or one has come or gone: what a checkpoint does, and no entry of a log."""
    end = time.monotonic() + limit
    while time.monotonic() < end and not writer.ended:
        now = stamps(data)
        if now.keys() != before.keys() or any(now[path][0] < size for path, (size, _) in before.items()):
            return


def _pause(seconds: float) -> None:
    """Wait without sleeping: a sleep is longer than a write."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        pass


CHECKS = (
    Check("crash/acknowledged-rows-survive", engine_rows),
    Check("crash/updates-survive", updates),
    Check("crash/checkpoint-keeps-rows", checkpoint),
)
