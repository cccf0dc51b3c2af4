"""lis: start, status, migrate and stop of a data directory. Ready means that the engine answers now."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from checks.contracts.answers import answer, fields
from checks.contracts.programs import Done
from checks.contracts.stack import INSERT, READ, Bridge, LidbEmbed, Lis, Row, Stack

HEAP = Path(".lidb") / "catalog.heap"
PATIENCE = 1.5  # seconds in which lis may notice that an engine hangs; a later answer is not waited for
PROFILES = {".toml", ".json", ".yaml", ".yml", ".liq", ".sql"}  # files that plans are written in: no programs
SIZE = 1024 * 1024  # bytes of a file in which a plan is looked for
SKEW = 2.0  # seconds: times are written in whole ones
Started = dict[str, Any]


def test_status_not_ready_before_start(lis: Lis) -> None:
    assert_not_ready(lis.db("status"))


def test_start_shape(lis: Lis) -> None:
    lis.answer("start")


def test_start_ready(started: Started, stack: Stack) -> None:
    """After `start` everything is checked, and there is a heap."""
    assert_ready(started)
    assert (stack.data / HEAP).stat().st_size


@pytest.mark.usefixtures("started")
def test_status_shape(lis: Lis) -> None:
    """`status` has the fields of `start`, and what its probe of the engine gave."""
    lis.answer("status")


@pytest.mark.usefixtures("started")
def test_status_ready(lis: Lis, stack: Stack) -> None:
    """`status` is exit 0, ready, and about this very directory."""
    status = assert_ready_now(lis.db("status"))
    assert os.path.realpath(status["data_dir"]) == os.path.realpath(stack.data)


def test_status_values_are_true(lis: Lis, stack: Stack) -> None:
    """What `start` and `status` name is there: this profile, checkout, catalog and engine, these plans, this moment."""
    begun = time.time()
    started, status = lis.answer("start"), lis.answer("status")
    places = {"data_dir": stack.data, "lidb_repo": stack.repo("lidb"), "catalog": stack.data / HEAP}
    for value in (started, status):
        assert value["profile"], "$.profile: a name expected"
        if value["embed_binary"] is not None:
            places["embed_binary"] = Path(stack.env["LIDB_EMBED"])
        named = {name: os.path.realpath(value[name]) for name in places}
        assert named == {name: os.path.realpath(path) for name, path in places.items()}
        assert unknown_plans(value["plans_registered"], stack) == []
        moment = datetime.fromisoformat(value["started_at"])
        in_time = moment.tzinfo is None or begun - SKEW <= moment.timestamp() <= time.time() + SKEW
        assert in_time, f"$.started_at: the time of this case expected, got {moment}"
    assert status["started_at"] == started["started_at"]
    assert Path(status["state_file"]).is_file()


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("fault", ["dead", "silent", "babbling", "hanging"])
def test_status_not_ready_without_engine(stack: Stack, fault: str) -> None:
    """With an engine that cannot run or gives no answer, `status` does not repeat what `start` once saw."""
    done = Lis(stack.with_engine(fault)).db("status", timeout=PATIENCE if fault == "hanging" else 60.0)
    if fault != "hanging" or not done.problem:  # a status that waits says nothing that is not true
        assert_not_ready(done)


def test_start_refused_without_engine(lis: Lis, stack: Stack) -> None:
    done = Lis(stack.with_engine("silent")).db("start")
    assert not done.problem
    assert done.code != 0, "exit 0 although the engine answers nothing"
    assert not fields(done.out).get("ready"), "$.ready: false expected"
    assert_not_ready(lis.db("status"))


def test_migrate_keeps_rows(lis: Lis, engine: LidbEmbed, stack: Stack) -> None:
    """`migrate` on an empty directory makes the schema; again, it keeps what is there."""
    assert_ends_well(lis.db("migrate"))
    assert (stack.data / HEAP).is_file()
    engine.rows(INSERT, "k1", "migrated", "a package")
    assert_ends_well(lis.db("migrate"))
    assert engine.rows(READ, "k1") == [{"id": "k1", "name": "migrated"}]


@pytest.mark.usefixtures("started", "run")
def test_stop_keeps_heap(lis: Lis, stack: Stack, bridge: Bridge) -> None:
    """`stop` forgets the state; the data stays, and so does the record of who did what."""
    bridge.run("probe")
    before = audit_logs(stack.data)
    assert_ends_well(lis.db("stop"))
    assert (stack.data / HEAP).stat().st_size
    after = audit_logs(stack.data)
    for path, text in before.items():
        assert after.get(path, b"").startswith(text), f"{path.name} does not begin as it did before stop"


@pytest.mark.usefixtures("started")
def test_status_not_ready_after_stop(lis: Lis) -> None:
    assert_ends_well(lis.db("stop"))
    assert_not_ready(lis.db("status"))


@pytest.mark.usefixtures("started")
def test_start_finds_data_again(lis: Lis, package: Row, run: Row, engine: LidbEmbed, bridge: Bridge) -> None:
    """`start` again is ready, and the rows of before are there."""
    assert_ends_well(lis.db("stop"))
    assert_ready(lis.answer("start"))
    assert engine.rows(READ, package["id"]) == [package]
    assert bridge.rows("read_liq", "read agent_runs { id, status }") == [run]


def assert_ends_well(done: Done) -> None:
    """Exit 0, and nothing runs any more."""
    assert (done.code, done.problem) == (0, ""), done.ending


def assert_ready_now(done: Done) -> Started:
    """`status` is exit 0 and ready: its probe has reached the engine."""
    status: Started = answer("lis-status", done, code=None)
    assert done.code == 0, f"exit 0 expected when ready, got exit {done.code}: {status['error']}"
    assert_ready(status)
    assert (status["probe"], status["error"]) == ("ok", None)
    return status


def assert_ready(value: Started) -> None:
    """Every check holds."""
    assert value["ready"] and value["live"] and value["migrated"], value
    assert all(value["checks"].values()), value["checks"]
    assert value["plans_registered"], "$.plans_registered: at least one plan expected, got none"


def assert_not_ready(done: Done) -> None:
    """It is not exit 0, and an answer of the contract that says so."""
    status = answer("lis-status", done, code=None)
    assert done.code != 0, "exit 0 although it cannot be ready"
    assert not status["ready"], "$.ready: false expected, got true"
    assert status["probe"] != "ok", '$.probe: "skipped" or "failed" expected, got "ok"'


def unknown_plans(plans: list[str], stack: Stack) -> list[str]:
    """The plans that no file of lis or lidb names."""
    files = [
        path.read_bytes()
        for repo in ("lis", "lidb")
        for path in stack.repo(repo).rglob("*")
        if path.suffix in PROFILES and path.is_file() and path.stat().st_size <= SIZE
    ]
    return [plan for plan in plans if not plan or not any(plan.encode() in text for text in files)]


def audit_logs(data: Path) -> dict[Path, bytes]:
    """What is only ever appended to: lines of JSON below the data directory, by their file."""
    paths = [path for path in data.rglob("*") if path.is_file() and (path.suffix == ".jsonl" or "audit" in path.name)]
    return {path: path.read_bytes() for path in paths}
