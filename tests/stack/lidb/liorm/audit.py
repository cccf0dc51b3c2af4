"""The audit log: one JSON record per line, each with the digest of the one before, only ever appended to."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .errors import AuditError

_START = "0" * 64


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class AuditLog:
    """The log of one data directory; a record that was edited, removed or moved breaks the chain."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / ".lidb" / "audit.jsonl"

    def append(self, event: str, **facts: Any) -> None:
        """Add a record and leave it on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two records must not follow the same one
            file.seek(0)
            records = self._checked(file.read())
            previous = records[-1]["digest"] if records else _START
            body = {"seq": len(records) + 1, "event": event, "facts": facts, "previous": previous}
            file.write(json.dumps(body | {"digest": _digest(body)}, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> list[dict[str, Any]]:
        """Read all records; raises AuditError where the chain is broken."""
        return self._checked(self.path.read_text(encoding="utf-8")) if self.path.exists() else []

    def _checked(self, text: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        previous = _START
        for line in text.splitlines():
            seq = len(records) + 1
            try:
                record = json.loads(line)
                digest = record.pop("digest")
                sound = (record["seq"], record["previous"], digest) == (seq, previous, _digest(record))
            except (ValueError, KeyError, TypeError, AttributeError):
                sound = False
            if not sound:
                raise AuditError(f"{self.path}: record {seq} does not follow from the ones before it")
            previous = digest
            records.append(record | {"digest": digest})
        return records
