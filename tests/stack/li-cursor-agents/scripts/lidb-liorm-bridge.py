#!/usr/bin/env python3
"""Node to liorm: one command, one line of JSON; exit code 0 only when `ok`.

probe                    does the engine answer?
read_liq LIQ             a read, as the agent profile allows it
exec_sql SQL [PARAMS]    raw SQL, for operators; audited
upsert_agent_run JSON    insert a run, or update the one with this run_id
serve                    {"cmd": "…", "args": […]} per line, one answer per line, one engine session

The answers: docs/plans/lidb-bridge-protocol.md.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RUN_COLUMNS = ("run_id", "agent_id", "status", "started_at")
USAGE = "usage: lidb-liorm-bridge.py <command> [args]"
_CHECKOUT = Path(__file__).resolve().parent.parent


def lidb_repo() -> Path:
    """`LI_LIDB_REPO` where it is a directory, else the sibling checkout."""
    given = os.environ.get("LI_LIDB_REPO", "")
    return Path(given) if given and Path(given).is_dir() else _CHECKOUT.parent / "lidb"


def data_dir() -> Path:
    """`LIDB_DATA_DIR`, else `LI_DATA_DIR`, else a directory here."""
    return Path(os.environ.get("LIDB_DATA_DIR") or os.environ.get("LI_DATA_DIR") or "./.li-data")


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
                return {"ok": False, "error": f"unknown command: {command}"}
            return commands[command](*args)
        except (liorm.LiormError, liq.LiqError, TypeError, ValueError, KeyError) as error:
            return {"ok": False, "error": str(error)}

    def probe(self) -> dict[str, Any]:
        """Say whether the engine answers; that it does not is an answer too."""
        try:
            rows = self._raw("SELECT 1 AS ok", [])
        except liorm.EngineError:
            rows = []
        return {"ok": True, "engine": rows == [{"ok": "1"}]}

    def read_liq(self, source: str) -> dict[str, Any]:
        """Run a read that takes no parameters."""
        plan = f"bridge.{source}"
        if liorm.register_plan(plan, source)["ir"]["kind"] != "read":
            return {"ok": False, "error": "read_liq takes reads only"}
        rows = liorm.execute(plan, {}, self.engine())
        return {"ok": True, "rows": rows, "row_count": len(rows)}

    def exec_sql(self, sql: str, params: str = "[]") -> dict[str, Any]:
        """Run one statement."""
        rows = self._raw(sql, json.loads(params))
        return {"ok": True, "rows": rows, "row_count": len(rows)}

    def upsert_agent_run(self, text: str) -> dict[str, Any]:
        """Write a run, whether it was there or not."""
        run = json.loads(text)
        row = {column: str(run.get(column) or "") for column in RUN_COLUMNS} | {"run_id": str(run["run_id"])}
        exists = self._raw("SELECT id FROM agent_runs WHERE id = ?", [row["run_id"]]) != []
        if exists:
            changed = ", ".join(f"{column} = ${column}" for column in RUN_COLUMNS)
            write = f"update agent_runs set {changed} where id = $id"
        else:
            given = ", ".join(f"{column}: ${column}" for column in ("id", *RUN_COLUMNS))
            write = f"insert agent_runs {{ {given} }}"
        plan = "bridge.update_agent_run" if exists else "bridge.insert_agent_run"
        liorm.register_plan(plan, write)
        liorm.execute(plan, row | {"id": row["run_id"]}, self.engine())
        return {"ok": True, "run_id": row["run_id"]}

    def engine(self) -> liorm.Engine:
        """Give the engine, opened and migrated on first use."""
        if self._engine is None:
            engine = liorm.Engine(data_dir(), session=self._session)
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
    if not argv:
        print(json.dumps({"ok": False, "error": USAGE}))
        return 2
    serving = argv == ["serve"]
    bridge = Bridge(session=serving)
    try:
        if serving:
            return serve(bridge)
        answer = bridge.answer(argv[0], argv[1:])
        print(json.dumps(answer))
        return 0 if answer["ok"] else 1
    finally:
        bridge.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
