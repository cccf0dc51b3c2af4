"""Asks liorm's Python, in a process of its own; prints one line of JSON. Both of liorm's known forms are served.

probe.py LIDB read DATA TABLE COLUMNS ID    one row, compiled, registered and executed as an agent does it: [row…]
probe.py LIDB raw DATA SQL…                 each as every profile of an agent: {"refused": […], "allowed": […]}
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

AGENTS = ("AGENT", "MCP")  # the profiles that programs work under; the second is not everywhere


def read(data: str, table: str, columns: str, identity: str) -> list[Any]:
    """The form with an `Engine` of a data directory, and the one with the session that LIDB_DATA_DIR names."""
    liorm: Any = importlib.import_module("liorm")
    source, params = f"read {table} {{ {columns} }} where id = $id", {"id": identity}
    if hasattr(liorm, "Engine"):
        liorm.register_plan("contracts.read", source)
        return list(liorm.execute("contracts.read", params, liorm.Engine(Path(data))))
    plan: Any = importlib.import_module("liq").compile(source)
    fields = {name: getattr(plan, name) for name in ("plan_id", "ir", "sql", "param_schema")}
    liorm.register_plan("contracts.read", **fields)
    return list(liorm.execute(plan.plan_id, params).rows)


def raw(data: str, *statements: str) -> dict[str, list[str]]:
    """Try each way; a refusal is the one exception that liorm has for it, another one came further than it may."""
    errors: Any = importlib.import_module("liorm.errors")
    refusal = getattr(errors, "CapabilityError", None) or errors.CapabilityDenied
    attempts: dict[str, list[str]] = {"refused": [], "allowed": []}
    for name, sql, attempt in (way for statement in statements for way in _ways(data, statement)):
        try:
            attempt()
        except refusal:
            attempts["refused"].append(name)
        except Exception as error:  # noqa: BLE001 - to the engine, say
            attempts["allowed"].append(f"{name}: {sql} ({type(error).__name__})")
        else:
            attempts["allowed"].append(f"{name}: {sql}")
    return attempts


def _ways(data: str, sql: str) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """The form with `execute_raw` and a profile (agents are the default), and the one with `assert_capability`."""
    liorm: Any = importlib.import_module("liorm")
    capabilities: Any = importlib.import_module("liorm.capabilities")
    profiles = [getattr(capabilities.Profile, name) for name in AGENTS if hasattr(capabilities.Profile, name)]
    if hasattr(liorm, "execute_raw"):
        execute = partial(liorm.execute_raw, sql, [], liorm.Engine(Path(data)))
        yield "agent by default", sql, execute
        yield from ((profile.name.lower(), sql, partial(execute, profile)) for profile in profiles)
        return
    for profile in profiles:
        for capability in capabilities.RawSqlCapability:
            name = f"{profile.name.lower()} {capability.value}"
            yield name, sql, partial(capabilities.assert_capability, profile, capability)


if __name__ == "__main__":
    sys.path[0] = sys.argv[1]
    verbs: dict[str, Callable[..., Any]] = {"read": read, "raw": raw}
    sys.stdout.write(json.dumps(verbs[sys.argv[2]](*sys.argv[3:])) + "\n")
