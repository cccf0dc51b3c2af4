"""One data directory, many ways in: what one program wrote, every other one reads."""

import json

from phdb_ci.contracts.checks.bridge import (
    INSERT_RUN,
    READ_RUNS,
    names_run,
    new_run,
    open_session,
    request,
    rows_of,
)
from phdb_ci.contracts.checks.held import is_written
from phdb_ci.contracts.drive import Program
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

SESSION, CALLS, ROWS = 60, 4, 24  # runs that a session, calls of the bridge and the engine write at once


def liorm_reads(stage: Stage) -> None:
    """Through liorm the engine's row is read, and the bridge's run where there is one."""
    if stage.run_id:
        liorm_has(stage.stack, "agent_runs", {"id": stage.run_id, "status": "done"})
    demand(stage.package, "there is no row to read: exec-json has written none")
    liorm_has(stage.stack, "packages", stage.package)


def exec_json_reads(stage: Stage) -> None:
    """The engine, asked without any of the layers, has the bridge's run."""
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")
    done = stage.stack.exec_json("SELECT id, status FROM agent_runs WHERE id = ?", stage.run_id)
    rows = stage.answer("exec-json", done)["rows"]
    expected = [{"id": stage.run_id, "status": "done"}]
    demand(rows == expected, f"$.rows: {expected} expected, got {rows}")


def bridge_reads(stage: Stage) -> None:
    """The bridge has the rows that the engine wrote, runs of agents as well, as they are now."""
    demand(stage.package, "there is no row to read: exec-json has written none")
    rows = rows_of(stage, "bridge-read_liq", stage.stack.bridge("read_liq", "read packages { id, name }"))
    demand(stage.package in rows, f"$.rows: {stage.package} expected among {len(rows)} rows, it is not there")
    run = new_run()
    expected = {"id": run["id"], "status": "done"}
    stage.answer("exec-json", stage.stack.exec_json(INSERT_RUN, *run.values()))
    stage.answer(
        "exec-json", stage.stack.exec_json("UPDATE agent_runs SET status = ? WHERE id = ?", "done", run["id"])
    )
    rows = rows_of(stage, "bridge-read_liq", stage.stack.bridge("read_liq", READ_RUNS))
    demand(
        expected in rows, f"$.rows: {expected} of exec-json expected among {len(rows)} rows, it is not there"
    )
    sql = "SELECT id, status FROM agent_runs WHERE id = ?"
    done = stage.stack.bridge("exec_sql", sql, json.dumps([run["id"]]))
    rows = rows_of(stage, "bridge-exec_sql", done)
    demand(rows == [expected], f"$.rows: {[expected]} expected of exec_sql, got {rows}")


def at_once(stage: Stage) -> None:
    """A session of the bridge, calls of it, the engine and a migration at once: what was acknowledged is there."""
    stack = stage.stack
    in_session, calls, rows = ([new_run() for _ in range(count)] for count in (SESSION, CALLS, ROWS))
    session = open_session(stack)
    if session is not None:
        session.send("".join(request("upsert_agent_run", json.dumps(run)) for run in in_session))
    started = [
        (
            run,
            Program(
                stack.bridge_program("upsert_agent_run", json.dumps(run)), env=stack.env, cwd=stack.scratch
            ),
        )
        for run in calls
    ]
    migration = Program(stack.engine_program("migrate"), env=stack.env, cwd=stack.scratch)
    done = [(run, stack.exec_json(INSERT_RUN, *run.values())) for run in rows]
    there = [run["id"] for run, one in done if one.code == 0 and is_written(one.out)]
    there += [run["id"] for run, call in started if names_run(call.finish(TIMEOUT).out, run["id"])]
    migration.finish(TIMEOUT)
    if session is not None:
        there += [run["id"] for run in in_session if names_run(session.line(TIMEOUT), run["id"])]
        session.end()
    read = stage.answer("exec-json", stack.exec_json("SELECT id FROM agent_runs"))["rows"]
    ids = {row["id"] for row in read}
    lost = [run for run in there if run not in ids]
    told = len(in_session if session else ()) + len(calls) + len(rows)
    stage.notes.append(f"{len(there)} of {told} writes were acknowledged")
    demand(len(there) > told // 4, f"only {len(there)} of {told} writes were acknowledged")
    demand(not lost, f"{len(lost)} of {len(there)} acknowledged runs are gone, {lost[0:1]} among them")


def liorm_has(stack: Stack, table: str, expected: dict[str, str]) -> None:
    """Read one row by its id through liq and liorm. Raises BrokenError unless it is the expected one."""
    done = stack.probe("liorm_read.py", table, ", ".join(expected), expected["id"])
    demand(done.code == 0 and not done.problem, f"liorm could not read {table}: {done.told}")
    try:
        rows = parse(done.out)["rows"]
    except (NotAnAnswerError, TypeError, KeyError) as error:
        raise BrokenError(f"liorm: {error}") from error
    demand(rows == [expected], f"liorm, {table}: {[expected]} expected, got {rows}")


CHECKS = (
    Check("one-store/liorm", liorm_reads),
    Check("one-store/exec-json", exec_json_reads, ("agents",)),
    Check("one-store/bridge", bridge_reads, ("agents",)),
    Check("one-store/all-write-at-once", at_once, ("agents",)),
)
