"""The house's layers, held by reading every module: who may import whom, no cycles, libraries, sizes.

Imports inside functions count as well: they are late, not absent.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "phdb_ci"
LAYERS = (  # from the lowest; a package below another one stands for itself (`sources.git`)
    ("errors",),
    ("base",),
    ("models",),
    ("matrix", "sources.git", "schemas"),
    ("sources", "artifacts", "reports"),
    ("planning",),
    ("judging",),
    ("rendering",),
    ("execution", "github", "terminal"),
    ("proving",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
PURE = ("planning.plan", "judging", "rendering")  # functions of records: they import what is pure, models, errors, base
PURE_EXCEPT = ("judging.fanin.read",)  # reads the files that hold the records
ALONE = ("execution.supervisor", "execution.runners.phdb_ci_hook")  # runs with the standard library and nothing else
ONLY = {  # library: the one part that imports it
    "git": "sources.git", "junitparser": "reports", "github": "github", "rich": "terminal",
}  # fmt: skip
LINES, FUNCTION = 400, 60
Graph = Mapping[str, Iterable[str]]


def imports(tree: ast.Module, module: str, known: Iterable[str], *, package: bool = False) -> set[str]:
    """Every module that is imported, by full name; `from a import b` means a.b where that is a module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = module.split(".")[: None if package else -1]
            base = home[: len(home) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            inner = {f"{name}.{alias.name}" for alias in node.names} & set(known)
            # The package itself is imported too when one of the names is its own (or of its __init__).
            found |= inner
            if len(inner) < len(node.names):
                found.add(name)
    return found


def part(module: str) -> str:
    """`phdb_ci.execution.leg` → `execution`, `phdb_ci.sources.git.env` → `sources.git`; the package itself is ''."""
    names = module.split(".")[1:]
    two = ".".join(names[:2])
    return two if two in LAYER else ".".join(names[:1])


def _is(module: str, places: Iterable[str]) -> bool:
    """Whether a module is one of these, or below one."""
    return any(f"{module}.".startswith(f"phdb_ci.{place}.") for place in places)


def faults(graph: Graph) -> list[str]:
    """Everything that is wrong with who imports whom."""
    found = []
    for module, imported in graph.items():
        here = part(module)
        if here and here not in LAYER:
            found.append(f"{module} is in no layer")
            continue
        for name in sorted(imported):
            found += _fault(module, here, name)
    try:
        TopologicalSorter({name: [to for to in graph[name] if to in graph] for name in graph}).prepare()
    except CycleError as error:
        found.append(f"cycle: {' → '.join(error.args[1])}")
    return found


def _fault(module: str, here: str, name: str) -> list[str]:
    top, to = name.partition(".")[0], part(name)
    said = ""
    if _is(module, ALONE) and top not in sys.stdlib_module_names:
        said = "and may import the standard library alone"
    elif top in ONLY and here != ONLY[top]:
        said = f"which only phdb_ci.{ONLY[top]} may"
    elif top != "phdb_ci" or name == "phdb_ci":  # a library; the version
        said = ""
    elif to != here and (to not in LAYER or LAYER[to] >= LAYER.get(here, -1)):
        said = "which is not below it"
    elif _is(module, PURE) and not _is(module, PURE_EXCEPT) and not _is(name, ("models", "errors", "base", *PURE)):
        said = "and may import models, errors and what is pure alone"
    return [f"{module} imports {name}, {said}"] if said else []


def modules() -> dict[str, Path]:
    """Every module of the package by full name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("phdb_ci", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_bytes()) for name, path in MODULES.items()}
GRAPH = {
    name: imports(tree, name, MODULES, package=MODULES[name].name == "__init__.py") for name, tree in TREES.items()
}


def test_modules_import_only_what_is_below_them() -> None:
    assert "phdb_ci.errors" in GRAPH
    assert faults(GRAPH) == []


@pytest.mark.parametrize(
    ("graph", "fault"),
    [
        pytest.param({"sources": ["planning"]}, "sources imports planning, which is not below it", id="upwards"),
        pytest.param({"artifacts": ["reports"]}, "artifacts imports reports, which is not below it", id="beside"),
        pytest.param({"execution.leg": ["cli"]}, "execution.leg imports cli, which is not below it", id="in a package"),
        pytest.param({"sources.git.env": ["sources.a"]}, "sources.git.env imports sources.a, which", id="from git"),
        pytest.param({"errors": ["new"]}, "errors imports new, which is not below it", id="unknown"),
        pytest.param({"new": []}, "new is in no layer", id="no layer"),
        pytest.param({"planning.plan": ["planning.inventory"]}, "planning.plan imports planning.inv", id="pure"),
        pytest.param({"rendering.a": ["sources.git"]}, "rendering.a imports sources.git, and may", id="pure below"),
        pytest.param({"execution.supervisor": ["errors"]}, "execution.supervisor imports errors, and", id="alone"),
        pytest.param({"execution.a": ["execution.b"], "execution.b": ["execution.a"]}, "cycle: ", id="siblings"),
        pytest.param({"execution": ["execution.a"], "execution.a": ["execution"]}, "cycle: ", id="with the package"),
    ],
)
def test_checker_bites_on_a_bad_import(graph: dict[str, list[str]], fault: str) -> None:
    full = {f"phdb_ci.{name}": [f"phdb_ci.{to}" for to in names] for name, names in graph.items()}
    found = [one.replace("phdb_ci.", "") for one in faults(full)]
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("module", "library", "fault"),
    [
        ("sources.resolve", "git", "which only phdb_ci.sources.git may"),
        ("sources.resolve", "git.exc", "which only phdb_ci.sources.git may"),
        ("rendering.junit", "junitparser", "which only phdb_ci.reports may"),
        ("commands.publish", "github", "which only phdb_ci.github may"),
        ("execution.supervisor", "pydantic", "may import the standard library alone"),
    ],
)
def test_checker_bites_on_a_library_in_the_wrong_place(module: str, library: str, fault: str) -> None:
    assert [fault in one for one in faults({f"phdb_ci.{module}": [library]})] == [True]


def test_checker_lets_good_imports_through() -> None:
    good = {
        "phdb_ci.planning.plan": ["phdb_ci.models.plan", "phdb_ci.errors", "re"],
        "phdb_ci.models.plan": [],
        "phdb_ci.sources.git.mirror": ["git", "phdb_ci.sources.git.env", "phdb_ci.base.locks"],
        "phdb_ci.cli": ["phdb_ci", "phdb_ci.commands.run"],
        "phdb_ci.execution.supervisor": ["os", "ctypes"],
    }
    assert faults(good) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("import os, git.exc", {"os", "git.exc"}, id="import"),
        pytest.param("from phdb_ci.execution import leg", {"phdb_ci.execution.leg"}, id="module of a package"),
        pytest.param("from phdb_ci.execution import Context", {"phdb_ci.execution"}, id="name of a package"),
        pytest.param(
            "from phdb_ci.execution import Context, leg", {"phdb_ci.execution", "phdb_ci.execution.leg"}, id="both"
        ),
        pytest.param("def f():\n    import git", {"git"}, id="in a function"),
        pytest.param("if True:\n    try:\n        import git\n    except E: pass", {"git"}, id="in a branch"),
        pytest.param("from . import leg", {"phdb_ci.execution.leg"}, id="relative"),
        pytest.param("from ..sources import x", {"phdb_ci.sources"}, id="relative, one up"),
    ],
)
def test_reader_finds_every_import(text: str, found: set[str]) -> None:
    known = {"phdb_ci.execution.leg", "phdb_ci.execution"}
    assert imports(ast.parse(text), "phdb_ci.execution.execute", known) == found


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_modules_and_functions_are_not_too_long() -> None:
    modules = [name for name, path in MODULES.items() if len(path.read_text().splitlines()) > LINES]
    functions = [
        f"{name}.{node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION
    ]
    assert modules + functions == []


def test_help_starts_without_heavy_libraries() -> None:
    look = (
        "import sys, phdb_ci.cli\n"
        "phdb_ci.cli.help_text()\n"
        "[phdb_ci.cli.Parser(verb).format_help() for verb in phdb_ci.cli.VERBS.values()]\n"
        "heavy = {'pydantic', 'git', 'jinja2', 'junitparser', 'github', 'platformdirs', 'rich', 'uv'}\n"
        "print(*sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
