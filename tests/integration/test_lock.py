"""requirements.lock, which workflows install: every dependency, as pyproject.toml allows it, with hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["front"]]
LOCKED = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", LOCK, re.MULTILINE))
REPAIR = LOCK.splitlines()[1].removeprefix("# ")


@pytest.mark.parametrize("wanted", WANTED)
def test_dependency_is_locked_at_a_version_that_is_allowed(wanted: str) -> None:
    requirement = Requirement(wanted)
    version = LOCKED.get(canonicalize_name(requirement.name))
    assert version is not None, f"{wanted} is not locked; repair: {REPAIR}"
    assert requirement.specifier.contains(version), f"{version} is locked, {wanted} is wanted; repair: {REPAIR}"


def test_every_locked_version_has_hashes_and_no_place_of_a_machine() -> None:
    for block in re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "file:" not in LOCK
    assert "://" not in LOCK
