"""The words of what failed, chosen for every place that shows them: which lines of a case, which of a leg. Pure."""

from collections.abc import Sequence
from textwrap import dedent

from phdb_ci.judging.evidence import cases_failed
from phdb_ci.models.results import Case, LegResult
from phdb_ci.rendering.markdown import excerpt, one_line

MESSAGE = 400  # characters of a case's message


def reasons(result: LegResult) -> list[str]:
    """All reasons but those that say which cases failed: the cases say it themselves."""
    said = set(cases_failed(result.facts)) if result.facts.failing else set()
    return [reason for reason in result.reasons if reason not in said]


def own(result: LegResult) -> Sequence[str]:
    """The words of the command that failed, unless a failing case says more than its name."""
    said = any(case.message or case.detail for case in result.facts.failing)
    return () if said else result.facts.words


def told(case: Case, count: int) -> list[str]:
    """The lines of a case's traceback that say most; before them its place and its message where those do not."""
    lines = dedent("\n".join(excerpt(_from_the_message(case), count))).splitlines()
    shown = _dense(" ".join(lines))
    extra = [one_line(text, MESSAGE) for text in (case.place, case.message)]
    return [*(text for text in extra if _dense(text)[:60] not in shown), *lines]


def _from_the_message(case: Case) -> str:
    """The traceback; of a JavaScript stack, whose innermost frame is the first, what stands from the message to it."""
    lines = case.detail.splitlines()
    at = [i for i, line in enumerate(lines) if case.place and case.place in line and line.lstrip().startswith("at ")]
    if not at:
        return case.detail
    start = case.message[:20]
    begins = [i for i, line in enumerate(lines[: at[0]]) if start in line]
    if not begins:
        return "\n".join(lines[: at[0] + 1])
    first = lines[begins[-1]]
    frames = (i for i in range(begins[-1], at[0]) if lines[i].lstrip().startswith("at "))
    return "\n".join([first[first.index(start) :], dedent("\n".join(lines[begins[-1] + 1 : next(frames, at[0])]))])


def _dense(text: str) -> str:
    return "".join(text.split())
