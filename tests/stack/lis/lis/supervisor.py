"""The supervisor: brings a data directory up, says whether it is ready, takes it down.

The engine is embedded: each operation is a call of `lidb_embed`, so nothing keeps running between commands.
What `start` leaves behind is the state file; what `status` says comes from the engine, asked at that moment.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import lidb
from .errors import LisError

if TYPE_CHECKING:
    from pathlib import Path

    from .profile import Profile

PROTOCOL_VERSION = "1"
# A read that every migrated database can answer, whatever is in it.
PROBE = ("lis.probe", "read publishers { id } limit 1")


class Supervisor:
    """One data directory under one profile."""

    def __init__(self, data_dir: Path, profile: Profile) -> None:
        self.data_dir = data_dir.resolve()
        self.profile = profile
        self.state_file = self.data_dir / ".lis" / "db-state.json"
        self.catalog = self.data_dir / ".lidb" / "catalog.heap"
        self._lidb_repo = lidb.checkout()
        self._liorm = lidb.liorm()

    def start(self) -> dict[str, Any]:
        """Migrate, register the plans, check that the engine answers, and write that down."""
        engine = self._open()
        plans = self._register_plans()
        self._probe(engine)
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        document = self._document(str(engine.binary), plans, started_at, answered=True)
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.state_file.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.state_file)
        return document

    def migrate(self) -> dict[str, Any]:
        """Bring the schema up to date; doing it again changes nothing."""
        engine = self._open()
        return {
            "protocol_version": PROTOCOL_VERSION,
            "migrated": True,
            "data_dir": str(self.data_dir),
            "catalog": str(self.catalog),
            "embed_binary": str(engine.binary),
        }

    def status(self) -> dict[str, Any]:
        """Say what `start` left, and ask the engine whether it holds now."""
        started = self._started()
        binary: str | None = started.get("embed_binary")
        plans: list[str] = []
        probe, error = "skipped", None
        if not started:
            error = "not started"
        elif not self._has_catalog():
            error = f"no catalog at {self.catalog}"
        else:
            try:
                engine = self._liorm.Engine(self.data_dir)
                binary, plans = str(engine.binary), self._register_plans()
                self._probe(engine)
                probe = "ok"
            except LisError as failure:
                probe, error = "failed", str(failure)
        document = self._document(binary, plans, started.get("started_at"), answered=probe == "ok")
        return document | {"state_file": str(self.state_file), "probe": probe, "error": error}

    def stop(self) -> dict[str, Any]:
        """Forget the state; the data stays."""
        was_started = self.state_file.exists()
        self.state_file.unlink(missing_ok=True)
        return {
            "protocol_version": PROTOCOL_VERSION,
            "stopped": was_started,
            "data_dir": str(self.data_dir),
            "catalog_kept": self._has_catalog(),
        }

    def _open(self) -> Any:
        try:
            engine = self._liorm.Engine(self.data_dir)
            engine.open_and_migrate()
        except self._liorm.LiormError as error:
            raise LisError(str(error)) from error
        return engine

    def _register_plans(self) -> list[str]:
        for plan_id, source in self.profile.plans.items():
            self._liorm.register_plan(plan_id, source)
        return sorted(self.profile.plans)

    def _probe(self, engine: Any) -> None:
        plan_id, source = PROBE
        self._liorm.register_plan(plan_id, source)
        try:
            self._liorm.execute(plan_id, {}, engine)
        except self._liorm.LiormError as error:
            raise LisError(str(error)) from error

    def _started(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise LisError(f"{self.state_file} is damaged ({error}); `lis db stop` removes it") from error
        return state

    def _has_catalog(self) -> bool:
        return self.catalog.is_file() and self.catalog.stat().st_size > 0

    def _document(
        self, binary: str | None, plans: list[str], started_at: str | None, *, answered: bool
    ) -> dict[str, Any]:
        checks = {
            "catalog": self._has_catalog(),
            "engine": answered and binary is not None and os.access(binary, os.X_OK),
            "plans": plans == sorted(self.profile.plans),
            "tcp_listen": self.profile.tcp_port == 0,  # as the profile wants it: nothing listens
        }
        return {
            "protocol_version": PROTOCOL_VERSION,
            "ready": started_at is not None and all(checks.values()),
            "live": started_at is not None,
            "profile": self.profile.name,
            "data_dir": str(self.data_dir),
            "lidb_repo": str(self._lidb_repo),
            "catalog": str(self.catalog),
            "migrated": checks["catalog"] and checks["engine"],
            "engine": "lidb_embed",
            "embed_binary": binary,
            "plans_registered": plans,
            "checks": checks,
            "tcp_listen": False,
            "tcp_port": self.profile.tcp_port,
            "embed_mode": "subprocess",
            "started_at": started_at,
        }
