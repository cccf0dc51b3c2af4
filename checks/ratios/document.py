"""The document of figures, and a round in words: what the rounds come to, for the harness and for the log."""

from collections.abc import Mapping, Sequence

from .answers import Answers
from .manifest import ENGINES, SCENARIOS, Round
from .rules import emptiness

LONGEST = 2000  # characters of a problem


def document(rounds: Sequence[Round], found: Mapping[str, Sequence[str]], answers: Answers) -> dict[str, object]:
    """The figures as the harness reads them: each scenario's ratios over the timed rounds, or why there are none.

    The figures of empty answers stand beside their problem.
    """
    empty, figures = emptiness(answers), []
    for name in SCENARIOS:
        timed = [one.scenarios[name] for one in rounds if one.number and name in one.scenarios]
        ratios = [] if found[name] else [measured.quotient for measured in timed]
        problem = "; ".join(found[name]) or empty.get(name, "")
        figure = {"name": name, "compared": ENGINES, "values": ratios}
        figures.append(figure | {"problem": printable(problem)[:LONGEST] or None})
    unseen = any(one.number and one.opened is None for one in rounds)
    notes = ["on this system nobody sees whether the timed rounds start the engine"] if unseen else []
    return {"schema_version": 1, "figures": figures, "notes": notes}


def line(one: Round) -> str:
    """A round in one line of the log."""
    parts = [
        f"{name} {measured.quotient:.4g} ({' by '.join(f'{measured.p95_ms[engine]:.4g}' for engine in ENGINES)} ms)"
        for name, measured in one.scenarios.items()
        if measured.quotient
    ]
    parts += [f"engine opened {one.opened} times", f"{one.written} rows written, {one.read} read"]
    return f"{one.label}: {', '.join(parts)}"


def printable(text: str) -> str:
    """A manifest's own words may hold what no record and no terminal can."""
    return "".join(char if char.isprintable() else "?" for char in text)
