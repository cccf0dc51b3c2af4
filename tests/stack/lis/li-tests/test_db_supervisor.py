"""The supervisor on the real engine; skipped where cmake or the lidb checkout is missing."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lis import cli, profile

pytestmark = [
    pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on PATH"),
    pytest.mark.skipif(
        not Path(os.environ.get("LIDB_REPO", ""), "liorm", "__init__.py").is_file(),
        reason="LIDB_REPO names no lidb checkout",
    ),
]

ROOT = Path(__file__).resolve().parent.parent
# What every document has, what `start` adds, what `status` adds.
FIELDS = {
    "protocol_version", "live", "ready", "profile", "data_dir", "catalog", "migration", "verticals", "migrated",
    "engine", "checks", "tcp_listen", "tcp_port", "embed_mode", "service", "readiness_requires",
    "liveness_interval_sec",
}  # fmt: skip
STARTED = {"lidb_repo", "embed_binary", "plans_registered", "started_at"}
PROBED = {"state_file", "probe"}


class Lis:
    """`lis db` on one data directory."""

    def __init__(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data_dir = data_dir
        self._capsys = capsys

    def __call__(self, command: str, *options: str) -> tuple[int, dict[str, Any]]:
        """Give the exit code and the document; none when it printed none."""
        code = cli.main(["db", command, "--json", "--data-dir", str(self.data_dir), *options])
        return code, json.loads(self._capsys.readouterr().out or "{}")


@pytest.fixture
def lis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lis:
    """Give `lis db` on a fresh data directory."""
    return Lis(tmp_path / "data", capsys)


def test_profile_loads_registry_min() -> None:
    loaded = profile.load("registry-min")
    assert (loaded.name, loaded.tcp_port, loaded.service) == ("registry-min", 0, "registry")
    assert "agent_runs.recent" in loaded.plans


def test_profile_loads_control_plane_min() -> None:
    loaded = profile.load("control-plane-min")
    assert (loaded.service, loaded.verticals) == ("control-plane", ("registry", "control-plane"))
    assert {"control_plane_state.latest", "agent_runs.recent"} <= set(loaded.plans)


def test_tcp_wire_stub_profile_documents_not_implemented(lis: Lis) -> None:
    loaded = profile.load("tcp-wire-stub")
    assert (loaded.tcp_port, loaded.embed_mode) == (54321, "tcp_loopback")
    assert lis("start", "--profile", "tcp-wire-stub") == (1, {})


def test_supervisor_start_status_stop(lis: Lis) -> None:
    code, started = lis("start")
    assert code == 0
    assert set(started) == FIELDS | STARTED
    assert started["ready"]
    assert started["checks"] == {"catalog": "ok", "engine": "ok", "plans": "ok", "tcp_listen": "off"}
    assert started["plans_registered"] == 3
    assert Path(started["catalog"]).stat().st_size > 0
    assert json.loads((lis.data_dir / ".lis" / "db-state.json").read_text()) == started
    code, status = lis("status")
    assert code == 0
    assert set(status) == FIELDS | STARTED | PROBED
    assert (status["ready"], status["probe"]) == (True, "ok")
    assert lis("stop") == (0, {"stopped": True, "data_dir": str(lis.data_dir)})
    assert not (lis.data_dir / ".lis" / "db-state.json").exists()


def test_control_plane_min_supervisor(lis: Lis) -> None:
    code, started = lis("start", "--profile", "control-plane-min")
    assert (code, started["ready"], started["service"]) == (0, True, "control-plane")
    assert started["plans_registered"] == 7
    assert "control-plane" in started["verticals"]


def test_cli_smoke_subprocess(tmp_path: Path) -> None:
    env = os.environ | {"LI_DATA_DIR": str(tmp_path), "LI_PROFILE": "registry-min", "PYTHONPATH": str(ROOT)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "lis.cli", "db", *words]
        return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    for words in (("start", "--json"), ("status", "--json"), ("stop",)):
        done = run(*words)
        assert done.returncode == 0, done.stderr
    stopped = run("status", "--json")
    assert stopped.returncode == 1, "status after stop is exit 1: nothing is ready"
    document = json.loads(stopped.stdout)
    assert (document["ready"], document["migrated"], document["probe"]) == (False, True, "ok")


def test_status_before_start_is_not_ready(lis: Lis) -> None:
    code, document = lis("status")
    assert code == 1
    assert set(document) == FIELDS | PROBED
    assert (document["ready"], document["probe"]) == (False, "skipped")
    assert document["checks"] == {"catalog": "missing", "engine": "failed", "tcp_listen": "off"}
    assert not lis.data_dir.exists()


def test_status_notices_a_damaged_database(lis: Lis) -> None:
    _, started = lis("start")
    Path(started["catalog"]).write_bytes(b"something else")
    code, document = lis("status")
    assert code == 1
    assert (document["ready"], document["probe"], document["checks"]["engine"]) == (False, "failed", "failed")
    assert "is not a heap" in document["error"]


def test_status_notices_a_damaged_state(lis: Lis) -> None:
    lis("start")
    (lis.data_dir / ".lis" / "db-state.json").write_text("{")
    code, document = lis("status")
    assert (code, document["ready"], document["state_error"]) == (1, False, "invalid db-state.json")


def test_migrate_twice_changes_nothing(lis: Lis) -> None:
    for _ in range(2):
        assert lis("migrate") == (0, {"migrated": True, "data_dir": str(lis.data_dir)})


def test_stop_keeps_the_data(lis: Lis) -> None:
    lis("start")
    liorm = importlib.import_module("liorm")
    name = secrets.token_hex(8)
    engine = liorm.Engine(lis.data_dir)
    engine.execute_sql("INSERT INTO packages (id, name) VALUES (?, ?)", ["k1", name])
    assert lis("stop")[0] == 0
    assert lis("status")[0] == 1
    assert lis("start")[0] == 0
    rows = liorm.execute("packages.by_name", {"name": name}, engine)
    assert rows == [{"id": "k1", "name": name}]


def test_engine_that_does_not_run_is_an_error(
    lis: Lis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("LIDB_EMBED", str(broken))
    assert lis("start") == (1, {})
    assert not (lis.data_dir / ".lis").exists()


def test_unknown_profile_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["db", "start", "--profile", "nowhere"]) == 1
    assert "registry-min" in capsys.readouterr().err
