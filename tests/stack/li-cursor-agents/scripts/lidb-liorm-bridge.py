#!/usr/bin/env python3
"""Node to liorm: one command, one line of JSON; exit code 0 only when `ok`.

probe                    does the engine answer?
read_liq LIQ [PARAMS]    a read, as the agent profile allows it
exec_sql SQL PARAMS      raw SQL, for operators; audited
upsert_agent_run JSON    insert a run, or update the one with this id
serve                    {"cmd": "…", "args": […]} per line, one answer per line, one engine session
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PROTOCOL_VERSION = 1
RUN_COLUMNS = ("agent", "status", "summary", "attempt", "updated_at")
_CHECKOUT = Path(__file__).resolve().parent.parent


def lidb_repo() -> Path:
    """`LI_LIDB_REPO` where it is a directory, else the sibling checkout."""
    given = os.environ.get("LI_LIDB_REPO", "")
    return Path(given) if given and Path(given).is_dir() else _CHECKOUT.parent / "lidb"


sys.path.insert(0, str(lidb_repo()))
try:
    import liorm
    import liq
except ImportError as error:
    print(json.dumps({"ok": False, "error": f"no liorm in {lidb_repo()}: {error}"}))
    sys.exit(1)


class Bridge:
    """The commands, on one data directory."""

    def __init__(self, *, session: bool) -> None:
        self._session = session
        self._engine: liorm.Engine | None = None

    def answer(self, command: str, args: list[str]) -> dict[str, Any]:
        """Run one command; what goes wrong becomes part of the answer."""
        commands = {
            "probe": self.probe,
            "read_liq": self.read_liq,
            "exec_sql": self.exec_sql,
            "upsert_agent_run": self.upsert_agent_run,
        }
        try:
            if command not in commands:
                known = ", ".join(commands)
                return {"ok": False, "error": f"unknown command {command!r}; there are: {known}"}
            return commands[command](*args)
        except (liorm.LiormError, liq.LiqError, TypeError, ValueError) as error:
            return {"ok": False, "error": str(error)}

    def probe(self) -> dict[str, Any]:
        """Say whether the engine answers; that it does not is an answer too."""
        try:
            rows = self._raw("SELECT 1 AS ok", [])
        except liorm.EngineError:
            rows = []
        return {"ok": True, "engine": rows == [{"ok": 1}], "protocol_version": PROTOCOL_VERSION}

    def read_liq(self, source: str, params: str = "{}") -> dict[str, Any]:
        """Run a read."""
        plan = f"bridge.{source}"
        if liorm.register_plan(plan, source)["ir"]["kind"] != "read":
            return {"ok": False, "error": "read_liq takes reads only"}
        rows = liorm.execute(plan, json.loads(params), self.engine())
        return {"ok": True, "rows": rows, "row_count": len(rows)}

    def exec_sql(self, sql: str, params: str) -> dict[str, Any]:
        """Run one statement."""
        rows = self._raw(sql, json.loads(params))
        return {"ok": True, "rows": rows, "row_count": len(rows)}

    def upsert_agent_run(self, text: str) -> dict[str, Any]:
        """Write a run, whether it was there or not."""
        run = json.loads(text)
        run_id = run.pop("id", None)
        if not isinstance(run_id, str) or set(run) - set(RUN_COLUMNS):
            return {"ok": False, "error": f"a run has an id and any of {', '.join(RUN_COLUMNS)}"}
        row = {column: run.get(column) for column in RUN_COLUMNS} | {"id": run_id}
        found = self.read_liq("read agent_runs { id } where id = $id", json.dumps({"id": run_id}))
        exists = found["row_count"] > 0
        if exists:
            write = f"update agent_runs set {', '.join(f'{c} = ${c}' for c in RUN_COLUMNS)} where id = $id"
        else:
            write = f"insert agent_runs {{ {', '.join(f'{c}: ${c}' for c in row)} }}"
        plan = "bridge.update_agent_run" if exists else "bridge.insert_agent_run"
        liorm.register_plan(plan, write)
        liorm.execute(plan, row, self.engine())
        return {"ok": True, "run_id": run_id, "protocol_version": PROTOCOL_VERSION}

    def engine(self) -> liorm.Engine:
        """Give the engine, opened and migrated on first use."""
        if self._engine is None:
            engine = liorm.Engine(Path(os.environ.get("LI_DATA_DIR", "./.li-data")), session=self._session)
            engine.open_and_migrate()
            self._engine = engine
        return self._engine

    def close(self) -> None:
        """End the engine's session."""
        if self._engine is not None:
            self._engine.close()

    def _raw(self, sql: str, params: list[Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = liorm.execute_raw(sql, params, self.engine(), liorm.Profile.OPERATOR)
        return rows


def serve(bridge: Bridge) -> int:
    """Answer requests until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(bridge.answer(request["cmd"], request["args"])), flush=True)
    return 0


def main(argv: list[str]) -> int:
    """Run the command that the arguments name."""
    serving = argv == ["serve"]
    bridge = Bridge(session=serving)
    try:
        if serving:
            return serve(bridge)
        answer = bridge.answer(argv[0] if argv else "", argv[1:])
        print(json.dumps(answer))
        return 0 if answer["ok"] else 1
    finally:
        bridge.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
