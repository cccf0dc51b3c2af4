"""`raw_sql.py DATA SQL`: tries raw SQL as every profile of an agent; {"refused": [what refused], "allowed": [...]}.

Both of liorm's known forms are served: `execute_raw` with a profile, and `assert_capability`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

AGENTS = ("AGENT", "MCP")  # the profiles that programs work under; the second is not everywhere


def attempts(data: str, sql: str) -> dict[str, list[str]]:
    """Try each way; a refusal is an exception of liorm's own, anything else is an error of the stack."""
    liorm: Any = importlib.import_module("liorm")
    capabilities: Any = importlib.import_module("liorm.capabilities")
    refusals: Any = importlib.import_module("liorm.errors")
    refusal = getattr(refusals, "CapabilityError", None) or refusals.CapabilityDenied
    profiles = [getattr(capabilities.Profile, name) for name in AGENTS if hasattr(capabilities.Profile, name)]
    told: dict[str, list[str]] = {"refused": [], "allowed": []}
    for profile in profiles:
        for what, attempt in _ways(liorm, capabilities, profile, data, sql):
            try:
                attempt()
            except refusal:
                told["refused"].append(what)
            else:
                told["allowed"].append(what)
    return told


def _ways(liorm: Any, capabilities: Any, profile: Any, data: str, sql: str) -> list[tuple[str, Any]]:
    name = profile.name.lower()
    if hasattr(liorm, "execute_raw"):
        engine = liorm.Engine(Path(data))
        default = (
            [("agent by default", lambda: liorm.execute_raw(sql, [], engine))] if name == "agent" else []
        )
        return [(name, lambda: liorm.execute_raw(sql, [], engine, profile)), *default]
    return [
        (f"{name} {one.value}", lambda one=one: capabilities.assert_capability(profile, one))
        for one in capabilities.RawSqlCapability
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(attempts(*sys.argv[1:3])) + "\n")
