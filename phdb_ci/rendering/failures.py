"""What is not green, job by job: reasons, failing tests, the lines of their tracebacks that say most."""

from collections.abc import Sequence
from dataclasses import dataclass

from phdb_ci.base.text import counted
from phdb_ci.models.results import Case, LegResult
from phdb_ci.models.statuses import STATUSES
from phdb_ci.rendering.entries import GREEN, Entry
from phdb_ci.rendering.markdown import TEXT_LIMIT, TITLE_LIMIT, cells, code, excerpt, fence, one_line
from phdb_ci.rendering.shed import Level
from phdb_ci.rendering.table import failures

MOST_REASONS = 10


@dataclass(frozen=True)
class Excerpt:
    """One fenced block, and the fence that holds it."""

    fence: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """What there is to say about one leg; `title` is text of our own, because it stands in a `<summary>`."""

    title: str
    opened: bool
    reasons: tuple[str, ...]
    tests: tuple[tuple[str, ...], ...]
    more: str
    excerpts: tuple[Excerpt, ...]


def blocks(entries: Sequence[Entry], level: Level) -> tuple[Block, ...]:
    """A block for each leg about which the table does not say everything; the first one is open."""
    worth = [(entry, entry.result) for entry in entries if entry.result and entry.status != GREEN]
    told = [(entry, result) for entry, result in worth if _failing(result) or len(result.reasons) > 1]
    return tuple(
        _block(entry, result, level, opened=not i) for i, (entry, result) in enumerate(told[: level.blocks])
    )


def _block(entry: Entry, result: LegResult, level: Level, *, opened: bool) -> Block:
    failing, count = _failing(result), failures(result)
    shown = failing[: level.tests]
    hidden = max(count, len(failing)) - len(shown)
    return Block(
        title=_title(entry, count),
        opened=opened,
        reasons=_reasons(entry, result),
        tests=tuple(_test(case) for case in shown),
        more=f"and {counted(hidden, 'more failing test')}" if hidden and shown else "",
        excerpts=tuple(_excerpt(case, level) for case in shown[: level.excerpts] if case.detail.strip()),
    )


def _title(entry: Entry, count: int) -> str:
    parts = [f"{counted(count, 'test')} failed"] if count else []
    if entry.status != "failed" or not count:
        parts.insert(0, entry.status)
    if not entry.decides:
        parts.append("quarantined")
    return f"{STATUSES[entry.status].icon} {entry.name}: {', '.join(parts)}"


def _reasons(entry: Entry, result: LegResult) -> tuple[str, ...]:
    """All reasons; a single one stands in the table already."""
    found = result.reasons if len(result.reasons) > 1 else ()
    told = list(filter(None, map(code, found[:MOST_REASONS])))
    if len(found) > MOST_REASONS:
        told.append(f"and {len(found) - MOST_REASONS} more")
    if result.quarantine and not entry.decides:
        told.append(f"quarantined because {code(result.quarantine.reason)}")
    return tuple(told)


def _failing(result: LegResult) -> list[Case]:
    return [
        case for suite in result.facts.suites for case in suite.cases if case.status in ("failed", "error")
    ]


def _test(case: Case) -> tuple[str, ...]:
    message = case.message.strip() or case.detail.strip().split("\n", 1)[0]
    return cells(code(case.title, TITLE_LIMIT) or "`?`", code(message, TEXT_LIMIT))


def _excerpt(case: Case, level: Level) -> Excerpt:
    lines = [
        one_line(case.title, TITLE_LIMIT),
        *(f"    {line}" for line in excerpt(case.detail, level.lines)),
    ]
    return Excerpt(fence(lines), tuple(lines))
