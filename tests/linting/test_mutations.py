"""The gate bites: each way to harm a workflow is caught by exactly those who are said to catch it."""

from collections import Counter
from collections.abc import Mapping

import pytest

from phdb_ci.matrix import load
from tests.linting import rules
from tests.linting.conftest import Rendering
from tests.linting.layout import ROOT
from tests.linting.mutants import catchers, mutant, place_of
from tests.linting.mutations import Mutation, mutations

MUTATIONS = mutations(load(ROOT / "matrix.toml"))
every = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda row: row.id)
TOOLS = ("actionlint", "jactionlint", "schema", "zizmor")


@pytest.fixture(scope="module")
def found(rendering: Rendering, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """Who catches each mutation; all linters run once over all mutants."""
    return catchers(MUTATIONS, rendering.repos, rendering.facts, tmp_path_factory.mktemp("mutants"))


@every
def test_mutation_is_caught(mutation: Mutation, found: Mapping[str, set[str]]) -> None:
    assert sorted(found[mutation.id]) == sorted(mutation.caught)


@every
def test_mutation_is_still_yaml(mutation: Mutation, found: Mapping[str, set[str]]) -> None:
    assert ("own:readable" in found[mutation.id]) is mutation.broken


@every
def test_mutation_changes_its_file(mutation: Mutation, rendering: Rendering) -> None:
    repo, path = place_of(mutation)
    assert mutant(mutation, rendering.repos)[path] != rendering.repos[repo][path]


def test_mutations_are_told_apart_by_their_names() -> None:
    assert [name for name, count in Counter(row.id for row in MUTATIONS).items() if count > 1] == []


def test_mutations_are_many_and_none_goes_by() -> None:
    assert len(MUTATIONS) >= 45
    assert [row.id for row in MUTATIONS if not row.caught] == []


def test_every_rule_of_our_own_catches_something() -> None:
    caught = {one.removeprefix("own:") for row in MUTATIONS for one in row.caught if one.startswith("own:")}
    assert caught == {*rules.RULES, "readable"}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_linter_catches_something(tool: str) -> None:
    assert any(one.startswith(f"{tool}:") for row in MUTATIONS for one in row.caught)


def test_some_are_caught_by_linters_alone_and_most_by_rules_of_our_own_alone() -> None:
    ours = [all(one.startswith("own:") for one in row.caught) for row in MUTATIONS]
    theirs = [not any(one.startswith("own:") for one in row.caught) for row in MUTATIONS]
    assert sum(theirs) >= 5
    assert sum(ours) > len(MUTATIONS) / 2
