"""kill -9 in the middle of writes: what was acknowledged is there, through the engine and through the bridge."""

import json
import signal
import time
from collections.abc import Iterator

from phdb_ci.contracts.checks.bridge import new_run, open_session, request
from phdb_ci.contracts.checks.held import fill, release, usual_time, waiting
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import Check, Stage, demand

AT_ANSWER, IN_BETWEEN = 12, 24  # writers that are killed when they have answered, and while they write
SENT, ACKNOWLEDGED = 200, 10  # runs given to the bridge at once; how many answers come before it is killed
ONE_SHOT = 4  # runs through a bridge without a session


def engine_rows(stage: Stage) -> None:
    """exec-json is killed as soon as it has answered, and at points all over its write."""
    fill(stage, stage.stack)
    usual = usual_time(stage.stack)
    acknowledged: list[str] = []
    for number in range(AT_ANSWER + IN_BETWEEN):
        writer = waiting(stage.stack, f"crash-{number}")
        release(writer, f"crash-{number}")
        if number < AT_ANSWER:
            answer = writer.line(TIMEOUT)
            writer.signal(signal.SIGKILL)
        else:
            _pause(usual * (number - AT_ANSWER) / IN_BETWEEN)
            writer.signal(signal.SIGKILL)
            answer = writer.line(1.0)  # what it said before it died counts, too
        writer.end()
        if is_written(answer):
            acknowledged.append(f"crash-{number}")
    tried, kept = AT_ANSWER + IN_BETWEEN, len(acknowledged)
    stage.notes.append(f"{kept} rows acknowledged, {tried - kept} writes cut off before that")
    demand(kept >= AT_ANSWER // 2, f"only {kept} of {tried} writes were acknowledged")
    all_there(stage, stage.stack, acknowledged)


def bridge_rows(stage: Stage) -> None:
    """The bridge is killed while it writes; every run that it has acknowledged is read back."""
    sent = [new_run()["id"] for _ in range(SENT)]
    session = open_session(stage.stack)
    acknowledged = list(_killed_session(session, sent) if session else _killed_calls(stage.stack, sent))
    stage.notes.append(f"{len(acknowledged)} runs acknowledged" + ("" if session else ", a process each"))
    demand(acknowledged, "no run was acknowledged before the kill")
    answer = stage.answer("bridge-read_liq", stage.stack.bridge("read_liq", "read agent_runs { id }"))
    there = {row.get("id") for row in answer["rows"]}
    lost = [run for run in acknowledged if run not in there]
    demand(
        not lost, f"{len(lost)} of {len(acknowledged)} acknowledged runs are gone after kill -9: {lost[0:1]}"
    )


def is_written(line: str | None) -> bool:
    """Whether an answer of exec-json acknowledges one row."""
    try:
        answer = parse(line or "")
    except NotAnAnswerError:
        return False
    return isinstance(answer, dict) and answer.get("affected") == 1


def all_there(stage: Stage, stack: Stack, keys: list[str]) -> None:
    """Every row of these keys is read back. Raises BrokenError, naming how many are not."""
    answer = stage.answer("exec-json", stack.exec_json("SELECT id FROM packages"))
    there = {row.get("id") for row in answer["rows"]}
    lost = [key for key in keys if key not in there]
    demand(
        not lost, f"{len(lost)} of {len(keys)} acknowledged rows are gone, {', '.join(lost[:5])} among them"
    )


def _pause(seconds: float) -> None:
    """Wait without sleeping: a sleep is longer than a write."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        pass


def _killed_session(session: Program, runs: list[str]) -> Iterator[str]:
    """Runs that were acknowledged before a session that had them all at once was killed."""
    session.send("".join(request("upsert_agent_run", json.dumps(new_run() | {"id": run})) for run in runs))
    lines = [session.line(TIMEOUT) for _ in range(ACKNOWLEDGED)]
    session.signal(signal.SIGKILL)
    for line in [*lines, *session.lines_left(5.0)]:
        yield from _acknowledged(line)


def _killed_calls(stack: Stack, runs: list[str]) -> Iterator[str]:
    """Runs that were acknowledged by bridge processes, each killed at its answer."""
    for run in runs[:ONE_SHOT]:
        argv = stack.bridge_program("upsert_agent_run", json.dumps(new_run() | {"id": run}))
        with Program(argv, env=stack.env, cwd=stack.scratch) as call:
            line = call.line(TIMEOUT)
        yield from _acknowledged(line)


def _acknowledged(line: str | None) -> Iterator[str]:
    try:
        answer = json.loads(line or "null")
    except ValueError:
        return
    if isinstance(answer, dict) and answer.get("ok") is True:
        yield str(answer.get("run_id"))


CHECKS = (
    Check("crash/acknowledged-rows-survive", engine_rows),
    Check("crash/bridge-runs-survive", bridge_rows, ("agents",)),
)
