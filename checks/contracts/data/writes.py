"""Writes that are killed, held or beside each other, and the tally of what was acknowledged and what is there."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.contracts.answers import fields
from checks.contracts.data.points import Traced
from checks.contracts.programs import Done, Program
from checks.contracts.stack import INSERT, Bridge, LidbEmbed, Stack, new_run

READS = ("SELECT id, name FROM packages", "SELECT id, status FROM agent_runs")
UPDATE = "UPDATE packages SET name = ? WHERE id = ?"
KEPT, TEXT = 4, "x" * 4_096  # rows that are there before, and their text: together more than one buffer
LARGE = "y" * 1_200_000  # more than a log holds: its write is a checkpoint
PATIENCE = 10.0  # seconds that a writer beside a held one may take before it counts as waiting for it
POINTS = 1_000  # more than any program here has
State = str | None  # what the row of a key says; None: there is no such row


@dataclass(frozen=True)
class Write:
    """A call that writes one row; a migration writes none.

    Attributes:
        name: what it is called in a message.
        key: of its row; what the row says `before` and `after` it.
        command: its command line over a stack.
        says_so: whether an answer acknowledges it.
        itself: whether the program writes itself, and does not start another that does.
    """

    name: str
    command: Callable[[Stack], list[str]]
    stdin: str = ""
    key: str = ""
    before: State = None
    after: State = None
    says_so: Callable[[str], bool] = bool
    itself: bool = True

    def start(self, stack: Stack) -> Program:
        """The call, left running."""
        return Program(self.command(stack), env=stack.env, cwd=stack.folder, stdin=self.stdin)

    def trace(self, stack: Stack, *, touching: bool = False) -> Traced:
        """The call, stopped at its start."""
        folder = Path(f"{stack.data}-{self.key or self.name}")
        folder.mkdir()
        argv = self.command(stack)
        return Traced(argv, env=stack.env, data=stack.data, folder=folder, stdin=self.stdin, touching=touching,
                      itself=self.itself)  # fmt: skip


def insert(key: str, text: str = "a row") -> Write:
    """A new row of the engine."""
    parameters = json.dumps([key, "written", text])
    return Write("an INSERT", lambda stack: LidbEmbed(stack).command("exec-json", INSERT), parameters, key,
                 None, "written", is_written)  # fmt: skip


def update(key: str) -> Write:
    """A new name for a row that is there."""
    parameters = json.dumps(["changed", key])
    return Write("an UPDATE", lambda stack: LidbEmbed(stack).command("exec-json", UPDATE), parameters, key,
                 "written", "changed", is_written)  # fmt: skip


def upsert(key: str) -> Write:
    """A new agent run by the bridge."""
    run = json.dumps(new_run(run_id=key))
    return Write("an upsert of the bridge", lambda stack: Bridge(stack).command("upsert_agent_run", run), "", key,
                 None, "running", lambda line: fields(line).get("ok") is True, itself=False)  # fmt: skip


def migration() -> Write:
    """A migration of what is migrated."""
    return Write("a migration", lambda stack: LidbEmbed(stack).command("migrate"))


def is_written(line: str | None) -> bool:
    """Whether an answer of the engine acknowledges one row."""
    return fields(line).get("affected") == 1


def fill(engine: LidbEmbed) -> dict[str, State]:
    """Put KEPT rows into a data directory; what they say."""
    writes = [insert(f"kept-{number}", TEXT) for number in range(KEPT)]
    for write in writes:
        done = write.start(engine.stack).finish()
        assert is_written(done.out), f"{write.name} with nobody beside it: {done.ending}"
    return {write.key: write.after for write in writes}


def hold(database: LidbEmbed, first: Write, others: Sequence[Write], last: int = POINTS) -> "Tally":
    """Hold a first writer at each of its (last) points; the others write meanwhile, one by one; then it goes on."""
    tally = Tally(fill(database))
    total = points(database.stack, first)
    for number in range(max(1, total + 1 - last), total + 1):
        stack = database.stack.copy(f"hold-{number}")
        with first.trace(stack, touching=True) as writer:
            assert writer.advance(number), f"{first.name} ended before its point {number} of {total}"
            point, running = writer.point, _one_by_one(others, stack)
            done = writer.finish()
        tally.note(point, stack, [(first, done), *((write, program.finish()) for write, program in running)])
    return tally


def points(stack: Stack, write: Write) -> int:
    """How many points a write has with nobody beside it."""
    with write.trace(stack.copy("alone"), touching=True) as writer:
        total = next(number for number in range(POINTS + 1) if not writer.advance())
    assert total, f"{write.name} has no point at which it could be held"
    return total


def _one_by_one(writes: Sequence[Write], stack: Stack) -> list[tuple[Write, Program]]:
    """Start each when the one before has ended, or waits."""
    running = []
    for write in writes:
        program = write.start(stack)
        program.ends_within(PATIENCE)
        running.append((write, program))
    return running


@dataclass
class Tally:
    """What became of acknowledged rows, over all points of a case. `kept` was there before."""

    kept: Mapping[str, State]
    points: int = 0
    rows: int = 0  # acknowledged
    lost: list[tuple[int, str]] = field(default_factory=list)  # of them: per row the number and name of the point
    strange: list[tuple[int, str]] = field(default_factory=list)  # rows that nobody acknowledged, likewise
    silent: int = 0  # points at which all was refused

    def note(self, point: str, stack: Stack, outcomes: Sequence[tuple[Write, Done | None]]) -> None:
        """Compare what is there now with how each write has ended; None: it was killed and had said nothing."""
        may_be, sure, acknowledged = {key: {state} for key, state in self.kept.items()}, set(self.kept), 0
        for write, done in outcomes:
            says_so = done is not None and done.code == 0 and write.says_so(done.out)
            acknowledged += says_so
            if write.key and says_so:
                may_be[write.key] = {write.after}
                sure.add(write.key)
            elif write.key:
                may_be[write.key] = {write.before, write.after} if done is None else {write.before}
        there = states(stack)
        wrong = {key for key in may_be if there.get(key) not in may_be[key]}
        self.points += 1
        self.rows += len(sure)
        self.silent += not acknowledged
        self.lost += [(self.points, point)] * len(wrong & sure)
        self.strange += [(self.points, point)] * (len(wrong - sure) + len(there.keys() - may_be))

    def assert_all_there(self, what: str, *, written: bool = True) -> None:
        """Every acknowledged row is there unchanged, and no other; `written`: at no point everything was refused."""
        lost, strange = self.lost, self.strange
        print(f"{what}: {self.points} points, {self.rows} rows acknowledged")
        bad = {number for number, _ in lost + strange}
        also = f" and leaves {len(strange)} rows that are not" if strange else ""
        first = min(lost + strange)[1] if bad else ""
        expect(
            not bad,
            f"{what} loses {len(lost)} of {self.rows} acknowledged rows{also}, at {len(bad)} of {self.points} points, "
            f"first {first}",
        )
        expect(not (written and self.silent), f"{what}: all was refused at {self.silent} of {self.points} points")


def expect(condition: object, sentence: str) -> None:
    """Fail with one sentence where the condition does not hold: it says all, and a traceback would hide it."""
    if not condition:
        pytest.fail(sentence, pytrace=False)


def states(stack: Stack) -> dict[str, State]:
    """What the row of each key says, or all its rows say where it has several; what cannot be read is not there."""
    there: dict[str, State] = {}
    for sql in READS:
        rows = fields(LidbEmbed(stack).exec_json(sql).out).get("rows")
        for row in rows if isinstance(rows, list) else []:
            key, state = (str(row.get(column)) for column in ("id", sql.split()[2]))
            there[key] = f"{there[key]}, {state}" if key in there else state
    return there
