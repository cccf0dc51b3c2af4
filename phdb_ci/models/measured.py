"""Records of what was measured: rounds of figures, the service they were taken against, the interval of a median."""

import math
from collections.abc import Iterator, Sequence

from pydantic import Field

from phdb_ci.models.base import Name, Record
from phdb_ci.models.matrix import Metrics

CONFIDENCE = 0.95


class ServiceUse(Record):
    """A server as one job met it.

    Attributes:
        origin: where it came from: the caller's variable, a folder of programs, a wheel.
        remote: there is a network between it and this machine.
        problem: why it did not last as long as the job.
    """

    name: Name
    version: str
    origin: str
    remote: bool = False
    problem: str | None = None


class Measured(Record):
    """One scenario in one round, as the job's manifest has it; a figure that is absent is not in its dict."""

    scenario: str
    ratio: float | None = None
    p50_ms: dict[str, float] = Field(default_factory=dict)
    p95_ms: dict[str, float] = Field(default_factory=dict)
    rows: dict[str, int] = Field(default_factory=dict)


class Round(Record):
    """One run of the commands of a job that measures.

    Attributes:
        number: 0 for the witnessed round, whose times do not count; 1, 2, … for those that are timed.
        mode: the engine mode that the manifest names.
        problems: why the manifest as a whole cannot be read or may not say what it says.
        not_finite: places of the manifest that hold something else than a finite number above zero.
        stale: in words, how the manifest, or a time in it, is older than the round.
        fallback: in words, what it says of another engine or of a fallback.
        taken: rows that the server says it has taken in this round; None when it was not asked.
        calls: launches that the witness saw.
    """

    number: int
    file: str | None = None
    mode: str | None = None
    measured: tuple[Measured, ...] = ()
    problems: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    taken: int | None = None
    calls: int = 0
    seconds: float = 0.0

    @property
    def label(self) -> str:
        """How it is called in reasons."""
        return f"round {self.number}" if self.number else "the witnessed round"

    @property
    def is_read(self) -> bool:
        """Whether there is a manifest whose figures can be looked at."""
        return self.file is not None and not self.problems

    def other_mode(self, wanted: Metrics) -> Iterator[str]:
        """The engine mode, if it is another than the wanted one."""
        if self.file is not None and (self.mode is not None or self.is_read) and self.mode != wanted.mode:
            yield f"engine_mode is {self.mode!r}, expected {wanted.mode!r}"

    def lacks(self, wanted: Metrics) -> Iterator[str]:
        """What is not there: a scenario, a ratio, an engine's P95. What is there and no figure is `not_finite`."""
        found = {each.scenario: each for each in self.measured}
        for scenario in wanted.scenarios if self.file is not None and not self.not_finite else ():
            one = found.get(scenario)
            if one is None:
                if self.is_read:
                    yield f"{scenario} is not in the manifest"
                continue
            absent = [f"p95_ms of {engine}" for engine in wanted.engines if engine not in one.p95_ms]
            if one.ratio is None:
                absent.insert(0, "ratio_vs_postgres")
            if absent:
                yield f"{scenario} has no {' and no '.join(absent)}"

    def contradicts(self, wanted: Metrics) -> Iterator[str]:
        """A ratio that is not the first engine's P95 by the second's, but for rounding."""
        for one in self.measured:
            first, second = (one.p95_ms.get(engine) for engine in wanted.engines)
            if one.ratio is None or not first or not second:
                continue
            if abs(one.ratio - first / second) > 0.001 + 0.01 * one.ratio:
                quotient = f"{figure(first)} ms by {figure(second)} ms"
                yield f"{one.scenario}: ratio_vs_postgres is {figure(one.ratio)}, and its P95 are {quotient}"

    def empty(self, wanted: Metrics) -> Iterator[str]:
        """A time that was taken over no rows, or over nobody knows how many."""
        for one in self.measured:
            for engine in wanted.engines:
                rows = one.rows.get(engine)
                if rows == 0:
                    yield f"{one.scenario}: {engine} returned no rows, so its time is that of nothing"
                elif rows is None and wanted.rows and engine in one.p95_ms:
                    yield f"{one.scenario}: the manifest does not say how many rows {engine} returned"


class Interval(Record):
    """The median of a figure over rounds, and where it lies with at least the confidence that is said."""

    low: float
    median: float
    high: float
    rounds: int
    confidence: float

    @property
    def text(self) -> str:
        """`0.98 [0.95, 1.02]`."""
        return f"{figure(self.median)} [{figure(self.low)}, {figure(self.high)}]"

    def told(self, threshold: float) -> str:
        """The same beside a threshold."""
        return f"{self.text} over {self.rounds} rounds, against {figure(threshold)}"


def figure(value: float) -> str:
    """A ratio or a time with three digits that say something."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def interval(values: Sequence[float]) -> Interval:
    """The interval of the median by order statistics: no assumption on how the values are spread, no chance in it.

    Between the k-th smallest and the k-th largest of n values lies the median with 1 - 2·P(Binomial(n, ½) < k); k is
    the largest that keeps to 95 %. Under six values even the whole range does not: then it is the range, and
    `confidence` says less.
    """
    ordered, count = sorted(values), len(values)
    below, depth, missed = 0.0, 1, 2 * 0.5**count
    for k in range(1, count // 2 + 1):
        below += math.comb(count, k - 1) * 0.5**count
        if 1 - 2 * below < CONFIDENCE:
            break
        depth, missed = k, 2 * below
    half = count // 2
    median = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Interval(
        low=ordered[depth - 1],
        median=median,
        high=ordered[-depth],
        rounds=count,
        confidence=max(0.0, 1 - missed),
    )


def ratios(rounds: Sequence[Round], scenario: str) -> list[float]:
    """The ratios of one scenario over the timed rounds that have one, in their order."""
    found = (one for each in rounds if each.number for one in each.measured if one.scenario == scenario)
    return [one.ratio for one in found if one.ratio is not None]


def against(rounds: Sequence[Round], wanted: Metrics | None) -> Iterator[tuple[str, Interval, float]]:
    """Each scenario's interval beside the threshold, where there is one and every round was measured."""
    if wanted is None or wanted.threshold is None:
        return
    for scenario in wanted.scenarios:
        found = ratios(rounds, scenario)
        if len(found) >= wanted.rounds:
            yield scenario, interval(found), wanted.threshold
