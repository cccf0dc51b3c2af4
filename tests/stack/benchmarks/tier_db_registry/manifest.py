"""The suite's description and the manifest of its results, each with the rules that it must keep."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

SUITE = Path(__file__).resolve().parent / "suite.toml"
SCENARIOS = ("registry_publish", "registry_read_by_name", "registry_read_latest")
ENGINES = ("lidb", "postgres")
STATUSES = ("stub", "unknown", "pass", "fail")
ENGINE_MODES = (None, "compare", "lidb_only", "postgres_only")


class InvalidError(ValueError):
    """A suite or a manifest that breaks a rule."""


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidError(rule)


def _positive(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    )


def load_suite() -> dict[str, Any]:
    """Read suite.toml and check it."""
    suite = tomllib.loads(SUITE.read_text(encoding="utf-8"))
    _require(suite.get("tier") == "tier_db_registry", "suite: tier is tier_db_registry")
    _require(_positive(suite.get("threshold_ratio_vs_postgres")), "suite: the threshold is a positive number")
    ids = tuple(scenario.get("id") for scenario in suite.get("scenarios", []))
    _require(ids == SCENARIOS, f"suite: the scenarios are {', '.join(SCENARIOS)}")
    _require(all(s.get("summary") for s in suite["scenarios"]), "suite: every scenario has a summary")
    _require(set(suite.get("profiles", {})) == {"ci", "nightly"}, "suite: the profiles are ci and nightly")
    _require(
        all(_positive(p.get("rounds")) for p in suite["profiles"].values()), "suite: rounds are positive"
    )
    return suite


def build(suite: dict[str, Any], profile: str, mode: str | None, measured: dict[str, Any]) -> dict[str, Any]:
    """Make the manifest of what was measured: scenario → engine → {p50_ms, p95_ms, rows}; of nothing, a stub."""
    threshold = suite["threshold_ratio_vs_postgres"]
    scenarios = []
    for scenario in SCENARIOS:
        empty = {"p50_ms": None, "p95_ms": None, "rows": None}
        engines = {engine: measured.get(scenario, {}).get(engine, empty) for engine in ENGINES}
        lidb, postgres = (engines[engine]["p95_ms"] for engine in ENGINES)
        ratio = round(lidb / postgres, 3) if lidb and postgres else None
        if mode is None:
            status = "stub"
        elif ratio is None:
            status = "unknown"
        else:
            status = "pass" if ratio <= threshold else "fail"
        scenarios.append({"id": scenario, "engines": engines, "ratio_vs_postgres": ratio, "status": status})
    seen = {scenario["status"] for scenario in scenarios}
    return {
        "tier": suite["tier"],
        "profile": profile,
        "status": next(status for status in ("fail", "unknown", "stub", "pass") if status in seen),
        "engine_mode": mode,
        "threshold_ratio_vs_postgres": threshold,
        "scenarios": scenarios,
    }


def check(manifest: dict[str, Any]) -> None:
    """Check a manifest: above all, a stub holds no number, and a verdict stands on numbers."""
    _require(manifest["status"] in STATUSES, f"manifest: status is one of {STATUSES}")
    _require(manifest["engine_mode"] in ENGINE_MODES, f"manifest: engine_mode is one of {ENGINE_MODES}")
    stub = manifest["status"] == "stub"
    _require(stub == (manifest["engine_mode"] is None), "manifest: a stub, and only a stub, has no engine")
    ids = tuple(scenario["id"] for scenario in manifest["scenarios"])
    _require(ids == SCENARIOS, "manifest: the scenarios are those of the suite")
    for scenario in manifest["scenarios"]:
        numbers = [value for engine in scenario["engines"].values() for value in engine.values()]
        numbers.append(scenario["ratio_vs_postgres"])
        status, name = scenario["status"], scenario["id"]
        if status == "stub":
            _require(all(number is None for number in numbers), f"manifest: {name} is a stub with numbers")
        elif status in ("pass", "fail"):
            _require(all(map(_positive, numbers)), f"manifest: {name} is {status} without all numbers")
            within = scenario["ratio_vs_postgres"] <= manifest["threshold_ratio_vs_postgres"]
            _require(within == (status == "pass"), f"manifest: {name} is {status} against its own ratio")
