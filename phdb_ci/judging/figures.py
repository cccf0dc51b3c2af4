"""The rules of evidence for a job that measures: when its figures may be believed, and when one is too high.

The interval of a median is by order statistics: no assumption on how the values are spread, no chance in it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from phdb_ci.models.figures import Figure
from phdb_ci.models.matrix import Job
from phdb_ci.models.results import Facts

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """The median of a figure over rounds, and where it lies with at least the confidence that is said."""

    low: float
    median: float
    high: float
    rounds: int
    confidence: float

    def beside(self, threshold: float) -> str:
        """`0.98 [0.95, 1.02] over 9 rounds, against 1.20`."""
        median, low, high, limit = map(digits, (self.median, self.low, self.high, threshold))
        return f"{median} [{low}, {high}] over {self.rounds} rounds, against {limit}"


def digits(value: float) -> str:
    """A value with three digits that say something; what is very small or large is short all the same."""
    if not 1e-3 <= value < 1e6:
        return f"{value:.3g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def interval(values: Sequence[float]) -> Interval:
    """The interval of the median.

    Between the k-th smallest and the k-th largest of n values lies the median with 1 - 2·P(Binomial(n, ½) < k); k is
    the largest that keeps to 95 %. Under six values even the whole range does not: then it is the range, and
    `confidence` says less.
    """
    ordered, count = sorted(values), len(values)
    half = count // 2
    missed = {k: 2 * sum(math.comb(count, fewer) for fewer in range(k)) * 0.5**count for k in range(1, half + 1)}
    depth = max((k for k, chance in missed.items() if 1 - chance >= CONFIDENCE), default=1)
    return Interval(
        low=ordered[depth - 1], median=ordered[half] / 2 + ordered[-1 - half] / 2, high=ordered[-depth], rounds=count,
        confidence=max(0.0, 1 - missed.get(depth, 1.0)),
    )  # fmt: skip


def figure_missing(job: Job, facts: Facts) -> Iterable[str]:
    """A declared figure is not in the document, or stands in it twice."""
    wanted, fact = job.evidence.figures, facts.figures
    names = [figure.name for figure in _figures(facts)]
    for name in wanted.names if wanted and fact and fact.absent is None and not fact.problems else ():
        if names.count(name) != 1:
            yield f"{name} stands {names.count(name)} times among the figures"


def figure_not_measured(_job: Job, facts: Facts) -> Iterable[str]:
    """The job says of a figure that it could not be measured. What is said of several is said once."""
    reasons: dict[str, list[str]] = {}
    for figure in _figures(facts):
        if figure.problem is not None:
            reasons.setdefault(figure.problem, []).append(figure.name)
    for reason, names in reasons.items():
        yield f"not measured: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}: {reason}"


def too_few_values(job: Job, facts: Facts) -> Iterable[str]:
    """A figure was measured in fewer rounds than the matrix demands."""
    wanted = job.evidence.figures
    for figure in _declared(job, facts):
        if wanted and figure.problem is None and len(figure.values) < wanted.rounds:
            yield f"{figure.name} was measured in {len(figure.values)} of {wanted.rounds} rounds"


def values_again(job: Job, facts: Facts) -> Iterable[str]:
    """A figure has one value in every round, or the values of another figure, to the last digit."""
    first: dict[tuple[float, ...], str] = {}
    for figure in _declared(job, facts):
        if len(figure.values) > 1 and len(set(figure.values)) == 1:
            yield f"{figure.name} is {figure.values[0]!r} in every round, to the last digit: not measured again"
        elif len(figure.values) > 1 and first.setdefault(figure.values, figure.name) != figure.name:
            yield f"{figure.name} has the values of {first[figure.values]}, to the last digit: not measured"


def above_threshold(job: Job, facts: Facts) -> Iterable[str]:
    """The whole interval of a figure lies above the threshold."""
    for over, threshold, text in _decided(job, facts):
        if over.low > threshold:
            yield f"{text}: all of it above"


MEASURED = (figure_missing, figure_not_measured, too_few_values, values_again)
RULES = (*MEASURED, above_threshold)


def notes(job: Job, facts: Facts) -> Iterator[str]:
    """What a reader should see of the figures in any case: what is not decided, and the job's own notes."""
    for over, threshold, text in _decided(job, facts):
        if over.low <= threshold < over.high:
            yield f"{text}: not decided, it lies within"
    yield from facts.figures.notes if facts.figures else ()


def answered(job: Job, facts: Facts) -> bool:
    """Whether every declared figure was measured in every round."""
    fact = facts.figures
    sound = fact is not None and fact.absent is None and not fact.problems and bool(fact.figures)
    return sound and not any(reason for rule in MEASURED for reason in rule(job, facts))


def _figures(facts: Facts) -> tuple[Figure, ...]:
    return facts.figures.figures if facts.figures else ()


def _declared(job: Job, facts: Facts) -> list[Figure]:
    names = job.evidence.figures.names if job.evidence.figures else ()
    return [figure for figure in _figures(facts) if figure.name in names]


def _decided(job: Job, facts: Facts) -> Iterator[tuple[Interval, float, str]]:
    """Of each figure that was measured often enough: its interval, the threshold, and both in words."""
    wanted = job.evidence.figures
    if wanted is None or wanted.threshold is None:
        return
    for figure in _declared(job, facts):
        if figure.problem is None and len(figure.values) >= wanted.rounds:
            over = interval(figure.values)
            yield over, wanted.threshold, f"{figure.name}: {wanted.unit} {over.beside(wanted.threshold)}"
