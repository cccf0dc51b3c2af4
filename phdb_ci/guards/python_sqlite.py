"""Where a Python text uses sqlite, read off its syntax tree: comments, docstrings and messages are no use. Pure.

A use that is only there to be refused is fine: an import inside `pytest.raises`, a URL in a comparison whose branch
raises, a name in an `assert`, a look for the program whose result is asserted.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from itertools import pairwise

ENGINES = re.compile(r"\w*sqlite\w*|apsw|sqlean|sqlcipher3?|pysqlcipher3|libsql\w*", re.IGNORECASE)
NEGATED = re.compile(
    r"(\b|_)(no|not|non|without|never|forbid\w{0,10}|ban\w{0,10}|den\w{1,10}|reject\w{0,10}|refus\w{0,10}|absence|"
    r"check|removed?|assert)[-_ ]\w{0,80}[-_ ]?sqlite",
    re.IGNORECASE,
)
URL = re.compile(r"\b(jdbc:)?sqlite3?(\+\w+)?:(//|:memory)|^django\.db\.backends\.sqlite3$", re.IGNORECASE)
PROGRAM = re.compile(r"^(\S*/)?sqlite3?(\.exe)?$")
LINE = re.compile(r"^\s*(\S*/)?sqlite3\s*($|[-/\"'${%.])|^\s*(\S*/)?sqlite3\s+\S+\s+[\"'.]")
LIBRARY = re.compile(r"(^|/)(lib)?sqlite3?(\.so[\d.]*|\.dylib|\.dll|-\d+\.dll)?$")
CLASS = re.compile(
    r"(Async|Pooled|Ext)?(APSW|Sqlite|SQLite)\w*?(Database|Connection|Engine|Backend|Store|Storage|Pool|Driver)"
)
PACKAGE = re.compile(
    r"[\w.-]*(sqlite|sqlcipher)[\w.-]*+\s*([/=<>~!;@\[].*)?|(apsw|sqlean|libsql)\b.*", re.IGNORECASE
)
DIALECT = re.compile(r"sqlite3?(\+\w+)?")
IMPORTERS = frozenset({"import_module", "__import__", "importorskip"})
LOADERS = frozenset({"CDLL", "PyDLL", "WinDLL", "LoadLibrary", "find_library", "dlopen"})
RUNNERS = frozenset(
    {
        "run", "Popen", "call", "check_call", "check_output", "system", "popen", "getoutput", "getstatusoutput",
        "create_subprocess_exec", "create_subprocess_shell", "execv", "execvp", "execl", "execlp", "spawnlp", "spawnvp",
    }
)  # fmt: skip
INSTALLERS = frozenset({"install", "requires", "tool_requires", "build_requires"})
DEPENDENCIES = frozenset(
    {"install_requires", "extras_require", "tests_require", "setup_requires", "requires", "build_requires"}
)
MAX_PACKAGE = 200
LOOKS = "looks for the sqlite3 program"
Hit = tuple[int, str]


def python_uses(text: str) -> list[Hit]:
    """Line and what is done there. Raises SyntaxError, ValueError or RecursionError where it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    denied = _denied(tree)
    return sorted(hit for hit in set(_hits(tree)) if hit[1] != LOOKS or hit[0] not in denied)


def _denied(tree: ast.Module) -> set[int]:
    """The lines of assignments to a name that is asserted or makes something raise."""
    nodes = list(ast.walk(tree))
    tests = [node.test for node in nodes if isinstance(node, ast.Assert | ast.If) and _refuses(node)]
    asked = {name.id for test in tests for name in ast.walk(test) if isinstance(name, ast.Name)}
    return {
        node.value.lineno
        for node in nodes
        if isinstance(node, ast.Assign) and {_name(target) for target in node.targets} & asked
    }


