"""When a scenario's ratios may be believed: each rule is a function of the rounds that yields what is wrong.

A problem is one scenario's, or everybody's (None). What is wrong in several rounds is said of the first of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from .answers import BY_NAME, LATEST, PUBLISH, STATEMENTS, Answers
from .manifest import ENGINES, RATIO, SCENARIOS, Round

ENGINE, SERVER = ENGINES  # the first is watched, the second counts for itself
READS = (BY_NAME, LATEST)
LEAST_STATEMENTS = 20  # under as many samples a P95 is the largest of them
CHANCE = 4  # as many figures are not equal to the last digit by chance
HALF = 0.00005  # of the last of four decimals, with which times and ratios are told
NOISE = 1e-9  # of the floating point, as a part of a ratio
Problem = tuple[str | None, str]


def problems(rounds: Sequence[Round], wanted: int, answers: Answers) -> dict[str, list[str]]:
    """What is wrong with each scenario; one without a problem was measured. `answers`: the witnessed round's."""
    found: dict[str, list[str]] = {name: [] for name in SCENARIOS}
    by_round = [problem for rule in RULES for problem in _first(rounds, rule)]
    idle = _first(rounds, lambda one: (*server_idle(one, answers), *engine_idle(one, answers)))
    asked = too_few_statements(answers) if any(one.scenarios for one in rounds) else ()
    for name, text in (*by_round, *idle, *asked, *_repeated(rounds), *_shared(rounds), *_too_few(rounds, wanted)):
        for scenario in (name,) if name else SCENARIOS:
            found[scenario].append(text)
    return found


def emptiness(answers: Answers) -> dict[str, str]:
    """The scenarios whose times are no measure of the engine's work, by what it answered in the witnessed round."""
    found = {}
    for name in READS:
        every = answers.of(name)
        empty, unread = (sum(answer.rows == rows for answer in every) for rows in (0, None))
        if every and empty == len(every):
            found[name] = f"{ENGINE}'s answers were empty ({empty} of {empty} in the witnessed round)"
        elif empty or unread:
            kind = "empty" if empty else "no rows in JSON"
            found[name] = f"{empty or unread} of {len(every)} answers of {ENGINE} were {kind} in the witnessed round"
    writes = answers.of(PUBLISH)
    if unconfirmed := sum(not answer.affected for answer in writes):
        found[PUBLISH] = f"{ENGINE} confirmed no row for {unconfirmed} of {len(writes)} writes in the witnessed round"
    elif not any(answer.rows for name in READS for answer in answers.of(name)):
        found[PUBLISH] = f"{ENGINE} gave back no row of what it had confirmed in the witnessed round"
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
    """A ratio cannot be the first engine's P95 by the second's, however these three were rounded."""
    for name, measured in one.scenarios.items():
        if measured.ratio is None or any(engine not in measured.p95_ms for engine in ENGINES):
            continue
        first, second = (measured.p95_ms[engine] for engine in ENGINES)
        least = max(first - HALF, 0) / (second + HALF) * (1 - NOISE) - HALF
        most = (first + HALF) / (second - HALF) * (1 + NOISE) + HALF if second > HALF else float("inf")
        if measured.quotient is None or not least <= measured.ratio <= most:
            gives = "no ratio" if measured.quotient is None else f"{measured.quotient:.6g}"
            given = f"{name}: {RATIO} is {measured.ratio:.6g}, and its P95"
            yield name, f"{given}, {first:.6g} ms by {second:.6g} ms, give {gives}"


def server_idle(one: Round, answers: Answers) -> Iterator[Problem]:
    """By its own count the server wrote or read fewer rows than the engine was sent statements, each of one row."""
    for count, did, does in ((one.written, "wrote", "INSERT"), (one.read, "read", "SELECT")):
        least = max(1, answers.count(does))
        if count is None:
            yield None, f"{SERVER} was not asked how many rows it {did}"
        elif count < least:
            yield None, f"by its own count {SERVER} {did} {count} of {least} rows: the figures are not its own"


def engine_idle(one: Round, answers: Answers) -> Iterator[Problem]:
    """The engine was started less often than under the witness, or its launcher was, whose start is in the times."""
    least = max(1, answers.starts)
    if one.number and one.opened == 0:
        yield None, "the engine was never started: the figures are not its own"
    elif one.number and one.opened is not None and one.opened < least:
        yield None, f"the engine was started {one.opened} of {least} times: the figures are not its own"
    if one.number and one.launched:
        yield None, "timed through the witness"


def too_few_statements(answers: Answers) -> Iterator[Problem]:
    """The engine was asked too seldom in the witnessed round, which has the fewest samples."""
    for name, (does, table) in STATEMENTS.items():
        if (count := len(answers.of(name))) < LEAST_STATEMENTS:
            of = f"{does} of {table}"
            yield name, f"{name}: a P95 over {count} statements ({of}) is none; it takes {LEAST_STATEMENTS}"


RULES = (refused, lacking, contradicting)


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
