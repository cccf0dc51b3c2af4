"""The connection modes of the plan: embed, lis supervisor, subprocess bridge. TCP: see roads."""

from checks.contracts.answers import answer
from checks.contracts.stack import INSERT, Bridge, LidbEmbed, Liorm, Lis, Row, Stack


def test_embed(stack: Stack) -> None:
    """LI_DATA_DIR and the checkout are enough: no supervisor, nothing of the agents."""
    alone = stack.with_env(LI_CONTROL_PLANE_STORE=None, LI_LIDB_REPO=None)
    LidbEmbed(alone).open_and_migrate().rows(INSERT, "k1", "embedded", "a package")
    assert Liorm(alone).ask("read", "packages", "id, name", "k1") == [{"id": "k1", "name": "embedded"}]


def test_lis_supervisor(lis: Lis, stack: Stack, started: dict[str, object], run: Row) -> None:
    """What lis has started, an agent with LI_LIDB_URL=lidb://embedded finds: engine and rows."""
    agent = Bridge(stack.with_env(LI_LIDB_URL="lidb://embedded"))
    assert started["ready"]
    assert lis.answer("status")["ready"]
    assert answer("bridge-probe", agent.run("probe"), one_line=True)["engine"]
    assert agent.rows("read_liq", "read agent_runs { id, status }") == [run]


def test_bridge(stack: Stack, run: Row) -> None:
    """The agents' variables are enough: LI_DATA_DIR, LI_LIDB_REPO, LI_CONTROL_PLANE_STORE."""
    agent = Bridge(stack.with_env(LIDB_REPO=None, LIDB_ROOT=None, LIDB_DATA_DIR=None))
    assert agent.rows("read_liq", "read agent_runs { id, status }") == [run]
