"""kill -9 at every point of a write: what was acknowledged is there, unchanged, and nothing else is."""

from dataclasses import replace

import pytest

from checks.contracts.data.points import Traced
from checks.contracts.data.writes import LARGE, POINTS, Tally, fill, insert, migration, update, upsert
from checks.contracts.programs import Done
from checks.contracts.stack import LidbEmbed

WRITES = {
    "insert": insert("new"),
    "large-insert": replace(insert("new", LARGE), name="a large INSERT"),
    "update": update("kept-1"),
    "migrate": migration(),
    "upsert": upsert("run-new"),
}
MAY_BE_REFUSED = ("update", "migrate")  # an engine may know no UPDATE, and a migration acknowledges no row


@pytest.mark.parametrize("kind", WRITES)
def test_rows_survive_a_kill(database: LidbEmbed, kind: str) -> None:
    write, tally = WRITES[kind], Tally(fill(database))
    for number in range(1, POINTS):
        stack = database.stack.copy(f"kill-{number}")
        with write.trace(stack) as writer:
            if not writer.advance(number):
                break
            tally.note(writer.point, stack, [(write, killed(writer))])
    done = writer.finish()
    tally.note("at its end", stack, [(write, done)])
    assert tally.points > 1, f"{write.name} has no point at which it could be killed"
    tally.assert_all_there(f"kill -9 in {write.name}", written=False)
    assert kind in MAY_BE_REFUSED or write.says_so(done.out), f"{write.name} was refused with nobody beside it"


def killed(writer: Traced) -> Done | None:
    """Kill it where it stands; what it had answered is an answer, nothing is none."""
    writer.kill()
    return Done(0, writer.answer, "") if writer.answer else None
