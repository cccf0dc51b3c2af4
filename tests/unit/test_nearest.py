"""The one helper for mistyped names: what it suggests, and that nobody else does it by hand."""

import ast
import time
from pathlib import Path

import pytest

from phdb_ci.base.nearest import nearest, perhaps

PACKAGE = Path(__file__).parents[2] / "phdb_ci"


@pytest.mark.parametrize(
    ("word", "near"),
    [
        pytest.param("pr-gat", "pr-gate", id="a letter missing"),
        pytest.param("smoek", "smoke", id="letters swapped"),
        pytest.param("zzz", None, id="like none"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_nearest_name_is_the_most_alike(word: str, near: str | None) -> None:
    assert nearest(word, ["smoke", "pr-gate", "nightly"]) == near
    assert perhaps(word, ["smoke", "pr-gate", "nightly"]) == (f' Perhaps you meant "{near}"?' if near else "")


def test_a_very_long_word_costs_no_time() -> None:
    began = time.process_time()
    assert nearest("x" * 100_000, ["x" * 99, "lidb"]) == "x" * 99
    assert time.process_time() - began < 1


def test_nobody_else_looks_for_near_names() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
        and "get_close_matches" in (getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "name", ""))
    }
    assert users == {"base/nearest.py"}
