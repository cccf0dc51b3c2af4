"""The two engines that are measured, behind the same three operations."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Protocol

SCHEMA = Path(__file__).resolve().parent.parent / "schema" / "registry-v1.sql"


class MissingError(Exception):
    """An engine that this machine does not have."""


class Registry(Protocol):
    """What the benchmark asks of an engine."""

    def execute(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """Run one durable statement with `?` for its parameters."""

    def close(self) -> None:
        """Let go of it."""


class Lidb:
    """lidb through liorm, one session."""

    def __init__(self, data_dir: Path) -> None:
        root = Path(os.environ.get("LIDB_ROOT", ""))
        if not (root / "liorm" / "__init__.py").is_file():
            raise MissingError("LIDB_ROOT names no lidb checkout")
        sys.path.insert(0, str(root))
        import liorm

        try:
            self._engine = liorm.Engine(data_dir, session=True)
            self._engine.open_and_migrate()
        except liorm.LiormError as error:
            raise MissingError(str(error)) from error

    def execute(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """Run one statement."""
        return [tuple(row.values()) for row in self._engine.execute_sql(sql, params)]

    def close(self) -> None:
        """End the session."""
        self._engine.close()


class Postgres:
    """Postgres through psycopg, every statement its own transaction."""

    def __init__(self) -> None:
        url = os.environ.get("POSTGRES_URL")
        if not url:
            raise MissingError("POSTGRES_URL is not set")
        try:
            import psycopg
        except ImportError as error:
            raise MissingError("psycopg is not installed") from error
        try:
            self._connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise MissingError(str(error).strip()) from error
        for statement in (
            "DROP SCHEMA IF EXISTS tier_db_registry_bench CASCADE",
            "CREATE SCHEMA tier_db_registry_bench",
            "SET search_path TO tier_db_registry_bench",
            SCHEMA.read_text(encoding="utf-8"),
        ):
            self._connection.execute(statement)

    def execute(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """Run one statement."""
        cursor = self._connection.execute(sql.replace("?", "%s"), params)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()
