"""`raw_sql.py DATA SQL…`: tries each as every profile of an agent; {"refused": [what refused], "allowed": […]}.

Both of liorm's known forms are served: `execute_raw` with a profile, and `assert_capability`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

AGENTS = ("AGENT", "MCP")  # the profiles that programs work under; the second is not everywhere


def attempts(data: str, *statements: str) -> dict[str, list[str]]:
    """Try each way; a refusal is the one exception that liorm has for it; another one was not refused."""
    liorm: Any = importlib.import_module("liorm")
    capabilities: Any = importlib.import_module("liorm.capabilities")
    refusals: Any = importlib.import_module("liorm.errors")
    refusal = getattr(refusals, "CapabilityError", None) or refusals.CapabilityDenied
    profiles = [getattr(capabilities.Profile, name) for name in AGENTS if hasattr(capabilities.Profile, name)]
    told: dict[str, list[str]] = {"refused": [], "allowed": []}
    for profile in profiles:
        for sql in statements:
            for what, attempt in _ways(liorm, capabilities, profile, data, sql):
                try:
                    attempt()
                except refusal:
                    told["refused"].append(what)
                except Exception as error:  # noqa: BLE001 - it came further than it may: to the engine, say
                    told["allowed"].append(f"{what}: {sql} ({type(error).__name__})")
                else:
                    told["allowed"].append(f"{what}: {sql}")
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
    sys.stdout.write(json.dumps(attempts(*sys.argv[1:])) + "\n")
