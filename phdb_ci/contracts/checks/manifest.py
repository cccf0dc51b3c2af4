"""The benchmark's manifest: what a run without measurements writes, a stub without a number in it."""

from pathlib import Path

from phdb_ci.contracts.drive import call
from phdb_ci.contracts.stack import TIMEOUT
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

SCRIPT = Path("scripts") / "run-db-registry-bench.sh"
NAME = "tier-db-registry.json"
LIMIT = 8 * 1024 * 1024  # bytes of a manifest


def shape(stage: Stage) -> None:
    """The validate-only run writes one manifest of status `stub`."""
    top = stage.stack.benchmarks
    assert top is not None  # noqa: S101 - the check says that it needs it
    before = {path: path.stat().st_mtime_ns for path in top.rglob(NAME)}
    done = call(["bash", str(SCRIPT)], env=stage.stack.env, cwd=top, timeout=TIMEOUT)
    demand(done.code == 0 and not done.problem, f"{SCRIPT}: exit 0 expected, got {done.told}")
    written = [path for path in top.rglob(NAME) if path.stat().st_mtime_ns != before.get(path)]
    demand(len(written) == 1, f"one {NAME} expected, {len(written)} were written")
    if written[0].is_symlink() or written[0].stat().st_size > LIMIT:
        raise BrokenError(f"{NAME} is no file of its own, or larger than {LIMIT} bytes")
    text = written[0].read_text(encoding="utf-8", errors="replace")
    manifest = stage.document("tier-db-registry", text)
    demand(manifest["status"] == "stub", f'$.status: "stub" expected, got "{manifest["status"]}"')
    demand(manifest["engine_mode"] is None, f"$.engine_mode: null expected, got '{manifest['engine_mode']}'")


CHECKS = (Check("manifest/shape", shape, ("benchmarks",)),)
