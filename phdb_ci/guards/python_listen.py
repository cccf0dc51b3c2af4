"""Where a Python module binds an Internet socket without a condition about the profile's port. Pure."""

import ast
import re
from collections.abc import Iterator

ASKS = re.compile(r"\b\w*(tcp_port|tcp_listen|listen_tcp|wire_port)\b", re.IGNORECASE)
SERVERS = re.compile(
    r"^(Threading)?(TCP|HTTP|XMLRPC|UDP)Server$|^SimpleXMLRPCServer$|^make_server$|^start_server$|^create_server$"
)
RUNS = {
    "run": ("uvicorn", "app", "web", "hypercorn"),
    "run_app": ("web",),
    "serve": ("waitress", "websockets"),
}


def listens(tree: ast.Module) -> list[int]:
    """The lines."""
    unix = "AF_UNIX" in ast.dump(tree)
    internet = any(isinstance(n, ast.Attribute) and n.attr in ("AF_INET", "AF_INET6") for n in ast.walk(tree))
    return sorted(set(_walk(tree, asked=False, unix_only=unix and not internet)))


def _walk(node: ast.AST, *, asked: bool, unix_only: bool) -> Iterator[int]:
    if isinstance(node, ast.Call) and not asked and _binds(node, unix_only=unix_only):
        yield node.lineno
    if isinstance(node, ast.If):
        about = asked or ASKS.search(ast.unparse(node.test)) is not None
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, asked=about, unix_only=unix_only)
        return
    for _, value in ast.iter_fields(node):
        if isinstance(value, list):
            left = asked
            for child in value:
                if isinstance(child, ast.AST):
                    yield from _walk(child, asked=left, unix_only=unix_only)
                    left = left or _leaves(child)
        elif isinstance(value, ast.AST):
            yield from _walk(value, asked=asked, unix_only=unix_only)


def _leaves(node: ast.AST) -> bool:
    """`if not tcp_port: return` and its likes: what follows has been asked for."""
    if not isinstance(node, ast.If) or not ASKS.search(ast.unparse(node.test)):
        return False
    return isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue)


def _binds(node: ast.Call, *, unix_only: bool) -> bool:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    of = (
        function.value.id
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
        else ""
    )
    if SERVERS.match(name):
        return True
    if name == "bind" and node.args and not unix_only:
        return isinstance(node.args[0], ast.Tuple) and len(node.args[0].elts) >= 2
    return of in RUNS.get(name, ())
