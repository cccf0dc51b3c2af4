"""Writers that are started, come to where they wait for what they shall write, and write when they get it.

So what is timed is the write, not the start of a program. What was acknowledged must be read back.
"""

import json
import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from checks.contracts.answers import fields
from checks.contracts.programs import Program
from checks.contracts.stack import INSERT, LidbEmbed

SETTLE = 0.03  # seconds in which a started engine comes to where it reads its parameters
FILL, TEXT = 12, "x" * 65_536  # rows and their text: read at each start, and too little for a checkpoint of the log


@dataclass(frozen=True)
class Write:
    """One statement and its parameters; once it is acknowledged, the row of this key has this name."""

    sql: str
    parameters: tuple[str, ...]
    key: str
    name: str

    @property
    def call(self) -> tuple[str, ...]:
        """The statement and its parameters."""
        return self.sql, *self.parameters


def insert(key: str, text: str = "a row") -> Write:
    """A new row."""
    return Write(INSERT, (key, "written", text), key, "written")


def update(key: str, name: str) -> Write:
    """A new name for the row of this key."""
    return Write("UPDATE packages SET name = ? WHERE id = ?", (name, key), key, name)


@dataclass
class Ledger:
    """What was acknowledged: the name of each row, by its key."""

    names: dict[str, str] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)  # what became of the writers, where that is counted

    def note(self, write: Write, answer: str | None) -> bool:
        """Take a write in when its answer says that it was done; whether it does."""
        if is_written(answer):
            self.names[write.key] = write.name
        return is_written(answer)

    def assert_all_there(self, engine: LidbEmbed) -> None:
        """Everything is read back as it was acknowledged."""
        rows = {row["id"]: row["name"] for row in engine.rows("SELECT id, name FROM packages")}
        lost = [key for key, name in self.names.items() if rows.get(key) != name]
        assert not lost, f"{len(lost)} of {len(self.names)} acknowledged rows are gone or as before: {lost[:5]}"


def is_written(line: str | None) -> bool:
    """Whether an answer acknowledges one row."""
    return fields(line).get("affected") == 1


def fill(engine: LidbEmbed) -> LidbEmbed:
    """Put so much into a data directory that reading and writing it takes a while."""
    for number in range(FILL):
        engine.rows(*insert(f"fill-{number}", TEXT).call)
    return engine


def waiting(engine: LidbEmbed, write: Write, settle: float = SETTLE) -> Program:
    """A writer that has been started and waits for its parameters."""
    writer = engine.start("exec-json", write.sql, stdin=None)
    time.sleep(settle)
    assert not writer.ended, f"the writer of {write.key} did not wait for its parameters"
    return writer


def release(writer: Program, write: Write) -> None:
    """Give it its parameters, all of them, and nothing behind them."""
    writer.send(json.dumps(write.parameters))
    writer.close_input()


def usual_time(engine: LidbEmbed, write: Write) -> float:
    """The seconds from a writer's parameters to its answer."""
    writer = waiting(engine, write)
    release(writer, write)
    started = time.monotonic()
    answer = writer.line()
    seconds = time.monotonic() - started
    assert is_written(answer), f"{write.sql.split()[0]} of {write.key}: {answer or writer.finish().ending}"
    return seconds


def stamps(data: Path) -> dict[str, tuple[int, int]]:
    """Every file below the directory, with its size and time of change."""
    files = {}
    for folder, _, names in os.walk(data):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - in a loop that must be quick
            with suppress(OSError):
                facts = os.lstat(path)
                files[path] = facts.st_size, facts.st_mtime_ns
    return files
