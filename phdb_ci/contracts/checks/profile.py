"""Raw SQL is not for agents: liorm refuses it to their profiles, and read_liq takes no other language."""

from typing import Any

from phdb_ci.contracts.checks.bridge import ask, open_session, refusal
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

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
NOT_LIQ = (*RAW, "read packages { id }; DELETE FROM packages")
WRITES = (
    "insert packages { id: $id, name: $name }",
    "update packages set name = $name where id = $id",
    "delete packages where id = $id",
)


def refused(stage: Stage) -> None:
    """Every profile that an agent works under is refused whatever the statement, and nothing changes."""
    before = _packages(stage)
    done = stage.stack.probe("raw_sql.py", *RAW)
    demand(done.code == 0 and not done.problem, f"liorm could not be asked: {done.told}")
    try:
        told = parse(done.out)
        refusals, allowed = told["refused"], told["allowed"]
    except (NotAnAnswerError, TypeError, KeyError) as error:
        raise BrokenError(f"liorm: {error}") from error
    demand(not allowed, f"RawSql: refusal expected for an agent, allowed for: {', '.join(map(str, allowed))}")
    demand(refusals, "RawSql: liorm has no profile of an agent that could be refused")
    demand(_packages(stage) == before, "raw SQL was refused and has changed the table")


def read_liq_takes_no_sql(stage: Stage) -> None:
    """`read_liq`, the agents' own way in, runs no SQL and no write, alone and in a session."""
    before = _packages(stage)
    with_params = (
        '{"id": "k-new", "name": "new"}'  # which fit, so that nothing but the rule can refuse a write
    )
    requests: list[tuple[str, ...]] = [("read_liq", source) for source in NOT_LIQ]
    requests += [("read_liq", source, with_params) for source in WRITES]
    session = open_session(stage.stack)
    for request in requests:
        refusal(stage, stage.stack.bridge(*request), request[1])
        if session is not None:
            stage.document("bridge-error", ask(session, *request), one_line=True)
    if session is not None:
        session.end()
    demand(_packages(stage) == before, "read_liq has changed the table")


def _packages(stage: Stage) -> list[Any]:
    demand(stage.package, "there is no row to protect: exec-json has written none")
    rows: list[Any] = stage.answer("exec-json", stage.stack.exec_json("SELECT id, name FROM packages"))[
        "rows"
    ]
    return sorted(rows, key=str)


CHECKS = (
    Check("rawsql/refused-in-agent-profile", refused),
    Check("rawsql/read_liq-takes-no-sql", read_liq_takes_no_sql, ("agents",)),
)
