"""All rules that need more than one value of the file."""

from collections.abc import Iterator, Mapping
from typing import Any

from phdb_ci.matrix import names, placeholder_rules, rules
from phdb_ci.matrix.faults import Fault
from phdb_ci.matrix.table import Table

RULES = (
    names.repos, names.artifacts, names.services, names.witnesses, names.faults, names.gates, names.taken,
    names.repeated, rules.overrides, rules.environment, rules.reports, rules.exit_alone, rules.times, rules.skips,
    rules.schedules, rules.services, rules.figures,
    placeholder_rules.in_builds, placeholder_rules.in_faults, placeholder_rules.in_jobs,
)  # fmt: skip


def check(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault that the rules find, rule by rule."""
    root = Table((), document)
    for rule in RULES:
        yield from rule(root)
