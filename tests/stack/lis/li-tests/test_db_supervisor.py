"""The supervisor on the real engine; skipped where cmake or the lidb checkout is missing."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest

from lis import cli

pytestmark = [
    pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on PATH"),
    pytest.mark.skipif(
        not Path(os.environ.get("LIDB_REPO", ""), "liorm", "__init__.py").is_file(),
        reason="LIDB_REPO names no lidb checkout",
    ),
]

FIELDS = {
    "protocol_version", "ready", "live", "profile", "data_dir", "lidb_repo", "catalog", "migrated", "engine",
    "embed_binary", "plans_registered", "checks", "tcp_listen", "tcp_port", "embed_mode", "started_at",
}  # fmt: skip


class Lis:
    """`lis db` on one data directory."""

    def __init__(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data_dir = data_dir
        self._capsys = capsys

    def __call__(self, command: str, *options: str) -> tuple[int, dict[str, Any]]:
        """Give the exit code and the document."""
        code = cli.main(["db", command, "--json", "--data-dir", str(self.data_dir), *options])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def lis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lis:
    """Give `lis db` on a fresh data directory."""
    return Lis(tmp_path / "data", capsys)


def test_start_makes_it_ready(lis: Lis) -> None:
    code, document = lis("start")
    assert code == 0
    assert set(document) == FIELDS
    assert document["ready"]
    assert document["checks"] == {"catalog": True, "engine": True, "plans": True, "tcp_listen": True}
    assert "registry.package_by_name" in document["plans_registered"]
    assert Path(document["catalog"]).stat().st_size > 0
    assert json.loads((lis.data_dir / ".lis" / "db-state.json").read_text()) == document


def test_status_asks_the_engine(lis: Lis) -> None:
    lis("start")
    code, document = lis("status")
    assert code == 0
    assert set(document) == FIELDS | {"state_file", "probe", "error"}
    assert (document["ready"], document["probe"], document["error"]) == (True, "ok", None)


def test_status_before_start_is_not_ready(lis: Lis) -> None:
    code, document = lis("status")
    assert code == 1
    assert (document["ready"], document["live"], document["probe"]) == (False, False, "skipped")
    assert not lis.data_dir.exists()


def test_status_notices_a_damaged_database(lis: Lis) -> None:
    _, started = lis("start")
    Path(started["catalog"]).write_bytes(b"something else")
    code, document = lis("status")
    assert code == 1
    assert (document["ready"], document["probe"]) == (False, "failed")
    assert "is not a heap" in document["error"]


def test_migrate_twice_changes_nothing(lis: Lis) -> None:
    for _ in range(2):
        code, document = lis("migrate")
        assert code == 0
        assert document["migrated"]


def test_stop_keeps_the_data(lis: Lis) -> None:
    lis("start")
    liorm = importlib.import_module("liorm")
    name = secrets.token_hex(8)
    engine = liorm.Engine(lis.data_dir)
    liorm.execute("registry.add_package", {"id": "k1", "name": name, "description": None}, engine)
    code, document = lis("stop")
    assert code == 0
    assert document["catalog_kept"]
    assert lis("status")[0] == 1
    assert lis("start")[0] == 0
    rows = liorm.execute("registry.package_by_name", {"name": name}, engine)
    assert rows == [{"id": "k1", "name": name, "description": None}]


def test_engine_that_does_not_run_is_an_error(
    lis: Lis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("LIDB_EMBED", str(broken))
    code, document = lis("start")
    assert code == 1
    assert not document["ready"]
    assert not (lis.data_dir / ".lis").exists()


def test_unknown_profile_is_an_error(lis: Lis) -> None:
    code, document = lis("start", "--profile", "nowhere")
    assert code == 1
    assert "registry-min" in document["error"]
