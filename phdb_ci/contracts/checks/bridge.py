"""The bridge of the agents: each command's answer, what it has written, and what it says when it could not."""

import json
import secrets
from typing import Any

from phdb_ci.contracts.checks.engine import HOSTILE
from phdb_ci.contracts.checks.engines import dead, full_disk
from phdb_ci.contracts.drive import Done, Program
from phdb_ci.contracts.schemas import parse
from phdb_ci.contracts.stack import TIMEOUT, Stack
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

READ_RUNS = "read agent_runs { id, status }"
READ_RUN = f"{READ_RUNS} where id = $id"
RUN_OF_STATUS = "SELECT id FROM agent_runs WHERE id = ? AND status = ?"
INSERT_RUN = "INSERT INTO agent_runs (id, agent, status) VALUES (?, ?, ?)"


def probe(stage: Stage) -> None:
    """`probe` reaches the engine."""
    answer = stage.answer("bridge-probe", stage.stack.bridge("probe"), one_line=True)
    demand(answer["engine"], "$.engine: true expected, got false")


def probe_without_engine(stage: Stage) -> None:
    """Without an engine `probe` must not say that there is one."""
    done = stage.stack.with_engine(dead(stage)).bridge("probe")
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
    """`read_liq` gives the run that was written, once, by parameters as well, and counts its rows."""
    _run_is_known(stage)
    for arguments in ((READ_RUNS,), (READ_RUN, json.dumps({"id": stage.run_id}))):
        rows = rows_of(stage, "bridge-read_liq", stage.stack.bridge("read_liq", *arguments))
        mine = rows if len(arguments) > 1 else [row for row in rows if row.get("id") == stage.run_id]
        demand(
            mine == [{"id": stage.run_id, "status": "done"}],
            f"$.rows: the run as updated expected, got {mine}",
        )


def exec_sql(stage: Stage) -> None:
    """`exec_sql` binds its parameters, each to its own mark, and counts its rows where it counts them."""
    _run_is_known(stage)
    for statement, parameters, expected in (
        ("SELECT id FROM agent_runs WHERE id = ?", [stage.run_id], [{"id": stage.run_id}]),
        (RUN_OF_STATUS, [stage.run_id, "done"], [{"id": stage.run_id}]),
        (RUN_OF_STATUS, [stage.run_id, "running"], []),
    ):
        done = stage.stack.bridge("exec_sql", statement, json.dumps(parameters))
        rows = rows_of(stage, "bridge-exec_sql", done)
        demand(rows == expected, f"$.rows: {expected} expected, got {rows}")


def text_unchanged(stage: Stage) -> None:
    """What a run says is there as it was given, whatever it is, through every way of reading."""
    run = new_run() | {"agent": HOSTILE}
    done = stage.stack.bridge("upsert_agent_run", json.dumps(run))
    stage.answer("bridge-upsert_agent_run", done, one_line=True)
    source = "read agent_runs { id, agent, status } where id = $id"
    read = stage.stack.bridge("read_liq", source, json.dumps({"id": run["id"]}))
    demand(
        rows_of(stage, "bridge-read_liq", read) == [run],
        f"$.rows: the run as it was given expected of read_liq, got {read.out.strip()[:200]}",
    )
    sql = "SELECT id, agent, status FROM agent_runs WHERE id = ?"
    rows = stage.answer("exec-json", stage.stack.exec_json(sql, run["id"]))["rows"]
    demand(rows == [run], f"$.rows: the run as it was given expected of exec-json, got {rows}")


def error(stage: Stage) -> None:
    """What goes wrong is not exit 0, and one line of JSON that says why."""
    for arguments in (
        ("read_liq", "read no_such_table { id }"),
        ("exec_sql", "SELECT id FROM no_such_table", "[]"),
        ("upsert_agent_run", "{}"),
        ("no_such_command",),
    ):
        refusal(stage, stage.stack.bridge(*arguments))


def failed_write(stage: Stage) -> None:
    """What the engine could not write is no success, whichever command wanted it, and nothing has changed."""
    _run_is_known(stage)
    full, new = stage.stack.with_engine(full_disk(stage)), new_run()
    writes = (
        ("upsert_agent_run", json.dumps(new)),
        ("upsert_agent_run", json.dumps(new_run() | {"id": stage.run_id, "status": "lost"})),
        ("exec_sql", INSERT_RUN, json.dumps(list(new.values()))),
        ("exec_sql", "UPDATE agent_runs SET status = ? WHERE id = ?", json.dumps(["lost", stage.run_id])),
        ("exec_sql", "DELETE FROM agent_runs WHERE id = ?", json.dumps([stage.run_id])),
    )
    for arguments in writes:
        refusal(stage, full.bridge(*arguments), f"{arguments[0]} of what the engine cannot write")
    session = open_session(full)
    if session is not None:
        for command, *rest in writes:
            what = f"{command} of what the engine cannot write, in a session"
            answer = parse(ask(session, command, *rest))
            demand(isinstance(answer, dict) and answer.get("ok") is False, f"$.ok: false expected of {what}")
            stage.document("bridge-error", json.dumps(answer))
        session.end()
    rows = stage.answer("exec-json", stage.stack.exec_json("SELECT id, status FROM agent_runs"))["rows"]
    demand({"id": stage.run_id, "status": "done"} in rows, "what could not be written has changed a run")
    demand(all(row["id"] != new["id"] for row in rows), "what could not be written is there")


def rows_of(stage: Stage, contract: str, done: Done | str) -> list[Any]:
    """The rows of an answer of the bridge, which are as many as it says. Raises BrokenError otherwise."""
    if isinstance(done, Done):
        answer = stage.answer(contract, done, one_line=True)
    else:
        answer = stage.document(contract, done, one_line=True)
    rows: list[Any] = answer["rows"]
    count = answer.get("row_count", len(rows))
    demand(count == len(rows), f"$.row_count: {len(rows)} expected, got {count}")
    return rows


def _run_is_known(stage: Stage) -> None:
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")


def refusal(stage: Stage, done: Done, what: str = "") -> None:
    """What the bridge does not do is not exit 0, and one line of JSON that says why. Raises BrokenError otherwise."""
    told = f"exit 0 although it had to fail: {what + ': ' if what else ''}{done.out.strip()[:120]}"
    demand(done.problem or done.code, told)
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


def names_run(line: str | None, run: str) -> bool:
    """Whether an answer acknowledges an upsert of this run."""
    try:
        answer = json.loads(line or "null")
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("ok") is True and answer.get("run_id") == run


def new_run() -> dict[str, Any]:
    """An agent run that no other answer could hold."""
    return {"id": f"run-{secrets.token_hex(8)}", "agent": "contracts", "status": "running"}


CHECKS = (
    Check("bridge/probe", probe, ("agents",)),
    Check("bridge/probe-without-engine", probe_without_engine, ("agents",)),
    Check("bridge/upsert_agent_run", upsert, ("agents",)),
    Check("bridge/read_liq", read_liq, ("agents",)),
    Check("bridge/exec_sql", exec_sql, ("agents",)),
    Check("bridge/text-unchanged", text_unchanged, ("agents",)),
    Check("bridge/error", error, ("agents",)),
    Check("bridge/error-of-a-write", failed_write, ("agents",)),
)
