"""Raw SQL is not for agents: liorm refuses it to their profiles, and read_liq takes no other language."""

from phdb_ci.contracts.checks.bridge import refusal
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

DELETE = "DELETE FROM packages"
NOT_LIQ = (DELETE, "SELECT id FROM packages", "read packages { id }; DELETE FROM packages")


def refused(stage: Stage) -> None:
    """Every profile that an agent works under is refused, and nothing changes."""
    before = _count(stage)
    done = stage.stack.probe("raw_sql.py", DELETE)
    demand(done.code == 0 and not done.problem, f"liorm could not be asked: {done.told}")
    try:
        told = parse(done.out)
        refusals, allowed = told["refused"], told["allowed"]
    except (NotAnAnswerError, TypeError, KeyError) as error:
        raise BrokenError(f"liorm: {error}") from error
    demand(not allowed, f"RawSql: refusal expected for an agent, allowed for: {', '.join(map(str, allowed))}")
    demand(refusals, "RawSql: liorm has no profile of an agent that could be refused")
    demand(_count(stage) == before, f"{DELETE!r} was refused and has changed the table")


def read_liq_takes_no_sql(stage: Stage) -> None:
    """`read_liq`, the agents' own way in, runs no SQL and no write."""
    before = _count(stage)
    writes = ("insert packages { id: $id, name: $name }", "update packages set name = $name where id = $id")
    for source in NOT_LIQ:
        refusal(stage, stage.stack.bridge("read_liq", source))
    for source in writes:  # with parameters that fit, so that nothing but the rule can refuse them
        refusal(stage, stage.stack.bridge("read_liq", source, '{"id": "k-new", "name": "new"}'))
    demand(_count(stage) == before, "read_liq has changed the table")


def _count(stage: Stage) -> int:
    demand(stage.package, "there is no row to protect: exec-json has written none")
    return len(stage.answer("exec-json", stage.stack.exec_json("SELECT id FROM packages"))["rows"])


CHECKS = (
    Check("rawsql/refused-in-agent-profile", refused),
    Check("rawsql/read_liq-takes-no-sql", read_liq_takes_no_sql, ("agents",)),
)
