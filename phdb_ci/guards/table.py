"""All guards: their stable names, the repos that each reads. The one list that the rest is made from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from phdb_ci.guards import claims
from phdb_ci.guards.checkout import Checkout, Finding
from phdb_ci.guards.dashboard import no_green_without_measurement
from phdb_ci.guards.e2e import engine_e2e_not_silent
from phdb_ci.guards.images import lic_ci_not_replaced
from phdb_ci.guards.sqlite import no_sqlite
from phdb_ci.guards.store import default_store_supabase
from phdb_ci.guards.tcp import no_tcp_in_registry_min

REPOS = ("lidb", "lis", "li-cursor-agents", "benchmarks")


@dataclass(frozen=True)
class Guard:
    """One guard; `look` finds what is wrong in one checkout."""

    name: str
    repos: tuple[str, ...]
    look: Callable[[Checkout], Iterator[Finding]]


@dataclass(frozen=True)
class Outcome:
    """What a guard found; nothing is a pass."""

    guard: Guard
    findings: tuple[Finding, ...]


GUARDS = (
    Guard("no-sqlite", ("lidb", "lis"), no_sqlite),
    Guard("default-store-supabase", ("li-cursor-agents",), default_store_supabase),
    Guard("no-tcp-in-registry-min", ("lidb", "lis"), no_tcp_in_registry_min),
    Guard("engine-e2e-not-silent", REPOS, engine_e2e_not_silent),
    Guard("lic-ci-not-replaced", REPOS, lic_ci_not_replaced),
    Guard("no-green-without-measurement", ("benchmarks",), no_green_without_measurement),
    Guard("no-lip-v2-claim", REPOS, partial(claims.claims, claims.LIP)),
    Guard("no-wire-listener-claim", REPOS, partial(claims.claims, claims.WIRE)),
    Guard("no-replication-claim", REPOS, partial(claims.claims, claims.REPLICATION)),
)


def judge(checkouts: Mapping[str, Checkout]) -> Iterator[Outcome]:
    """Every guard over the checkouts; a repo that is not given fails each guard that reads it."""
    for guard in GUARDS:
        findings: set[Finding] = set()
        for name in guard.repos:
            checkout = checkouts.get(name)
            if checkout is None:
                findings.add(Finding(name, "", 0, "repo not given"))
                continue
            try:
                findings |= {*guard.look(checkout), *checkout.limits()}
            except RecursionError:
                findings.add(Finding(name, "", 0, "cannot tell: a file of it is nested too deep"))
        yield Outcome(guard, tuple(sorted(findings)))
