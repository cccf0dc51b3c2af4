"""kill -9 of the bridge while it writes: every run that it has acknowledged is read back, in its last state."""

import json
import signal
from collections.abc import Iterator

from phdb_ci.contracts.checks.bridge import READ_RUNS, names_run, new_run, open_session, request, rows_of
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import Check, Stage, demand

SENT, ACKNOWLEDGED = 200, 10  # upserts given to a session at once; how many answers come before it is killed
ONE_SHOT = 4  # runs by a process per call
STATES = ("running", "done")  # in which a run is written, one after the other

Upsert = tuple[str, str]  # a run and the state that it is given


def session_runs(stage: Stage) -> None:
    """A session is killed with many writes before it; where there is none, each call is."""
    runs = [new_run()["id"] for _ in range(SENT // len(STATES))]
    session = open_session(stage.stack)
    if session is None:
        one_shot_runs(stage)
        return
    upserts = [(run, state) for run in runs for state in STATES]
    answers = _killed_session(session, upserts)
    acknowledged = [
        upsert for upsert, line in zip(upserts, answers, strict=False) if names_run(line, upsert[0])
    ]
    stage.notes.append(f"{len(acknowledged)} writes acknowledged")
    _all_there(stage, acknowledged)


def one_shot_runs(stage: Stage) -> None:
    """Each call, a process of its own, is killed at its answer."""
    runs = [new_run()["id"] for _ in range(ONE_SHOT)]
    acknowledged = [
        (run, state)
        for state in STATES
        for run in runs
        if names_run(_killed_call(stage.stack, run, state), run)
    ]
    stage.notes.append(f"{len(acknowledged)} writes acknowledged, a process each")
    _all_there(stage, acknowledged)


def _all_there(stage: Stage, acknowledged: list[Upsert]) -> None:
    """A run is there in the last state that was acknowledged, or in a later one, whose answer was cut off."""
    demand(acknowledged, "no run was acknowledged before the kill")
    there = {
        row.get("id"): row.get("status")
        for row in rows_of(stage, "bridge-read_liq", stage.stack.bridge("read_liq", READ_RUNS))
    }
    last = dict(acknowledged)
    lost = [run for run, state in last.items() if there.get(run) not in STATES[STATES.index(state) :]]
    told = f"{len(lost)} of {len(last)} acknowledged runs are gone or as they were before after kill -9"
    demand(not lost, f"{told}: {lost[0:1]}")


def _killed_session(session: Program, upserts: list[Upsert]) -> Iterator[str | None]:
    """The answers of a session that had all requests at once and was killed after some of them."""
    session.send("".join(request("upsert_agent_run", _run(*upsert)) for upsert in upserts))
    lines = [session.line(TIMEOUT) for _ in range(ACKNOWLEDGED)]
    session.signal(signal.SIGKILL)
    yield from [*lines, *session.lines_left(5.0)]


def _killed_call(stack: Stack, run: str, state: str) -> str | None:
    argv = stack.bridge_program("upsert_agent_run", _run(run, state))
    with Program(argv, env=stack.env, cwd=stack.scratch) as call:
        return call.line(TIMEOUT)


def _run(run: str, state: str) -> str:
    return json.dumps(new_run() | {"id": run, "status": state})


CHECKS = (
    Check("crash/bridge-runs-survive", session_runs, ("agents",)),
    Check("crash/one-shot-runs-survive", one_shot_runs, ("agents",)),
)
