"""The figures in a manifest: read as hostile text, one record per round.

What stands there is gathered here as facts, with what cannot be a figure, a time or an engine in words, because no
record can hold it; that a fact is a fault is evidence.py's to say.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from phdb_ci.base.strict_json import NotStrictError, parse
from phdb_ci.models.matrix import Metrics
from phdb_ci.models.measured import Measured, Round
from phdb_ci.reports import manifest

RATIO = "ratio_vs_postgres"
TIMES = ("p50_ms", "p95_ms")
SLACK = 2.0  # seconds: times are cut to whole ones, and a file system's clock lags
AHEAD = 60.0  # seconds that a time may lie in the future: clocks differ
DEPTH = 50
MOST = 20
STAMP = re.compile(r"(?:.*_at|.*timestamp|date|time)", re.IGNORECASE)
# What stands in the place of the engine that was asked for.
OTHER = re.compile(
    r"(?:.*[_-])?(?:fall[_-]?back|sqlite3?|mock|stubbed|simulated|estimated)(?:[_-].*)?", re.IGNORECASE
)
NO = (None, False, 0, "", "none", "no", "false")


@dataclass(frozen=True)
class Span:
    """When a round began and ended, in seconds since 1970."""

    began: float
    ended: float


def read(number: int, found: manifest.Found, problems: Iterable[str], wanted: Metrics, span: Span) -> Round:
    """What one round left. `problems` are those of the manifest as a whole."""
    told = tuple(problems)
    try:
        document = parse(found.text)
    except NotStrictError:
        document = None
    if not isinstance(document, dict):
        return Round(number=number, file=found.shown, problems=told or (f"{found.shown} is no JSON object",))
    odd: list[str] = []
    measured = tuple(_scenarios(document, wanted, odd))
    mode = document.get("engine_mode")
    return Round(
        number=number, engines=(wanted.engines[0], wanted.engines[1]), threshold=wanted.threshold,
        file=found.shown, mode=None if mode is None else str(mode)[:40], measured=measured,
        problems=told, not_finite=tuple(odd[:MOST]), stale=tuple(_stale(document, found, span))[:MOST],
        fallback=tuple(_others(document))[:MOST], seconds=round(span.ended - span.began, 3),
    )  # fmt: skip


def _scenarios(document: Mapping[str, Any], wanted: Metrics, odd: list[str]) -> Iterator[Measured]:
    """The wanted scenarios that are there; what is no figure goes to `odd`. A second one of an id is odd too."""
    rows = document.get("scenarios")
    seen = set()
    for row in rows if isinstance(rows, list) else ():
        name = row.get("id") if isinstance(row, dict) else None
        if name not in wanted.scenarios:
            continue
        if name in seen:
            odd.append(f"{name} stands twice in it")
            continue
        seen.add(name)
        figures: dict[str, dict[str, Any]] = {"p50_ms": {}, "p95_ms": {}, "rows": {}}
        engines = row.get("engines")
        for engine in wanted.engines:
            one = engines.get(engine) if isinstance(engines, dict) else None
            for key, into in figures.items():
                value = one.get(key) if isinstance(one, dict) else None
                if value is None:
                    continue
                number = _count(value) if key == "rows" else _number(value)
                if number is None:
                    odd.append(f"{name}: {key} of {engine} is {_shown(value)}")
                else:
                    into[engine] = number
        ratio = row.get(RATIO)
        if ratio is not None and _number(ratio) is None:
            odd.append(f"{name}: {RATIO} is {_shown(ratio)}")
        yield Measured(scenario=name, ratio=_number(ratio), **figures)


def _number(value: object) -> float | None:
    """A finite number above zero; "1.0" and true are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 60 else None


def _shown(value: object) -> str:
    kind = isinstance(value, str | int | float)
    return (repr(value)[:40] if kind else f"a {type(value).__name__}") + ", no finite number above zero"


def _stale(document: Any, found: manifest.Found, span: Span) -> Iterator[str]:
    """The file, or a time in it, from before this round; a time that is none, or has not come yet; no time at all."""
    if found.written < span.began - SLACK:
        yield f"{found.shown} was written {_ago(span.began - found.written)} before this round began"
    dated = False
    for place, value in _walk(document):
        key = place.rsplit(".", 1)[-1]
        if STAMP.fullmatch(key) is None or value is None or isinstance(value, dict | list):
            continue
        dated = True
        moments = _moments(value)
        if not moments:
            yield f"{place} is no time: {str(value)[:40]!r}"
        elif max(moments) < span.began - SLACK:
            yield f"{place} is {str(value)[:40]}, {_ago(span.began - max(moments))} before this round began"
        elif min(moments) > span.ended + AHEAD:
            yield f"{place} is {str(value)[:40]}, which has not come yet"
    if not dated:
        yield f"{found.shown} does not say when it was measured: no time stands in it, such as measured_at"


def _moments(value: object) -> list[float]:
    """What a time may mean, in seconds since 1970: without a zone, UTC or this machine's."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return [float(value) if value < 1e11 else float(value) / 1000] if math.isfinite(value) else []
        moment = datetime.fromisoformat(str(value))
        whole_day = (
            [timedelta(), timedelta(days=1)] if len(str(value)) <= len("2026-01-31") else [timedelta()]
        )
        zoned = [moment] if moment.tzinfo else [moment.replace(tzinfo=UTC), moment.astimezone()]
        return [(one + later).timestamp() for one in zoned for later in whole_day]
    except (ValueError, OverflowError, OSError):
        return []


def _others(document: Any) -> Iterator[str]:
    """Where a fallback or another engine is named, by key or by value."""
    for place, value in _walk(document):
        key = place.rsplit(".", 1)[-1].partition("[")[0]
        if OTHER.fullmatch(key[: manifest.LONGEST]) and value not in NO and value not in ([], {}):
            yield f"{place} says {_brief(value)}"
        elif isinstance(value, str) and OTHER.fullmatch(value[: manifest.LONGEST].strip()):
            yield f"{place} is {value.strip()[:40]!r}"


def _brief(value: object) -> str:
    return f"{value!r}"[:40] if isinstance(value, str | int | float) else "more than nothing"


def _walk(node: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value by its place, tables and lists too."""
    if depth > DEPTH:
        return
    pairs: Iterable[tuple[str, Any]] = ()
    if isinstance(node, dict):
        pairs = ((f"{where}.{str(key)[:40]}".lstrip("."), value) for key, value in node.items())
    elif isinstance(node, list):
        pairs = ((f"{where}[{index}]", value) for index, value in enumerate(node))
    for place, value in pairs:
        yield place, value
        yield from _walk(value, place, depth + 1)


def _ago(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
