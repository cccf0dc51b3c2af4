"""The benchmark's manifest: what a run without measurements writes, a stub without a number in it."""

import time
from datetime import datetime
from pathlib import Path
from shutil import copytree, ignore_patterns

from checks.contracts.answers import document
from checks.contracts.programs import Program
from checks.contracts.stack import Stack

SCRIPT = Path("scripts") / "run-db-registry-bench.sh"
NAME = "tier-db-registry.json"
SCENARIOS = {"registry_publish", "registry_read_by_name", "registry_read_latest"}
LIMIT = 8 * 1024 * 1024  # bytes of a manifest
SKEW = 2.0  # seconds: a file system's clock lags


def test_shape(stack: Stack) -> None:
    """The validate-only run writes one manifest of status `stub`, with all scenarios of the tier, each once.

    It runs in a copy: the manifest is a tracked file.
    """
    benchmarks = stack.folder / "benchmarks"
    copytree(stack.repo("benchmarks"), benchmarks, symlinks=True, ignore=ignore_patterns(".git"))
    before, began = stamps(benchmarks), time.time()
    done = Program(["bash", str(SCRIPT)], env=stack.env, cwd=benchmarks, stdin="").finish()
    assert (done.code, done.problem) == (0, ""), done.ending
    written = [path for path, stamp in stamps(benchmarks).items() if stamp != before.get(path)]
    assert len(written) == 1, f"one {NAME} expected, {len(written)} were written"
    assert written[0].is_file() and not written[0].is_symlink(), f"{NAME} is a link or no regular file"
    assert written[0].stat().st_size <= LIMIT, f"{NAME} is larger than {LIMIT} bytes"
    manifest = document("tier-db-registry", written[0].read_text(encoding="utf-8", errors="replace"))
    assert manifest["ci_ingest"]["artifact_path"] == str(written[0].relative_to(benchmarks))
    assert (manifest["status"], manifest["engine_mode"]) == ("stub", None)
    names = [scenario["id"] for scenario in manifest["scenarios"]]
    assert set(names) >= SCENARIOS, f"$.scenarios: {', '.join(sorted(SCENARIOS))} expected, got {names}"
    assert len(set(names)) == len(names), f"$.scenarios: each once expected, got {names}"
    assert {scenario["status"] for scenario in manifest["scenarios"]} == {"stub"}
    moment = datetime.fromisoformat(manifest["generated_at"]).timestamp()
    assert began - SKEW <= moment <= time.time() + SKEW, "$.generated_at: the time of this case expected"


def stamps(benchmarks: Path) -> dict[Path, int]:
    """When whatever is called like a manifest was last written: a link's time, not its target's."""
    return {path: path.lstat().st_mtime_ns for path in benchmarks.rglob(NAME) if path.is_symlink() or not path.is_dir()}
