"""What answers look like: field paths with types, merged over all answers of a contract, written as one record. Pure.

`$.rows[]` is an item of `$.rows`. A field's types are joined by `|`; a `?` behind them: not in every answer. What a
schema marks `x-data` (the columns of a row) is the caller's, not the protocol's, and is not looked into.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phdb_ci.contracts.schemas import Contract, contracts, field_name, kind_of

FORMAT = 1
STATUS = "recorded"
FILE = "contract-shapes.json"  # how a job names its record
DEPTH = 20  # levels of an answer that are looked into
FIELDS = 2_000  # paths of a contract that are kept
VERSIONS, SHOWN = 5, 40  # versions of one contract that are told, and characters of one that is none
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}")


@dataclass
class Seen:
    """What was seen of one contract: per path its types and how often it was there."""

    kinds: dict[str, set[str]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    versions: list[object] = field(default_factory=list)

    def add(self, contract: Contract, document: Any) -> None:
        """Take one answer in."""
        for path, value in _walk(document, "$", contract.schema, 0):
            if path in self.kinds or len(self.kinds) < FIELDS:
                self.kinds.setdefault(path, set()).add(kind_of(value))
                self.times[path] += 1
        if contract.version_field and isinstance(document, dict):
            said = document.get(contract.version_field)
            if said is not None and not any(_same(said, known) for known in self.versions):
                self.versions.append(said)

    @property
    def version(self) -> str | int | None:
        """What its answers said, as it is; what is neither a text nor a whole number, and what differs, as a text."""
        if len(self.versions) == 1:
            only = self.versions[0]
            if isinstance(only, str | int) and not isinstance(only, bool):
                return only
        told = " and ".join(json.dumps(one)[:SHOWN] for one in self.versions[:VERSIONS])
        return told or None

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

    def record(self, failed: Iterable[str] = ()) -> dict[str, Any]:
        """The record: per contract the protocol version (its own, else the lowest of its family) and its fields.

        `failed` names the checks that have: what they would have seen may be missing.
        """
        families: dict[str, list[str | int]] = {}
        for name, seen in self.seen.items():
            if seen.version is not None and contracts()[name].family:
                families.setdefault(contracts()[name].family, []).append(seen.version)
        found = {}
        for name, seen in sorted(self.seen.items()):
            contract = contracts()[name]
            found[name] = {
                "contract": contract.version,
                "family": contract.family,
                "protocol_version": seen.version
                if seen.version is not None
                else lowest(families.get(contract.family, ())),
                "fields": seen.fields(),
            }
        return {"schema": FORMAT, "status": STATUS, "failed": sorted(failed), "contracts": found}


def numbers(version: str | int | None) -> tuple[int, ...] | None:
    """A version as three numbers; none at all is version 1; None for what is no version."""
    if version is None:
        return (1, 0, 0)
    if isinstance(version, bool) or VERSION.fullmatch(str(version)) is None:
        return None
    parts = [int(part) for part in str(version).split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def lowest(versions: Iterable[str | int]) -> str | int | None:
    """The lowest of some versions, before them what is no version; None for none."""
    return min(versions, key=lambda version: numbers(version) or (), default=None)


def _same(one: object, other: object) -> bool:
    """Whether two values are one in JSON: true is not 1, and 1.0 is another number."""
    return type(one) is type(other) and one == other


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
