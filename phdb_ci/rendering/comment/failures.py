"""What is not green, job by job: reasons, failing tests, the lines of their tracebacks that say most."""

from phdb_ci.base.text import counted
from phdb_ci.models.results import Case, LegResult
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.comment.size_budget import Level
from phdb_ci.rendering.comment.table import failures
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, excerpt, fenced, first, one_line, points, table

MOST_REASONS = 10


def sections(shown: Shown, level: Level) -> list[Section]:
    """A section for each leg about which the table does not say everything; the first one is open."""
    red = [(entry, entry.result) for entry in shown.entries if entry.result and not entry.is_green]
    worth = [(entry, result) for entry, result in red if _failing(result) or len(result.reasons) > 1]
    made = [_section(entry, result, level, opened=not i) for i, (entry, result) in enumerate(worth[: level.blocks])]
    return [Section("", ("**Not green**",)), *made] if made else []


def _section(entry: Entry, result: LegResult, level: Level, *, opened: bool) -> Section:
    failing, count = _failing(result), failures(result)
    tests = failing[: level.tests]
    hidden = max(count, len(failing)) - len(tests)
    parts = [
        points(_reasons(entry, result)),
        table(("test", "message"), map(_test, tests)) if tests else "",
        f"and {counted(hidden, 'more failing test')}" if hidden and tests else "",
        *(
            fenced([one_line(case.title, TITLE_LIMIT), *(f"    {line}" for line in excerpt(case.detail, level.lines))])
            for case in tests[: level.excerpts]
            if case.detail.strip()
        ),
    ]
    return Section(_title(entry, count), tuple(filter(None, parts)), opened)


def _title(entry: Entry, count: int) -> str:
    parts = [f"{counted(count, 'test')} failed"] if count else []
    if entry.status != "failed" or not count:
        parts.insert(0, entry.status)
    if entry.is_quarantined:
        parts.append("quarantined")
    return f"{entry.icon} {entry.name}: {', '.join(parts)}"


def _reasons(entry: Entry, result: LegResult) -> list[str]:
    """All reasons; a single one stands in the table already."""
    reasons = result.reasons if len(result.reasons) > 1 else ()
    lines = first(reasons, MOST_REASONS)
    rows = entry.leg.quarantine if entry.leg and entry.is_quarantined else ()
    return [*lines, *(f"quarantined because {code(item.row.reason)}" for item in rows if item.holds)]


def _failing(result: LegResult) -> list[Case]:
    return [case for suite in result.facts.suites for case in suite.cases if case.failing]


def _test(case: Case) -> tuple[str, ...]:
    message = case.message.strip() or case.detail.strip().split("\n", 1)[0]
    return (code(case.title, TITLE_LIMIT) or "`?`", code(message))
