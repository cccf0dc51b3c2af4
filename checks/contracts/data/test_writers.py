"""Two writers on one data directory: the second is refused, or waits, or nothing is lost.

The first is held at every point of its work, with the directory open; the second writes meanwhile; the first goes on.
"""

from contextlib import ExitStack

import pytest

from checks.contracts.data.writes import Tally, fill, hold, insert, migration, points, update
from checks.contracts.stack import LidbEmbed

PAIRS = {
    "insert-insert": (insert("first"), insert("second")),
    "insert-update": (insert("first"), update("kept-2")),
    "update-insert": (update("kept-1"), insert("second")),
    "migrate-insert": (migration(), insert("second")),
}
CROWD = 4


@pytest.mark.parametrize("pair", PAIRS)
def test_second_writer(database: LidbEmbed, pair: str) -> None:
    first, second = PAIRS[pair]
    tally = hold(database, first, [second])
    tally.assert_all_there(f"{second.name} while {first.name} is held")


def test_many_writers(database: LidbEmbed) -> None:
    """Many are held at the same point, and go on one after the other."""
    tally, writes = Tally(fill(database)), [insert(f"many-{number}") for number in range(CROWD)]
    for number in range(1, points(database.stack, writes[0]) + 1):
        stack = database.stack.copy(f"many-{number}")
        with ExitStack() as all_of_them:
            crowd = [all_of_them.enter_context(write.trace(stack, touching=True)) for write in writes]
            for writer in crowd:
                writer.advance(number)
            outcomes = [(write, writer.finish()) for write, writer in zip(writes, crowd, strict=True)]
        tally.note(crowd[0].point, stack, outcomes)
    tally.assert_all_there(f"{CROWD} INSERTs at once")
