"""Who may do what. Agents work through registered plans; raw SQL is for operators."""

from __future__ import annotations

from enum import Enum

from .audit import AuditLog
from .errors import CapabilityError


class Capability(Enum):
    """One thing that a caller may be allowed to do."""

    READ_PLAN = "ReadPlan"
    WRITE_PLAN = "WritePlan"
    RAW_SQL = "RawSql"


class Profile(Enum):
    """A named set of capabilities."""

    AGENT = frozenset({Capability.READ_PLAN, Capability.WRITE_PLAN})
    OPERATOR = frozenset(Capability)


def require(profile: Profile, capability: Capability, audit: AuditLog, detail: str) -> None:
    """Refuse what the profile does not allow; every refusal, and every use of raw SQL, is recorded."""
    allowed = capability in profile.value
    if not allowed or capability is Capability.RAW_SQL:
        facts = {"profile": profile.name.lower(), "capability": capability.value, "detail": detail}
        audit.append("allowed" if allowed else "refused", **facts)
    if not allowed:
        raise CapabilityError(f"profile {profile.name.lower()} lacks {capability.value}")
