"""Rounds, medians, ratios, and the rows that come out of them. Pure: the clock is in what is called."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from statistics import median
from typing import Literal

Times = dict[str, list[float]]
OURS = "phdb-ci"


@dataclass(frozen=True)
class Limit:
    """What a row should stay within: `ratio` (ours over theirs) or `ours` (the figure itself)."""

    of: Literal["ratio", "ours"]
    value: float
    below: bool = False  # whether the value itself is a miss already: to be ahead is more than to be as good


@dataclass(frozen=True)
class Row:
    """One comparison: `ours` and `theirs` are medians, in `unit`; `ratio` is ours over theirs."""

    section: str
    case: str
    other: str
    ratio: float
    ours: float
    theirs: float
    unit: Literal["s", "MB"] = "s"
    limit: Limit | None = None

    @property
    def met(self) -> bool | None:
        """Whether the limit was kept; None without one."""
        if self.limit is None:
            return None
        value = self.ratio if self.limit.of == "ratio" else self.ours
        return value < self.limit.value or (value == self.limit.value and not self.limit.below)


def interleave(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Times:
    """Let all take turns, `rounds` times, every second round in the other order: drift then hits all alike.

    Each call gives its own seconds, so that what it prepares does not count.
    """
    times: Times = {name: [] for name in contestants}
    for turn in range(rounds):
        names = list(contestants)
        for name in names if turn % 2 == 0 else reversed(names):
            times[name].append(contestants[name]())
    return times


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' own ratios; of the medians where the rounds are not the same ones."""
    if len(ours) != len(theirs):
        return median(ours) / median(theirs)
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def rows(section: str, case: str, times: Mapping[str, Sequence[float]], limits: Mapping[str, Limit]) -> list[Row]:
    """One row for each contestant but ourselves."""
    ours = times[OURS]
    return [
        Row(section, case, name, ratio(ours, theirs), median(ours), median(theirs), limit=limits.get(name))
        for name, theirs in times.items()
        if name != OURS
    ]  # fmt: skip


def best(times: Mapping[str, Sequence[float]], among: Iterable[str]) -> str:
    """The name with the lowest median."""
    return min(among, key=lambda name: median(times[name]))


@dataclass(frozen=True)
class Work:
    """What a job takes alone: what it waits for, its wall time and its processor time (seconds)."""

    needs: tuple[str, ...]
    wall: float
    cpu: float


def critical_path(jobs: Mapping[str, Work]) -> float:
    """The seconds of the longest chain of jobs."""
    ends: dict[str, float] = {}
    for name in TopologicalSorter({name: job.needs for name, job in jobs.items()}).static_order():
        ends[name] = jobs[name].wall + max((ends[need] for need in jobs[name].needs), default=0.0)
    return max(ends.values(), default=0.0)


def bound(jobs: Mapping[str, Work], cores: int) -> float:
    """No schedule is quicker: the longest chain, or all processor time shared evenly, whichever is more."""
    return max(critical_path(jobs), sum(job.cpu for job in jobs.values()) / cores)
