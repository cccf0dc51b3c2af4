"""What can go wrong between a caller and the engine."""


class LiormError(Exception):
    """The base of all of them."""


class EngineError(LiormError):
    """The engine is missing, refused a statement, or gave no proper answer."""


class PlanError(LiormError):
    """An unknown plan, or parameters that do not fit it."""


class CapabilityError(LiormError):
    """The caller's profile does not allow this."""


class AuditError(LiormError):
    """The audit log was changed after it was written."""
