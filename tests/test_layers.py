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

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "phdb_ci"
LAYERS = (
    ("errors",),
    ("models",),
    ("locks", "environment", "launcher", "supervisor", "files", "watch", "strict_json"),
    ("matrix", "git", "process", "store", "junit", "schemas"),
    ("parcel",),
    ("sources", "inventory", "witness", "manifest", "bump", "harness"),
    ("workspace", "services", "metrics"),
    ("ratios",),
    ("plan", "evidence", "render"),
    ("verdict",),
    ("done",),
    ("run", "github", "console", "fanin", "contracts", "guards"),
    ("prove",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
PURE = (
    "plan",
    "ratios",
    "evidence",
    "verdict",
    "done",
    "render",
)  # functions of records: these import models, errors and each other alone
ONLY = {  # library: the one part that imports it
    "git": "git", "junitparser": "junit", "github": "github", "jsonschema": "contracts", "ruamel": "guards",
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
    """`phdb_ci.run.leg` → `run`; the package itself is ''."""
    return module.split(".")[1] if "." in module else ""


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
    if here == "supervisor" and top not in sys.stdlib_module_names:
        said = "and may import the standard library alone"
    elif top in ONLY and here != ONLY[top]:
        said = f"which only phdb_ci.{ONLY[top]} may"
    elif top != "phdb_ci" or name == "phdb_ci" or to == here:  # a library; the version; siblings
        said = ""
    elif to not in LAYER or LAYER[to] >= LAYER.get(here, -1):
        said = "which is not below it"
    elif here in PURE and to not in ("models", "errors", *PURE):
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
    name: imports(tree, name, MODULES, package=MODULES[name].name == "__init__.py")
    for name, tree in TREES.items()
}


def test_modules_import_only_what_is_below_them() -> None:
    assert "phdb_ci.errors" in GRAPH
    assert faults(GRAPH) == []


@pytest.mark.parametrize(
    ("graph", "fault"),
    [
        pytest.param(
            {"store": ["plan"]}, "phdb_ci.store imports phdb_ci.plan, which is not below it", id="upwards"
        ),
        pytest.param(
            {"store": ["git"]}, "phdb_ci.store imports phdb_ci.git, which is not below it", id="beside"
        ),
        pytest.param(
            {"run.leg": ["cli"]},
            "phdb_ci.run.leg imports phdb_ci.cli, which is not below it",
            id="in a package",
        ),
        pytest.param(
            {"errors": ["new"]}, "phdb_ci.errors imports phdb_ci.new, which is not below it", id="unknown"
        ),
        pytest.param({"new": []}, "phdb_ci.new is in no layer", id="no layer"),
        pytest.param(
            {"plan": ["store"]},
            "phdb_ci.plan imports phdb_ci.store, and may import models, errors and what is pure alone",
            id="pure",
        ),
        pytest.param(
            {"supervisor": ["errors"]},
            "phdb_ci.supervisor imports phdb_ci.errors, and may import the standard library alone",
            id="supervisor",
        ),
        pytest.param({"run.a": ["run.b"], "run.b": ["run.a"]}, "cycle: ", id="cycle of siblings"),
        pytest.param({"run": ["run.a"], "run.a": ["run"]}, "cycle: ", id="cycle with the package itself"),
    ],
)
def test_checker_bites_on_a_bad_import(graph: dict[str, list[str]], fault: str) -> None:
    full = {f"phdb_ci.{name}": [f"phdb_ci.{to}" for to in names] for name, names in graph.items()}
    found = faults(full)
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("module", "library", "fault"),
    [
        ("sources", "git", "which only phdb_ci.git may"),
        ("sources", "git.exc", "which only phdb_ci.git may"),
        ("render.junit", "junitparser", "which only phdb_ci.junit may"),
        ("commands.publish", "github", "which only phdb_ci.github may"),
        ("supervisor", "pydantic", "may import the standard library alone"),
    ],
)
def test_checker_bites_on_a_library_in_the_wrong_place(module: str, library: str, fault: str) -> None:
    assert [fault in one for one in faults({f"phdb_ci.{module}": [library]})] == [True]


def test_checker_lets_good_imports_through() -> None:
    good = {
        "phdb_ci.plan": ["phdb_ci.models.plan", "phdb_ci.errors", "re"],
        "phdb_ci.models.plan": [],
        "phdb_ci.git.mirror": ["git", "phdb_ci.git.env", "phdb_ci.locks"],
        "phdb_ci.cli": ["phdb_ci", "phdb_ci.commands.run"],
        "phdb_ci.supervisor": ["os", "ctypes"],
    }
    assert faults(good) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("import os, git.exc", {"os", "git.exc"}, id="import"),
        pytest.param("from phdb_ci.run import leg", {"phdb_ci.run.leg"}, id="module of a package"),
        pytest.param("from phdb_ci.run import Context", {"phdb_ci.run"}, id="name of a package"),
        pytest.param("from phdb_ci.run import Context, leg", {"phdb_ci.run", "phdb_ci.run.leg"}, id="both"),
        pytest.param("def f():\n    import git", {"git"}, id="in a function"),
        pytest.param("if True:\n    try:\n        import git\n    except E: pass", {"git"}, id="in a branch"),
        pytest.param("from . import leg", {"phdb_ci.run.leg"}, id="relative"),
        pytest.param("from ..git import x", {"phdb_ci.git"}, id="relative, one up"),
    ],
)
def test_reader_finds_every_import(text: str, found: set[str]) -> None:
    assert imports(ast.parse(text), "phdb_ci.run.execute", {"phdb_ci.run.leg", "phdb_ci.run"}) == found


@pytest.mark.parametrize("name", MODULES)
def test_module_says_what_it_is_for_and_is_not_too_long(name: str) -> None:
    assert ast.get_docstring(TREES[name])
    assert len(MODULES[name].read_text().splitlines()) <= LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION
    ]
    assert long == []


def test_help_starts_without_heavy_libraries() -> None:
    look = (
        "import sys, phdb_ci.cli\n"
        "phdb_ci.cli.parser()\n"
        "heavy = {'pydantic', 'git', 'jinja2', 'junitparser', 'github', 'platformdirs', 'uv'}\n"
        "print(*sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
