"""A session of the bridge: one process answers many requests, each as a process of its own would."""

import json
from typing import Any

from phdb_ci.contracts.checks.bridge import (
    INSERT_RUN,
    READ_RUN,
    READ_RUNS,
    RUN_OF_STATUS,
    ask,
    new_run,
    open_session,
    rows_of,
)
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.stage import Check, SkippedError, Stage, demand


def answers(stage: Stage) -> None:
    """Each command is answered by what is there now: what the session wrote, and what was written behind it."""
    process = open_session(stage.stack)
    if process is None:
        raise SkippedError("this bridge has no session (`serve`): it is a process per call")
    try:
        _conversation(stage, process)
    finally:
        process.end()


def _conversation(stage: Stage, session: Program) -> None:
    _probe(stage, session)
    mine, theirs = new_run(), new_run()
    for status in ("running", "done"):
        request = json.dumps(mine | {"status": status})
        answer = stage.document("bridge-upsert_agent_run", ask(session, "upsert_agent_run", request))
        demand(answer["run_id"] == mine["id"], f"$.run_id: '{mine['id']}' expected, got '{answer['run_id']}'")
        _reads(stage, session, mine["id"], status)
        _same_as_engine(stage, session)
    stage.answer("exec-json", stage.stack.exec_json(INSERT_RUN, *theirs.values()))
    _reads(stage, session, theirs["id"], "running")
    stage.answer(
        "exec-json",
        stage.stack.exec_json("UPDATE agent_runs SET status = ? WHERE id = ?", "failed", mine["id"]),
    )
    _reads(stage, session, mine["id"], "failed")
    _same_as_engine(stage, session)
    for command, *arguments in (
        ("read_liq", "read no_such_table { id }"),
        ("exec_sql", "SELECT id FROM no_such_table", "[]"),
        ("no_such_command",),
    ):
        stage.document("bridge-error", ask(session, command, *arguments))
    _probe(stage, session)


def _probe(stage: Stage, session: Program) -> None:
    answer = stage.document("bridge-probe", ask(session, "probe"))
    demand(answer["engine"], "$.engine: true expected in a session, got false")


def _reads(stage: Stage, session: Program, run: str, status: str) -> None:
    """By its id the session finds this run alone, in this state."""
    rows = rows_of(stage, "bridge-read_liq", ask(session, "read_liq", READ_RUN, json.dumps({"id": run})))
    expected = [{"id": run, "status": status}]
    demand(rows == expected, f"$.rows: {expected} expected of a session, got {rows}")
    rows = rows_of(
        stage, "bridge-exec_sql", ask(session, "exec_sql", RUN_OF_STATUS, json.dumps([run, status]))
    )
    demand(rows == [{"id": run}], f"$.rows: the run expected of exec_sql in a session, got {rows}")


def _same_as_engine(stage: Stage, session: Program) -> None:
    """All runs, as the engine itself reads them."""
    rows = rows_of(stage, "bridge-read_liq", ask(session, "read_liq", READ_RUNS))
    there = stage.answer("exec-json", stage.stack.exec_json("SELECT id, status FROM agent_runs"))["rows"]
    demand(
        _sorted(rows) == _sorted(there),
        f"$.rows: {len(there)} runs as exec-json reads them expected of a session, got {len(rows)}",
    )


def _sorted(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


CHECKS = (Check("bridge/session", answers, ("agents",)),)
