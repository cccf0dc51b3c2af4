"""The checks, one function each, in the order in which they run on one data directory."""

from phdb_ci.contracts.checks import (
    bridge,
    cost,
    crash,
    crash_bridge,
    engine,
    lis,
    manifest,
    modes,
    one_store,
    profile,
    session,
    writers,
)
from phdb_ci.contracts.stage import Check

CHECKS: tuple[Check, ...] = (
    *lis.BEFORE,
    *engine.CHECKS,
    *bridge.CHECKS,
    *session.CHECKS,
    *one_store.CHECKS,
    *profile.CHECKS,
    *modes.CHECKS,
    *lis.AFTER,
    *manifest.CHECKS,
    *cost.CHECKS,
    *crash.CHECKS,
    *crash_bridge.CHECKS,
    *lis.LAST,
    *writers.CHECKS,
)
