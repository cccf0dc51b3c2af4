#!/usr/bin/env bash
# Every change of a record that is not the log's own appending is noticed.
set -euo pipefail

python3 - <<'PYTHON' || { echo "FAIL audit-log-append-only"; exit 1; }
import os
from pathlib import Path

import liorm

engine = liorm.Engine(Path(os.environ["DATA_DIR"]))
engine.open_and_migrate()
audit = liorm.AuditLog(engine.data_dir)
for n in range(3):
    liorm.execute_raw(f"SELECT {n} AS n", [], engine, liorm.Profile.OPERATOR)
assert [record["seq"] for record in audit.records()] == [1, 2, 3]

lines = audit.path.read_text().splitlines(keepends=True)
for what, changed in {
    "a record edited": [lines[0], lines[1].replace("operator", "agent"), lines[2]],
    "a record removed": [lines[0], lines[2]],
    "two records swapped": [lines[1], lines[0], lines[2]],
    "a record repeated": [*lines, lines[2]],
}.items():
    audit.path.write_text("".join(changed))
    try:
        audit.append("more")
    except liorm.AuditError:
        continue
    raise SystemExit(f"not noticed: {what}")
audit.path.write_text("".join(lines))
assert len(audit.records()) == 3
PYTHON
echo "PASS audit-log-append-only"
