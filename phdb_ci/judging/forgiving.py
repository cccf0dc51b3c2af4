"""Facts as they would be without some failing cases: what else is wrong with a leg? Pure.

A failing case is turned into one that passed, and so is the exit code that follows from failing cases alone; a printed
failure that names such a case is no other one. The rules of evidence then say what is left. What stands in no report
and ends in the same exit code is not seen.
"""

import re
from collections.abc import Callable, Sequence

from phdb_ci.models.results import Case, Command, Facts, Suite
from phdb_ci.models.runs import Run

FOLLOWS = 1  # the exit code of a runner whose tests failed; any other says more than that

Excuses = Callable[[Case], bool]


def forgiven(facts: Facts, excuses: Excuses) -> Facts:
    """The facts without the failing cases that `excuses` names; it is asked once of each failing case, in order.

    The exit code stays where a failing case is left, and where none was forgiven.
    """
    suites = tuple(_suite(suite, excuses) for suite in facts.suites)
    explained = suites != facts.suites and not any(suite.counts.failing for suite in suites)
    commands = tuple(map(_command, facts.commands)) if explained else facts.commands
    titles = _titles(facts.suites, suites)
    runs = tuple(_run(run, titles) for run in facts.runs) if explained else facts.runs
    if explained:
        suites = tuple(_quiet(suite, titles) for suite in suites)
    return facts.model_copy(update={"suites": suites, "commands": commands, "runs": runs})


def _suite(suite: Suite, excuses: Excuses) -> Suite:
    cases = [case for case in suite.cases if case.failing and excuses(case)]
    if not cases:
        return suite
    errors = sum(case.status == "error" for case in cases)
    counts = suite.counts.model_copy(update={
        "passed": suite.counts.passed + len(cases), "error": suite.counts.error - errors,
        "failed": suite.counts.failed - (len(cases) - errors),
    })  # fmt: skip
    chosen = set(map(id, cases))
    passed = (case.model_copy(update={"status": "passed"}) if id(case) in chosen else case for case in suite.cases)
    return suite.model_copy(update={"counts": counts, "cases": tuple(passed)})


def _titles(before: Sequence[Suite], after: Sequence[Suite]) -> set[str]:
    """The titles of the cases that were forgiven, and of all that they stand in: a test with subtests fails, too."""
    titles: set[str] = set()
    for suite, other in zip(before, after, strict=True):
        for case, now in zip(suite.cases, other.cases, strict=True):
            names = case.title.split(" > ") if now.status != case.status else []
            titles |= {" > ".join(names[: depth + 1]) for depth in range(len(names))}
    return titles


def _quiet(suite: Suite, titles: set[str]) -> Suite:
    """A suite without the failure that was printed, where that names a case which was forgiven."""
    names = {title.rpartition(" > ")[2] for title in titles}
    named = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", suite.printed or "") for name in names)
    return suite.model_copy(update={"printed": None}) if named else suite


def _run(run: Run, titles: set[str]) -> Run:
    """The record of a run in which nothing failed but cases that were forgiven: there, too, they passed."""
    known = all(any(text == title or text.startswith(f"{title}: ") for title in titles) for text in run.failing)
    if not run.failed or len(run.failing) < run.failed or not known:
        return run
    passed, code = run.passed + run.failed, 0 if run.exit_code == FOLLOWS else run.exit_code
    return run.model_copy(update={"passed": passed, "failed": 0, "failing": (), "exit_code": code})


def _command(command: Command) -> Command:
    follows = command.phase == "run" and command.exit_code == FOLLOWS
    return command.model_copy(update={"exit_code": 0}) if follows else command
