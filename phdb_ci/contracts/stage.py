"""What the checks share, and how they are run: in order, each to its end, the next one whatever became of the last."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from phdb_ci.contracts.drive import Done, end_all
from phdb_ci.contracts.schemas import NotAnAnswerError, faults, parse
from phdb_ci.contracts.shapes import Recorder
from phdb_ci.contracts.stack import Stack
from phdb_ci.models.base import glob_matches

Outcome = Literal["passed", "failed", "error", "skipped"]
Checkout = Literal["lis", "agents", "benchmarks"]


class BrokenError(Exception):
    """A contract is not kept; the message names the field, or what was seen instead."""


class SkippedError(Exception):
    """A check does not apply; the message is the reason."""


@dataclass
class Stage:
    """The stack, what its answers looked like, and what later checks must find again.

    Attributes:
        started: what lis said at its first start; None before that.
        run_id: the agent run that the bridge has written; "" before that.
        package: the row that exec-json has written, by column; empty before that.
        notes: lines about the running check, for the report.
        begun: when the checks began, in seconds of the clock.
    """

    stack: Stack
    recorder: Recorder = field(default_factory=Recorder)
    started: Mapping[str, Any] | None = None
    run_id: str = ""
    package: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.time)

    def answer(self, contract: str, done: Done, *, code: int | None = 0, one_line: bool = False) -> Any:
        """The JSON that a program printed, recorded and held against its contract.

        Args:
            contract: its name.
            done: how the program ended.
            code: the exit code that it must have; None: any.
            one_line: whether its output must be a single line.

        Raises BrokenError, naming the fields.
        """
        if done.problem is not None:
            raise BrokenError(f"it {done.problem}")
        if code is not None and done.code != code:
            raise BrokenError(f"exit {code} expected, got {done.told}")
        return self.document(contract, done.out, one_line=one_line)

    def document(self, contract: str, text: str, *, one_line: bool = False) -> Any:
        """Like answer(), for JSON that did not come with an exit code."""
        lines = text.strip("\n").count("\n") + 1
        if one_line and lines != 1:
            raise BrokenError(f"$: one line of JSON expected, got {lines} lines")
        try:
            document = parse(text)
        except NotAnAnswerError as error:
            raise BrokenError(str(error)) from error
        self.recorder.add(contract, document)
        if wrong := faults(contract, document):
            raise BrokenError("; ".join(wrong))
        return document


@dataclass(frozen=True)
class Check:
    """One check: its stable id (`group/state-and-outcome`), the checkouts that it needs, what it does."""

    id: str
    run: Callable[[Stage], None]
    needs: tuple[Checkout, ...] = ()


@dataclass(frozen=True)
class Case:
    """How one check ended; `detail` is a traceback of ours or the notes that it left."""

    id: str
    outcome: Outcome
    seconds: float
    message: str = ""
    detail: str = ""


def chosen(checks: Iterable[Check], only: Sequence[str], without: Sequence[str]) -> list[Check]:
    """The checks that match one of `only` (all when there is none) and none of `without`."""
    return [
        check
        for check in checks
        if (not only or any(glob_matches(pattern, check.id) for pattern in only))
        and not any(glob_matches(pattern, check.id) for pattern in without)
    ]


def run(checks: Iterable[Check], stage: Stage) -> Iterator[Case]:
    """Run the checks; whatever one of them does becomes its case, and what it has started ends with it."""
    for check in checks:
        stage.notes.clear()
        started = time.monotonic()
        outcome, message, detail = _one(check, stage)
        notes = "\n".join(stage.notes)
        yield Case(check.id, outcome, time.monotonic() - started, message, detail or notes)


def _one(check: Check, stage: Stage) -> tuple[Outcome, str, str]:
    missing = [name for name in check.needs if getattr(stage.stack, name) is None]
    if missing:
        return "skipped", f"no --{missing[0]} was given", ""
    try:
        check.run(stage)
    except (BrokenError, NotAnAnswerError) as broken:
        return "failed", str(broken), ""
    except SkippedError as skipped:
        return "skipped", str(skipped), ""
    except Exception as error:  # noqa: BLE001 - a fault of ours, or of this machine: neither kept nor broken
        return "error", f"the check itself failed: {type(error).__name__}: {error}", traceback.format_exc()
    else:
        return "passed", "", ""
    finally:
        end_all()  # a check that fails half-way has left its programs running, or stopped


def demand(holds: object, message: str) -> None:
    """Raise BrokenError with the message unless it holds."""
    if not holds:
        raise BrokenError(message)
