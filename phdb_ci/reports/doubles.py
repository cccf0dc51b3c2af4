"""One test, two cases: pytest writes a test twice that failed and whose teardown then broke. Pure."""

from collections.abc import Callable, Mapping

from phdb_ci.models.results import CaseStatus
from phdb_ci.reports.tally import RawCase

MAX_REMEMBERED = 20_000

_WORST: Mapping[CaseStatus, int] = {"passed": 0, "todo": 1, "skipped": 1, "error": 2, "failed": 3}


class Doubles:
    """Hands each test on once, the worst status winning; memory is bounded.

    Neighbours of one name are merged. Under xdist other tests stand between the two; but the first is always
    a failure and the second an error, so that it is enough to remember which tests failed.

    Attributes:
        merged: how many cases were taken as the second telling of another.
    """

    def __init__(self, hand_on: Callable[[RawCase], None]) -> None:
        self.merged = 0
        self._hand_on = hand_on
        self._last: RawCase | None = None
        self._failed: set[int] = set()

    def add(self, case: RawCase) -> None:
        """Take the next case of the file."""
        last = self._last
        if last is not None and last.name == case.name != "" and last.suite == case.suite:
            self.merged += 1
            self._last = _worse(last, case)
        elif case.status == "error" and hash((case.suite, case.name)) in self._failed:
            self.merged += 1
        else:
            self.close()
            self._last = case

    def close(self) -> None:
        """Hand on the case that is still held back, at the end of the file too."""
        last, self._last = self._last, None
        if last is None:
            return
        self._hand_on(last)
        if last.status == "failed" and len(self._failed) < MAX_REMEMBERED:
            self._failed.add(hash((last.suite, last.name)))


def _worse(first: RawCase, second: RawCase) -> RawCase:
    """One case out of two: the worse status, both stories."""
    worse, other = (second, first) if _WORST[second.status] > _WORST[first.status] else (first, second)
    story = "\n\n".join(part for part in (worse.detail, other.message, other.detail) if part)
    return worse._replace(seconds=first.seconds + second.seconds, detail=story)
