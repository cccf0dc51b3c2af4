"""All guards: their stable names, what each holds, the repos that it reads. The one list that the rest is made from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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
    holds: str
    repos: tuple[str, ...]
    look: Callable[[Checkout], Iterator[Finding]]


@dataclass(frozen=True)
class Outcome:
    """What a guard found; nothing is a pass."""

    guard: Guard
    findings: tuple[Finding, ...]


GUARDS = (
    Guard("no-sqlite", "lidb and lis hold no sqlite engine, oracle or fallback", ("lidb", "lis"), no_sqlite),
    Guard(
        "default-store-supabase", "the default control-plane store is supabase", ("li-cursor-agents",),
        default_store_supabase,
    ),
    Guard("no-tcp-in-registry-min", "profile registry-min opens no TCP port", ("lis",), no_tcp_in_registry_min),
    Guard("engine-e2e-not-silent", "no workflow hides a failing engine e2e", REPOS, engine_e2e_not_silent),
    Guard("lic-ci-not-replaced", "nothing takes the place of the image lic-ci", REPOS, lic_ci_not_replaced),
    Guard(
        "no-green-without-measurement", "no tier_db_* is green without a measurement", ("benchmarks",),
        no_green_without_measurement,
    ),
    Guard("no-lip-v2-claim", "nothing claims lip registry v2 on lidb", REPOS, claims.no_lip_v2_claim),
    Guard("no-wire-listener-claim", "nothing claims a Postgres wire listener", REPOS, claims.no_wire_listener_claim),
    Guard("no-replication-claim", "nothing claims replication", REPOS, claims.no_replication_claim),
)  # fmt: skip


def judge(checkouts: Mapping[str, Checkout]) -> Iterator[Outcome]:
    """Every guard over the checkouts; a repo that is not given fails each guard that reads it."""
    for guard in GUARDS:
        findings: set[Finding] = set()
        for name in guard.repos:
            checkout = checkouts.get(name)
            if checkout is None:
                findings.add(Finding(name, "", 0, "repo not given"))
                continue
            findings |= set(guard.look(checkout))
            findings |= set(checkout.limits())
            if not checkout.files:
                findings.add(Finding(name, "", 0, "cannot tell: the checkout holds no text file"))
        yield Outcome(guard, tuple(sorted(findings)))
