"""liorm: plans by name, parameters by type, capabilities by profile."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

import liorm

if TYPE_CHECKING:
    from pathlib import Path

ADD = "insert packages { id: $id, name: $name }"
READ = "read packages { id, name } where id = $id"


@pytest.fixture
def plans() -> None:
    liorm.register_plan("packages.add", ADD)
    liorm.register_plan("packages.by_id", READ)


@pytest.mark.usefixtures("plans")
def test_plan_writes_and_reads(engine: liorm.Engine) -> None:
    name = secrets.token_hex(8)
    liorm.execute("packages.add", {"id": "k1", "name": name}, engine)
    assert liorm.execute("packages.by_id", {"id": "k1"}, engine) == [{"id": "k1", "name": name}]
    assert liorm.execute("packages.by_id", {"id": "k2"}, engine) == []


@pytest.mark.usefixtures("plans")
def test_session_gives_the_same_answers(engine: liorm.Engine) -> None:
    session = liorm.Engine(engine.data_dir, session=True)
    try:
        liorm.execute("packages.add", {"id": "k1", "name": "demo"}, session)
        assert liorm.execute("packages.by_id", {"id": "k1"}, engine) == [{"id": "k1", "name": "demo"}]
        with pytest.raises(liorm.EngineError, match="primary key exists"):
            liorm.execute("packages.add", {"id": "k1", "name": "demo"}, session)
        assert liorm.execute("packages.by_id", {"id": "k1"}, session) == [{"id": "k1", "name": "demo"}]
    finally:
        session.close()


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("params", [{}, {"id": "k1", "more": 1}, {"id": 7}, {"id": True}])
def test_wrong_parameters_are_refused(engine: liorm.Engine, params: dict[str, object]) -> None:
    with pytest.raises(liorm.PlanError):
        liorm.execute("packages.by_id", params, engine)


def test_unknown_plan_is_refused(engine: liorm.Engine) -> None:
    with pytest.raises(liorm.PlanError, match="unknown plan"):
        liorm.execute("nowhere", {}, engine)


@pytest.mark.usefixtures("plans")
def test_plan_keeps_its_query() -> None:
    liorm.register_plan("packages.by_id", READ)
    with pytest.raises(liorm.PlanError, match="another query"):
        liorm.register_plan("packages.by_id", ADD)


def test_raw_sql_is_for_operators(engine: liorm.Engine) -> None:
    with pytest.raises(liorm.CapabilityError, match="RawSql"):
        liorm.execute_raw("SELECT 1 AS ok", [], engine)
    assert liorm.execute_raw("SELECT 1 AS ok", [], engine, liorm.Profile.OPERATOR) == [{"ok": "1"}]
    events = [record["event"] for record in liorm.AuditLog(engine.data_dir).records()]
    assert events == ["refused", "allowed"]


@pytest.mark.parametrize("script", ["exit 3", "exit 0", "echo nonsense", "echo '{}'"])
def test_broken_engine_is_an_error(tmp_path: Path, engine: liorm.Engine, script: str) -> None:
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    engine.binary = broken
    with pytest.raises(liorm.EngineError):
        engine.execute_sql("SELECT 1 AS ok")
    with pytest.raises(liorm.EngineError):
        engine.open_and_migrate()
