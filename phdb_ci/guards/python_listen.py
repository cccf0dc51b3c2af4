"""Where a Python module binds an Internet socket without a condition about the profile's port. Pure.

A condition excuses the branch that runs when there is a port, and what follows a branch that leaves when there is none.
"""

import ast
import re
from collections.abc import Iterator

ASKS = re.compile(r"\b\w*(tcp_port|tcp_listen|listen_tcp|wire_port)\b", re.IGNORECASE)
SERVERS = re.compile(
    r"^(Threading)?(TCP|HTTP|XMLRPC|UDP)Server$|^SimpleXMLRPCServer$|^make_server$|^start_server$|^create_server$|"
    r"^TCPSite$|^add_(in)?secure_port$"
)
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
OFF = (ast.Eq, ast.Is, ast.In, ast.Lt, ast.LtE)
EQUAL = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
PORT_NAME = re.compile(r"[a-z_]*(tcp_port|listen_tcp|wire_port)")
RUNS = {
    "Config": ("uvicorn",),
    "run": ("uvicorn", "app", "web", "hypercorn"),
    "run_app": ("web",),
    "serve": ("waitress", "websockets"),
}


def listens(tree: ast.Module, known: frozenset[str] = frozenset()) -> list[int]:
    """The lines that listen, or name a port, whatever the profile says of one; `known` are servers by other names."""
    try:
        return sorted({*_walk(tree, known | servers(tree), asked=False), *_set(tree)})
    except RecursionError:
        return [1]


def servers(tree: ast.Module) -> frozenset[str]:
    """The names of a module under which a server is known: aliases and subclasses of it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {one.asname for one in node.names if one.asname and SERVERS.match(one.name)}
        elif isinstance(node, ast.ClassDef) and any(_is_server(base, found) for base in node.bases):
            found.add(node.name)
        elif isinstance(node, ast.Assign) and _is_server(node.value, found):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(found)


def _is_server(node: ast.expr, found: set[str]) -> bool:
    name = _name(node)
    return name in found or SERVERS.match(name) is not None


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else str(getattr(node, "id", ""))


def _set(node: ast.AST) -> Iterator[int]:
    """`tcp_port = 5432` of a function, with no condition around it: the profile's own port is overridden."""
    for child in ast.walk(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for one in child.body:
            port = (
                one.value.value
                if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
                else None
            )
            targets = (
                one.targets if isinstance(one, ast.Assign) and isinstance(port, int) and port > 0 else []
            )
            if any(PORT_NAME.fullmatch(_name(target)) for target in targets):
                yield one.lineno


def _walk(node: ast.AST, known: frozenset[str], *, asked: bool) -> Iterator[int]:
    if isinstance(node, ast.Call) and not asked and _binds(node, known):
        yield node.lineno
    for name, value in ast.iter_fields(node):
        left = asked or (
            isinstance(node, ast.If | ast.IfExp)
            and (
                (name == "body" and _means(node.test, True))
                or (name == "orelse" and _means(node.test, False))
            )
        )
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, known, asked=left)
                left = left or _returns_without_port(child)


def _returns_without_port(node: ast.AST) -> bool:
    """`if not tcp_port: return` and its likes: what follows has been asked for."""
    if not isinstance(node, ast.If):
        return False
    return any(
        branch and isinstance(branch[-1], LEAVES) and _means(node.test, came)
        for branch, came in ((node.body, False), (node.orelse, True))
    )


def _means(test: ast.expr, came: bool) -> bool:
    """Whether there is a port when this is what came out of the test."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _means(test.operand, not came)
    if isinstance(test, ast.BoolOp):
        parts = (_means(part, came) for part in test.values)
        return any(parts) if isinstance(test.op, ast.And) == came else all(parts)
    if ASKS.search(ast.unparse(test)) is None:
        return False
    return came != (isinstance(test, ast.Compare) and _is_off(test))


def _is_off(test: ast.Compare) -> bool:
    """`tcp_port == 0`, `is None`, `< 1`, `!= 5432`: true where there is no port."""
    kind, right = test.ops[0], test.comparators[0]
    switched = isinstance(test.left, ast.Constant) and isinstance(kind, ORDERED)  # `0 < tcp_port`
    port = isinstance(kind, EQUAL) and isinstance(right, ast.Constant) and bool(right.value)  # `== 5432`
    return isinstance(kind, OFF) != (switched or port)


def _binds(node: ast.Call, known: frozenset[str]) -> bool:
    """A server by its name, or an address of host and port: what a Unix socket is bound to is no tuple."""
    function = node.func
    name = _name(function)
    if any(keyword.arg in ("uds", "fd", "unix_socket") for keyword in node.keywords):
        return False
    if (
        SERVERS.match(name)
        and name.startswith("add_")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ):
        return not str(node.args[0].value).startswith("unix:")
    if SERVERS.match(name) or name in known:
        return True
    if name == "bind" and node.args:
        return isinstance(node.args[0], ast.Tuple) and len(node.args[0].elts) >= 2
    owner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id in RUNS.get(name, ())
