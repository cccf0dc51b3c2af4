"""One round's manifest, read as hostile text: what stands there as facts; what cannot be a figure or a time in words.

That a fact is a fault is rules.py's to say.
"""

import json
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

ENGINES = ("lidb", "postgres")  # the first is compared with the second
SCENARIOS = ("registry_publish", "registry_read_by_name", "registry_read_latest")
RATIO = "ratio_vs_postgres"
MEASURED = ("green", "red")  # a scenario's status, against the benchmark's own threshold; others: stub, unknown
SLACK = 2.0  # seconds: times are cut to whole ones, and a file system's clock lags
AHEAD = 60.0  # seconds that a time may lie in the future: clocks differ
DEPTH, LONGEST = 50, 200
STAMP = re.compile(r"(?:.*_at|.*timestamp|date|time)", re.IGNORECASE)
# What stands in the place of the engine that was asked for.
FILES = "sources"  # the manifest's table of files: that one of them is for sqlite says nothing of the engine
OTHER = re.compile(r"(?:.*[_-])?(?:fall[_-]?back|sqlite3?|mock|stubbed|simulated|estimated)(?:[_-].*)?", re.IGNORECASE)
NOTHING: tuple[Any, ...] = (None, False, 0, "", "none", "no", "false", [], {})


@dataclass(frozen=True)
class Written:
    """A manifest as it was found: its name and text, when it was written, when its round began and ended.

    Times are in seconds since 1970.
    """

    shown: str
    text: bytes
    at: float
    began: float
    ended: float


@dataclass
class Measured:
    """One scenario in one round; a figure that is absent is not in its dict. `odd`: what is no figure."""

    ratio: float | None = None
    p50_ms: dict[str, float] = field(default_factory=dict)
    p95_ms: dict[str, float] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def times(self, engine: str) -> tuple[float, ...]:
        """Every time of one engine."""
        return tuple(times[engine] for times in (self.p50_ms, self.p95_ms) if engine in times)

    @property
    def quotient(self) -> float | None:
        """The ratio that counts: the first engine's P95 by the second's."""
        first, second = (self.p95_ms.get(engine, 0.0) for engine in ENGINES)
        ratio = first / second if first > 0 and second > 0 else 0.0
        return ratio if 0 < ratio < math.inf else None


@dataclass
class Round:
    """What is known of one run of the benchmark; number 0 is the witnessed one.

    Attributes:
        problems: why there is no manifest that measured something, or what it says that it must not.
        written, read: rows, by the server's own count; None when it did not answer.
        opened: how often the engine's file was opened; `launched`: the launcher's. None where nobody sees that.
    """

    number: int
    problems: list[str] = field(default_factory=list)
    scenarios: dict[str, Measured] = field(default_factory=dict)
    written: int | None = None
    read: int | None = None
    opened: int | None = None
    launched: int | None = None

    @property
    def label(self) -> str:
        """How it is called in messages."""
        return f"round {self.number}" if self.number else "the witnessed round"

    @property
    def is_whole(self) -> bool:
        """Whether another round can say more than this one."""
        odd = any(scenario.odd for scenario in self.scenarios.values())
        return not self.problems and not odd and len(self.scenarios) == len(SCENARIOS)


class RefusedError(ValueError):
    """A manifest that measures nothing, whatever it says; the text says why."""


def read(number: int, profile: str, found: Written) -> Round:
    """What one round with this profile left. Raises RefusedError for what is no manifest."""
    try:
        document = _parse(found.text)
    except (ValueError, RecursionError) as error:
        reason = f": {error}" if isinstance(error, RefusedError) else ""
        raise RefusedError(f"{found.shown} is not JSON{reason}") from error
    if not isinstance(document, dict):
        raise RefusedError(f"{found.shown} is no JSON object")
    one = Round(number, scenarios=_scenarios(document))
    if (status := document.get("status")) not in ("pass", "fail"):
        one.problems.append(f"{found.shown} has status {str(status)[:40]!r}, expected pass or fail")
    for key, wanted in (("engine_mode", "compare"), ("profile", profile)):
        if (value := document.get(key)) != wanted:
            one.problems.append(f"{key} is {value if value is None else str(value)[:40]!r}, expected {wanted!r}")
    one.problems += [*islice(_stale(document, found), 20), *islice(_others(document), 20)]
    return one


