"""Green results of a benchmark that no measurement supports, in the JSON and TOML files of a checkout.

A green row of a tier needs figures: in itself, or in a green manifest of that tier from the nightly comparison. A ratio
over the threshold is not green, whatever threshold the file names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .rules import checkout, line_of, load, matching, settings, text_of

NAMES = ("id", "tier", "name", "key")


@dataclass(frozen=True)
class Row:
    """An object about a tier: the tier's own entry or manifest, or a scenario in it."""

    path: str
    tier: str
    name: str
    value: dict[str, Any]

    @property
    def green(self) -> bool:
        """Whether it says that all is well."""
        return str(self.value.get("status")).strip().lower() in settings()["measured"]["green"]

    @property
    def manifest(self) -> bool:
        """Whether it has scenarios."""
        return "scenarios" in self.value

    @property
    def measured(self) -> bool:
        """Whether it has the figures; a manifest has them in every scenario, from the nightly comparison."""
        if not self.manifest:
            return _has_figures(self.value)
        scenarios, wanted = self.value["scenarios"], settings()["measured"]
        nightly = all(self.value.get(key) == wanted[key] for key in ("profile", "engine_mode"))
        measured = isinstance(scenarios, list) and bool(scenarios) and all(map(_has_figures, scenarios))
        return nightly and measured


def green_without_measurement(repo: str) -> list[str]:
    """What is green and not measured, one line for each: `repo/path:line: message`."""
    breaches: list[str] = []
    rows: list[Row] = []
    for path in matching(repo, tuple(settings()["measured"]["files"])):
        try:
            rows += _rows(path, load(checkout(repo) / path), "", "")
        except (OSError, ValueError, RecursionError) as error:
            if re.search(r"tier.db", path):
                breaches.append(f"{repo}/{path}: cannot tell, the file cannot be read: {error}")
    proven = {row.tier for row in rows if row.manifest and row.green and row.measured}
    for row in rows:
        # A line of a dashboard has no figures of its own: the tier's manifest may have them.
        excused = not row.manifest and row.name == row.tier and row.tier in proven
        if row.green and not row.measured and not excused:
            status = str(row.value["status"])
            line = line_of(text_of(checkout(repo) / row.path), "status", status, row.name)
            breaches.append(f"{repo}/{row.path}:{line}: {row.name} is {status}, and no measured ratio supports it")
    return breaches


def _rows(path: str, value: Any, key: str, tier: str) -> Iterator[Row]:
    """Every object about a tier; `tier` is that of the manifest whose scenarios these are, else empty."""
    if isinstance(value, list):
        for below in value:
            yield from _rows(path, below, key, tier)
    elif isinstance(value, dict):
        names = [str(name) for name in (key, *map(value.get, NAMES))]
        own = next(filter(_is_tier, names), "")
        if own or tier:
            yield Row(path, own or tier, own or str(value.get("id")), value)
        for name, below in value.items():
            yield from _rows(path, below, name, own if name == "scenarios" else "")
    elif _is_tier(key):  # {"tier_db_memory": "ok"}
        yield Row(path, key, key, {"status": value})


def _is_tier(name: str) -> bool:
    return re.search(settings()["measured"]["tier"], name) is not None


def _has_figures(value: Any) -> bool:
    """Both engines' times, and a ratio that is their quotient and within the threshold."""
    try:
        lidb, postgres = (float(value["engines"][name]["p95_ms"]) for name in ("lidb", "postgres"))
        ratio = float(value["ratio_vs_postgres"])
    except (KeyError, TypeError, ValueError):
        return False
    quotient = lidb > 0 and postgres > 0 and abs(lidb / postgres - ratio) <= 0.02 * ratio
    return quotient and ratio <= settings()["measured"]["threshold"]
