"""A kind of service is complete: its word, the schemes of its addresses, and who starts it."""

from typing import get_args

from phdb_ci.execution.services import SERVERS
from phdb_ci.models.hosting import SERVICE_KINDS, ServiceKind


def test_every_kind_has_the_schemes_of_its_addresses() -> None:
    missing = [kind for kind in get_args(ServiceKind) if not SERVICE_KINDS.get(kind)]
    assert missing == [], "add their schemes to SERVICE_KINDS in phdb_ci/models/hosting.py"


def test_every_kind_has_who_starts_it() -> None:
    missing = [kind for kind in get_args(ServiceKind) if kind not in SERVERS]
    assert missing == [], "add them to SERVERS in phdb_ci/execution/services/__init__.py"


def test_no_kind_is_served_that_the_matrix_does_not_know() -> None:
    assert {*SERVICE_KINDS, *SERVERS} <= {*get_args(ServiceKind)}
