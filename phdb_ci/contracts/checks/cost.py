"""What one call of the bridge costs: milliseconds and starts of the engine, with a session and without.

The figures are reported, not judged: on a shared machine they move by half. What is judged is that a session saves
starts of the engine, a number that does not move.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from phdb_ci.contracts.checks.bridge import READ_RUNS, ask, new_run, open_session
from phdb_ci.contracts.checks.engines import counting
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.stack import Stack
from phdb_ci.contracts.stage import Check, SkippedError, Stage, demand

ALONE, TOGETHER = 5, 40  # calls that are timed: a process each, in one session
COUNTED = 3  # calls whose engine starts are counted
COMMANDS: dict[str, Callable[[], tuple[str, ...]]] = {
    "probe": tuple,
    "upsert_agent_run": lambda: (json.dumps(new_run()),),
    "read_liq": lambda: (READ_RUNS + " limit 5",),
    "exec_sql": lambda: ("SELECT 1 AS ok", "[]"),
}


def bridge_calls(stage: Stage) -> None:
    """Each command: calls, the median in milliseconds, starts of the engine per call."""
    session = open_session(stage.stack)
    try:
        for command, arguments in COMMANDS.items():
            alone = _median(ALONE, lambda: _alone(stage.stack, command, arguments()))  # noqa: B023 - called here
            stage.notes.append(f"{command}: a process per call: {ALONE} calls, median {alone:.1f} ms")
            if session is not None:
                together = _median(TOGETHER, lambda: ask(session, command, *arguments()))  # noqa: B023
                stage.notes.append(f"{command}: in a session: {TOGETHER} calls, median {together:.1f} ms")
    finally:
        if session is not None:
            session.end()


def session_saves_starts(stage: Stage) -> None:
    """In a session more calls do not mean more starts of the engine."""
    counted, log = _counting_engine(stage)
    alone = {}
    for command, arguments in COMMANDS.items():
        log.write_text("", encoding="utf-8")
        for _ in range(COUNTED):
            _alone(counted, command, arguments())
        alone[command] = len(log.read_text(encoding="utf-8").splitlines()) / COUNTED
    told = ", ".join(f"{command} {starts:.1f}" for command, starts in alone.items())
    stage.notes.append(f"engine starts per call, a process each: {told}")
    session = open_session(counted)
    if session is None:
        raise SkippedError(f"this bridge has no session (`serve`); engine starts per call: {told}")
    starts = _starts_in(stage, session, log)
    stage.notes.append(
        f"engine starts in a session of {COUNTED * len(COMMANDS)} calls after the first: {starts}"
    )
    demand(
        starts == 0, f"{starts} engine starts in {COUNTED * len(COMMANDS)} calls of one session, 0 expected"
    )


def _starts_in(stage: Stage, session: Program, log: Path) -> int:
    """How often the engine was started for calls after the first one of a session, all of them answered."""
    try:
        ask(session, "probe")
        log.write_text("", encoding="utf-8")
        for command, arguments in COMMANDS.items():
            for _ in range(COUNTED):
                stage.document(f"bridge-{command}", ask(session, command, *arguments()))
    finally:
        session.end()
    return len(log.read_text(encoding="utf-8").splitlines())


def _counting_engine(stage: Stage) -> tuple[Stack, Path]:
    """The stack with an engine that notes its starts, and where it notes them."""
    log = stage.stack.scratch / "engine-starts"
    log.touch()
    return stage.stack.with_engine(counting(stage, log)), log


def _alone(stack: Stack, command: str, arguments: tuple[str, ...]) -> None:
    done = stack.bridge(command, *arguments)
    demand(done.code == 0, f"{command}: exit 0 expected, got {done.told}")


def _median(calls: int, call: Callable[[], object]) -> float:
    """The median of so many calls, in milliseconds."""
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


CHECKS = (
    Check("bridge/cost", bridge_calls, ("agents",)),
    Check("bridge/session-saves-starts", session_saves_starts, ("agents",)),
)
