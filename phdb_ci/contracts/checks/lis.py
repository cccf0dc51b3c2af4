"""lis: start, status and stop of one data directory. Ready means that the engine answers now."""

import os
from pathlib import Path
from typing import Any

from phdb_ci.contracts.drive import Done
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stage import BrokenError, Check, Stage, demand

HEAP = Path(".lidb") / "catalog.heap"
DEAD_ENGINE = "#!/bin/sh\necho 'no engine here' >&2\nexit 1\n"


def not_ready_before_start(stage: Stage) -> None:
    """Nothing was started, so nothing is ready."""
    _not_ready(stage.stack.db("status"), "nothing was started")


def start_shape(stage: Stage) -> None:
    """`start` on an empty directory says all that the contract has."""
    stage.started = stage.answer("lis-start", stage.stack.db("start"))


def start_ready(stage: Stage) -> None:
    """After `start` everything is checked, and there is a heap."""
    demand(stage.started is not None, "there is no answer of start to look at")
    _ready(stage.started, "start")
    heap = stage.stack.data / HEAP
    demand(heap.is_file() and heap.stat().st_size, f"start made no {HEAP}")


def status_shape(stage: Stage) -> None:
    """`status` says what `start` said, and what its probe of the engine gave."""
    stage.answer("lis-status", stage.stack.db("status"), code=None)


def status_ready(stage: Stage) -> None:
    """`status` is exit 0, ready, and about this very directory."""
    done = stage.stack.db("status")
    _ready_now(stage, done)
    status = parse(done.out)
    same = os.path.realpath(status["data_dir"]) == os.path.realpath(stage.stack.data)
    demand(same, f"$.data_dir: {stage.stack.data} expected, got {status['data_dir']}")


def not_ready_without_engine(stage: Stage) -> None:
    """With an engine that does nothing, `status` must not repeat what `start` once saw."""
    _not_ready(stage.stack.with_engine(dead_engine(stage)).db("status"), "the engine cannot run")


def stop_keeps_heap(stage: Stage) -> None:
    """`stop` forgets the state; the data stays."""
    heap = stage.stack.data / HEAP
    demand(heap.is_file(), f"there is no {HEAP} before stop")
    done = stage.stack.db("stop")
    demand(done.code == 0 and not done.problem, f"stop: exit 0 expected, got {done.told}")
    demand(heap.is_file(), f"{HEAP} is gone after stop")
    demand(heap.stat().st_size, f"{HEAP} is empty after stop")


def not_ready_after_stop(stage: Stage) -> None:
    """What was stopped is not ready."""
    _not_ready(stage.stack.db("status"), "it was stopped")


def start_finds_data(stage: Stage) -> None:
    """`start` again is ready, and the rows of before are there."""
    _ready(stage.answer("lis-start", stage.stack.db("start")), "start again")
    package = stage.package
    demand(package, "there was no row to find: exec-json has written none")
    done = stage.stack.exec_json("SELECT id, name FROM packages WHERE id = ?", package["id"])
    rows = stage.answer("exec-json", done)["rows"]
    demand(rows == [package], f"$.rows: the row of before stop expected, got {rows}")
    if stage.run_id:
        done = stage.stack.bridge("read_liq", "read agent_runs { id }")
        runs = stage.answer("bridge-read_liq", done, one_line=True)["rows"]
        demand(
            {"id": stage.run_id} in runs, f"$.rows: agent run {stage.run_id} expected, got {len(runs)} others"
        )


def ready_after_crash(stage: Stage) -> None:
    """After writers were killed, the database is ready as if nothing had been."""
    _ready_now(stage, stage.stack.db("status"))


def dead_engine(stage: Stage) -> Path:
    """A program that can be started and answers nothing, so that nobody builds an engine of their own instead."""
    path = stage.stack.scratch / "no-engine"
    if not path.exists():
        path.write_text(DEAD_ENGINE, encoding="utf-8")
        path.chmod(0o755)
    return path


def _ready_now(stage: Stage, done: Done) -> None:
    status = stage.answer("lis-status", done, code=None)
    demand(done.code == 0, f"exit 0 expected when ready, got exit {done.code}: {status['error']}")
    _ready(status, "status")
    demand(status["probe"] == "ok", f'$.probe: "ok" expected, got "{status["probe"]}"')
    demand(status["error"] is None, f"$.error: null expected, got '{status['error']}'")


def _ready(answer: Any, what: str) -> None:
    for field in ("ready", "live", "migrated"):
        demand(answer[field], f"$.{field}: true expected after {what}, got false")
    for name, good in answer["checks"].items():
        demand(good, f"$.checks.{name}: true expected after {what}, got {good}")
    demand(
        answer["plans_registered"], f"$.plans_registered: at least one plan expected after {what}, got none"
    )


def _not_ready(done: Done, why: str) -> None:
    demand(not done.problem, f"it {done.problem}")
    demand(done.code != 0, f"exit 0 although {why}")
    try:
        answer = parse(done.out)
    except NotAnAnswerError as error:
        raise BrokenError(str(error)) from error
    ready = answer.get("ready") if isinstance(answer, dict) else None
    demand(ready is False, f"$.ready: false expected although {why}, got {ready}")


BEFORE = (
    Check("lis-status/not-ready-before-start", not_ready_before_start, ("lis",)),
    Check("lis-start/shape", start_shape, ("lis",)),
    Check("lis-start/ready", start_ready, ("lis",)),
    Check("lis-status/shape", status_shape, ("lis",)),
    Check("lis-status/ready", status_ready, ("lis",)),
)
AFTER = (
    Check("lis-status/not-ready-without-engine", not_ready_without_engine, ("lis",)),
    Check("lis-stop/keeps-heap", stop_keeps_heap, ("lis",)),
    Check("lis-status/not-ready-after-stop", not_ready_after_stop, ("lis",)),
    Check("lis-start/finds-data-again", start_finds_data, ("lis",)),
)
LAST = (Check("crash/lis-status-ready-again", ready_after_crash, ("lis",)),)
