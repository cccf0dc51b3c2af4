"""liorm: named plans with typed parameters, run on the engine within the caller's capabilities."""

from .audit import AuditLog
from .capabilities import Capability, Profile
from .embed_engine import Engine, engine_for
from .errors import AuditError, CapabilityError, EngineError, LiormError, PlanError
from .plans import execute, execute_raw, register_plan, registered_plans

__all__ = [
    "AuditError",
    "AuditLog",
    "Capability",
    "CapabilityError",
    "Engine",
    "EngineError",
    "LiormError",
    "PlanError",
    "Profile",
    "engine_for",
    "execute",
    "execute_raw",
    "register_plan",
    "registered_plans",
]
