"""The registry benchmark: validates always, measures only when asked to."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import manifest
from engines import Lidb, MissingError, Postgres

if TYPE_CHECKING:
    from engines import Registry

RESULTS = Path(__file__).resolve().parent.parent / "results"
VERSIONS = 3  # of each package, so that "the latest" is a choice


def publish(registry: Registry, n: int) -> int:
    """Write a package with its first version; gives the rows that it wrote."""
    registry.execute(
        "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)", [f"k{n}", f"package {n}", None]
    )
    add_version(registry, n, 1)
    return 2


def add_version(registry: Registry, n: int, version: int) -> None:
    """Write one version."""
    registry.execute(
        "INSERT INTO package_versions (id, package_id, version, tree_digest, publisher_id, published_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [f"k{n}.{version}", f"k{n}", f"0.{version}", "sha256:00", "p1", version],
    )


def read_by_name(registry: Registry, n: int) -> int:
    """Read a package, and give the rows that came; a wrong answer is no measurement."""
    rows = registry.execute("SELECT id, name FROM packages WHERE name = ?", [f"package {n}"])
    if rows != [(f"k{n}", f"package {n}")]:
        raise SystemExit(f"registry_read_by_name: wrong answer {rows}")
    return len(rows)


def read_latest(registry: Registry, n: int) -> int:
    """Read the latest version of a package, and give the rows that came."""
    sql = "SELECT version FROM package_versions WHERE package_id = ? ORDER BY published_at DESC LIMIT 1"
    rows = registry.execute(sql, [f"k{n}"])
    if rows != [(f"0.{VERSIONS}",)]:
        raise SystemExit(f"registry_read_latest: wrong answer {rows}")
    return len(rows)


def measure(registries: dict[str, Registry], rounds: int) -> dict[str, Any]:
    """Run every scenario on all engines in turns: what disturbs the machine disturbs them alike."""
    measured: dict[str, Any] = {}
    for scenario, operation in zip(manifest.SCENARIOS, (publish, read_by_name, read_latest), strict=True):
        times: dict[str, list[float]] = {name: [] for name in registries}
        rows = dict.fromkeys(registries, 0)
        for n in range(rounds):
            for name, registry in registries.items():
                start = time.perf_counter()
                rows[name] += operation(registry, n)
                times[name].append((time.perf_counter() - start) * 1000)
        measured[scenario] = {
            name: {**_percentiles(values), "rows": rows[name]} for name, values in times.items()
        }
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
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"[bench] {RESULTS / name}: {document['status']}")


def main() -> int:
    """Validate, or measure."""
    suite = manifest.load_suite()
    profile = os.environ.get("BENCH_DB_REGISTRY_PROFILE", "ci")
    wanted = os.environ.get("BENCH_DB_REGISTRY_ENGINE", "compare")
    if profile not in suite["profiles"] or wanted not in manifest.ENGINE_MODES:
        print(f"[bench] unknown profile {profile!r} or engine {wanted!r}", file=sys.stderr)
        return 2
    mode, measured, measured_at = None, {}, None
    if os.environ.get("BENCH_DB_REGISTRY_RUN_HARNESS") == "1":
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            registries = connect(wanted, Path(scratch))
            try:
                measured = measure(registries, suite["profiles"][profile]["rounds"])
            finally:
                for registry in registries.values():
                    registry.close()
        if registries:
            measured_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            mode = "compare" if len(registries) > 1 else f"{next(iter(registries))}_only"
    document = manifest.build(suite, profile, mode, measured) | {"measured_at": measured_at}
    manifest.check(document)
    (RESULTS / "tier-db-registry-harness.json").unlink(missing_ok=True)  # of an earlier run
    write("tier-db-registry.json", document)
    if mode:
        write("tier-db-registry-harness.json", document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
