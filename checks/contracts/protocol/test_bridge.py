"""The bridge of the agents: each command's answer, what it has written, what it says when it could not, its session."""

import json

import pytest

from checks.contracts.answers import answer
from checks.contracts.programs import Done
from checks.contracts.protocol.test_engine import HOSTILE
from checks.contracts.stack import (
    INSERT_RUN,
    READ_RUN,
    READ_RUNS,
    Bridge,
    LidbEmbed,
    Row,
    Session,
    Stack,
    counted,
    new_run,
)

UPDATE_RUN = "UPDATE agent_runs SET status = ? WHERE id = ?"
RUN_OF_STATUS = "SELECT id FROM agent_runs WHERE id = ? AND status = ?"
FAILING = (
    ("read_liq", "read no_such_table { id }"),
    ("exec_sql", "SELECT id FROM no_such_table", "[]"),
    ("upsert_agent_run", "{}"),
    ("no_such_command",),
)
TOGETHER = 40  # calls of each command in one session
CALLS = (
    ("probe",),
    ("upsert_agent_run", json.dumps(new_run())),
    ("read_liq", READ_RUNS + " limit 5"),
    ("exec_sql", "SELECT 1 AS ok", "[]"),
)


def test_probe(bridge: Bridge) -> None:
    assert answer("bridge-probe", bridge.run("probe"), one_line=True)["engine"]


def test_probe_without_engine(stack: Stack) -> None:
    done = Bridge(stack.with_engine("dead")).run("probe")
    if done.code == 0:
        assert not answer("bridge-probe", done, one_line=True)["engine"]
    else:
        assert_refused(done)


def test_upsert_agent_run(bridge: Bridge) -> None:
    """`upsert_agent_run` writes a run, and again, and names it."""
    run = new_run()
    for status in ("running", "done"):
        bridge.upsert(run | {"status": status})


def test_read_liq(bridge: Bridge, run: Row) -> None:
    """`read_liq` gives the run that was written, once, by parameters as well, and counts its rows."""
    for arguments in ((READ_RUNS,), (READ_RUN, json.dumps({"id": run["id"]}))):
        assert bridge.rows("read_liq", *arguments) == [run]


def test_exec_sql(bridge: Bridge, run: Row) -> None:
    """`exec_sql` binds its parameters, each to its own mark, and counts its rows where it counts them."""
    for statement, parameters, rows in (
        ("SELECT id FROM agent_runs WHERE id = ?", [run["id"]], [{"id": run["id"]}]),
        (RUN_OF_STATUS, [run["id"], "done"], [{"id": run["id"]}]),
        (RUN_OF_STATUS, [run["id"], "running"], []),
    ):
        assert bridge.rows("exec_sql", statement, json.dumps(parameters)) == rows, statement


def test_text_unchanged(bridge: Bridge, engine: LidbEmbed) -> None:
    """What a run says is there as it was given, whatever it is, through every way of reading."""
    run = new_run(agent=HOSTILE)
    bridge.upsert(run)
    source = "read agent_runs { id, agent, status } where id = $id"
    assert bridge.rows("read_liq", source, json.dumps({"id": run["id"]})) == [run]
    assert engine.rows("SELECT id, agent, status FROM agent_runs WHERE id = ?", run["id"]) == [run]


@pytest.mark.parametrize("arguments", FAILING, ids=lambda arguments: arguments[0])
def test_error(bridge: Bridge, arguments: tuple[str, ...]) -> None:
    assert_refused(bridge.run(*arguments))


def test_error_of_a_write(run: Row, engine: LidbEmbed, stack: Stack) -> None:
    """What the engine could not write is no success, whichever command wanted it, and nothing has changed."""
    full, new = Bridge(stack.with_engine("full-disk")), new_run()
    writes = (
        ("upsert_agent_run", json.dumps(new)),
        ("upsert_agent_run", json.dumps(new_run(id=run["id"], status="lost"))),
        ("exec_sql", INSERT_RUN, json.dumps(list(new.values()))),
        ("exec_sql", UPDATE_RUN, json.dumps(["lost", run["id"]])),
        ("exec_sql", "DELETE FROM agent_runs WHERE id = ?", json.dumps([run["id"]])),
    )
    session = full.session()
    for request in writes:
        assert_refused(full.run(*request))
        if session is not None:
            session.assert_refused(*request)
    assert engine.rows("SELECT id, status FROM agent_runs") == [run]


def test_session(session: Session, engine: LidbEmbed) -> None:
    """Each command is answered by what is there now: what the session wrote, and what was written behind it."""
    mine, theirs = new_run(), new_run()
    for status in ("running", "done"):
        upserted = session.answer("upsert_agent_run", json.dumps(mine | {"status": status}))
        assert upserted["run_id"] == mine["id"]
        assert_reads(session, engine, mine["id"], status)
    engine.rows(INSERT_RUN, *theirs.values())
    assert_reads(session, engine, theirs["id"], "running")
    engine.rows(UPDATE_RUN, "failed", mine["id"])
    assert_reads(session, engine, mine["id"], "failed")
    for request in FAILING:
        session.assert_refused(*request)
    assert session.answer("probe")["engine"], "$.engine: true expected in a session"


def test_session_saves_starts(session: Session, stack: Stack) -> None:
    session.program.kill()
    counting = Bridge(stack.with_engine("counting")).session()
    assert counting is not None
    stack.log.write_text("")
    for request in CALLS * TOGETHER:
        counting.answer(*request)
    starts = len(stack.log.read_text().splitlines())
    assert starts == 0, f"{starts} engine starts in {len(CALLS) * TOGETHER} calls of one session"


def assert_refused(done: Done) -> None:
    """It is not exit 0, and one line of JSON that says why."""
    assert done.problem or done.code, f"exit 0 although it had to fail: {done.out.strip()[:120]}"
    answer("bridge-error", done, code=None, one_line=True)


def assert_reads(session: Session, engine: LidbEmbed, run: str, status: str) -> None:
    """A session finds the run by its id, alone and in this state, and all runs as the engine itself reads them."""
    row = {"id": run, "status": status}
    assert counted(session.answer("read_liq", READ_RUN, json.dumps({"id": run}))) == [row]
    assert counted(session.answer("exec_sql", RUN_OF_STATUS, json.dumps([run, status]))) == [{"id": run}]
    rows = counted(session.answer("read_liq", READ_RUNS))
    assert sorted(rows, key=str) == sorted(engine.rows("SELECT id, status FROM agent_runs"), key=str)
