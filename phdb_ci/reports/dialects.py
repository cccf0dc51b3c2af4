"""What the elements and attributes of pytest, node, ctest, surefire and gtest mean. Pure.

The runners differ in what they leave out rather than in what they write; each rule names who needs it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from phdb_ci.models.results import CaseStatus

XmlKind = Literal["pytest", "node", "junit"]
Attrs = Mapping[str, str]

ROOTS = frozenset({"testsuites", "testsuite"})
RESULTS: Mapping[str, CaseStatus] = {
    "failure": "failed",
    "error": "error",
    "skipped": "skipped",
    "rerunFailure": "failed",
    "rerunError": "error",
}
# surefire: failed first, passed when run again
FLAKY = frozenset({"flakyFailure", "flakyError"})
# Within one case the highest counts; todo is above a failure because node writes both for a todo that throws.
IN_CASE: Mapping[CaseStatus, int] = {"passed": 0, "skipped": 1, "error": 2, "failed": 3, "todo": 4}

# ctest and gtest: a case without a result element still says so in its `status`.
_STATED: Mapping[str | None, CaseStatus] = {
    "disabled": "skipped",
    "notrun": "skipped",
    "skipped": "skipped",
    "ignored": "skipped",
    "fail": "failed",
    "failed": "failed",
    "failure": "failed",
    "error": "error",
}
# ctest calls these skipped and exits 8.
_NOT_RUN = (
    "Unable to find executable",
    "Fixture dependency failed",
    "Required Files Missing",
    "Failed to change working directory",
    "Missing Configuration",
)


def result_status(local: str, result: Attrs, case: Attrs) -> CaseStatus:
    """The status that a result element gives to its case."""
    status = RESULTS[local]
    if status != "skipped":
        return status
    if result.get("type") == "todo":
        return "todo"
    could_not_run = case.get("status") == "notrun" and result.get("message", "").startswith(_NOT_RUN)
    return "error" if could_not_run else "skipped"


def stated_status(case: Attrs) -> CaseStatus:
    """The status of a case that has no result element."""
    return _STATED.get(case.get("status"), "passed")


def suite_of(kind: XmlKind, case: Attrs, path: Sequence[str]) -> str:
    """The class name where a runner means it, else the suites around the case.

    node always writes the class name `test`, ctest repeats the case's name.
    """
    classname = case.get("classname")
    if classname is None or kind == "node":
        return " > ".join(part for part in path if part)
    return classname if kind == "pytest" or classname != case.get("name") else ""
