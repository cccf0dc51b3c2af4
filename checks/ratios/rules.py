"""When a scenario's ratios may be believed: each rule is a function of the rounds that yields what is wrong.

A problem is one scenario's, or everybody's (None). What is wrong in several rounds is said of the first of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from .manifest import ENGINES, RATIO, SCENARIOS, Round

SERVER = "postgres"  # which of them counts for itself
WRITES = ("registry_publish",)  # the scenarios whose rows are written; of the others they are read
LEAST_ROWS = 20  # under as many samples a P95 is the largest of them
CHANCE = 4  # as many figures are not equal to the last digit by chance
HALF = 0.00005  # of the last of four decimals, with which times are told
ROUNDING = 0.0005 + 1e-9  # half of the last of three decimals, with which a ratio is told
Problem = tuple[str | None, str]


def problems(rounds: Sequence[Round], wanted: int) -> dict[str, list[str]]:
    """What is wrong with each scenario; one without a problem may be believed."""
    found: dict[str, list[str]] = {name: [] for name in SCENARIOS}
    everything = [problem for rule in RULES for problem in _first(rounds, rule)]
    for name, text in (*everything, *_repeated(rounds), *_shared(rounds), *_too_few(rounds, wanted)):
        for scenario in (name,) if name else SCENARIOS:
            found[scenario].append(text)
    return found


def refused(one: Round) -> Iterator[Problem]:
    """It left no manifest that can be read, or one that says what it may not say; a figure is no number above zero."""
    yield from ((None, text) for text in one.problems)
    yield from ((name, text) for name, measured in one.scenarios.items() for text in measured.odd)


def lacking(one: Round) -> Iterator[Problem]:
    """A scenario is not there, or its ratio, or an engine's P95. What is there and no figure is `odd`."""
    for name in SCENARIOS:
        measured = one.scenarios.get(name)
        if measured is None and not one.problems:
            yield name, f"{name} is not in the manifest"
        elif measured and not measured.odd:
            absent = [] if measured.ratio else [RATIO]
            absent += [f"p95_ms of {engine}" for engine in ENGINES if engine not in measured.p95_ms]
            if absent:
                yield name, f"{name} has no {' and no '.join(absent)}"


def contradicting(one: Round) -> Iterator[Problem]:
    """A ratio is not the first engine's P95 by the second's, within the rounding of the figures."""
    for name, measured in one.scenarios.items():
        if measured.ratio is None or any(engine not in measured.p95_ms for engine in ENGINES):
            continue
        first, second = (measured.p95_ms[engine] for engine in ENGINES)
        ratio = measured.quotient
        if ratio is None or abs(measured.ratio - ratio) > ROUNDING + ratio * (HALF / first + HALF / second):
            gives = "no ratio" if ratio is None else f"{ratio:.6g}"
            given = f"{name}: {RATIO} is {measured.ratio:.6g}, and its P95"
            yield name, f"{given}, {first:.6g} ms by {second:.6g} ms, give {gives}"


def empty(one: Round) -> Iterator[Problem]:
    """A time is of no rows, of nobody knows how many, of too few, or of others than the other engine's."""
    for name, measured in one.scenarios.items():
        for engine in ENGINES:
            rows = measured.rows.get(engine)
            if rows == 0:
                yield name, f"{name}: {engine} returned no rows, so its time is that of nothing"
            elif rows is None and engine in measured.p95_ms:
                yield name, f"{name}: the manifest does not say how many rows {engine} returned"
            elif rows is not None and rows < LEAST_ROWS:
                yield name, f"{name}: a P95 of {engine} over {rows} rows is none; it takes {LEAST_ROWS}"
        both = [measured.rows[engine] for engine in ENGINES if engine in measured.rows]
        if len(set(both)) > 1:
            rows_of = " and ".join(f"{rows} of {engine}" for rows, engine in zip(both, ENGINES, strict=True))
            yield name, f"{name}: rows {rows_of}: the engines did not do the same"


def server_idle(one: Round) -> Iterator[Problem]:
    """By its own count the server did not write or read the rows that the manifest says of it."""
    claims = {True: 0, False: 0}
    for name, measured in one.scenarios.items():
        claims[name in WRITES] += max(1, measured.rows.get(SERVER, 1))
    for count, did, claimed in ((one.written, "wrote", claims[True]), (one.read, "read", claims[False])):
        if count is None:
            yield None, f"{SERVER} was not asked how many rows it {did}"
        elif count < claimed:
            yield (None, f"by its own count {SERVER} {did} {count} of {claimed} rows: the figures are not its own")


def engine_idle(one: Round) -> Iterator[Problem]:
    """The engine was not started in a timed round, or its launcher was, whose start is then part of the times."""
    if one.number and one.opened == 0:
        yield None, "the engine was never started: the figures are not its own"
    if one.number and one.launched:
        yield None, "timed through the witness"


RULES = (refused, lacking, contradicting, empty, server_idle, engine_idle)


def _first(rounds: Iterable[Round], rule: Callable[[Round], Iterable[Problem]]) -> Iterator[Problem]:
    """What a rule says of the first round that it does not hold for, scenario by scenario; how many more there are."""
    found: dict[str | None, dict[str, list[str]]] = {}
    for one in rounds:
        for name, text in rule(one):
            found.setdefault(name, {}).setdefault(one.label, []).append(text)
    for name, labels in found.items():
        label, texts = next(iter(labels.items()))
        more = f" (and in {len(labels) - 1} more)" if len(labels) > 1 else ""
        yield from ((name, f"{label}: {text}{more}") for text in texts[:6])


def _repeated(rounds: Iterable[Round]) -> Iterator[Problem]:
    """The first round in which all figures, or all of one engine, are those of an earlier one to the last digit."""
    seen: dict[object, Round] = {}
    for one in rounds:
        for engines in (ENGINES, *((engine,) for engine in ENGINES)):
            figures = tuple((name, *map(measured.times, engines)) for name, measured in one.scenarios.items())
            count = sum(len(times) for _, *every in figures for times in every)
            if count < (1 if len(engines) > 1 else CHANCE):
                continue
            if (first := seen.setdefault((engines, figures), one)) is not one:
                whose = "every figure" if len(engines) > 1 else f"every figure of {engines[0]}"
                yield (None, f"{one.label}: {whose} is that of {first.label}, to the last digit: not measured again")
                return


def _shared(rounds: Iterable[Round]) -> Iterator[Problem]:
    """Scenarios whose figures are, in two rounds or more, those of another one of that round to the last digit."""
    equal: Counter[tuple[str, str]] = Counter()
    for one in rounds:
        seen: dict[object, str] = {}
        for name, measured in one.scenarios.items():
            figures = tuple(map(measured.times, ENGINES))
            if any(figures) and (first := seen.setdefault(figures, name)) != name:
                equal[first, name] += 1
    for (first, second), count in equal.items():
        if count > 1:
            told = f"{second}: in {count} rounds every figure is that of {first}, to the last digit: not measured"
            yield from ((name, told) for name in (first, second))


def _too_few(rounds: Sequence[Round], wanted: int) -> Iterator[Problem]:
    timed = sum(bool(one.number and one.scenarios) for one in rounds)
    if timed < wanted:
        yield None, f"{timed} of {wanted} timed rounds were measured"
