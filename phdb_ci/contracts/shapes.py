"""What answers look like: field paths with types, merged over all answers of a contract, written as one record. Pure.

`$.rows[]` is an item of `$.rows`. A field's types are joined by `|`; a `?` behind them: not in every answer. What a
schema marks `x-data` (the columns of a row) is the caller's, not the protocol's, and is not looked into.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phdb_ci.contracts.schemas import Contract, contracts, field_name, kind_of

FORMAT = 1
STATUS = "recorded"
FILE = "contract-shapes.json"  # how a job names its record
DEPTH = 20  # levels of an answer that are looked into
FIELDS = 2_000  # paths of a contract that are kept


@dataclass
class Seen:
    """What was seen of one contract: per path its types and how often it was there."""

    kinds: dict[str, set[str]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    version: object = None

    def add(self, contract: Contract, document: Any) -> None:
        """Take one answer in."""
        for path, value in _walk(document, "$", contract.schema, 0):
            if path in self.kinds or len(self.kinds) < FIELDS:
                self.kinds.setdefault(path, set()).add(kind_of(value))
                self.times[path] += 1
        if contract.version_field and isinstance(document, dict):
            self.version = document.get(contract.version_field)

    def fields(self) -> dict[str, str]:
        """Path → types, `integer|null?`."""
        return {
            path: "|".join(sorted(kinds)) + ("?" if self._sometimes(path) else "")
            for path, kinds in sorted(self.kinds.items())
        }

    def _sometimes(self, path: str) -> bool:
        parent = path.rpartition(".")[0]
        return bool(parent) and not path.endswith("[]") and self.times[path] < self.times[parent]


@dataclass
class Recorder:
    """Collects the answers of a run."""

    seen: dict[str, Seen] = field(default_factory=dict)

    def add(self, name: str, document: Any) -> None:
        """Take one answer of the contract `name` in, whether it keeps the contract or not."""
        self.seen.setdefault(name, Seen()).add(contracts()[name], document)

    def record(self) -> dict[str, Any]:
        """The record: per contract the protocol version (its own, else its family's) and its fields."""
        families: dict[str, object] = {}
        for name, seen in self.seen.items():
            if seen.version is not None and contracts()[name].family:
                families.setdefault(contracts()[name].family, seen.version)
        found = {}
        for name, seen in sorted(self.seen.items()):
            version = seen.version if seen.version is not None else families.get(contracts()[name].family)
            if not isinstance(version, str | int) or isinstance(version, bool):
                version = None
            found[name] = {
                "contract": contracts()[name].version,
                "protocol_version": version,
                "fields": seen.fields(),
            }
        return {"schema": FORMAT, "status": STATUS, "contracts": found}


def canonical(record: Mapping[str, Any]) -> str:
    """The record as text: the same answers give the same bytes."""
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def _walk(value: Any, path: str, schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    yield path, value
    if depth >= DEPTH or schema.get("x-data"):
        return
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{field_name(str(name))}", known.get(name, {}), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, f"{path}[]", schema.get("items", {}), depth + 1)
