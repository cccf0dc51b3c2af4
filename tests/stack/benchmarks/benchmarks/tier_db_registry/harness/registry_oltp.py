"""The registry benchmark: validates always, measures only when asked to."""

from __future__ import annotations

import csv
import json
import os
import statistics
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import manifest
from engines import Lidb, MissingError, Postgres

if TYPE_CHECKING:
    from engines import Registry

RESULTS = manifest.TIER.parent.parent / "data" / "latest"
SEED = tomllib.loads((manifest.TIER / "fixtures" / "seed.toml").read_text(encoding="utf-8"))
VERSIONS = SEED["versions"]


def publish(registry: Registry, n: int) -> None:
    """Write a package with its first version."""
    registry.execute(
        "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)", [f"k{n}", f"package {n}", None]
    )
    add_version(registry, n, 1)


def add_version(registry: Registry, n: int, version: int) -> None:
    """Write one version."""
    registry.execute(
        "INSERT INTO package_versions (id, package_id, version, tree_digest, publisher_id, published_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [f"k{n}.{version}", f"k{n}", f"0.{version}", "sha256:00", "p1", version],
    )


def read_by_name(registry: Registry, n: int) -> None:
    """Read a package; a wrong answer is no measurement."""
    rows = registry.execute("SELECT id, name FROM packages WHERE name = ?", [f"package {n}"])
    if rows != [(f"k{n}", f"package {n}")]:
        raise SystemExit(f"registry_read_by_name: wrong answer {rows}")


def read_latest(registry: Registry, n: int) -> None:
    """Read the latest version of a package."""
    sql = "SELECT version FROM package_versions WHERE package_id = ? ORDER BY published_at DESC LIMIT 1"
    rows = registry.execute(sql, [f"k{n}"])
    if rows != [(f"0.{VERSIONS}",)]:
        raise SystemExit(f"registry_read_latest: wrong answer {rows}")


def measure(registries: dict[str, Registry], rounds: int) -> dict[str, Any]:
    """Run every scenario on all engines in turns: what disturbs the machine disturbs them alike."""
    measured: dict[str, Any] = {}
    for scenario, operation in zip(manifest.SCENARIOS, (publish, read_by_name, read_latest), strict=True):
        times: dict[str, list[float]] = {name: [] for name in registries}
        for n in range(rounds):
            for name, registry in registries.items():
                start = time.perf_counter()
                operation(registry, n)
                times[name].append((time.perf_counter() - start) * 1000)
        measured[scenario] = {name: _percentiles(values) for name, values in times.items()}
        if operation is publish:
            for registry in registries.values():
                for n in range(rounds):
                    for version in range(2, VERSIONS + 1):
                        add_version(registry, n, version)
    return measured


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50_ms": round(cuts[9], 4), "p95_ms": round(cuts[18], 4)}


def connect(wanted: str, data_dir: Path) -> dict[str, Registry]:
    """Give the engines that are wanted and there; what is missing is left out, with a line that says so."""
    makers = {"lidb": lambda: Lidb(data_dir), "postgres": Postgres}
    registries: dict[str, Registry] = {}
    for name, make in makers.items():
        if wanted in ("compare", f"{name}_only"):
            try:
                registries[name] = make()
            except MissingError as error:
                print(f"[bench] without {name}: {error}", file=sys.stderr)
    return registries


def write(name: str, document: dict[str, Any]) -> None:
    """Write one result file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"[bench] {RESULTS / name}: {document['status']}")


def write_table(measured: dict[str, Any]) -> None:
    """Write every P95 into results/latest.csv."""
    path = manifest.TIER / "results" / "latest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("benchmark", "lang", "metric", "value", "unit", "variant"))
        for scenario, engines in measured.items():
            for engine, times in engines.items():
                table.writerow((scenario, engine, "latency_p95", times["p95_ms"], "ms", "registry_oltp"))


def main() -> int:
    """Validate, or measure; a ratio over the threshold is exit 1, and the manifest a stub again."""
    suite = manifest.load_suite()
    profile = os.environ.get("BENCH_DB_REGISTRY_PROFILE", "ci")
    wanted = os.environ.get("BENCH_DB_REGISTRY_ENGINE", "compare")
    if profile not in suite["profiles"] or wanted not in manifest.ENGINE_MODES:
        print(f"[bench] unknown profile {profile!r} or engine {wanted!r}", file=sys.stderr)
        return 2
    mode, measured = None, {}
    if os.environ.get("BENCH_DB_REGISTRY_RUN_HARNESS") == "1":
        mode, measured = run(wanted, suite["profiles"][profile]["rounds"])
    document = manifest.build(suite, profile, mode, measured)
    manifest.check(document)
    (RESULTS / "tier-db-registry-harness.json").unlink(missing_ok=True)  # of an earlier run
    if mode:
        write("tier-db-registry-harness.json", document)
        write_table(measured)
    over = document["status"] == "fail"
    write("tier-db-registry.json", manifest.build(suite, profile, None, {}) if over else document)
    return int(over)


def run(wanted: str, rounds: int) -> tuple[str | None, dict[str, Any]]:
    """Measure the engines that are wanted and there; gives the mode (None: there is none) and the times."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        registries = connect(wanted, Path(scratch))
        try:
            measured = measure(registries, rounds) if registries else {}
        finally:
            for registry in registries.values():
                registry.close()
    if not registries:
        return None, {}
    return "compare" if len(registries) > 1 else f"{next(iter(registries))}_only", measured


if __name__ == "__main__":
    sys.exit(main())
