"""lis: start, status, migrate and stop of a data directory. Ready means that the engine answers now."""

import os
import time
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from checks.contracts.answers import answer, fields
from checks.contracts.programs import Done
from checks.contracts.stack import INSERT, READ, Bridge, LidbEmbed, Lis, Row, Stack

HEAP = Path(".lidb") / "catalog.heap"
PATIENCE = 1.5  # seconds in which lis may notice that an engine hangs; a later answer is not waited for
SKEW = 2.0  # seconds: times are written in whole ones
READY = {"catalog": "ok", "engine": "ok", "plans": "ok", "tcp_listen": "off"}  # the words of a database that is
PROFILES = ("registry-min", "control-plane-min")
Started = dict[str, Any]


@pytest.mark.parametrize("profile", PROFILES)
def test_start_ready(stack: Stack, profile: str) -> None:
    """After `start` everything is checked, there is a heap, and every plan of the profile is registered."""
    started = Lis(stack.with_env(LI_PROFILE=profile)).answer("start")
    assert_ready(started)
    assert (stack.data / HEAP).stat().st_size
    assert_is_of(started, profile, stack)


@pytest.mark.parametrize("profile", PROFILES)
def test_status_ready(stack: Stack, profile: str) -> None:
    """`status` is exit 0, ready by its own probe, and has what `start` has said."""
    lis = Lis(stack.with_env(LI_PROFILE=profile))
    started, status = lis.answer("start"), lis.answer("status")
    assert_ready(status)
    assert status["probe"] == "ok"
    differing = [name for name in started if status.get(name) != started[name]]
    assert not differing, f"start and status differ in {', '.join(differing)}"


def test_status_not_ready_before_start(lis: Lis) -> None:
    """Of a cold directory nothing is known but that: no plans, no binary, no time."""
    status = assert_not_ready(lis.db("status"))
    assert status["probe"] == "skipped"
    assert status["checks"] == {"catalog": "missing", "engine": "failed", "tcp_listen": "off"}
    assert_not_started(status)


def test_values_are_true(lis: Lis, stack: Stack) -> None:
    """What `start` and `status` name is there: this checkout, catalog and engine, this moment."""
    begun = time.time()
    started, status = lis.answer("start"), lis.answer("status")
    places = {
        "data_dir": stack.data, "lidb_repo": stack.repo("lidb"), "catalog": stack.data / HEAP,
        "embed_binary": Path(stack.env["LIDB_EMBED"]),
    }  # fmt: skip
    for value in (started, status):
        named = {name: os.path.realpath(value[name]) for name in places}
        assert named == {name: os.path.realpath(path) for name, path in places.items()}
    moment = datetime.fromisoformat(started["started_at"])
    in_time = moment.tzinfo is None or begun - SKEW <= moment.timestamp() <= time.time() + SKEW
    assert in_time, f"$.started_at: the time of this case expected, got {moment}"
    assert Path(status["state_file"]).is_file()


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("fault", ["dead", "silent", "babbling", "hanging"])
def test_status_not_ready_without_engine(stack: Stack, fault: str) -> None:
    """With an engine that cannot run or gives no answer, `status` does not repeat what `start` once saw."""
    done = Lis(stack.with_engine(fault)).db("status", timeout=PATIENCE if fault == "hanging" else 60.0)
    if fault != "hanging" or not done.problem:  # a status that waits says nothing that is not true
        status = assert_not_ready(done)
        assert status["checks"]["engine"] == "failed"
        assert status["probe"] != "ok", '$.probe: "skipped" or "failed" expected, got "ok"'


def test_start_refused_without_engine(lis: Lis, stack: Stack) -> None:
    done = Lis(stack.with_engine("silent")).db("start")
    assert not done.problem
    assert done.code == 1, f"exit 1 expected, got {done.ending}"
    assert not fields(done.out).get("ready"), "$.ready: false expected"
    assert_not_ready(lis.db("status"))


