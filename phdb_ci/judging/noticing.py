"""What a run with a fault shows against the one with nothing broken: which cases tell the two apart. Pure.

A run with nothing broken that is red is good enough as long as its redness consists of named cases: the others can
still notice. The title of a case is what it is known by.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from phdb_ci.judging import evidence, quarantine
from phdb_ci.judging.forgiving import forgiven
from phdb_ci.models.matrix import Job, Quarantine
from phdb_ci.models.results import Facts, LegResult
from phdb_ci.models.statuses import STATUSES


def is_measurable(job: Job, result: LegResult, rows: Iterable[Quarantine]) -> bool:
    """Whether faults can be measured against a run with nothing broken: it is green but for named cases.

    `rows`: the quarantines of the job. What they name does not hinder, whatever the day.
    """
    if result.status == "passed":
        return True
    held = [row for row in rows if row.case is not None]
    facts = quarantine.without(forgiven(_quiet(result.facts), lambda _case: True), held)
    return evidence.judge(job, facts)[0] == "passed"


def _quiet(facts: Facts) -> Facts:
    """Facts of which a printed failure is no part: a red run prints why, and that is no case."""
    suites = tuple(suite.model_copy(update={"printed": None}) for suite in facts.suites)
    return facts.model_copy(update={"suites": suites})


def failing(facts: Facts) -> tuple[str, ...]:
    """The titles of the failing cases that are kept, each once."""
    return tuple(dict.fromkeys(case.title for case in facts.failing))


@dataclass(frozen=True)
class Control:
    """What the cases did with nothing broken: `passed` and `failing`, by title; `red` when the run was not green."""

    passed: frozenset[str] = field(default=frozenset())
    failing: frozenset[str] = field(default=frozenset())
    red: bool = False

    @classmethod
    def of(cls, result: LegResult) -> "Control":
        """What a run with nothing broken is to the runs with faults. A title that failed once has not passed."""
        red = frozenset(failing(result.facts))
        passed = frozenset(case.title for case in result.facts.executed) - red
        return cls(passed, red, result.status != "passed")

    def failed(self, facts: Facts) -> tuple[str, ...]:
        """The cases that fail with a fault and did not without it."""
        return tuple(title for title in failing(facts) if title not in self.failing)

    def gone(self, facts: Facts) -> tuple[str, ...]:
        """The cases that passed and were not executed with a fault; none where not all that passed are kept."""
        if any(suite.dropped for suite in facts.suites):
            return ()
        return tuple(sorted(self.passed - {case.title for case in facts.executed}))

    def noticed(self, result: LegResult) -> bool | None:
        """Whether a fault was noticed by its end; None when that says nothing of it.

        Where the job is red with nothing broken, by cases that passed then: its status is the same with and without.
        """
        noticed = STATUSES[result.status].noticed
        if not (noticed and self.red):
            return noticed
        return not self.passed.isdisjoint(self.failed(result.facts)) or bool(self.gone(result.facts))
