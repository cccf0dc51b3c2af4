"""The suite's description and the manifest of its results, each with the rules that it must keep."""

from __future__ import annotations

import math
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TIER = Path(__file__).resolve().parent.parent
SCENARIOS = ("registry_publish", "registry_read_by_name", "registry_read_latest")
ENGINES = ("lidb", "postgres")
STATUSES = ("stub", "unknown", "pass", "fail")
ENGINE_MODES = (None, "compare", "lidb_only", "postgres_only")
PLAN = {
    "PH-DB-1": "the engine and the registry's schema",
    "PH-DB-4": "the registry on the engine",
    "PH-DB-5": "the engine's P95 against Postgres (this tier)",
}
SOURCES = {
    "suite_toml": "suite.toml",
    "defaults_toml": "defaults.toml",
    "schema_sql": "schema/registry-v1.sql",
    "schema_sqlite_stub": "schema/registry-sqlite-v1.sql",
    "fixtures_seed": "fixtures/seed.toml",
    "harness_py": "harness/registry_oltp.py",
    "results_csv": "results/latest.csv",
}


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
    """Read suite.toml and defaults.toml, and check them; BENCH_DB_REGISTRY_THRESHOLD overrides the threshold."""
    suite: dict[str, Any] = {}
    for name in ("suite.toml", "defaults.toml"):
        suite |= tomllib.loads((TIER / name).read_text(encoding="utf-8"))
    if given := os.environ.get("BENCH_DB_REGISTRY_THRESHOLD", "").strip():
        suite["threshold_ratio_vs_postgres"] = float(given)
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
    """Make the manifest of what was measured: scenario → engine → {p50_ms, p95_ms}; of nothing, a stub."""
    scenarios = [_scenario(suite, about, mode, measured.get(about["id"], {})) for about in suite["scenarios"]]
    sources = {name: f"benchmarks/tier_db_registry/{path}" for name, path in SOURCES.items()}
    return {
        "generated_at": datetime.now(UTC).isoformat(),
        "tier": suite["tier"],
        "profile": profile,
        "status": _status({scenario["status"] for scenario in scenarios}),
        "compare_oracle": "postgres",
        "postgres_min_version": "15",
        "nightly_optional": True,
        "engine_mode": mode,
        "threshold_ratio_vs_postgres": suite["threshold_ratio_vs_postgres"],
        "ph_plan": PLAN,
        "sources": sources | {"catalog_toml": "catalog.toml"},
        "scenarios": scenarios,
        "ci_ingest": {
            "artifact_path": "data/latest/tier-db-registry.json",
            "merge_into_summary": False,
            "dashboard_section": "database",
        },
    }


def _scenario(
    suite: dict[str, Any], about: dict[str, Any], mode: str | None, measured: dict[str, Any]
) -> dict[str, Any]:
    """One entry; an engine without figures is null."""
    engines = {engine: measured.get(engine) for engine in ENGINES}
    whole = all(engines.values())
    ratio = round(engines["lidb"]["p95_ms"] / engines["postgres"]["p95_ms"], 4) if whole else None
    threshold = suite["threshold_ratio_vs_postgres"]
    if ratio is None:
        status = "stub" if mode is None else "unknown"
    else:
        status = "green" if ratio <= threshold else "red"
    return {
        "id": about["id"],
        "metric": "latency_p95",
        "unit": "ms",
        "lower_is_better": True,
        "threshold_ratio_vs_postgres": threshold,
        "status": status,
        "engines": engines,
        "ratio_vs_postgres": ratio,
        "ph_ids": ["PH-DB-5"],
        "ph_dependencies": ["PH-DB-1", "PH-DB-4"],
        "notes": about["summary"],
    }


def _status(seen: set[str]) -> str:
    words = {"red": "fail", "unknown": "unknown", "stub": "stub", "green": "pass"}
    return next(word for status, word in words.items() if status in seen)


def check(manifest: dict[str, Any]) -> None:
    """Check a manifest: above all, a stub holds no number, and a verdict stands on numbers."""
    _require(manifest["status"] in STATUSES, f"manifest: status is one of {STATUSES}")
    _require(manifest["engine_mode"] in ENGINE_MODES, f"manifest: engine_mode is one of {ENGINE_MODES}")
    stub = manifest["status"] == "stub"
    _require(stub == (manifest["engine_mode"] is None), "manifest: a stub, and only a stub, has no engine")
    ids = tuple(scenario["id"] for scenario in manifest["scenarios"])
    _require(ids == SCENARIOS, "manifest: the scenarios are those of the suite")
    for scenario in manifest["scenarios"]:
        engines, ratio = scenario["engines"].values(), scenario["ratio_vs_postgres"]
        status, name = scenario["status"], scenario["id"]
        if status == "stub":
            _require(not any(engines) and ratio is None, f"manifest: {name} is a stub with numbers")
        elif status in ("green", "red"):
            numbers = [value for engine in engines for value in engine.values()]
            _require(all(map(_positive, [*numbers, ratio])), f"manifest: {name} is {status} without all numbers")
            within = ratio <= manifest["threshold_ratio_vs_postgres"]
            _require(within == (status == "green"), f"manifest: {name} is {status} against its own ratio")
