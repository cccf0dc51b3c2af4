"""Two writers on one data directory: the second is refused, or waits, or nothing is lost.

The first is stopped (SIGSTOP) where it hurts: as soon as its bytes show on the disk, at points all over its run, and
while it has the directory open and waits for its parameters. It inserts, updates, migrates, or is a session that stays.
The directory is one of their own: what they break is theirs.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from phdb_ci.contracts.checks.held import (
    FILL,
    SETTLE,
    Ledger,
    Write,
    directory,
    fill,
    insert,
    release,
    send,
    session,
    stamps,
    tell,
    update,
    usual_time,
    waiting,
)
from phdb_ci.contracts.drive import Done, Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

ROUNDS, FEWER = 24, 16  # rounds with the same kind of first writer
LEAST = 4  # rounds in which the first writer really was held before its end
BEFORE_IT_WRITES = 0.6  # of the time of a write: it reads before, and waits for the disk after that
WAIT = 0.7  # seconds that a second writer may take before it counts as waiting
# Milliseconds after which an engine that waits for a lock gives up, where it knows this variable.
LOCK_WAIT = "50"
PATIENCE = 5.0  # seconds that another writer may take while a session has the directory open
CROWD, TURNS = 8, 4
LARGE = "x" * 16_384  # a row of a crowd: all of them are more than the log holds


@dataclass
class First:
    """A writer that waits; what it shall write is nothing for one that migrates.

    Attributes:
        go: sets it going.
        answer: what it has said in the end; None for nothing.
    """

    program: Program
    write: Write | None
    go: Callable[[], None]
    answer: Callable[[], str | None]


@dataclass
class Log:
    """What was acknowledged, and what became of the second writers."""

    ledger: Ledger = field(default_factory=Ledger)
    done: int = 0
    held: int = 0
    refused: int = 0
    waited: int = 0
    accepted: int = 0

    def told(self) -> str:
        """One line."""
        return (
            f"first writer held in {self.held} rounds, done in {self.done}; "
            f"second refused {self.refused}, waited {self.waited}, accepted {self.accepted} times"
        )


def held_in_mid_write(stage: Stage) -> None:
    """The first is stopped while it inserts, the second writes, the first goes on."""
    stack = _directory(stage, "held")
    usual = usual_time(stack, insert("warmer"))
    _rounds(stage, stack, ROUNDS, usual, lambda number: _one_shot(stack, insert(f"new-first-{number}")))


def held_in_mid_update(stage: Stage) -> None:
    """The same while it updates."""
    stack = _directory(stage, "updates")
    usual = usual_time(stack, update("warm", "after")) * BEFORE_IT_WRITES
    _rounds(stage, stack, FEWER, usual, lambda number: _one_shot(stack, update(f"first-{number}", "after")))


def held_in_mid_migration(stage: Stage) -> None:
    """The same while it migrates: what others write meanwhile is not put back to what it had read."""
    stack = _directory(stage, "migrations")
    program, began = _migration(stack).program, time.monotonic()
    while not program.ended and time.monotonic() < began + TIMEOUT:
        pass
    usual = time.monotonic() - began
    demand(_said(program.finish(TIMEOUT)), "migrate: exit 0 expected, got another")
    _rounds(stage, stack, FEWER, usual, lambda _: _migration(stack), least=0)


def session_beside_others(stage: Stage) -> None:
    """A session of the engine and others write in turn, then while it is held: each sees what the other wrote."""
    stack = _directory(stage, "session")
    process = session(stack)
    ledger, began = Ledger(), time.monotonic()
    for number in range(TURNS):
        for mine in (insert(f"mine-{number}"), update(f"first-{number}", f"mine-{number}")):
            if process is None:
                ledger.note(mine, stack.exec_json(mine.sql, *mine.parameters).out)
            else:
                ledger.note(mine, tell(process, mine.sql, *mine.parameters))
        for other in (insert(f"other-{number}", text=FILL[1]), update(f"second-{number}", f"other-{number}")):
            done = stack.start_exec_json(other.sql, *other.parameters).finish(PATIENCE)
            if done.problem:
                stage.notes.append("others wait as long as a session has the directory")
                return
            ledger.note(other, _said(done))
        ledger.all_there(stage, stack)
    demand(
        len(ledger.names) >= 2 * TURNS, f"only {len(ledger.names)} of {4 * TURNS} writes were acknowledged"
    )
    usual = (time.monotonic() - began) / (5 * TURNS)
    if process is None:
        stage.notes.append("the engine has no session: a process for each write")
    else:
        _rounds(
            stage,
            stack,
            FEWER,
            usual,
            lambda number: _in_session(process, insert(f"new-first-{number}")),
            least=0,
        )


def stale_first_writer(stage: Stage) -> None:
    """The first has the directory open and waits for its parameters; a row is written meanwhile; it goes on."""
    stack, log = _directory(stage, "stale"), Log()
    for number in range(6):
        first = _one_shot(
            stack, (insert(f"new-first-{number}"), update(f"first-{number}", "after"))[number % 2]
        )
        first.program.signal(signal.SIGSTOP)
        first.go()  # into the pipe: it reads when it goes on
        _second_writes(stack, first, number, log)
        _nothing_lost(stage, stack, log)
    stage.notes.append(log.told())
    demand(log.held, "the first writer did not wait for its parameters")


def many_writers(stage: Stage) -> None:
    """Many are let go in the same moment: each is refused or its row is there."""
    stack, ledger = _directory(stage, "many").without("LIDB_LOCK_WAIT_MS"), Ledger()
    for turn in range(TURNS):
        _crowd(stack, ledger, [insert(f"many-{turn}-{n}") for n in range(CROWD)])
    stage.notes.append(f"{len(ledger.names)} of {CROWD * TURNS} writers were acknowledged")
    ledger.all_there(stage, stack)


def mixed_writers(stage: Stage) -> None:
    """So are many of all kinds, over a checkpoint of the log: inserts, updates, migrations, a session."""
    stack, ledger = _directory(stage, "mixed").without("LIDB_LOCK_WAIT_MS"), Ledger()
    told = 0
    for turn in range(TURNS):
        writes = [insert(f"mixed-{turn}-{n}", text=LARGE) for n in range(CROWD // 2)]
        writes += [update(f"first-{n}", f"mixed-{turn}-{n}") for n in range(turn * 2, turn * 2 + 2)]
        process = session(stack)
        mine = [insert(f"session-{turn}-{n}", text=LARGE) for n in range(CROWD // 2)] if process else []
        migration = _migration(stack)
        if process is not None:
            for write in mine:
                send(process, write.sql, *write.parameters)
            process.close_input()  # it ends with its answers: an engine may let nobody else in before
        _crowd(stack, ledger, writes)
        answers = process.lines_left(TIMEOUT) if process is not None else []
        for write, answer in zip(mine, answers, strict=False):
            ledger.note(write, answer)
        migration.answer()
        told += len(writes) + len(mine)
    stage.notes.append(f"{len(ledger.names)} of {told} writes were acknowledged")
    ledger.all_there(stage, stack)


def _directory(stage: Stage, name: str) -> Stack:
    """A data directory with rows to be updated, and enough in it that an engine takes a while to read it."""
    keys = ["warm", *(f"{who}-{number}" for who in ("first", "second") for number in range(FEWER))]
    stack = directory(stage, f"writers-{name}", keys).with_env(LIDB_LOCK_WAIT_MS=LOCK_WAIT)
    fill(stage, stack)
    return stack


def _rounds(
    stage: Stage,
    stack: Stack,
    rounds: int,
    usual: float,
    start: Callable[[int], First],
    *,
    least: int = LEAST,
) -> None:
    """So often: a first writer is let go, stopped a little later, and a second one writes meanwhile."""
    log, writes = Log(), False
    for number in range(rounds):
        first = start(number)
        writes = first.write is not None
        before = stamps(stack.data)
        first.go()
        _let_run(first.program, stack.data, before, usual * number / rounds if number % 3 else None, usual)
        _second_writes(stack, first, number, log)
        if number % 4 == 3:
            _nothing_lost(stage, stack, log)
    stage.notes.append(log.told())
    demand(log.held >= least, f"the first writer was held in {log.held} of {rounds} rounds only")
    demand(log.done or not writes, "no first writer was acknowledged")
    demand(log.ledger.names, "no writer was acknowledged")


def _one_shot(stack: Stack, write: Write) -> First:
    """exec-json, which has the directory and waits for its parameters."""
    program = waiting(stack, write)
    return First(program, write, lambda: release(program, write), lambda: _said(program.finish(TIMEOUT)))


def _migration(stack: Stack) -> First:
    program = Program(stack.engine_program("migrate"), env=stack.env, cwd=stack.scratch)
    return First(program, None, lambda: None, lambda: _said(program.finish(TIMEOUT)))


def _in_session(process: Program, write: Write) -> First:
    return First(
        process, write, partial(send, process, write.sql, *write.parameters), lambda: process.line(TIMEOUT)
    )


def _let_run(first: Program, data: Path, before: object, pause: float | None, usual: float) -> None:
    """Until the pause (seconds) is over, or (None) until a byte of the directory has changed."""
    limit = time.monotonic() + (min(1.0, 5 * usual) if pause is None else pause)
    while time.monotonic() < limit and not first.ended:
        if pause is None and stamps(data) != before:
            return


def _second_writes(stack: Stack, first: First, number: int, log: Log) -> None:
    """Stop the first, let a second write, let the first go on; note who was acknowledged."""
    first.program.signal(signal.SIGSTOP)
    held = _is_stopped(first.program)
    log.held += held
    row = f"second-{number}"
    write = update(row, "after") if number % 2 and number < FEWER else insert(f"new-{row}")
    second = stack.start_exec_json(write.sql, *write.parameters)
    deadline = time.monotonic() + WAIT
    while not second.ended and time.monotonic() < deadline:
        time.sleep(0.002)
    waits = not second.ended
    first.program.signal(signal.SIGCONT)
    answer = first.answer()
    if first.write is not None:
        log.done += log.ledger.note(first.write, answer)
    wrote = log.ledger.note(write, _said(second.finish(TIMEOUT)))
    if held:
        log.waited += waits
        log.accepted += wrote and not waits
        log.refused += not wrote


def _nothing_lost(stage: Stage, stack: Stack, log: Log) -> None:
    try:
        log.ledger.all_there(stage, stack)
    except BrokenError as broken:
        raise BrokenError(f"{broken}; {log.told()}") from broken


def _crowd(stack: Stack, ledger: Ledger, writes: list[Write]) -> None:
    """All at once, each a process; what was acknowledged is noted."""
    crowd = [(write, waiting(stack, write, 0.0)) for write in writes]
    time.sleep(SETTLE)
    for write, writer in crowd:
        release(writer, write)
    for write, writer in crowd:
        ledger.note(write, _said(writer.finish(TIMEOUT)))


def _said(done: Done) -> str | None:
    """What a writer has answered; None for one that has failed. Raises BrokenError for one that does not end."""
    demand(not done.problem, f"a writer {done.problem}")
    return done.out if done.code == 0 else None


def _is_stopped(program: Program) -> bool:
    """Whether a SIGSTOP has reached it before its end (where the system cannot say: whether it still runs)."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{program.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return not program.ended
        letter = state.rpartition(")")[2].split()[0]
        if letter in "TZX":
            return letter == "T"
        time.sleep(0.001)
    return False


CHECKS = (
    Check("single-writer/second-refused", held_in_mid_write),
    Check("single-writer/update-held", held_in_mid_update),
    Check("single-writer/migration-held", held_in_mid_migration),
    Check("single-writer/session-beside-others", session_beside_others),
    Check("single-writer/stale-first-writer", stale_first_writer),
    Check("single-writer/many-writers", many_writers),
    Check("single-writer/mixed-writers", mixed_writers),
)
