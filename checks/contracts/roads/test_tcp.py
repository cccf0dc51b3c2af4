"""TCP, a connection mode of the plan that nobody promises yet: registry-min uses in-process only."""

import pytest

from checks.contracts.stack import Lis


def test_tcp(lis: Lis) -> None:
    """Skipped as long as nothing listens; a server that does is a mode that nobody tests."""
    for value in (lis.answer("start"), lis.answer("status")):
        assert not value["tcp_listen"], "$.tcp_listen: false expected as long as TCP is not tested, got true"
        assert value["tcp_port"] == 0, "$.tcp_port: 0 expected as long as TCP is not tested"
    pytest.skip("not implemented: registry-min uses in-process only (tcp_port 0)")
