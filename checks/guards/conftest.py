"""Names each case like its guard (`test_no_sqlite` is the case `no-sqlite`) and runs the stack's programs once."""

import pytest

from .probes import Work, work


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> pytest.Function | None:
    """A test function becomes a case with the name of its guard."""
    if not name.startswith("test_"):
        return None
    guard = name.removeprefix("test_").replace("_", "-")
    return pytest.Function.from_parent(collector, name=guard, callobj=obj)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """What the stack's programs loaded and opened."""
    return work(tmp_path_factory.mktemp("work"))
