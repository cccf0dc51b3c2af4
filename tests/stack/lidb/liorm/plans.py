"""The plan registry: queries get a name once, callers run them by name with parameters."""

from __future__ import annotations

import threading
from typing import Any

import liq

from .audit import AuditLog
from .capabilities import Capability, Profile, require
from .embed_engine import Engine, Row
from .errors import PlanError

_PLANS: dict[str, liq.Compiled] = {}
_LOCK = threading.Lock()
_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "integer": (int,), "real": (int, float)}


def register_plan(plan_id: str, source: str) -> liq.Compiled:
    """Compile a query and give it a name. The same again is fine, another one under the same name is not."""
    compiled = liq.compile(source)
    with _LOCK:
        if _PLANS.setdefault(plan_id, compiled)["sql"] != compiled["sql"]:
            raise PlanError(f"plan {plan_id!r} is registered with another query")
    return compiled


def registered_plans() -> list[str]:
    """Name all plans of this process."""
    with _LOCK:
        return sorted(_PLANS)


def execute(
    plan_id: str, params: dict[str, Any], engine: Engine, profile: Profile = Profile.AGENT
) -> list[Row]:
    """Run a registered plan and give its rows."""
    with _LOCK:
        plan = _PLANS.get(plan_id)
    if plan is None:
        raise PlanError(f"unknown plan {plan_id!r}")
    needed = Capability.READ_PLAN if plan["ir"]["kind"] == "read" else Capability.WRITE_PLAN
    require(profile, needed, AuditLog(engine.data_dir), plan_id)
    return engine.execute_sql(plan["sql"], _bind(plan_id, plan["param_schema"], params))


def execute_raw(sql: str, params: list[Any], engine: Engine, profile: Profile = Profile.AGENT) -> list[Row]:
    """Run SQL as it stands; agents may not."""
    require(profile, Capability.RAW_SQL, AuditLog(engine.data_dir), sql)
    return engine.execute_sql(sql, params)


def _bind(plan_id: str, schema: dict[str, dict[str, Any]], params: dict[str, Any]) -> list[Any]:
    """Put named parameters in order; names and types must be exactly those of the plan."""
    if set(params) != set(schema):
        raise PlanError(f"plan {plan_id!r} takes {sorted(schema)}, got {sorted(params)}")
    for name, value in params.items():
        kind = schema[name]["type"]
        if value is not None and (isinstance(value, bool) or not isinstance(value, _TYPES[kind])):
            raise PlanError(f"plan {plan_id!r}: ${name} is {kind}, got {type(value).__name__}")
    return [params[name] for name in sorted(schema, key=lambda name: int(schema[name]["index"]))]
