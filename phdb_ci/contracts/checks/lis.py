"""lis: start, status, migrate and stop of a data directory. Ready means that the engine answers now."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from phdb_ci.base.files import open_regular, walk
from phdb_ci.contracts.checks import engines
from phdb_ci.contracts.checks.engine import INSERT, READ
from phdb_ci.contracts.drive import Done
from phdb_ci.contracts.schemas import NotAnAnswerError, parse
from phdb_ci.contracts.stage import Check, Stage, demand

HEAP = Path(".lidb") / "catalog.heap"
PATIENCE = 1.5  # seconds that lis may take to say that an engine hangs; what it says later is not waited for
PROFILES = (".toml", ".json", ".yaml", ".yml", ".liq", ".sql")  # files that plans are written in: no programs
FILES, SIZE = 5_000, 1024 * 1024  # files in which a plan is looked for, and bytes of one
SKEW = 2.0  # seconds: times are written in whole ones


def not_ready_before_start(stage: Stage) -> None:
    """Nothing was started, so nothing is ready."""
    _not_ready(stage, stage.stack.db("status"), "nothing was started")


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


def values_are_true(stage: Stage) -> None:
    """What `start` and `status` name is there: this profile, checkout, catalog and engine, these plans."""
    stack, started = stage.stack, stage.started
    demand(started is not None, "there is no answer of start to look at")
    status = stage.answer("lis-status", stack.db("status"), code=None)
    for answer, what in ((started, "start"), (status, "status")):
        assert answer is not None  # noqa: S101 - demanded above
        demand(answer["profile"], f"$.profile of {what}: a name expected, got ''")
        for name, path in (
            ("data_dir", stack.data),
            ("lidb_repo", stack.lidb),
            ("catalog", stack.data / HEAP),
            ("embed_binary", stack.embed),
        ):
            _is(answer, name, path, what)
        _plans_are_known(stage, answer["plans_registered"], what)
        _was_now(stage, answer["started_at"], what)
    same = status["started_at"] == stage.started["started_at"] if stage.started else False
    demand(same, f"$.started_at: that of start expected of status, got '{status['started_at']}'")
    demand(Path(status["state_file"]).is_file(), f"$.state_file: '{status['state_file']}' is no file")


def not_ready_without_engine(stage: Stage) -> None:
    """With an engine that cannot run, says nothing, or no answer, `status` does not repeat what `start` once saw."""
    for engine, why in (
        (engines.dead, "the engine cannot run"),
        (engines.null, "the engine answers nothing"),
        (engines.babbling, "what the engine says is no answer"),
    ):
        _not_ready(stage, stage.stack.with_engine(engine(stage)).db("status"), why)
    done = stage.stack.with_engine(engines.hanging(stage)).db("status", timeout=PATIENCE)
    if done.problem is None:  # else it waits, and says nothing that is not true
        _not_ready(stage, done, "the engine hangs")


def start_refused_without_engine(stage: Stage) -> None:
    """`start` with an engine that says nothing is no start."""
    stack = stage.stack.at(stage.stack.scratch / "lis-no-engine")
    done = stack.with_engine(engines.null(stage)).db("start")
    demand(not done.problem, f"it {done.problem}")
    demand(done.code != 0, "exit 0 although the engine answers nothing")
    with suppress(NotAnAnswerError):
        answer = parse(done.out)
        ready = isinstance(answer, dict) and answer.get("ready")
        demand(not ready, f"$.ready: false expected although the engine answers nothing, got {ready}")
    _not_ready(stage, stack.db("status"), "start has failed")


def migrate_keeps_rows(stage: Stage) -> None:
    """`migrate` on an empty directory makes the schema; again, it keeps what is there."""
    stack = stage.stack.at(stage.stack.scratch / "lis-migrate")
    row = {"id": "k1", "name": "migrated"}
    for again in (False, True):
        done = stack.db("migrate")
        demand(done.code == 0 and not done.problem, f"migrate: exit 0 expected, got {done.told}")
        demand((stack.data / HEAP).is_file(), f"there is no {HEAP} after migrate")
        if not again:
            stage.answer("exec-json", stack.exec_json(INSERT, *row.values(), "a package"))
        rows = stage.answer("exec-json", stack.exec_json(READ, row["id"]))["rows"]
        demand(rows == [row], f"$.rows: {[row]} expected after migrate, got {rows}")


def stop_keeps_heap(stage: Stage) -> None:
    """`stop` forgets the state; the data stays, and so does the record of who did what."""
    heap = stage.stack.data / HEAP
    demand(heap.is_file(), f"there is no {HEAP} before stop")
    records = _audit_logs(stage.stack.data)
    done = stage.stack.db("stop")
    demand(done.code == 0 and not done.problem, f"stop: exit 0 expected, got {done.told}")
    demand(heap.is_file(), f"{HEAP} is gone after stop")
    demand(heap.stat().st_size, f"{HEAP} is empty after stop")
    after = _audit_logs(stage.stack.data)
    for path, text in records.items():
        where = path.relative_to(stage.stack.data)
        demand(path in after, f"{where} is gone after stop")
        demand(after[path].startswith(text), f"{where} does not begin as it did before stop")


def not_ready_after_stop(stage: Stage) -> None:
    """What was stopped is not ready."""
    _not_ready(stage, stage.stack.db("status"), "it was stopped")


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


def _not_ready(stage: Stage, done: Done, why: str) -> None:
    """It is not exit 0, and an answer of the contract that says so."""
    demand(not done.problem, f"it {done.problem}")
    demand(done.code != 0, f"exit 0 although {why}")
    answer = stage.answer("lis-status", done, code=None)
    demand(not answer["ready"], f"$.ready: false expected although {why}, got true")
    demand(answer["probe"] != "ok", f'$.probe: "skipped" or "failed" expected although {why}, got "ok"')


def _is(answer: Mapping[str, Any], name: str, path: Path, what: str) -> None:
    """A path of an answer leads to the same place; null, where the contract has it, leads nowhere."""
    said = answer[name]
    same = said is None or os.path.realpath(said) == os.path.realpath(path)
    demand(same, f"$.{name} of {what}: {path} expected, got '{said}'")


def _plans_are_known(stage: Stage, plans: list[str], what: str) -> None:
    """Each is written down in a profile or the like, of the checkout of lis or of lidb."""
    unknown = set(plans)
    for data in _profiles(stage):
        unknown = {plan for plan in unknown if not plan or plan.encode() not in data}
    demand(not unknown, f"$.plans_registered of {what}: no profile knows {sorted(unknown)}")


def _profiles(stage: Stage) -> Iterator[bytes]:
    tops = [top for top in (stage.stack.lis, stage.stack.lidb) if top is not None]
    paths = (
        Path(folder, name)
        for top in tops
        for folder, names in walk(top)
        for name in names
        if name.endswith(PROFILES)
    )
    for path in islice(paths, FILES):
        with suppress(OSError), open_regular(path) as file:
            yield file.read(SIZE)


def _was_now(stage: Stage, said: str, what: str) -> None:
    """A time of these checks."""
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        moment = None
    demand(moment, f"$.started_at of {what}: a time expected, got '{said}'")
    if moment is not None and moment.tzinfo is not None:
        fits = stage.begun - SKEW <= moment.timestamp() <= time.time() + SKEW
        demand(fits, f"$.started_at of {what}: the time of these checks expected, got '{said}'")


def _audit_logs(data: Path) -> dict[Path, bytes]:
    """What is only ever appended to: lines of JSON below the data directory, by their file."""
    found: dict[Path, bytes] = {}
    for folder, names in walk(data):
        for name in names:
            if name.endswith(".jsonl") or "audit" in name:
                with suppress(OSError), open_regular(Path(folder, name)) as file:
                    found[Path(folder, name)] = file.read()
    return found


BEFORE = (
    Check("lis-status/not-ready-before-start", not_ready_before_start, ("lis",)),
    Check("lis-start/shape", start_shape, ("lis",)),
    Check("lis-start/ready", start_ready, ("lis",)),
    Check("lis-status/shape", status_shape, ("lis",)),
    Check("lis-status/ready", status_ready, ("lis",)),
    Check("lis-status/values-are-true", values_are_true, ("lis",)),
)
AFTER = (
    Check("lis-status/not-ready-without-engine", not_ready_without_engine, ("lis",)),
    Check("lis-start/refused-without-engine", start_refused_without_engine, ("lis",)),
    Check("lis-migrate/keeps-rows", migrate_keeps_rows, ("lis",)),
    Check("lis-stop/keeps-heap", stop_keeps_heap, ("lis",)),
    Check("lis-status/not-ready-after-stop", not_ready_after_stop, ("lis",)),
    Check("lis-start/finds-data-again", start_finds_data, ("lis",)),
)
LAST = (Check("crash/lis-status-ready-again", ready_after_crash, ("lis",)),)
