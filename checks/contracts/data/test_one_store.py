"""One data directory, many ways in: what one program wrote, every other one reads."""

import json

from checks.contracts.data.writers import is_written
from checks.contracts.stack import INSERT_RUN, READ_RUNS, Bridge, LidbEmbed, Liorm, Row, names_run, new_run

SESSION, CALLS, ROWS = 60, 4, 24  # runs that a session, calls of the bridge and the engine write at once


def test_liorm(liorm: Liorm, package: Row) -> None:
    assert liorm.ask("read", "packages", "id, name", package["id"]) == [package]


def test_liorm_reads_the_bridge(liorm: Liorm, run: Row) -> None:
    assert liorm.ask("read", "agent_runs", "id, status", run["id"]) == [run]


def test_exec_json(engine: LidbEmbed, run: Row) -> None:
    assert engine.rows("SELECT id, status FROM agent_runs WHERE id = ?", run["id"]) == [run]


def test_bridge(bridge: Bridge, engine: LidbEmbed, package: Row, run: Row) -> None:
    """The bridge has the rows that the engine wrote, runs of agents as well, as they are now."""
    assert bridge.rows("read_liq", "read packages { id, name }") == [package]
    new = new_run()
    engine.rows(INSERT_RUN, *new.values())
    engine.rows("UPDATE agent_runs SET status = ? WHERE id = ?", "done", new["id"])
    expected = {"id": new["id"], "status": "done"}
    assert sorted(bridge.rows("read_liq", READ_RUNS), key=str) == sorted([run, expected], key=str)
    sql = "SELECT id, status FROM agent_runs WHERE id = ?"
    assert bridge.rows("exec_sql", sql, json.dumps([new["id"]])) == [expected]


def test_all_write_at_once(bridge: Bridge, database: LidbEmbed) -> None:
    """A session of the bridge, calls of it, the engine and a migration at once: what was acknowledged is there."""
    in_session, calls, rows = ([new_run() for _ in range(count)] for count in (SESSION, CALLS, ROWS))
    session = bridge.session()
    for run in in_session:
        if session is not None:
            session.send("upsert_agent_run", json.dumps(run))
    started = [(run, bridge.start("upsert_agent_run", json.dumps(run))) for run in calls]
    migration = database.start("migrate")
    done = [(run, database.exec_json(INSERT_RUN, *run.values())) for run in rows]
    acknowledged = [run["id"] for run, insert in done if insert.code == 0 and is_written(insert.out)]
    acknowledged += [run["id"] for run, call in started if names_run(call.finish().out, run["id"])]
    migration.finish()
    if session is not None:
        acknowledged += [run["id"] for run in in_session if names_run(session.program.line(), run["id"])]
    writes = len(in_session if session else ()) + len(calls) + len(rows)
    print(f"{len(acknowledged)} of {writes} writes were acknowledged")
    assert len(acknowledged) > writes // 4
    lost = set(acknowledged) - {row["id"] for row in database.rows("SELECT id FROM agent_runs")}
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged runs are gone"
