"""Raw SQL is not for agents: liorm refuses it to their profiles, and read_liq takes no other language."""

from checks.contracts.protocol.test_bridge import assert_refused
from checks.contracts.stack import Bridge, LidbEmbed, Liorm, Row

RAW = (
    "DELETE FROM packages",
    "delete from packages where id = 'k'",
    "SELECT id FROM packages",
    "select id from packages",
    "SeLeCt 1 AS ok",
    "INSERT INTO packages (id, name) VALUES ('k-raw', 'raw')",
    "insert into packages (id, name) values ('k-raw', 'raw')",
    "UPDATE packages SET name = 'raw'",
    "update packages set name = 'raw'",
    "WITH x AS (SELECT 1) SELECT * FROM x",
    "-- a comment\nSELECT id FROM packages",
    "/* a comment */ DELETE FROM packages",
    " \n\tDELETE FROM packages",
)
NOT_LIQ = (
    *RAW,
    "read packages { id }; DELETE FROM packages",
    "insert packages { id: $id, name: $name }",
    "update packages set name = $name where id = $id",
    "delete packages where id = $id",
)
ALL = "SELECT id, name FROM packages"


def test_refused_in_agent_profile(liorm: Liorm, database: LidbEmbed, package: Row) -> None:
    """Every profile that an agent works under is refused whatever the statement, and nothing changes."""
    attempts = liorm.ask("raw", *RAW)
    assert not attempts["allowed"], f"allowed for: {', '.join(attempts['allowed'])}"
    assert attempts["refused"], "liorm has no profile of an agent that could be refused"
    assert database.rows(ALL) == [package]


def test_read_liq_takes_no_sql(bridge: Bridge, database: LidbEmbed, package: Row) -> None:
    """`read_liq`, the agents' own way in, runs no SQL and no write."""
    for source in NOT_LIQ:
        assert_refused(bridge.run("read_liq", source), code=1)
    assert database.rows(ALL) == [package]
