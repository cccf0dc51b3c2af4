"""The engine of the stand-in stack, built once for each worker."""

from pathlib import Path

import pytest

from tests.checks.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One for each worker."""
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="session")
def engine(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine of the stack as it is."""
    return workshop.engine([], tmp_path_factory.mktemp("engine") / "lidb_embed")
