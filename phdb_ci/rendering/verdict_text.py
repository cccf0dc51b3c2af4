"""A verdict for a terminal: a row per leg, what broke, what was tested, and one sentence at the end. Pure."""

from collections.abc import Iterator
from pathlib import PurePath

from phdb_ci.base.page import ENDLESS, Page, blocks
from phdb_ci.base.text import counted, duration, harmless
from phdb_ci.models.results import ArtifactUse, LegResult
from phdb_ci.models.statuses import QUARANTINED, STATUSES, AnyStatus
from phdb_ci.models.verdict import Quarantined, Verdict, VerdictLeg
from phdb_ci.rendering.figures import in_words
from phdb_ci.rendering.red_text import red_text

HEAD = ("status", "leg", "passed", "failed", "skipped", "time", "evidence")
DROP = (4, 3, 2)  # the columns that go first where the page is narrow
MOST_WORSE = 20  # of what is worse than on the base
HERE = PurePath()
VERBS = 5  # verbs of an artifact that a row of the table names


def verdict_text(verdict: Verdict, page: Page = ENDLESS, out: PurePath = HERE) -> str:
    """The verdict in lines that fit the page; `out` is the run directory, where the logs are."""
    red, idle = list(red_text(verdict, page, out)), list(_idle(verdict))
    lines = [*_table(verdict, page), *red, *([""] if red and idle else [])]
    for line in (*idle, "", *_below(verdict)):
        lines += page.fold(line)
    first, *more = page.fold(
        f"verdict {verdict.outcome}: {verdict.gate}: {verdict.headline} in {duration(verdict.seconds)}"
    )
    outcome = page.paint(verdict.outcome, STATUSES[verdict.outcome].colour)
    return "\n".join([*lines, "", first.replace(verdict.outcome, outcome, 1), *more])


def _table(verdict: Verdict, page: Page) -> Iterator[str]:
    """The legs, those first that are not green, and of equals the lead; then what left no result."""
    legs = sorted(verdict.legs, key=lambda leg: (leg.result.status == "passed", leg.result.job != verdict.lead))
    rows: list[tuple[str, ...]] = []
    statuses: list[AnyStatus] = [leg.result.status for leg in legs]
    for leg in legs:
        result, evidence = leg.result, "; ".join(_evidence(leg))
        rows.append((result.status, result.leg, *_counts(result), duration(result.seconds), evidence))
    for item in verdict.missing:
        rows.append((item.status, f"{item.job}@{item.os}", "", "", "", "", harmless(item.reason)))
        statuses.append(item.status)
    head, *shown = blocks([HEAD, *rows], page, drop=DROP, headed=True)
    yield from head
    for status, (first, *others) in zip(statuses, shown, strict=True):
        yield page.paint(status, STATUSES[status].colour) + first[len(status) :]
        yield from others


def _idle(verdict: Verdict) -> Iterator[str]:
    legs: dict[tuple[str, str], list[str]] = {}
    for item in verdict.idle:
        legs.setdefault((item.kind, item.reason), []).append(f"{item.job}@{item.os}")
    for (kind, reason), names in legs.items():
        yield f"{kind}: {', '.join(names)} ({harmless(reason)})"


def _below(verdict: Verdict) -> Iterator[str]:
    for artifact in verdict.artifacts:
        if not artifact.is_there:  # it has a block above
            continue
        digest = f"sha256:{artifact.digest[:16]}" if artifact.digest else "; ".join(artifact.reasons)
        calls = f", called {counted(artifact.calls, 'time')}" if artifact.calls else ""
        users = f", used by {counted(len(artifact.used_by), 'job')}{calls}"
        yield f"{artifact.name}: {artifact.status}, {harmless(digest)}{users if artifact.used_by else ''}"
    sources = (f"{source.repo} {source.commit[:7]} ({source.origin})" for source in verdict.sources)
    yield f"{verdict.stack} stack: {', '.join(sources)}"
    yield from (f"{source.repo}: {harmless(note)}" for source in verdict.sources for note in source.notes)
    yield from (f"note: {harmless(note, 1000)}" for note in verdict.notes)
    if verdict.baseline or verdict.regressions.count:
        yield from _regressions(verdict)


def _counts(result: LegResult) -> tuple[str, ...]:
    """Cases passed, failed and skipped; dashes where nothing was counted, which is not the same as none."""
    counts = [suite.counts for suite in result.facts.counted_suites]
    if not counts:
        return "-", "-", "-"
    numbers = [(count.passed, count.failing, count.left_out) for count in counts]
    return tuple(str(sum(column)) for column in zip(*numbers, strict=True))


def _evidence(leg: VerdictLeg) -> Iterator[str]:
    """What a leg shows: what was quarantined, measured and called, notes. Why it is not green stands below."""
    result = leg.result
    yield from map(_quarantined, leg.quarantine)
    if result.status == "blocked":
        yield from map(harmless, result.reasons)
    if figures := in_words(result):
        yield harmless(figures)
    yield from (_called(use) for use in result.facts.artifacts if use.calls)
    yield from map(harmless, result.notes)


def _quarantined(item: Quarantined) -> str:
    row = item.row
    name, issue = harmless(f"{row.case or 'the job'}"), harmless(row.issue)
    if not item.holds:
        return f"the quarantine of {name} ended {row.until}, it decides: {issue}"
    return f"{QUARANTINED} {name} quarantined until {row.until}, does not decide: {issue}"


def _regressions(verdict: Verdict) -> Iterator[str]:
    """The second answer, and what it follows from."""
    answer = verdict.regressions
    base = f" than in run {harmless(verdict.baseline, 60)}" if verdict.baseline else ""
    yield f"regressions: {answer.words}{base if answer.count else ''}"
    yield from (f"  {item.leg}: {item.kind}: {harmless(item.text)}" for item in answer.worse[:MOST_WORSE])
    if answer.count > MOST_WORSE:
        yield f"  and {answer.count - MOST_WORSE} more"
    yield from (f"  not compared: {harmless(reason)}" for reason in answer.unknown[:MOST_WORSE])


def _called(use: ArtifactUse) -> str:
    verbs = sorted(((verb, times) for verb, times in use.verbs.items() if times), key=lambda item: -item[1])
    shown = [f"{harmless(verb, 20)} {times}" for verb, times in verbs[:VERBS]] + ["…"] * (len(verbs) > VERBS)
    return f"{use.name} called {use.calls}×" + (f" ({', '.join(shown)})" if shown else "")  # noqa: RUF001 - a sign for people
