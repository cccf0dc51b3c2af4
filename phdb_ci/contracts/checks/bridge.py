"""The bridge of the agents: each command's answer, its error, and what a session saves."""

import json
import secrets
from typing import Any

from phdb_ci.contracts.checks.lis import dead_engine
from phdb_ci.contracts.drive import Done, Program
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Check, SkippedError, Stage, demand

READ_RUNS = "read agent_runs { id, status }"


def probe(stage: Stage) -> None:
    """`probe` reaches the engine."""
    answer = stage.answer("bridge-probe", stage.stack.bridge("probe"), one_line=True)
    demand(answer["engine"], "$.engine: true expected, got false")


def probe_without_engine(stage: Stage) -> None:
    """Without an engine `probe` must not say that there is one."""
    done = stage.stack.with_engine(dead_engine(stage)).bridge("probe")
    if done.code == 0:
        answer = stage.answer("bridge-probe", done, one_line=True)
        demand(not answer["engine"], "$.engine: false expected although the engine cannot run, got true")
    else:
        refusal(stage, done)


def upsert(stage: Stage) -> None:
    """`upsert_agent_run` writes a run, and again, and names it."""
    run = new_run()
    for status in ("running", "done"):
        done = stage.stack.bridge("upsert_agent_run", json.dumps(run | {"status": status}))
        answer = stage.answer("bridge-upsert_agent_run", done, one_line=True)
        demand(answer["run_id"] == run["id"], f"$.run_id: '{run['id']}' expected, got '{answer['run_id']}'")
    stage.run_id = run["id"]


def read_liq(stage: Stage) -> None:
    """`read_liq` gives the run that was written, once, and counts its rows."""
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")
    answer = stage.answer("bridge-read_liq", stage.stack.bridge("read_liq", READ_RUNS), one_line=True)
    rows, count = answer["rows"], answer["row_count"]
    demand(count == len(rows), f"$.row_count: {len(rows)} expected, got {count}")
    mine = [row for row in rows if row.get("id") == stage.run_id]
    demand(
        mine == [{"id": stage.run_id, "status": "done"}], f"$.rows: the run as updated expected, got {mine}"
    )


def exec_sql(stage: Stage) -> None:
    """`exec_sql` binds its parameters."""
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")
    sql, parameters = "SELECT id FROM agent_runs WHERE id = ?", json.dumps([stage.run_id])
    answer = stage.answer("bridge-exec_sql", stage.stack.bridge("exec_sql", sql, parameters), one_line=True)
    demand(answer["rows"] == [{"id": stage.run_id}], f"$.rows: the run expected, got {answer['rows']}")


def error(stage: Stage) -> None:
    """What goes wrong is not exit 0, and one line of JSON that says why."""
    for arguments in (("read_liq", "read no_such_table { id }"), ("no_such_command",)):
        refusal(stage, stage.stack.bridge(*arguments))


def session(stage: Stage) -> None:
    """One bridge process answers many requests, each as a process of its own would."""
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")
    process = open_session(stage.stack)
    if process is None:
        raise SkippedError("this bridge has no session (`serve`): it is a process per call")
    try:
        for contract, command, arguments in (
            ("bridge-probe", "probe", ()),
            ("bridge-upsert_agent_run", "upsert_agent_run", (json.dumps(new_run()),)),
            ("bridge-read_liq", "read_liq", (READ_RUNS,)),
            ("bridge-exec_sql", "exec_sql", ("SELECT 1 AS ok", "[]")),
            ("bridge-error", "read_liq", ("read no_such_table { id }",)),
            ("bridge-probe", "probe", ()),
        ):
            stage.document(contract, ask(process, command, *arguments))
    finally:
        process.end()


def refusal(stage: Stage, done: Done) -> None:
    """What the bridge does not do is not exit 0, and one line of JSON that says why. Raises BrokenError otherwise."""
    demand(done.problem or done.code, f"exit 0 although it had to fail: {done.out.strip()[:120]}")
    stage.answer("bridge-error", done, code=None, one_line=True)


def open_session(stack: Stack) -> Program | None:
    """A bridge process that answers many requests; None where the bridge has no such command."""
    process = stack.bridge_session()
    process.send(request("probe"))
    try:
        answer = json.loads(process.line(TIMEOUT) or "null")
    except ValueError:
        answer = None
    if isinstance(answer, dict) and answer.get("ok") is True:
        return process
    process.end()
    return None


def ask(process: Program, command: str, *arguments: str) -> str:
    """One request and its answer, as text. Raises BrokenError when there is none."""
    process.send(request(command, *arguments))
    line = process.line(TIMEOUT)
    if line is None:
        raise BrokenError(f"$: the session gave no answer to {command}")
    return line


def request(command: str, *arguments: str) -> str:
    """One request of a session, as a line."""
    return json.dumps({"cmd": command, "args": list(arguments)}) + "\n"


def new_run() -> dict[str, Any]:
    """An agent run that no other answer could hold."""
    return {"id": f"run-{secrets.token_hex(8)}", "agent": "contracts", "status": "running"}


CHECKS = (
    Check("bridge/probe", probe, ("agents",)),
    Check("bridge/probe-without-engine", probe_without_engine, ("agents",)),
    Check("bridge/upsert_agent_run", upsert, ("agents",)),
    Check("bridge/read_liq", read_liq, ("agents",)),
    Check("bridge/exec_sql", exec_sql, ("agents",)),
    Check("bridge/error", error, ("agents",)),
    Check("bridge/session", session, ("agents",)),
)
