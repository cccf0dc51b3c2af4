"""Where a Python module binds an Internet socket without a condition about the profile's port. Pure."""

import ast
import re
from collections.abc import Iterator

ASKS = re.compile(r"\b\w*(tcp_port|tcp_listen|listen_tcp|wire_port)\b", re.IGNORECASE)
SERVERS = re.compile(
    r"^(Threading)?(TCP|HTTP|XMLRPC|UDP)Server$|^SimpleXMLRPCServer$|^make_server$|^start_server$|^create_server$"
)
LEAVES = (ast.Return, ast.Raise, ast.Continue)
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
    asked = asked or (isinstance(node, ast.If) and _asks(node))
    for _, value in ast.iter_fields(node):
        left = asked
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, asked=left, unix_only=unix_only)
                # `if not tcp_port: return` and its likes: what follows has been asked for.
                leaves = isinstance(child, ast.If) and isinstance(child.body[-1], LEAVES) and _asks(child)
                left = left or leaves


def _asks(node: ast.If) -> bool:
    return ASKS.search(ast.unparse(node.test)) is not None


def _binds(node: ast.Call, *, unix_only: bool) -> bool:
    function = ast.unparse(node.func).split(".")
    if SERVERS.match(function[-1]):
        return True
    if function[-1] == "bind" and node.args and not unix_only:
        return isinstance(node.args[0], ast.Tuple) and len(node.args[0].elts) >= 2
    return len(function) == 2 and function[0] in RUNS.get(function[1], ())
