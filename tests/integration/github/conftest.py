"""Fixtures of the second stage's tests: a GitHub whose every exchange is judged by GitHub's own description."""

from collections.abc import Iterator

import pytest

from tests.integration.github.contract import Contract
from tests.integration.github.fake import Fake
from tests.integration.github.server import serving
from tests.integration.github.world import World


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on this machine is reached without one."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A GitHub of this test's own; at the end no exchange may have broken the contract."""
    made, contract = Fake(), Contract()
    with serving(made, contract):
        yield made
    assert contract.breaches == []


@pytest.fixture
def world(fake: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    """A pull request whose gate is yet to run."""
    fake.add_pull()
    return World(fake, capsys, monkeypatch)
