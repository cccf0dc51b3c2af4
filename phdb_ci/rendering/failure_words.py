"""The words of what failed, chosen for every place that shows them: which lines of a case, which of a leg. Pure."""

from collections.abc import Sequence

from phdb_ci.judging.evidence import cases_failed
from phdb_ci.models.results import Case, LegResult
from phdb_ci.rendering.markdown import excerpt, one_line

MESSAGE = 400  # characters of a case's message


def reasons(result: LegResult) -> list[str]:
    """All reasons but those that say which cases failed: the cases say it themselves."""
    said = set(cases_failed(result.facts)) if failing(result) else set()
    return [reason for reason in result.reasons if reason not in said]


def failing(result: LegResult) -> list[Case]:
    """The failing cases that were kept."""
    return [case for suite in result.facts.suites for case in suite.cases if case.failing]


def count_failing(result: LegResult | None) -> int:
    """How many cases of a leg failed, those that were not kept included."""
    return sum(suite.counts.failing for suite in result.facts.suites) if result else 0


def own(result: LegResult) -> Sequence[str]:
    """The words of the command that failed, unless a failing case says more than its name."""
    said = any(case.message or case.detail for case in failing(result))
    return () if said else result.facts.words


def told(case: Case, count: int) -> list[str]:
    """The lines of a case's traceback that say most; before them its message and its place where those do not."""
    lines = excerpt(_to_the_place(case), count)
    shown = _dense(" ".join(lines))
    extra = [one_line(text, MESSAGE) for text in (case.message, case.place)]
    return [*(text for text in extra if _dense(text)[:60] not in shown), *lines]


def _to_the_place(case: Case) -> str:
    """The traceback; of a JavaScript stack, whose innermost frame is the first, what stands from the message to it."""
    lines = case.detail.splitlines()
    at = [i for i, line in enumerate(lines) if case.place and case.place in line and line.lstrip().startswith("at ")]
    if not at:
        return case.detail
    begins = [i for i, line in enumerate(lines[: at[0]]) if case.message[:20] in line]
    return "\n".join(lines[begins[-1] if begins else 0 : at[0] + 1])


def _dense(text: str) -> str:
    return "".join(text.split())