def _hits(node: ast.AST, *, refused: bool = False) -> Iterator[Hit]:
    """Every use at this node or below it; `refused`: what stands here is asserted or refused."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    refused = refused or _refuses(node)
    if not refused:
        yield from _use(node)
    for child in ast.iter_child_nodes(node):
        # The branches of an `if` that raises are code like any other; its test is the refusal.
        branch = isinstance(node, ast.If) and child is not node.test
        yield from _hits(child, refused=refused and not branch)


def _refuses(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        return any(_name(call.func) in ("raises", "assertRaises") for call in calls)
    if isinstance(node, ast.If):
        return any(isinstance(statement, ast.Raise) for statement in node.body)
    return False


def _use(node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _import(node)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.List | ast.Tuple):
        yield from _command(node)
    elif isinstance(node, ast.Attribute) and CLASS.fullmatch(node.attr) and NEGATED.search(node.attr) is None:
        yield node.lineno, f"uses {node.attr}"
    elif isinstance(node, ast.Assign) and {_name(target) for target in node.targets} & DEPENDENCIES:
        yield from _packages(node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _url(node.value):
        yield node.lineno, "names an sqlite database"


def _import(node: ast.Import | ast.ImportFrom) -> Iterator[Hit]:
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        name = f"{module}.{alias.name}".strip(".")
        if _engine(module) or _engine(alias.name):
            yield node.lineno, f"imports {name}"


def _call(node: ast.Call) -> Iterator[Hit]:
    name, first = _name(node.func), _text(node.args[0]) if node.args else None
    yield from _given(node, name)
    if first is None:
        return
    if name in IMPORTERS and _engine(first):
        yield node.lineno, f"imports {first[:40]}"
    elif name in LOADERS and LIBRARY.search(first):
        yield node.lineno, "loads the sqlite library"
    elif name in RUNNERS and (PROGRAM.match(first) or LINE.match(first) or first.startswith("sqlite3 ")):
        yield node.lineno, "calls the sqlite3 program"
    elif name in ("which", "find_executable") and PROGRAM.match(first):
        yield node.lineno, LOOKS
    elif (
        name == "create"
        and _name(getattr(node.func, "value", node)).endswith("URL")
        and DIALECT.fullmatch(first)
    ):
        yield node.lineno, "names an sqlite database"


def _given(node: ast.Call, name: str) -> Iterator[Hit]:
    """Dependencies and dialects among the arguments of a call."""
    for keyword in node.keywords:
        if keyword.arg in DEPENDENCIES:
            yield from _packages(keyword.value)
        elif keyword.arg in ("drivername", "dialect") and DIALECT.fullmatch(_text(keyword.value) or ""):
            yield node.lineno, "names an sqlite database"
    if name in INSTALLERS:
        yield from (hit for value in node.args for hit in _packages(value))


def _packages(node: ast.AST) -> Iterator[Hit]:
    """Dependencies that are parts of sqlite: texts below this node."""
    for one in ast.walk(node):
        said = one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else ""
        if len(said) < MAX_PACKAGE and PACKAGE.fullmatch(said) and NEGATED.search(said) is None:
            yield getattr(one, "lineno", 1), "depends on sqlite"


def _command(node: ast.List | ast.Tuple) -> Iterator[Hit]:
    """`["sqlite3", path]` is a command line; a list of names such as ("sqlite3", "aiosqlite") is not."""
    names = all(isinstance(e, ast.Constant) and re.fullmatch(r"[\w-]+", str(e.value)) for e in node.elts)
    if len(node.elts) > 1 and not names and PROGRAM.match(_text(node.elts[0]) or ""):
        yield node.lineno, "calls the sqlite3 program"
    for flag, module in pairwise(map(_text, node.elts)):
        if flag == "-m" and module == "sqlite3":
            yield node.lineno, "calls the sqlite3 module"


def _url(text: str) -> bool:
    return URL.search(text) is not None and NEGATED.search(text) is None


def _engine(name: str) -> bool:
    return any(map(ENGINES.fullmatch, name.split("."))) and NEGATED.search(name) is None


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST) -> str | None:
    """What a text expression begins with."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[0])
    if isinstance(node, ast.BinOp):
        return _text(node.left)
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        first = _text(node.elts[0])
        return first if first and PROGRAM.match(first) else None
    return None
