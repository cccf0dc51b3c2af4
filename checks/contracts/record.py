"""The record of a run: what its answers looked like, field by field. `diff.py` compares two of them.

`$.rows[]` is an item of `$.rows`. A field's types are joined by `|`; a `?` behind them: not in every answer. What a
schema marks `x-data` (the columns of a row) belongs to the query, not to the protocol, and is not looked into.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEPTH, FIELDS, VERSIONS = 20, 2_000, 5  # levels and fields of a contract that are recorded, and versions
# Per family the document that says its version: the checkout and the path in it.
DOCUMENTS = {"bridge": ("agents", "docs/plans/lidb-bridge-protocol.md")}
DOCUMENT_LIMIT = 64 * 1024  # bytes of a document
SAYS_VERSION = re.compile(r"^\W*version\W+(\d{1,9}(?:\.\d{1,9}){0,2})\b", re.IGNORECASE | re.MULTILINE)
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


@dataclass
class Shape:
    """What was seen of one contract: per path its types and how often it was there; the versions as they were."""

    schema: Mapping[str, Any]
    kinds: dict[str, set[str]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    versions: dict[str, str | int] = field(default_factory=dict)  # by their JSON

    def add(self, value: Any) -> None:
        """Take one answer in."""
        for path, inner in _walk(value, "$", self.schema, 0):
            if path in self.kinds or len(self.kinds) < FIELDS:
                self.kinds.setdefault(path, set()).add(KINDS.get(type(inner), "null"))
                self.times[path] += 1
        version = value.get(self.schema.get("x-version-field")) if isinstance(value, dict) else None
        if version is not None and len(self.versions) < VERSIONS:
            text = json.dumps(version)
            self.versions[text] = version if type(version) in (str, int) else text[:40]  # no version: diff says so

    def document(self) -> dict[str, Any]:
        """The shape as it is recorded."""
        fields = {
            path: "|".join(sorted(kinds)) + ("?" if self._sometimes(path) else "")
            for path, kinds in sorted(self.kinds.items())
        }
        family = self.schema.get("x-family", "")
        versions = list(self.versions.values())
        return {"contract": self.schema["x-version"], "family": family, "versions": versions, "fields": fields}

    def _sometimes(self, path: str) -> bool:
        parent = path.rpartition(".")[0]
        return bool(parent) and not path.endswith("[]") and self.times[path] < self.times[parent]


@dataclass
class Recorder:
    """The shapes of a run, by contract."""

    shapes: dict[str, Shape] = field(default_factory=dict)

    def add(self, contract: str, schema: Mapping[str, Any], value: Any) -> None:
        """Take one answer in, whether it keeps its contract or not."""
        self.shapes.setdefault(contract, Shape(schema)).add(value)

    def write(self, path: Path, failed: Collection[str], documents: Mapping[str, Any]) -> None:
        """Write the record; `failed` names the cases that have, what they would have seen may be missing.

        The same answers give the same bytes.
        """
        contracts = {name: shape.document() for name, shape in self.shapes.items()}
        record = {
            "schema": 1, "status": "recorded", "failed": sorted(failed), "contracts": contracts, "documents": documents,
        }  # fmt: skip
        path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def documents(repos: Mapping[str, Path]) -> dict[str, dict[str, str | None]]:
    """Per family its document, and the version that it says; None: it says none, or is not there."""
    said: dict[str, dict[str, str | None]] = {}
    for family, (repo, path) in DOCUMENTS.items():
        file = repos[repo] / path if repo in repos else None
        text = file.read_bytes()[:DOCUMENT_LIMIT].decode(errors="replace") if file and file.is_file() else ""
        version = SAYS_VERSION.search(text)
        said[family] = {"path": path, "version": version[1] if version else None}
    return said


RECORDER = Recorder()  # of this process: pytest runs the cases of a job one after the other


def _walk(value: Any, path: str, schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    yield path, value
    if depth >= DEPTH or schema.get("x-data"):
        return
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{_field(name)}", known.get(name, {}), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, f"{path}[]", schema.get("items", {}), depth + 1)


def _field(name: str) -> str:
    """A field's name as a path holds it: one that would read as a path is quoted."""
    plain = name.isidentifier() or name.replace("-", "_").isidentifier()
    return name[:80] if plain else json.dumps(name[:80]).replace(".", "\\u002e").replace("[", "\\u005b")
