"""Two writers on one data directory: the second is refused, or waits, or nothing is lost.

The first is stopped (SIGSTOP) where it hurts: as soon as its bytes show on the disk, at points all over its run, and
while it has the directory open and waits for its parameters. The directory is one of their own: what they break is
theirs.
"""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.contracts.checks.crash import all_there, is_written
from phdb_ci.contracts.checks.engine import INSERT
from phdb_ci.contracts.checks.held import SETTLE, fill, release, usual_time, waiting
from phdb_ci.contracts.drive import Done, Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

ROUNDS = 24
LEAST = 4  # rounds in which the first writer really was held before its end
WAIT = 1.5  # seconds that a second writer may take before it counts as waiting
# Milliseconds after which an engine that waits for a lock gives up, where it knows this variable.
LOCK_WAIT = "100"
CROWD, TURNS = 8, 4


@dataclass
class Log:
    """What was acknowledged, and what became of the second writers."""

    keys: list[str] = field(default_factory=list)
    held: int = 0
    refused: int = 0
    waited: int = 0
    accepted: int = 0

    def told(self) -> str:
        """One line."""
        return (
            f"first writer held in {self.held} rounds; second refused {self.refused}, waited {self.waited}, "
            f"accepted {self.accepted} times"
        )


def held_in_mid_write(stage: Stage) -> None:
    """The first is stopped while it writes, the second writes, the first goes on."""
    stack, log = _directory(stage, "held"), Log()
    usual = usual_time(stack)
    for number in range(ROUNDS):
        first = waiting(stack, f"first-{number}")
        before = _stamps(stack.data)
        release(first, f"first-{number}")
        _let_run(first, stack.data, before, usual * number / ROUNDS if number % 3 else None)
        _second_writes(stack, first, number, log)
        if number % 4 == 3:
            _nothing_lost(stage, stack, log)
    stage.notes.append(log.told())
    demand(log.held >= LEAST, f"the first writer was held in {log.held} of {ROUNDS} rounds only")


def stale_first_writer(stage: Stage) -> None:
    """The first has the directory open and waits for its parameters; a row is written meanwhile; it goes on."""
    stack, log = _directory(stage, "stale"), Log()
    for number in range(4):
        first = waiting(stack, f"first-{number}")
        first.signal(signal.SIGSTOP)
        release(first, f"first-{number}")  # into the pipe: it reads when it goes on
        _second_writes(stack, first, number, log)
        _nothing_lost(stage, stack, log)
    stage.notes.append(log.told())
    demand(log.held, "the first writer did not wait for its parameters")


def many_writers(stage: Stage) -> None:
    """Many are let go in the same moment: each is refused or its row is there."""
    stack, keys = _directory(stage, "many").without("LIDB_LOCK_WAIT_MS"), []
    for turn in range(TURNS):
        crowd = {name: waiting(stack, name, 0.0) for name in (f"many-{turn}-{n}" for n in range(CROWD))}
        time.sleep(SETTLE)
        for name, writer in crowd.items():
            release(writer, name)
        keys += [name for name, writer in crowd.items() if _wrote(writer.finish(TIMEOUT))]
    stage.notes.append(f"{len(keys)} of {CROWD * TURNS} writers were acknowledged")
    all_there(stage, stack, keys)


def _directory(stage: Stage, name: str) -> Stack:
    """A migrated data directory with enough in it that an engine takes a while to read it."""
    stack = stage.stack.at(stage.stack.scratch / f"writers-{name}").with_env(LIDB_LOCK_WAIT_MS=LOCK_WAIT)
    for verb in ("open", "migrate"):
        done = stack.engine(verb)
        demand(done.code == 0, f"{verb}: exit 0 expected, got {done.told}")
    fill(stage, stack)
    return stack


def _let_run(first: Program, data: Path, before: object, pause: float | None) -> None:
    """Until the pause (seconds) is over, or (None) until a byte of the directory has changed."""
    limit = time.monotonic() + (1.0 if pause is None else pause)
    while time.monotonic() < limit and not first.ended:
        if pause is None and _stamps(data) != before:
            return


def _second_writes(stack: Stack, first: Program, number: int, log: Log) -> None:
    """Stop the first, let a second write, let the first go on; note who was acknowledged."""
    first.signal(signal.SIGSTOP)
    held = _is_stopped(first)
    log.held += held
    second = stack.start_exec_json(INSERT, f"second-{number}", "second", "b")
    deadline = time.monotonic() + WAIT
    while not second.ended and time.monotonic() < deadline:
        time.sleep(0.002)
    waits = not second.ended
    first.signal(signal.SIGCONT)
    ends = {f"first-{number}": first.finish(TIMEOUT), f"second-{number}": second.finish(TIMEOUT)}
    for key, done in ends.items():
        demand(not done.problem, f"a writer {done.problem}")
        if _wrote(done):
            log.keys.append(key)
    if held:
        wrote = _wrote(ends[f"second-{number}"])
        log.waited += waits
        log.accepted += wrote and not waits
        log.refused += not wrote


def _nothing_lost(stage: Stage, stack: Stack, log: Log) -> None:
    try:
        all_there(stage, stack, log.keys)
    except BrokenError as broken:
        raise BrokenError(f"{broken}; {log.told()}") from broken


def _wrote(done: Done) -> bool:
    return done.code == 0 and is_written(done.out)


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


def _stamps(data: Path) -> list[tuple[str, int, int]]:
    """Every file below the directory with its size and time of change, but for locks."""
    found = []
    for folder, _, names in os.walk(data):
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - in a loop that must be quick
            except OSError:
                continue
            found.append((name, facts.st_size, facts.st_mtime_ns))
    return sorted(found)


CHECKS = (
    Check("single-writer/second-refused", held_in_mid_write),
    Check("single-writer/stale-first-writer", stale_first_writer),
    Check("single-writer/many-writers", many_writers),
)
