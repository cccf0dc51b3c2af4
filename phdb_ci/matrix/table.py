"""The parsed file as the rules read it: as it should be, and as empty where it is of another type.

All problems are shown in one run, so the rules also look at files that have the wrong shape elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phdb_ci.matrix.locate import Path


@dataclass(frozen=True)
class Table:
    """A table of the file and the path that leads to it."""

    path: Path
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return str(self.path[-1])

    def table(self, key: str) -> "Table":
        """The table at key."""
        value = self.values.get(key)
        return Table(self.at(key), value if isinstance(value, dict) else {})

    def tables(self, key: str) -> list["Table"]:
        """The tables in the table at key: `[jobs.NAME]` for `jobs`."""
        inner = self.table(key)
        return [inner.table(name) for name, value in inner.values.items() if isinstance(value, dict)]

    def rows(self, key: str) -> list["Table"]:
        """The tables in the list at key."""
        value = self.values.get(key)
        rows = enumerate(value) if isinstance(value, list) else ()
        return [Table((*self.path, key, index), row) for index, row in rows if isinstance(row, dict)]

    def texts(self, key: str) -> list[tuple[Path, str]]:
        """The text at key, or those in the table or list there, each with its path."""
        value, path = self.values.get(key), self.at(key)
        entries: dict[Path, Any] = {path: value}
        if isinstance(value, dict):
            entries = {(*path, name): item for name, item in value.items()}
        elif isinstance(value, list):
            entries = {(*path, index): item for index, item in enumerate(value)}
        return [(place, item) for place, item in entries.items() if isinstance(item, str)]

    def text(self, key: str) -> str | None:
        """The text at key."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def words(self, key: str) -> tuple[str, ...]:
        """The same texts without their paths."""
        return tuple(text for _, text in self.texts(key))

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys of the table at key."""
        return tuple(self.table(key).values)

    def at(self, key: str) -> Path:
        """The path of key."""
        return (*self.path, key)
