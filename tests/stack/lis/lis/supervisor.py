"""The supervisor: brings a data directory up, says whether it is ready, takes it down.

The engine is embedded: each operation is a call of `lidb_embed`, so nothing keeps running between commands.
What `start` leaves behind is the state file; what `status` says comes from the engine, asked at that moment.
"""

from __future__ import annotations

import json
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
# What `status` takes over from the state that `start` has left.
KEPT = ("plans_registered", "started_at", "lidb_repo", "embed_binary")


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
        if self.profile.tcp_port:
            raise LisError(f"tcp listen on port {self.profile.tcp_port} is not implemented: {self.profile.name}")
        engine = self._open()
        plans = self._register_plans()
        self._probe(engine)
        document = self._document(plans, answered=True) | {
            "lidb_repo": str(self._lidb_repo),
            "embed_binary": str(engine.binary),
            "plans_registered": plans,
            "started_at": datetime.now(UTC).isoformat(),
        }
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.state_file.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.state_file)
        return document

    def migrate(self) -> dict[str, Any]:
        """Bring the schema up to date; doing it again changes nothing."""
        self._open()
        return {"migrated": True, "data_dir": str(self.data_dir)}

    def status(self) -> dict[str, Any]:
        """Say what `start` left, and ask the engine whether it holds now."""
        started, problems = self._started()
        probe = "skipped"
        if self._has_catalog():
            try:
                engine = self._liorm.Engine(self.data_dir)
                self._probe(engine)
                probe = "ok"
            except (LisError, self._liorm.LiormError) as failure:
                probe = "failed"
                problems["error"] = str(failure)
        plans = started.get("plans_registered")
        document = self._document(plans, answered=probe == "ok")
        document |= {"state_file": str(self.state_file), "probe": probe}
        return document | {key: started[key] for key in KEPT if key in started} | problems

    def stop(self) -> dict[str, Any]:
        """Forget the state; the data stays."""
        self.state_file.unlink(missing_ok=True)
        return {"stopped": True, "data_dir": str(self.data_dir)}

    def _open(self) -> Any:
        try:
            engine = self._liorm.Engine(self.data_dir)
            engine.open_and_migrate()
        except self._liorm.LiormError as error:
            raise LisError(str(error)) from error
        return engine

    def _register_plans(self) -> int:
        for plan_id, source in self.profile.plans.items():
            self._liorm.register_plan(plan_id, source)
        return len(self.profile.plans)

    def _probe(self, engine: Any) -> None:
        plan_id, source = PROBE
        self._liorm.register_plan(plan_id, source)
        try:
            self._liorm.execute(plan_id, {}, engine)
        except self._liorm.LiormError as error:
            raise LisError(str(error)) from error

    def _started(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Give what `start` has left (nothing: it has not run), and what is wrong with it."""
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}, {}
        except ValueError:
            return {}, {"state_error": f"invalid {self.state_file.name}"}
        return state, {}

    def _has_catalog(self) -> bool:
        return self.catalog.is_file() and self.catalog.stat().st_size > 0

    def _checks(self, plans: int | None, *, answered: bool) -> dict[str, str]:
        """Give a word for each; nothing is said of plans before `start`."""
        checks = {
            "catalog": "ok" if self._has_catalog() else "missing",
            "engine": "ok" if answered else "failed",
            "plans": "ok" if plans else "empty",
            "tcp_listen": "off",
        }
        return {name: word for name, word in checks.items() if name != "plans" or plans is not None}

    def _document(self, plans: int | None, *, answered: bool) -> dict[str, Any]:
        checks = self._checks(plans, answered=answered)
        return {
            "protocol_version": PROTOCOL_VERSION,
            "live": True,
            "ready": all(checks.get(name) == "ok" for name in self.profile.readiness_requires),
            "profile": self.profile.name,
            "data_dir": str(self.data_dir),
            "catalog": str(self.catalog),
            "migration": self.profile.migration,
            "verticals": list(self.profile.verticals),
            "migrated": self._has_catalog(),
            "engine": "lidb_embed",
            "checks": checks,
            "tcp_listen": False,
            "tcp_port": self.profile.tcp_port,
            "embed_mode": self.profile.embed_mode,
            "service": self.profile.service,
            "readiness_requires": list(self.profile.readiness_requires),
            "liveness_interval_sec": self.profile.liveness_interval_sec,
        }
