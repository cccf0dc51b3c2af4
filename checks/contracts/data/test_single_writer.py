"""Two writers on one data directory: the second is refused, or waits, or nothing is lost.

The first is stopped (SIGSTOP) where it hurts: as soon as its bytes show on the disk, at points all over its run, and
while it has the directory open and waits for its parameters. It inserts, updates, migrates, or is a session that stays.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.contracts.data import writers
from checks.contracts.data.writers import Ledger, Write, insert, release, stamps, update, usual_time, waiting
from checks.contracts.programs import Done, Program
from checks.contracts.stack import LidbEmbed, Stack, statement

ROUNDS, FEWER = 24, 16  # rounds with the same kind of first writer
LEAST = 4  # rounds in which the first writer really was held before its end
BEFORE_IT_WRITES = 0.6  # of the time of a write: it reads before, and waits for the disk after that
WAIT = 0.7  # seconds that a second writer may take before it counts as waiting
LOCK_WAIT = "50"  # milliseconds after which an engine that waits for a lock gives up, where it knows this variable
PATIENCE = 5.0  # seconds that another writer may take while a session has the directory open
CROWD, TURNS = 8, 4
LARGE = "x" * 16_384  # a row of a crowd: all of them are more than the log holds
KEYS = ("warm", *(f"{name}-{number}" for name in ("first", "second") for number in range(FEWER)))


@dataclass(frozen=True)
class First:
    """A writer that waits: what it shall write (None: it migrates), what sets it going, its answer in the end."""

    program: Program
    write: Write | None
    go: Callable[[], None]
    answer: Callable[[], str | None]


@pytest.fixture
def patient(stack: Stack) -> LidbEmbed:
    """A data directory with rows to be updated, and enough in it that an engine takes a while to read it."""
    database = LidbEmbed(stack).open_and_migrate()
    for key in KEYS:
        database.rows(*insert(key).call)
    return writers.fill(database)


@pytest.fixture
def engine(patient: LidbEmbed) -> LidbEmbed:
    """The same directory, by an engine that waits for no lock."""
    return LidbEmbed(patient.stack.with_env(LIDB_LOCK_WAIT_MS=LOCK_WAIT))


def test_second_refused(engine: LidbEmbed) -> None:
    """The first is stopped while it inserts, the second writes, the first goes on."""
    usual = usual_time(engine, insert("warmer"))
    rounds(engine, ROUNDS, usual, lambda number: one_shot(engine, insert(f"new-first-{number}")))


def test_update_held(engine: LidbEmbed) -> None:
    usual = usual_time(engine, update("warm", "after")) * BEFORE_IT_WRITES
    rounds(engine, FEWER, usual, lambda number: one_shot(engine, update(f"first-{number}", "after")))


def test_migration_held(engine: LidbEmbed) -> None:
    """While it migrates: what others write meanwhile is not put back to what it had read."""
    began, first = time.monotonic(), migration(engine)
    assert first.answer(), "migrate: exit 0 expected, got another"
    rounds(engine, FEWER, time.monotonic() - began, lambda _: migration(engine), least=0)


def test_session_beside_others(engine: LidbEmbed) -> None:
    """A session of the engine and others write in turn, then while it is held: each sees what the other wrote."""
    session, ledger, began = engine.session(), Ledger(), time.monotonic()
    for number in range(TURNS):
        for mine in (insert(f"mine-{number}"), update(f"first-{number}", f"mine-{number}")):
            if session is not None:
                session.send(statement(*mine.call))
            ledger.note(mine, session.line() if session is not None else engine.exec_json(*mine.call).out)
        for other in (insert(f"other-{number}", LARGE * 4), update(f"second-{number}", f"other-{number}")):
            done = engine.run("exec-json", other.sql, stdin=json.dumps(other.parameters), timeout=PATIENCE)
            if done.problem:
                print("others wait as long as a session has the directory")
                return
            ledger.note(other, output(done))
        ledger.assert_all_there(engine)
    assert len(ledger.names) >= 2 * TURNS, f"only {len(ledger.names)} of {4 * TURNS} writes were acknowledged"
    if session is None:
        return

    def in_session(number: int) -> First:
        write = insert(f"new-first-{number}")
        return First(session, write, lambda: session.send(statement(*write.call)), session.line)

    rounds(engine, FEWER, (time.monotonic() - began) / (5 * TURNS), in_session, least=0)


def test_stale_first_writer(engine: LidbEmbed) -> None:
    """The first has the directory open and waits for its parameters; a row is written meanwhile; it goes on."""
    ledger = Ledger()
    for number in range(6):
        write = update(f"first-{number}", "after") if number % 2 else insert(f"new-first-{number}")
        first = one_shot(engine, write)
        first.program.signal(signal.SIGSTOP)
        first.go()  # into the pipe: it reads when it goes on
        second_writes(engine, first, number, ledger)
        ledger.assert_all_there(engine)
    print(dict(ledger.count))
    assert ledger.count["held"], "the first writer did not wait for its parameters"


def test_many_writers(patient: LidbEmbed) -> None:
    """Many are let go in the same moment: each is refused or its row is there."""
    ledger = Ledger()
    for turn in range(TURNS):
        crowd(patient, ledger, [insert(f"many-{turn}-{number}") for number in range(CROWD)])
    print(f"{len(ledger.names)} of {CROWD * TURNS} writers were acknowledged")
    ledger.assert_all_there(patient)


def test_mixed_writers(patient: LidbEmbed) -> None:
    """So are many of all kinds, over a checkpoint of the log: inserts, updates, migrations, a session."""
    ledger = Ledger()
    for turn in range(TURNS):
        writes = [insert(f"mixed-{turn}-{number}", LARGE) for number in range(CROWD // 2)]
        writes += [update(f"first-{number}", f"mixed-{turn}") for number in range(turn * 2, turn * 2 + 2)]
        in_turn = [insert(f"session-{turn}-{number}", LARGE) for number in range(CROWD // 2)]
        session, migrating = patient.session(), migration(patient)
        if session is not None:
            session.send("".join(statement(*write.call) for write in in_turn))
            session.close_input()  # it ends with its answers: an engine may let nobody else in before
        crowd(patient, ledger, writes)
        for write, answer in zip(in_turn, iter(session.line, None) if session is not None else [], strict=False):
            ledger.note(write, answer)
        migrating.answer()
    print(f"{len(ledger.names)} writes were acknowledged")
    ledger.assert_all_there(patient)


def rounds(engine: LidbEmbed, count: int, usual: float, start: Callable[[int], First], *, least: int = LEAST) -> None:
    """So often: a first writer is let go, stopped a little later, and a second one writes meanwhile."""
    ledger, writes = Ledger(), False
    for number in range(count):
        first = start(number)
        writes = first.write is not None
        before = stamps(engine.stack.data)
        first.go()
        let_run(first.program, engine.stack.data, before, usual * number / count if number % 3 else None, usual)
        second_writes(engine, first, number, ledger)
        if number % 4 == 3:
            ledger.assert_all_there(engine)
    print(dict(ledger.count))
    assert ledger.count["held"] >= least, f"the first writer was held in {ledger.count['held']} of {count} rounds only"
    assert ledger.count["done"] or not writes, "no first writer was acknowledged"
    assert ledger.names, "no writer was acknowledged"


def one_shot(engine: LidbEmbed, write: Write) -> First:
    """exec-json, which has the directory and waits for its parameters."""
    program = waiting(engine, write)
    return First(program, write, lambda: release(program, write), lambda: output(program.finish()))


def migration(engine: LidbEmbed) -> First:
    """A migration, which waits for nothing."""
    program = engine.start("migrate")
    return First(program, None, lambda: None, lambda: output(program.finish()))


def let_run(first: Program, data: Path, before: object, pause: float | None, usual: float) -> None:
    """Until the pause (seconds) is over, or (None) until a byte of the directory has changed."""
    limit = time.monotonic() + (min(1.0, 5 * usual) if pause is None else pause)
    while time.monotonic() < limit and not first.ended:
        if pause is None and stamps(data) != before:
            return


def second_writes(engine: LidbEmbed, first: First, number: int, ledger: Ledger) -> None:
    """Stop the first, let a second write, let the first go on; note who was acknowledged."""
    first.program.signal(signal.SIGSTOP)
    held = is_stopped(first.program)
    row = f"second-{number}"
    write = update(row, "after") if number % 2 and number < FEWER else insert(f"new-{row}")
    second = engine.start("exec-json", write.sql, stdin=json.dumps(write.parameters))
    deadline = time.monotonic() + WAIT
    while not second.ended and time.monotonic() < deadline:
        time.sleep(0.002)
    waits = not second.ended
    first.program.signal(signal.SIGCONT)
    answer = first.answer()
    if first.write is not None:
        ledger.count["done"] += ledger.note(first.write, answer)
    wrote = ledger.note(write, output(second.finish()))
    if held:
        ledger.count["held"] += 1
        ledger.count["second waited" if waits else "second accepted" if wrote else "second refused"] += 1


def crowd(engine: LidbEmbed, ledger: Ledger, writes: list[Write]) -> None:
    """All at once, each a process; what was acknowledged is noted."""
    started = [(write, waiting(engine, write, 0.0)) for write in writes]
    time.sleep(writers.SETTLE)
    for write, writer in started:
        release(writer, write)
    for write, writer in started:
        ledger.note(write, output(writer.finish()))


def output(done: Done) -> str | None:
    """What a writer has answered; None for one that has failed. One that does not end is a fault."""
    assert not done.problem, f"a writer {done.problem}"
    return done.out if done.code == 0 else None


def is_stopped(program: Program) -> bool:
    """Whether a SIGSTOP has reached it before its end."""
    if program.ended:
        return False
    status = os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return status is not None and status.si_code == os.CLD_STOPPED
