"""Totals that runners state, against what was counted. A report that contradicts itself proves nothing. Pure."""

from collections.abc import Iterator, Mapping

from phdb_ci.models.results import CaseStatus
from phdb_ci.reports.text import counted


def pytest_difference(
    stated: Mapping[str, int | None], elements: Mapping[str, int], cases: int, doubles: int
) -> str | None:
    """Another number of tests stated than shown, which can be: subtests count unseen, reruns are seen uncounted."""
    said = stated["tests"]
    if said is None or cases <= said <= cases + max(doubles, elements["error"]):
        return None
    return f"pytest says tests={said}, the report holds {counted(cases, 'case', 'cases')}"


def pytest_contradictions(
    stated: Mapping[str, int | None], elements: Mapping[str, int], cases: int
) -> Iterator[str]:
    """What cannot be in the attributes that pytest writes.

    `failures`, `errors` and `skipped` count result elements; `tests` counts what ran, so none where there are cases
    means that they were listed and not run (`--setup-only`).
    """
    for word, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        said = stated[word]
        if said is not None and said != elements[element]:
            yield f"pytest says {word}={said}, the report holds {elements[element]}"
    said = stated["tests"]
    if said == 0 < cases:
        yield f"pytest says tests={said}, the report holds {counted(cases, 'case', 'cases')}"


def node_contradictions(
    footer: Mapping[str, int], counts: Mapping[CaseStatus, int], suites: int
) -> Iterator[str]:
    """What cannot be in the totals that node writes as closing comments.

    A test with subtests is a suite in the file and a test in the totals; a suite that is skipped or empty
    is a case in the file and a suite in the totals. So tests and suites together agree exactly, the outcomes
    only within these. A hook that fails at the root fails cases that the totals leave out or count as skipped:
    more failures than stated is no contradiction, and the cases are red by themselves.
    """
    failed = counts["failed"] + counts["error"]
    said_failed = footer.get("fail", 0) + footer.get("cancelled", 0)
    if "fail" in footer and failed > said_failed:
        return
    if "tests" in footer and "suites" in footer:
        said, read = footer["tests"] + footer["suites"], sum(counts.values()) + suites
        if said != read:
            yield f"node says {said} tests and suites, the report holds {read}"
    pairs = {
        "pass": (footer.get("pass"), counts["passed"]),
        "fail and cancelled": (said_failed if "fail" in footer else None, failed),
        "skipped": (footer.get("skipped"), counts["skipped"]),
        "todo": (footer.get("todo"), counts["todo"]),
    }
    for word, (said_count, count) in pairs.items():
        if said_count is None or count - footer.get("suites", 0) <= said_count <= count + suites:
            continue
        yield f"node says {word} {said_count}, the report holds {count}"
    if 0 < said_failed <= suites and not failed:
        yield f"node says {said_failed} failed, no case shows it: a test with subtests is no case"
