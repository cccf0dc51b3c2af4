"""Start-up: `--help` and a warm plan, over an interpreter of the same environment that does nothing."""

import sys
from functools import partial
from pathlib import Path

from tests.benchmark.measure import OURS, Limit, Row, interleave, rows
from tests.benchmark.programs import BIN, clean_env, say, timed

BARE = "bare interpreter"
PLAN = ("plan", "pr-gate", "--stack", "tests/stack")


def run(root: Path, rounds: int) -> list[Row]:
    """Both, four times as many rounds as asked for: they are short."""
    say("start-up: --help and plan")
    env = clean_env(PHDB_CI_CACHE=str(root / "cache"))
    found = []
    for words, limit in ((("--help",), 4), (PLAN, 20)):
        argv = [str(BIN / "phdb-ci"), *words]
        timed(argv, env=env)  # fills the cache, and the system's
        bare = [sys.executable, "-c", "pass"]
        times = interleave({OURS: partial(timed, argv, env=env), BARE: partial(timed, bare, env=env)}, 4 * rounds)
        found += rows("start-up", " ".join(words), times, {BARE: Limit("ratio", limit)})
    return found