def _parse(text: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise RefusedError("a key stands twice in an object")
        return dict(pairs)

    def refuse(word: str) -> float:
        raise RefusedError(f"{word} is no number")

    return json.loads(text.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)


def _scenarios(document: dict[str, Any]) -> dict[str, Measured]:
    """The scenarios that are wanted and there."""
    rows = document.get("scenarios")
    found: dict[str, Measured] = {}
    for row in rows if isinstance(rows, list) else ():
        name = row.get("id") if isinstance(row, dict) else None
        if name not in SCENARIOS:
            continue
        if name in found:
            found[name].odd.append(f"{name} stands twice in it")
        else:
            found[name] = _scenario(name, row)
    return found


def _scenario(name: str, row: dict[str, Any]) -> Measured:
    measured = Measured(ratio=_number(row.get(RATIO)))
    if (status := row.get("status")) not in MEASURED:
        measured.odd.append(f"{name} has status {str(status)[:40]!r}, expected {' or '.join(MEASURED)}")
    for engine in ENGINES:
        figures = _table(_table(row.get("engines")).get(engine))
        for key in ("p50_ms", "p95_ms"):
            if (number := _number(figures.get(key))) is not None:
                getattr(measured, key)[engine] = number
            elif figures.get(key) is not None:
                measured.odd.append(f"{name}: {key} of {engine} is {_shown(figures[key])}")
    if measured.ratio is None and row.get(RATIO) is not None:
        measured.odd.append(f"{name}: {RATIO} is {_shown(row[RATIO])}")
    return measured


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """A finite number above zero; "1.0" and true are none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value <= sys.float_info.max else None


def _shown(value: object) -> str:
    kind = isinstance(value, str | int | float)
    return (repr(value)[:40] if kind else f"a {type(value).__name__}") + ", no finite number above zero"


def _stale(document: Any, found: Written) -> Iterator[str]:
    """The file, or a time in it, from before this round; a time that is none, or has not come yet; no time at all."""
    if found.at < found.began - SLACK:
        yield f"{found.shown} was written {_ago(found.began - found.at)} before this round began"
    dated = False
    for place, value in _walk(document):
        if STAMP.fullmatch(place.rsplit(".", 1)[-1]) is None or value is None or isinstance(value, dict | list):
            continue
        dated = True
        moments = _moments(value)
        if not moments:
            yield f"{place} is no time: {str(value)[:40]!r}"
        elif max(moments) < found.began - SLACK:
            yield f"{place} is {str(value)[:40]}, {_ago(found.began - max(moments))} before this round began"
        elif min(moments) > found.ended + AHEAD:
            yield f"{place} is {str(value)[:40]}, which has not come yet"
    if not dated:
        yield f"{found.shown} does not say when it was measured: no time stands in it, such as generated_at"


def _moments(value: object) -> list[float]:
    """What a time may mean, in seconds since 1970: without a zone, UTC or this machine's."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return [float(value) if value < 1e11 else float(value) / 1000] if math.isfinite(value) else []
        moment = datetime.fromisoformat(str(value))
        days = (0, 1) if len(str(value)) <= len("2026-01-31") else (0,)
        zoned = [moment] if moment.tzinfo else [moment.replace(tzinfo=UTC), moment.astimezone()]
        return [(one + timedelta(days=later)).timestamp() for one in zoned for later in days]
    except (ValueError, OverflowError, OSError):
        return []


def _others(document: dict[str, Any]) -> Iterator[str]:
    """Where a fallback or another engine is named, by key or by value."""
    for place, value in _walk({key: value for key, value in document.items() if key != FILES}):
        key = place.rsplit(".", 1)[-1].partition("[")[0]
        if OTHER.fullmatch(key[:LONGEST]) and value not in NOTHING:
            brief = f"{value!r}"[:40] if isinstance(value, str | int | float) else "more than nothing"
            yield f"measured on a fallback: {place} says {brief}"
        elif isinstance(value, str) and OTHER.fullmatch(value[:LONGEST].strip()):
            yield f"measured on a fallback: {place} is {value.strip()[:40]!r}"


def _walk(node: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value by its place, tables and lists too."""
    pairs: list[tuple[str, Any]] = []
    if isinstance(node, dict):
        pairs = [(f"{where}.{str(key)[:40]}".lstrip("."), value) for key, value in node.items()]
    elif isinstance(node, list):
        pairs = [(f"{where}[{index}]", value) for index, value in enumerate(node)]
    for place, value in pairs if depth <= DEPTH else ():
        yield place, value
        yield from _walk(value, place, depth + 1)


def _ago(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
