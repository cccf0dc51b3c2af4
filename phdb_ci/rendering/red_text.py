"""What is not green, for a terminal: in the program's own words, where to look, the command that repeats it. Pure."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from phdb_ci.base.page import Page, fold
from phdb_ci.base.text import counted, harmless
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.results import LegResult
from phdb_ci.models.statuses import QUARANTINED, STATUSES, AnyStatus
from phdb_ci.models.verdict import Verdict, VerdictArtifact, VerdictLeg
from phdb_ci.rendering import failure_words

MOST_CASES, LINES = 5, 12
BAR = "  | "
Block = tuple[AnyStatus, str, Sequence[str], Sequence[tuple[str, str]]]


def red_text(verdict: Verdict, page: Page, out: PurePath) -> Iterator[str]:
    """A block of lines for each artifact and each leg that is not green; what an artifact blocks has no block."""
    blocks = [_artifact(artifact, out) for artifact in verdict.artifacts if not artifact.is_there]
    red = sorted(
        (leg for leg in verdict.legs if _is_red(leg)),
        key=lambda leg: (leg.excused or not leg.decides, leg.result.offset),
    )
    blocks += [_leg(leg, out) for leg in red]
    blocks += [
        (item.status, f"{item.job}@{item.os}: {STATUSES[item.status].phrase}", (), (("repeat", item.repeat),))
        for item in verdict.missing
        if not item.blocked
    ]
    for block in blocks:
        yield ""
        yield from _lines(block, page)


def _is_red(leg: VerdictLeg) -> bool:
    return leg.result.status not in ("passed", "blocked")


def _lines(block: Block, page: Page) -> Iterator[str]:
    status, title, texts, facts = block
    for line in page.fold(title):
        yield page.paint(line, STATUSES[status].colour)
    for text in texts:
        # Behind a bar no line can start a workflow command on GitHub. A line that fits keeps its blanks.
        line = page.fit(harmless(text.expandtabs(4)).rstrip())
        yield from (f"{BAR}{part}" for part in fold(line, (page.width or sys.maxsize) - len(BAR)))
    for name, value in facts:
        if value:
            yield from page.fold(f"{name}: {harmless(value, 1000)}", 2)


def _artifact(artifact: VerdictArtifact, out: PurePath) -> Block:
    texts = (*artifact.reasons, *artifact.words)
    facts = (("log", str(out / artifact.name / "log.txt")), ("repeat", artifact.repeat))
    return (artifact.status, unbuilt(artifact.name, artifact.status), texts, facts)


def _leg(leg: VerdictLeg, out: PurePath) -> Block:
    result = leg.result
    facts = (
        ("log", str(out / result.leg / "log.txt")), ("workspace", result.workspace or ""), ("repeat", leg.repeat),
    )  # fmt: skip
    sign = "" if leg.decides and not leg.excused else f"{QUARANTINED} "
    title = f"{sign}{result.leg}: {STATUSES[result.status].phrase}"
    return (result.status, title, [*failure_words.reasons(result), *_words(result)], facts)


def _words(result: LegResult) -> Iterator[str]:
    """The first failing cases, else the words of the command that failed."""
    for case in result.facts.failing[:MOST_CASES]:
        yield case.title
        yield from (f"    {line}" for line in failure_words.told(case, LINES))
    hidden = result.facts.failing_count - MOST_CASES
    if hidden > 0:
        yield f"and {counted(hidden, 'more failing test')}"
    yield from failure_words.own(result)
