"""The rules of evidence for a job that measures: when a ratio may be believed. Each is a rule as in evidence.py."""

from collections.abc import Callable, Iterable, Iterator

from phdb_ci.models.matrix import Job, Metrics
from phdb_ci.models.measured import Round, against, repeated, shared
from phdb_ci.models.results import Facts


def service_ended(job: Job, facts: Facts) -> Iterable[str]:
    """A server was not there, or not to the end: what was measured against it is not known."""
    for one in facts.services:
        if one.problem is not None:
            yield f"{one.name} did not last as long as the job: {one.problem}"
    for name in job.services:
        if facts.commands and name not in {one.name for one in facts.services}:
            yield f"{name} was not there"


def round_refused(job: Job, facts: Facts) -> Iterable[str]:
    """A round left no manifest that can be read, a copy of a committed file, or one that says what it may not say."""
    return _rounds(job, facts, lambda one, _: one.problems)


def other_mode(job: Job, facts: Facts) -> Iterable[str]:
    """The figures are those of another engine mode."""
    return _rounds(job, facts, Round.other_mode)


def fell_back(job: Job, facts: Facts) -> Iterable[str]:
    """The manifest names an engine that nobody asked for, or says that something stood in for one."""
    return _rounds(job, facts, lambda one, _: [f"measured on a fallback: {each}" for each in one.fallback])


def figure_not_finite(job: Job, facts: Facts) -> Iterable[str]:
    """A figure is no finite number above zero."""
    return _rounds(job, facts, lambda one, _: one.not_finite)


def figure_missing(job: Job, facts: Facts) -> Iterable[str]:
    """A scenario, its ratio or an engine's P95 is not there."""
    return _rounds(job, facts, Round.lacks)


def figure_stale(job: Job, facts: Facts) -> Iterable[str]:
    """The figures are older than the round that should have measured them."""
    return _rounds(job, facts, lambda one, _: one.stale)


def figures_again(_job: Job, facts: Facts) -> Iterable[str]:
    """Two rounds, of both engines or of one, or two scenarios have the same figures to the last digit."""
    return [*repeated(facts.rounds), *shared(facts.rounds)]


def ratio_of_its_own(job: Job, facts: Facts) -> Iterable[str]:
    """A ratio is not what the two P95 give, but for rounding."""
    return _rounds(job, facts, Round.contradicts)


def no_rows(job: Job, facts: Facts) -> Iterable[str]:
    """A figure was taken over rows that were never returned, or nobody knows whether they were."""
    return _rounds(job, facts, Round.empty)


def server_idle(job: Job, facts: Facts) -> Iterable[str]:
    """By its own count the server did not write or read the rows that the manifest says of it."""
    return _rounds(job, facts, lambda one, wanted: one.idle(wanted, job.services))


def engine_idle(job: Job, facts: Facts) -> Iterable[str]:
    """The engine was not started in a timed round: its figures are of something else."""
    told = f"{' and '.join(job.artifacts)} was never started: the figures are not its own"
    return _rounds(job, facts, lambda one, _: [told] if one.number and one.starts == 0 else [])


def timed_through_witness(job: Job, facts: Facts) -> Iterable[str]:
    """A timed round went through the launcher, whose start is then part of the times."""
    told = "timed through the witness; name {embed.real.…} in the job's environment"
    return _rounds(job, facts, lambda one, _: [told] if one.number and one.calls else [])


def rounds_missing(job: Job, facts: Facts) -> Iterable[str]:
    """Fewer rounds were measured than the matrix demands."""
    wanted = job.evidence.metrics
    timed = sum(bool(one.number and one.measured) for one in facts.rounds)
    if wanted and facts.commands and timed < wanted.rounds:
        yield f"{timed} of {wanted.rounds} timed rounds were measured"


def above_threshold(job: Job, facts: Facts) -> Iterable[str]:
    """The whole interval of a ratio lies above the threshold."""
    for scenario, one, threshold in against(facts.rounds, job.evidence.metrics):
        if one.low > threshold:
            yield f"{scenario}: ratio_vs_postgres {one.told(threshold)}: all of it above"


def _rounds(job: Job, facts: Facts, rule: Callable[[Round, Metrics], Iterable[str]]) -> Iterator[str]:
    """What a rule says of the first round that it does not hold for, and how many more there are."""
    wanted = job.evidence.metrics
    found = [(one, told) for one in facts.rounds if wanted and (told := list(rule(one, wanted)))]
    for one, told in found[:1]:
        more = f" (and in {len(found) - 1} more)" if len(found) > 1 else ""
        yield from (f"{one.label}: {each}{more}" for each in told[:6])


RULES = (
    round_refused, other_mode, fell_back, figure_not_finite, figure_missing, figure_stale, figures_again,
    ratio_of_its_own, no_rows, server_idle, engine_idle, timed_through_witness, rounds_missing, above_threshold,
)  # fmt: skip


def notes(job: Job, facts: Facts) -> Iterable[str]:
    """What a reader should see of the figures in any case: what is not decided, where the server came from."""
    for scenario, one, threshold in against(facts.rounds, job.evidence.metrics):
        if one.low <= threshold < one.high:
            yield f"{scenario}: ratio_vs_postgres {one.told(threshold)}: not decided, it lies within"
    for service in facts.services:
        yield f"{service.name} {service.version} from {service.origin}"
        if service.remote:
            yield f"{service.name} is on another machine: its times hold the network's"
    if any(one.number and one.starts is None for one in facts.rounds):
        yield "on this system nobody sees whether the timed rounds start the engine"
