"""The benchmark's manifest: what a run without measurements writes, a stub without a number in it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from phdb_ci.base.files import open_regular, walk
from phdb_ci.contracts.drive import call
from phdb_ci.contracts.stack import TIMEOUT
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

SCRIPT = Path("scripts") / "run-db-registry-bench.sh"
NAME = "tier-db-registry.json"
SCENARIOS = ("registry_publish", "registry_read_by_name", "registry_read_latest")
LIMIT = 8 * 1024 * 1024  # bytes of a manifest


def shape(stage: Stage) -> None:
    """The validate-only run writes one manifest of status `stub`."""
    top = stage.stack.benchmarks
    assert top is not None  # noqa: S101 - the check says that it needs it
    before = _stamps(top)
    done = call(["bash", str(SCRIPT)], env=stage.stack.env, cwd=top, timeout=TIMEOUT)
    demand(done.code == 0 and not done.problem, f"{SCRIPT}: exit 0 expected, got {done.told}")
    written = [path for path, stamp in _stamps(top).items() if stamp != before.get(path)]
    demand(len(written) == 1, f"one {NAME} expected, {len(written)} were written")
    manifest = stage.document("tier-db-registry", _text(written[0]))
    demand(manifest["status"] == "stub", f'$.status: "stub" expected, got "{manifest["status"]}"')
    demand(manifest["engine_mode"] is None, f"$.engine_mode: null expected, got '{manifest['engine_mode']}'")
    _of_the_tier(manifest["scenarios"])


def _of_the_tier(scenarios: list[dict[str, Any]]) -> None:
    """All scenarios of the tier, each once, and each a stub as the whole."""
    ids = [one["id"] for one in scenarios]
    missing = [name for name in SCENARIOS if name not in ids]
    demand(not missing, f"$.scenarios: {', '.join(missing)} expected, got {', '.join(ids)[:200]}")
    demand(len(set(ids)) == len(ids), f"$.scenarios: each once expected, got {', '.join(ids)[:200]}")
    for number, one in enumerate(scenarios):
        demand(
            one["status"] == "stub", f'$.scenarios[{number}].status: "stub" expected, got "{one["status"]}"'
        )


def _stamps(top: Path) -> dict[Path, int]:
    """When whatever is called like a manifest was last written: a link's own time, a pipe's, not a folder's."""
    found: dict[Path, int] = {}
    for folder, names in walk(top):
        path = Path(folder, NAME)
        with suppress(OSError):  # gone meanwhile
            found |= {path: path.lstat().st_mtime_ns} if NAME in names else {}
    return found


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise BrokenError(f"{NAME} is a link or no regular file") from error
    demand(len(data) <= LIMIT, f"{NAME} is larger than {LIMIT} bytes")
    return data.decode(errors="replace")


CHECKS = (Check("manifest/shape", shape, ("benchmarks",)),)
