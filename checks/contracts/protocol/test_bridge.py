"""The bridge of the agents: each command's answer, and what it says when it could not."""

import json

import pytest

from checks.contracts.answers import answer
from checks.contracts.programs import Done, Program
from checks.contracts.stack import READ_RUNS, Bridge, Row, Stack, new_run

FAILING = (
    ("read_liq", "read no_such_table { id }"),
    ("read_liq", "no liq at all"),
    ("exec_sql", "NOT SQL", "[]"),
    ("upsert_agent_run", "{}"),
    ("upsert_agent_run", "no JSON"),
    ("no_such_command",),
)


def test_probe(bridge: Bridge) -> None:
    probe = answer("bridge-probe", bridge.run("probe"), one_line=True)
    assert probe["engine"] is True, "$.engine: true expected, got false"


def test_probe_without_engine(stack: Stack) -> None:
    """`ok` says that the bridge has answered, `engine` that the engine has."""
    probe = answer("bridge-probe", Bridge(stack.with_engine("dead")).run("probe"), one_line=True)
    assert probe["engine"] is False, "$.engine: false expected without an engine, got true"


def test_upsert_agent_run(bridge: Bridge) -> None:
    """`upsert_agent_run` takes a run and names it, and takes it again in another state."""
    run = new_run()
    for status in ("running", "done"):
        bridge.upsert(run | {"status": status})


def test_read_liq(bridge: Bridge, run: Row) -> None:
    """`read_liq` gives the columns that were named of the run that was written, and counts its rows."""
    assert bridge.rows("read_liq", READ_RUNS) == [run]


def test_read_liq_all_columns(bridge: Bridge) -> None:
    """Without columns a run comes back with those that it was given, and with `id`, which is its `run_id`."""
    run = new_run()
    bridge.upsert(run)
    assert bridge.rows("read_liq", "read agent_runs limit 50") == [run | {"id": run["run_id"]}]


def test_exec_sql(bridge: Bridge, run: Row) -> None:
    """`exec_sql` binds its parameter and counts its rows; without parameters it takes none."""
    read = "SELECT id, agent_id, status FROM agent_runs"
    assert bridge.rows("exec_sql", f"{read} WHERE id = ?", json.dumps([run["id"]])) == [run]
    assert bridge.rows("exec_sql", f"{read} WHERE id = ?", '["nobody"]') == []
    assert bridge.rows("exec_sql", read) == [run]


@pytest.mark.parametrize("arguments", FAILING, ids=lambda arguments: " ".join(arguments[:2]))
def test_error(bridge: Bridge, arguments: tuple[str, ...]) -> None:
    assert_refused(bridge.run(*arguments), code=1)


def test_usage(bridge: Bridge) -> None:
    """Without a command it is exit 2, and the error says how it is called."""
    stack = bridge.stack
    done = Program(bridge.command(), env=stack.env, cwd=stack.folder, stdin="").finish()
    assert "usage" in assert_refused(done, code=2)["error"]


def assert_refused(done: Done, code: int) -> Row:
    """It ends with this code, and one line of JSON that says why."""
    assert done.problem or done.code, f"exit 0 although it had to fail: {done.out.strip()[:120]}"
    error: Row = answer("bridge-error", done, code=code, one_line=True)
    return error
