"""The check of the benchmark's manifest: whatever stands in its place is judged, and at once."""

import json
import os
from pathlib import Path

import pytest

from phdb_ci.contracts import stage
from phdb_ci.contracts.checks import manifest
from tests.test_contracts import MANIFEST, SCENARIO

WHOLE = MANIFEST | {"scenarios": [SCENARIO | {"id": name} for name in manifest.SCENARIOS]}


def benchmark(tmp_path: Path, script: str) -> stage.Case:
    """The check of the manifest, after a benchmark that does what the script says in a folder of its own."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / manifest.SCRIPT).write_text(f"cd out\n{script}")
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "good.json").write_text(json.dumps(WHOLE))

    class Bench:
        benchmarks, env = tmp_path, dict(os.environ)

    (case,) = stage.run(manifest.CHECKS, stage.Stage(Bench()))  # type: ignore[arg-type]
    return case


@pytest.mark.parametrize(
    ("script", "outcome", "told"),
    [
        pytest.param("cp ../good.json $NAME", "passed", "", id="written"),
        pytest.param("ln -s /nowhere a; cp ../good.json $NAME", "passed", "", id="beside a dangling link"),
        pytest.param(":", "failed", "one tier-db-registry.json expected, 0 were written", id="nothing"),
        pytest.param("mkfifo $NAME", "failed", "is a link or no regular file", id="pipe"),
        pytest.param("ln -s /nowhere $NAME", "failed", "is a link or no regular file", id="dangling link"),
        pytest.param("ln -s ../good.json $NAME", "failed", "is a link or no regular file", id="link"),
        pytest.param("truncate -s 9M $NAME", "failed", "is larger than", id="large"),
        pytest.param(
            "mkdir a; cp ../good.json a/$NAME; cp ../good.json $NAME", "failed", "2 were written", id="two"
        ),
    ],
)
def test_what_stands_for_the_manifest_is_judged(tmp_path: Path, script: str, outcome: str, told: str) -> None:
    case = benchmark(tmp_path, f"NAME={manifest.NAME}\n{script}\n")
    assert case.outcome == outcome, case
    assert told in case.message
    assert case.seconds < 10


@pytest.mark.parametrize(
    ("scenarios", "told"),
    [
        pytest.param(WHOLE["scenarios"][:2], "$.scenarios: registry_read_latest expected", id="one is gone"),
        pytest.param([], "$.scenarios: minItems 1 expected, got []", id="none"),
        pytest.param([*WHOLE["scenarios"], WHOLE["scenarios"][0]], "$.scenarios: each once expected", id="one twice"),
        pytest.param(
            [*WHOLE["scenarios"][:2], WHOLE["scenarios"][2] | {"status": "unknown"}],
            '$.scenarios[2].status: "stub" expected, got "unknown"', id="one that is no stub",
        ),
        pytest.param([*WHOLE["scenarios"], SCENARIO | {"id": "another"}], "", id="one more"),
    ],
)  # fmt: skip
def test_stub_of_the_tier_holds_its_scenarios(
    tmp_path: Path, scenarios: list[dict[str, object]], told: str
) -> None:
    (tmp_path / "some.json").write_text(json.dumps(WHOLE | {"scenarios": scenarios}))
    case = benchmark(tmp_path, f"cp ../some.json {manifest.NAME}\n")
    assert case.outcome == ("failed" if told else "passed"), case
    assert told in case.message


def test_dangling_link_of_before_does_not_count_as_written(tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).symlink_to("nowhere")
    assert benchmark(tmp_path, f"cp ../good.json {manifest.NAME}\n").outcome == "passed"
