"""The parsed file as the rules read it: as it should be, and as empty where it is of another type.

All problems are shown in one run, so the rules also look at files that have the wrong shape elsewhere.
"""

from collections.abc import Mapping, Sequence
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

    def tables(self, *keys: str) -> list["Table"]:
        """The tables in the tables at keys: `[jobs.NAME]` for `jobs`."""
        inner = map(self.table, keys)
        return [table.table(name) for table in inner for name, value in table.values.items() if isinstance(value, dict)]

    def rows(self, key: str) -> list["Table"]:
        """The tables in the list at key."""
        value = self.values.get(key)
        rows = enumerate(value) if isinstance(value, list) else ()
        return [Table((*self.path, key, index), row) for index, row in rows if isinstance(row, dict)]

    def texts(self, *keys: str) -> list[tuple[Path, str]]:
        """The text at each key, or those in the table or list there, each with its path."""
        entries: list[tuple[Path, Any]] = []
        for key in keys:
            value, path = self.values.get(key), self.at(key)
            if isinstance(value, dict | list):
                items = value.items() if isinstance(value, dict) else enumerate(value)
                entries += [((*path, name), item) for name, item in items]
            else:
                entries.append((path, value))
        return [(path, item) for path, item in entries if isinstance(item, str)]

    def text(self, key: str) -> str | None:
        """The text at key."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def words(self, *keys: str) -> tuple[str, ...]:
        """The same texts without their paths."""
        return tuple(text for _, text in self.texts(*keys))

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys of the table at key."""
        return tuple(self.table(key).values)

    def at(self, key: str) -> Path:
        """The path of key."""
        return (*self.path, key)


def repeated(texts: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Those of the texts that another one before them repeats."""
    first = {text: path for path, text in reversed(texts)}
    return [(path, text) for path, text in texts if first[text] != path]
