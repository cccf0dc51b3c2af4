"""kill -9 in the middle of writes: what was acknowledged is there, in the log and beyond it."""

import json
import time

import pytest

from checks.contracts.data.writers import Ledger, Write, fill, insert, release, stamps, update, usual_time, waiting
from checks.contracts.programs import Program
from checks.contracts.protocol.test_lis import assert_ready
from checks.contracts.stack import READ_RUNS, Bridge, LidbEmbed, Lis, names_run, new_run, statement

AT_ANSWER, IN_BETWEEN = 12, 24  # writers that are killed when they have answered, and while they write
SESSIONS = 3  # sessions that are killed
ROWS, TEXT = 24, "x" * 65_536  # more than a log of one MiB holds
LARGE = "y" * 1_200_000  # what no such log holds: its write is a checkpoint
CHECKPOINTS = 8  # that are cut off
SENT, ACKNOWLEDGED, ONE_SHOT = (100, 10, 4)  # runs of a session; answers before it is killed; runs of a call each
STATES = ("running", "done")  # in which a run is written, one after the other


def test_acknowledged_rows_survive(database: LidbEmbed) -> None:
    """exec-json is killed as soon as it has answered an INSERT, and at points all over its write."""
    kill_writers(fill(database), [insert(f"crash-{number}") for number in range(AT_ANSWER + IN_BETWEEN)])


def test_updates_survive(database: LidbEmbed) -> None:
    keys = [f"update-{number}" for number in range((AT_ANSWER + IN_BETWEEN) // 2)]
    for key in keys:
        database.rows(*insert(key).call)
    kill_writers(database, [update(key, f"new-{key}") for key in keys])


def test_session_rows_survive(database: LidbEmbed) -> None:
    ledger = Ledger()
    for key in map(str, range(SESSIONS)):
        session = database.session()
        if session is None:
            print("the engine has no session")
            return
        for write in (insert(key), update(key, "changed"), insert(f"newer-{key}"), update(key, "again")):
            session.send(statement(*write.call))
            assert ledger.note(write, session.line()), f"{write.key}: not acknowledged"
        session.kill()
        ledger.assert_all_there(database)


def test_checkpoint_keeps_rows(database: LidbEmbed) -> None:
    """Rows beyond what the log holds are there; so are they when the checkpoint is cut off in its middle."""
    ledger, cut = Ledger(), 0
    for write in [insert("large"), *(insert(f"row-{number}", TEXT) for number in range(ROWS))]:
        assert ledger.note(write, database.exec_json(*write.call).out), f"{write.key}: not acknowledged"
    ledger.assert_all_there(database)
    large = Write("UPDATE packages SET description = ? WHERE id = ?", (LARGE, "large"), "large", "written")
    usual = usual_time(database, large)
    for number in range(CHECKPOINTS):
        small = insert(f"small-{number}")
        ledger.note(small, database.exec_json(*small.call).out)
        writer, before = waiting(database, large), stamps(database.stack.data)
        release(writer, large)
        if number % 2:
            wait_for_change(writer, database, before, usual * 2)
        else:
            spin(usual * number / CHECKPOINTS)
        writer.kill()
        cut += not ledger.note(large, writer.line())
        ledger.assert_all_there(database)
    print(f"{len(ledger.names)} rows acknowledged, {cut} of {CHECKPOINTS} large writes cut off")
    assert cut, "no large write could be cut off"


def test_bridge_runs_survive(bridge: Bridge) -> None:
    """A session of the bridge is killed with many writes before it; where there is none, each call is."""
    session = bridge.session()
    if session is None:
        test_one_shot_runs_survive(bridge)
        return
    upserts = [(run, state) for run in [new_run()["id"] for _ in range(SENT)] for state in STATES]
    for run, state in upserts:
        session.send("upsert_agent_run", json.dumps(new_run(id=run, status=state)))
    answers = [session.program.line() for _ in range(ACKNOWLEDGED)]
    session.program.kill()
    answers += iter(session.program.line, None)
    pairs = zip(upserts, answers, strict=False)
    assert_runs_there(bridge, [upsert for upsert, line in pairs if names_run(line, upsert[0])])


def test_one_shot_runs_survive(bridge: Bridge) -> None:
    """Each call, a process of its own, is killed at its answer."""
    runs = [new_run()["id"] for _ in range(ONE_SHOT)]
    acknowledged = []
    for run, state in [(run, state) for state in STATES for run in runs]:
        call = bridge.start("upsert_agent_run", json.dumps(new_run(id=run, status=state)))
        line = call.line()
        call.kill()
        if names_run(line, run):
            acknowledged.append((run, state))
    assert_runs_there(bridge, acknowledged)


@pytest.mark.usefixtures("started")
def test_lis_status_ready_again(lis: Lis, engine: LidbEmbed) -> None:
    kill_writers(engine, [insert(f"crash-{number}") for number in range(AT_ANSWER)])
    assert_ready(lis.answer("status"))


def kill_writers(engine: LidbEmbed, writes: list[Write]) -> None:
    """The first third is killed at its answer, the others while they write; what was acknowledged is there."""
    usual, ledger, at_answer = usual_time(engine, insert("warm")), Ledger(), len(writes) // 3
    for number, write in enumerate(writes):
        writer, answer = waiting(engine, write), None
        release(writer, write)
        if number < at_answer:
            answer = writer.line()
        else:
            spin(usual * (number - at_answer) / (len(writes) - at_answer))
        writer.kill()
        ledger.note(write, answer or writer.line())  # what it said before it died counts, too
    print(f"{len(ledger.names)} rows acknowledged, {len(writes) - len(ledger.names)} writes cut off before that")
    assert len(ledger.names) >= at_answer // 2
    ledger.assert_all_there(engine)


def assert_runs_there(bridge: Bridge, acknowledged: list[tuple[str, str]]) -> None:
    """A run is there in the last state that was acknowledged, or in a later one, whose answer was cut off."""
    last = dict(acknowledged)
    print(f"{len(last)} runs acknowledged")
    assert last, "no run was acknowledged before the kill"
    rows = {row["id"]: row["status"] for row in bridge.rows("read_liq", READ_RUNS)}
    lost = [run for run, state in last.items() if rows.get(run) not in STATES[STATES.index(state) :]]
    assert not lost, f"{len(lost)} of {len(last)} acknowledged runs are gone or as they were before"


def wait_for_change(writer: Program, engine: LidbEmbed, before: dict[str, tuple[int, int]], limit: float) -> None:
    """Until a file has become smaller, or one has come or gone: what a checkpoint does, and no entry of a log."""
    end = time.monotonic() + limit
    while time.monotonic() < end and not writer.ended:
        now = stamps(engine.stack.data)
        if now.keys() != before.keys() or any(now[path][0] < size for path, (size, _) in before.items()):
            return


def spin(seconds: float) -> None:
    """Wait without sleeping: a sleep is longer than a write."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        pass
