"""Records of what was measured: rounds of figures, the service they were taken against, the interval of a median."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic import Field

from phdb_ci.models.base import Name, Record
from phdb_ci.models.matrix import Metrics

CONFIDENCE = 0.95
LEAST_ROWS = 20  # under as many samples a P95 is the largest of them
ROUNDING = 0.0005 + 1e-9  # a ratio is told with three decimals
CHANCE = 4  # as many figures are not equal to the last digit by chance
MOST = 64  # scenarios, or things to say, of one round


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
    """One scenario in one round, as the job's manifest has it; a figure that is absent is not in its dict.

    `ratio` is what the manifest says; what counts is the quotient.
    """

    scenario: str
    ratio: float | None = None
    p50_ms: dict[str, float] = Field(default_factory=dict, max_length=8)
    p95_ms: dict[str, float] = Field(default_factory=dict, max_length=8)
    rows: dict[str, int] = Field(default_factory=dict, max_length=8)

    def figures(self, engine: str) -> tuple[float, ...]:
        """Every time of one engine."""
        return tuple(times[engine] for times in (self.p50_ms, self.p95_ms) if engine in times)

    def quotient(self, engines: Sequence[str]) -> float | None:
        """The ratio: the first engine's P95 by the second's. None when they give none."""
        first, second = (self.p95_ms.get(engine, 0.0) for engine in engines)
        ratio = first / second if first > 0 and second > 0 else 0.0
        return ratio if 0 < ratio < math.inf else None


class Round(Record):
    """One run of the commands of a job that measures.

    Attributes:
        number: 0 for the witnessed round, whose times do not count; 1, 2, … for those that are timed.
        engines: the two that are compared, the first by the second; `threshold`: what their ratio is held against.
        mode: the engine mode that the manifest names.
        problems: why the manifest as a whole cannot be read or may not say what it says.
        not_finite: places of the manifest that hold something else than a finite number above zero.
        stale: in words, how the manifest, or a time in it, is older than the round; or that there is no time in it.
        fallback: in words, what it says of another engine or of a fallback.
        taken: rows that the server says it has written in this round; None when it was not asked.
        given: rows that it says it has read in this round.
        calls: launches that the witness saw.
        starts: how often, at least, the engine's own file was opened; None where nobody sees that.
    """

    number: int
    engines: tuple[str, str] = ("lidb", "postgres")
    threshold: float | None = Field(None, gt=0)
    file: str | None = None
    mode: str | None = None
    measured: tuple[Measured, ...] = Field((), max_length=MOST)
    problems: tuple[str, ...] = Field((), max_length=MOST)
    not_finite: tuple[str, ...] = Field((), max_length=MOST)
    stale: tuple[str, ...] = Field((), max_length=MOST)
    fallback: tuple[str, ...] = Field((), max_length=MOST)
    taken: int | None = None
    given: int | None = None
    calls: int = 0
    starts: int | None = None
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
        """A ratio that is not the first engine's P95 by the second's, to three decimals."""
        for one in self.measured:
            if one.ratio is None or any(engine not in one.p95_ms for engine in wanted.engines):
                continue
            ratio = one.quotient(wanted.engines)
            if ratio is None or abs(one.ratio - ratio) > ROUNDING:
                first, second = (f"{one.p95_ms[engine]:.6g} ms" for engine in wanted.engines)
                gives = "no ratio" if ratio is None else f"{ratio:.6g}"
                told = f"{one.scenario}: ratio_vs_postgres is {one.ratio:.6g}"
                yield f"{told}, and its P95, {first} by {second}, give {gives}"

    def empty(self, wanted: Metrics) -> Iterator[str]:
        """A time over no rows, over nobody knows how many, over too few, or over others than the other engine's."""
        for one in self.measured:
            found = [one.rows.get(engine) for engine in wanted.engines]
            for engine, rows in zip(wanted.engines, found, strict=True):
                if rows == 0:
                    yield f"{one.scenario}: {engine} returned no rows, so its time is that of nothing"
                elif rows is None and wanted.rows and engine in one.p95_ms:
                    yield f"{one.scenario}: the manifest does not say how many rows {engine} returned"
                elif rows is not None and rows < LEAST_ROWS:
                    yield f"{one.scenario}: a P95 of {engine} over {rows} rows is none; it takes {LEAST_ROWS}"
            if None not in found and found[0] != found[1]:
                both = " and ".join(
                    f"{rows} of {name}" for name, rows in zip(wanted.engines, found, strict=True)
                )
                yield f"{one.scenario}: rows {both}: the engines did not do the same"

    def idle(self, wanted: Metrics, servers: Sequence[str]) -> Iterator[str]:
        """By its own count a server did not do what the manifest says of it."""
        if not servers:
            return
        server = next((name for name in servers if name in wanted.engines), servers[0])
        engine = server if server in wanted.engines else wanted.engines[1]
        claims = {True: 0, False: 0}
        for one in self.measured:
            claims[one.scenario in wanted.writes] += max(1, one.rows.get(engine, 1))
        for count, did, claimed in ((self.taken, "wrote", claims[True]), (self.given, "read", claims[False])):
            if count is None:
                yield f"{server} was not asked how many rows it {did}"
            elif count < claimed:
                yield f"by its own count {server} {did} {count} of {claimed} rows: the figures are not its own"


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
    """A ratio or a time with three digits that say something; what is very small or large is short all the same."""
    if not 1e-3 <= value < 1e6:
        return f"{value:.3g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


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
    median = ordered[half] if count % 2 else ordered[half - 1] / 2 + ordered[half] / 2
    return Interval(
        low=ordered[depth - 1],
        median=median,
        high=ordered[-depth],
        rounds=count,
        confidence=max(0.0, 1 - missed),
    )


