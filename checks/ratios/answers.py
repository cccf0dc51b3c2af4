"""What the engine answered in the witnessed round, and to which scenario an answer belongs."""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import recorder
from .manifest import SCENARIOS

PUBLISH, BY_NAME, LATEST = SCENARIOS
# The statement that each scenario has and no other: what it does, and the first table that it names.
STATEMENTS = {PUBLISH: ("INSERT", "packages"), BY_NAME: ("SELECT", "packages"), LATEST: ("SELECT", "package_versions")}
BEFORE_TABLE = {"INSERT": "INTO", "SELECT": "FROM"}


@dataclass(frozen=True)
class Answer:
    """One statement and how many rows came back or were written; None where the engine did not answer in JSON."""

    verb: str
    sql: str
    rows: int | None
    affected: int | None

    @property
    def statement(self) -> tuple[str, str]:
        """What it does and the first table that it names; empty where it is no such statement."""
        words = self.sql.replace("(", " ( ").replace(";", " ").split()
        does = words[0].upper() if words else ""
        before = BEFORE_TABLE.get(does)
        places = [place for place, word in enumerate(words[:-1]) if word.upper() == before]
        return does, words[places[0] + 1].lower() if places else ""


@dataclass(frozen=True)
class Answers:
    """All of a round, in their order."""

    every: Sequence[Answer] = ()

    @property
    def starts(self) -> int:
        """How often the engine was started: a statement within a session is no start."""
        return sum(bool(answer.verb) for answer in self.every)

    def of(self, scenario: str) -> list[Answer]:
        """Those of one scenario."""
        return [answer for answer in self.every if answer.statement == STATEMENTS[scenario]]

    def count(self, does: str) -> int:
        """How many statements do this."""
        return sum(answer.statement[0] == does for answer in self.every)


class Recorder:
    """A program that is the engine and notes its answers: `program` is put into the engine's place."""

    def __init__(self, engine: Path, folder: Path) -> None:
        self.program, self._notes = folder / "recorder", folder / "answers.jsonl"
        words = [sys.executable, "-IS", recorder.__file__, str(self._notes), str(engine.resolve())]
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        self.program.chmod(0o755)

    def answers(self) -> Answers:
        """What was noted so far."""
        lines = self._notes.read_text(encoding="utf-8").splitlines() if self._notes.exists() else []
        return Answers([Answer(**json.loads(line)) for line in lines])