def test_migrate(lis: Lis, engine: LidbEmbed, stack: Stack) -> None:
    """`migrate` on an empty directory makes the schema; again, it keeps what is there."""
    assert_about(lis.answer("migrate"), stack)
    assert (stack.data / HEAP).is_file()
    engine.rows(INSERT, "k1", "migrated", "a package")
    assert_about(lis.answer("migrate"), stack)
    assert engine.rows(READ, "k1") == [{"id": "k1", "name": "migrated"}]


@pytest.mark.usefixtures("started", "run")
def test_stop_keeps_heap(lis: Lis, stack: Stack, bridge: Bridge) -> None:
    """`stop` forgets the state; the data stays, and so does the record of who did what."""
    bridge.run("probe")
    before = audit_logs(stack.data)
    assert_about(lis.answer("stop"), stack)
    assert (stack.data / HEAP).stat().st_size
    after = audit_logs(stack.data)
    for path, text in before.items():
        assert after.get(path, b"").startswith(text), f"{path.name} does not begin as it did before stop"


@pytest.mark.usefixtures("started")
def test_status_not_ready_after_stop(lis: Lis) -> None:
    """The engine still answers, and nobody has registered a plan: exit 1."""
    lis.answer("stop")
    status = assert_not_ready(lis.db("status"))
    assert (status["probe"], status["migrated"]) == ("ok", True)
    assert status["checks"] == {"catalog": "ok", "engine": "ok", "tcp_listen": "off"}
    assert_not_started(status)


@pytest.mark.usefixtures("started")
def test_start_finds_data_again(lis: Lis, package: Row, run: Row, engine: LidbEmbed, bridge: Bridge) -> None:
    """`start` again is ready, and the rows of before are there."""
    lis.answer("stop")
    assert_ready(lis.answer("start"))
    assert engine.rows(READ, package["id"]) == [package]
    assert bridge.rows("read_liq", "read agent_runs { id, agent_id, status }") == [run]


def assert_about(value: Started, stack: Stack) -> None:
    """It is about this very directory."""
    assert os.path.realpath(value["data_dir"]) == os.path.realpath(stack.data)


def assert_is_of(value: Started, profile: str, stack: Stack) -> None:
    """It says what the profile's own file says."""
    text = (stack.repo("lis") / "profiles" / f"{profile}.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    head, hosting = written["profile"], written["hosting"]
    expected = {name: head[name] for name in ("embed_mode", "tcp_port", "migration")} | {
        **{name: hosting[name] for name in ("service", "readiness_requires", "liveness_interval_sec")},
        "profile": head["name"], "verticals": [vertical["id"] for vertical in written["vertical"]],
        "plans_registered": len(written["plan"]),
    }  # fmt: skip
    assert {name: value[name] for name in expected} == expected


def assert_ready(value: Started) -> None:
    """It is ready, and every check says so in its word."""
    flags = [name for name in ("ready", "live", "migrated") if value[name] is not True]
    assert not flags, f"true expected, got false: {', '.join(flags)}"
    assert value["checks"] == READY
    assert value["plans_registered"] > 0, "$.plans_registered: at least one plan expected, got none"


def assert_not_ready(done: Done) -> Started:
    """It is exit 1, and an answer of the contract that says so."""
    status: Started = answer("lis-status", done, code=None)
    assert done.code == 1, f"exit 1 expected when not ready, got {done.ending}"
    assert status["ready"] is False, "$.ready: false expected, got true"
    return status


def assert_not_started(status: Started) -> None:
    """It has nothing that only a start can know."""
    known = sorted({"plans_registered", "started_at", "embed_binary", "lidb_repo"} & status.keys())
    assert not known, f"said although nothing was started: {', '.join(known)}"


def audit_logs(data: Path) -> dict[Path, bytes]:
    """What is only ever appended to: lines of JSON below the data directory, by their file."""
    paths = [path for path in data.rglob("*") if path.is_file() and (path.suffix == ".jsonl" or "audit" in path.name)]
    return {path: path.read_bytes() for path in paths}
