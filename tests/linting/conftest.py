"""What the tests of the workflow files share: two matrices, and their files as every repository has them.

`rendering` is the project's own. `rich` has what the project's own has not, or not now: quarantines, a second artifact
that a job builds itself, two runners of one family, a job on macOS alone, a kept file on two runners, a gate that
starts by its clock alone.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from phdb_ci.models.matrix import Matrix
from tests.linting import rules
from tests.linting.facts import Facts
from tests.linting.layout import ROOT, Files, rendered, repositories

QUARANTINE = {
    "issue": "https://github.com/li-langverse/lidb/issues/42",
    "owner": "@li-langverse/db",
    "until": "2027-01-31",
    "reason": "the WAL replay test is flaky on slow disks",
}


@dataclass(frozen=True)
class Rendering:
    """A matrix and what it renders, by repository and path."""

    matrix: Matrix
    repos: Mapping[str, Files]

    @cached_property
    def facts(self) -> Facts:
        """What the rules measure these files by."""
        return rules.facts_of(self.matrix, self.repos)

    @property
    def files(self) -> list[tuple[str, str, str]]:
        """Repository, path and text of every file."""
        return [(repo, path, text) for repo, files in self.repos.items() for path, text in files.items()]


@pytest.fixture(scope="session")
def rendering() -> Rendering:
    return Rendering(*rendered())


@pytest.fixture(scope="session")
def rich() -> Rendering:
    rows: dict[str, Any] = tomllib.loads((ROOT / "matrix.toml").read_text(encoding="utf-8"))
    jobs = rows["jobs"]
    rows["quarantine"] = [QUARANTINE | {"job": name} for name in ("lidb-tests", "lis-tests")]
    rows["quarantine"].append(QUARANTINE | {"job": "guards", "case": "test_a*"})
    rows["artifacts"]["lis-agent"] = rows["artifacts"]["embed"] | {
        "repo": "lis",
        "outputs": ["agent"],
        "timeout": "90s",
    }
    jobs["lis-tests"]["artifacts"].append("lis-agent")
    jobs["lis-tests"]["builds"] = ["lis-agent"]
    jobs["smoke"] |= {"os": ["ubuntu-24.04", "ubuntu-26.04", "macos-15"], "timeout": "61s"}
    jobs["e2e-mock"] |= {"os": ["macos-26"], "skip": {"ubuntu-24.04": "the mock is for laptops"}}
    jobs["bench-compare"]["os"] = ["ubuntu-24.04", "ubuntu-26.04"]
    rows["gates"]["weekly"] = {"on": ["schedule"], "cron": "17 4 * * 0", "jobs": ["smoke", "lis-tests"]}
    matrix = Matrix.model_validate(rows)
    return Rendering(matrix, repositories(matrix))


@pytest.fixture(params=["rendering", "rich"])
def either(request: pytest.FixtureRequest) -> Rendering:
    """Each of the two."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Rendering)
    return found
