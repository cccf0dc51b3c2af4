"""The core knows nothing of the programme: no module, schema or template names it, and none imports checks/."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMME = re.compile(
    r"lidb|liorm|\bliq\b|\blis\b|cursor.agents|registry_|tier.db|\bembed\b|control.plane|pr-gate", re.IGNORECASE
)
OWN = ("phdb",)  # of the templates: the programme's own


def core() -> list[Path]:
    """Every module, schema and template of the core."""
    templates = [path for path in (ROOT / "templates").rglob("*") if not set(path.parts) & set(OWN)]
    package = [path for path in (ROOT / "phdb_ci").rglob("*") if path.suffix in (".py", ".json")]
    return [path for path in [*package, *templates] if path.is_file()]


def named(text: str) -> list[int]:
    """The numbers of the lines that name something of the programme."""
    return [number for number, line in enumerate(text.splitlines(), 1) if PROGRAMME.search(line)]


def test_core_names_nothing_of_the_programme() -> None:
    assert len(core()) > 100
    places = [
        f"{path.relative_to(ROOT)}:{number}" for path in core() for number in named(path.read_text(encoding="utf-8"))
    ]
    assert places == []


def test_core_imports_no_check() -> None:
    modules = [path for path in core() if path.suffix == ".py"]
    imports = [
        (path, node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for path in modules
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [path for path, name in imports if name.split(".")[0] == "checks"] == []


@pytest.mark.parametrize(
    "line",
    ["repos.lidb", "LIDB_EMBED = 1", "def embed():", "from liorm import x", "tier-db-registry", "the lis supervisor"],
)
def test_search_finds_a_name(line: str) -> None:
    assert named(line) == [1]


@pytest.mark.parametrize("line", ["embedded", "a list of lists", "analysis", "liquid"])
def test_search_leaves_other_words_alone(line: str) -> None:
    assert named(line) == []
