"""One data directory, many ways in: what one program wrote, every other one reads."""

from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stack import Stack
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand


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
    """The bridge has the row that the engine wrote."""
    demand(stage.package, "there is no row to read: exec-json has written none")
    done = stage.stack.bridge("read_liq", "read packages { id, name }")
    rows = stage.answer("bridge-read_liq", done, one_line=True)["rows"]
    demand(stage.package in rows, f"$.rows: {stage.package} expected among {len(rows)} rows, it is not there")


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
)
