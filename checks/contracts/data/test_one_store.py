"""One data directory, many ways in: what one program wrote, every other one reads. TCP: see roads."""

import json

from checks.contracts.answers import fields
from checks.contracts.data.writes import hold, insert, migration, upsert
from checks.contracts.stack import (
    INSERT,
    INSERT_RUN,
    READ_RUNS,
    Bridge,
    LidbEmbed,
    Liorm,
    Lis,
    Row,
    Stack,
    as_columns,
    as_read,
    new_run,
)

COLUMNS = "id, agent_id, status"
LAST = 12  # points of an upsert, from its end: those of the engine's call that writes
RUN_SQL = "SELECT id, agent_id, status FROM agent_runs WHERE id = ?"


def test_liorm_reads_the_engine(liorm: Liorm, package: Row) -> None:
    assert liorm.ask("read", "packages", "id, name", package["id"]) == [package]


def test_liorm_reads_the_bridge(liorm: Liorm, run: Row) -> None:
    assert liorm.ask("read", "agent_runs", COLUMNS, run["id"]) == [run]


def test_engine_reads_the_bridge(engine: LidbEmbed, run: Row) -> None:
    assert engine.rows(RUN_SQL, run["id"]) == [run]


def test_bridge_reads_the_engine(bridge: Bridge, database: LidbEmbed, package: Row, run: Row) -> None:
    """Packages, and runs of agents beside the bridge's own."""
    new = new_run()
    database.rows(INSERT_RUN, *as_columns(new))
    assert bridge.rows("read_liq", "read packages { id, name }") == [package]
    assert sorted(bridge.rows("read_liq", READ_RUNS), key=str) == sorted([run, as_read(new)], key=str)
    assert bridge.rows("exec_sql", RUN_SQL, json.dumps([new["run_id"]])) == [as_read(new)]


def test_embed_mode(stack: Stack) -> None:
    """LI_DATA_DIR and the checkout are enough: no supervisor, nothing of the agents."""
    alone = stack.with_env(LI_CONTROL_PLANE_STORE=None, LI_LIDB_REPO=None)
    LidbEmbed(alone).open_and_migrate().rows(INSERT, "k1", "embedded", "a package")
    assert Liorm(alone).ask("read", "packages", "id, name", "k1") == [{"id": "k1", "name": "embedded"}]


def test_bridge_mode(stack: Stack, run: Row) -> None:
    """The agents' variables are enough: LI_DATA_DIR, LI_LIDB_REPO, LI_CONTROL_PLANE_STORE."""
    agent = Bridge(stack.with_env(LIDB_REPO=None, LIDB_ROOT=None, LIDB_DATA_DIR=None))
    assert agent.rows("read_liq", READ_RUNS) == [run]


def test_lis_mode(lis: Lis, stack: Stack, run: Row) -> None:
    """What lis has started, migrated and stopped, an agent with LI_LIDB_URL=lidb://embedded finds: engine and rows."""
    agent = Bridge(stack.with_env(LI_LIDB_URL="lidb://embedded"))
    for command in ("start", "migrate", "stop"):
        done = lis.db(command)
        assert (done.code, done.problem) == (0, ""), f"lis db {command}: {done.ending}"
        assert fields(agent.run("probe").out).get("engine") is True, f"no engine after lis db {command}"
        assert agent.rows("read_liq", READ_RUNS) == [run], f"after lis db {command}"


def test_all_write_at_once(database: LidbEmbed) -> None:
    """The bridge is held at the end of an upsert; the engine, a migration and another call write meanwhile."""
    others = [insert("engine"), migration(), upsert("run-other")]
    hold(database, upsert("run-held"), others, LAST).assert_all_there("writing by all ways at once")
