"""One case per guard; its name is in the matrix. A case that fails lists every breach, with file and line."""

from functools import partial

import pytest

from .manifests import green_without_measurement
from .probes import Work, default_store
from .rules import breaches, settings


def holds(guard: str, *more: str) -> None:
    """Fail with what breaks the guard's rules, and with what was found besides."""
    found = [*more, *breaches(guard)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_no_sqlite(seen: Work) -> None:
    holds("no-sqlite", *seen.sqlite, *seen.untold)


def test_default_store_supabase() -> None:
    expected = settings()["store"]["expected"]
    stores = {f"the default store is {default_store(production=value)}" for value in (False, True)}
    holds("default-store-supabase", *sorted(stores - {f"the default store is {expected}"}))


def test_no_tcp_in_registry_min(seen: Work) -> None:
    holds("no-tcp-in-registry-min", *seen.listeners, *seen.untold)


def test_no_green_without_measurement() -> None:
    holds("no-green-without-measurement", *green_without_measurement("benchmarks"))


# What the rules alone say
test_engine_e2e_not_silent = partial(holds, "engine-e2e-not-silent")
test_lic_ci_not_replaced = partial(holds, "lic-ci-not-replaced")
test_no_lip_v2_claim = partial(holds, "no-lip-v2-claim")
test_no_wire_listener_claim = partial(holds, "no-wire-listener-claim")
test_no_replication_claim = partial(holds, "no-replication-claim")
