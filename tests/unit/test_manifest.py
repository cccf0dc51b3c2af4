"""A manifest's keys: which of them name something measured, whatever they are called."""

import json

import pytest

from phdb_ci.models.matrix import Manifest
from phdb_ci.reports.documents import read_manifest

STUB = Manifest(file="m.json", status=("stub",))


def problems(key: str) -> tuple[str, ...]:
    return read_manifest(json.dumps({"status": "stub", key: 1.5}).encode(), "m.json", STUB).problems


@pytest.mark.parametrize(
    "key",
    [
        "p95", "p95_ms", "latency", "p95Ms", "meanLatency", "latencyUs", "ratioVsPostgres", "lidbP99", "opsPerSecond",
        "rps", "speedup", "speedup_vs_postgres", "speedupVsPostgres", "write-qps", "P95_MS",
        "p95\n", "p95\x1b", "ｐ９５",  # noqa: RUF001 - that is the point
    ],
)  # fmt: skip
def test_key_of_something_measured_is_a_problem(key: str) -> None:
    assert problems(key) == (f"m.json holds a number that was not measured here: {key}",)


@pytest.mark.parametrize(
    "key",
    ["maps", "items", "programs", "laps", "thresholdRatio", "timeoutMs", "targetP95", "corps", "meaning", "operations"],
)
def test_key_of_something_else_is_none(key: str) -> None:
    assert problems(key) == ()