def ratios(rounds: Sequence[Round], scenario: str) -> list[float]:
    """The ratios of one scenario over the timed rounds that have one, in their order."""
    return all_ratios(rounds).get(scenario, [])


def all_ratios(rounds: Sequence[Round], engines: Sequence[str] | None = None) -> dict[str, list[float]]:
    """The same of every scenario that has one, by its name. `engines`: other ones than the round's own."""
    found: dict[str, list[float]] = {}
    for each in rounds:
        for one in each.measured if each.number else ():
            if (ratio := one.quotient(engines or each.engines)) is not None:
                found.setdefault(one.scenario, []).append(ratio)
    return found


def repeated(rounds: Sequence[Round]) -> Iterator[str]:
    """The first round in which all figures, or all of one engine, are those of an earlier one to the last digit."""
    seen: dict[object, Round] = {}
    for one in rounds:
        for engines in (one.engines, *((engine,) for engine in one.engines)):
            told = tuple((each.scenario, *map(each.figures, engines)) for each in one.measured)
            count = sum(len(figures) for _, *every in told for figures in every)
            if count < (1 if len(engines) > 1 else CHANCE):
                continue
            if (first := seen.setdefault((engines, told), one)) is not one:
                whose = "every figure" if len(engines) > 1 else f"every figure of {engines[0]}"
                yield f"{one.label}: {whose} is that of {first.label}, to the last digit: not measured again"
                return


def shared(rounds: Sequence[Round]) -> Iterator[str]:
    """Scenarios whose figures are, in two rounds or more, those of another one of that round to the last digit."""
    equal: Counter[tuple[str, str]] = Counter()
    for one in rounds:
        seen: dict[object, str] = {}
        for each in one.measured:
            told = tuple(map(each.figures, one.engines))
            if any(told) and (first := seen.setdefault(told, each.scenario)) != each.scenario:
                equal[first, each.scenario] += 1
    for (first, second), count in equal.items():
        if count > 1:
            yield f"{second}: in {count} rounds every figure is that of {first}, to the last digit: not measured"


def against(rounds: Sequence[Round], wanted: Metrics | None) -> Iterator[tuple[str, Interval, float]]:
    """Each scenario's interval beside the threshold, where there is one and every round was measured."""
    if wanted is None or wanted.threshold is None:
        return
    every = all_ratios(rounds, wanted.engines)
    for scenario in wanted.scenarios:
        found = every.get(scenario, [])
        if len(found) >= wanted.rounds:
            yield scenario, interval(found), wanted.threshold
