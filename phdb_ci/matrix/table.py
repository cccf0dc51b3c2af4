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
        return Table((*self.path, key), value if isinstance(value, dict) else {})

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
        """The texts in the table or list at key, each with its path."""
        return [((*self.path, key, part), value) for part, value in self._entries(key) if isinstance(value, str)]

    def text(self, key: str) -> str | None:
        """The text at key."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def one(self, key: str) -> list[tuple[Path, str]]:
        """The text at key with its path, as a list of one or none."""
        text = self.text(key)
        return [] if text is None else [(self.at(key), text)]

    def words(self, key: str) -> tuple[str, ...]:
        """The text at key, or the texts in the table or list there, without their paths."""
        return tuple(text for _, text in self.one(key) + self.texts(key))

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys of the table at key."""
        return tuple(self.table(key).values)

    def at(self, key: str) -> Path:
        """The path of key."""
        return (*self.path, key)

    def _entries(self, key: str) -> list[tuple[str | int, Any]]:
        value = self.values.get(key)
        if isinstance(value, dict):
            return list(value.items())
        return list(enumerate(value)) if isinstance(value, list) else []
