"""Guard `no-tcp-in-registry-min`: the profile registry-min opens no TCP port. Pure.

Held by three looks at lis: the profile itself (every key about ports, TCP, listening or addresses is off), what a
command line, a variable or, where the profile is silent, a default in code would put in its place, and code (Python
near the profiles, native code, Node, scripts, socket units) that listens without asking for the profile's port first.
lidb holds no profile: of it only the code is looked at. Compose services with this profile publish no ports. A profile
that cannot be found or read is a failure.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, is_shell, is_test
from phdb_ci.guards.kinds import COMPOSE, DOCKERFILE, SCRIPT, SHELL
from phdb_ci.guards.listeners import listeners
from phdb_ci.guards.python_listen import listens, servers
from phdb_ci.guards.yaml import get, pairs, parse, scalars

PROFILE = "registry-min"
OFF = frozenset(
    {"", "0", "false", "off", "no", "none", "null", "disabled", "embedded", "embed", "in-process", "unix"}
)
WORDS = re.compile(
    r"^(port|ports|tcp|listen|listener|listeners|bind|addr|address|addresses|wire|pgwire|host|endpoint|endpoints|url|urls|uri|dsn|serve)$"
)
PORT_DEFAULT = (
    re.compile(
        r"\b(?:LIS?|LIDB|DB|PG)_(?:\w+_)?(?:TCP_)?PORT[\"']?\s*(?:,|:-|:=|\|\||\?\?|\bor\b)\s*[\"']?([1-9]\d{1,4})\b"
    ),
    re.compile(
        r"--(?:tcp-)?(?:port|listen)[\"'](?:(?!--(?:tcp-)?(?:port|listen)[\"'])[^)])*?\bdefault\s*=\s*[\"']?([1-9]\d{1,4})\b"
    ),
)
FALLBACK = re.compile(
    r"\b\w*tcp_?port\b[\"'\])]*\s*+(?:\bor\b|\|\||\?\?)\s*+([1-9]\d{1,4})\b"
    r"|\btcp_?port\s+(?:if\s+[\w.]*tcp_?port\s+else|\?\s*[\w.]*tcp_?port\s*:)\s+([1-9]\d{1,4})\b",
    re.IGNORECASE,
)
PORTED = re.compile(
    r"(?:^|//|=)(?:[\w.*-]+|\[[\da-f:]*\])?:\d{2,5}(?:/|$)|^(?:tcp|pg|postgres(?:ql)?|lidb)://", re.IGNORECASE
)
PORT_GIVEN = re.compile(
    r"^(?!.*add_argument).*(?:--(?:tcp-port|tcp-listen|listen)(?:[= ]+[\"']?(?!0\b|false)([\w.:]+))"
    r"|\bLIS?_TCP_PORT\s*[:=]\s*[\"']?[1-9]\d*)"
)
SILENT_DEFAULT = (
    re.compile(r"\.get\(\s*[\"'](?:tcp_port|port)[\"']\s*,\s*([1-9]\d*)"),
    re.compile(
        r"\b(?:default_)?tcp_port\w*\s*(?::[\w| .\[\]\t]++)?(?<![=!<>])=(?!=)\s*([1-9]\d*)\b", re.IGNORECASE
    ),
    re.compile(r"\btcp_listen\w*\s*(?::\s*bool)?\s*(?<![=!<>])=(?!=)\s*(True)\b"),
    re.compile(r"\.get\(\s*[\"']tcp_listen[\"']\s*,\s*(True)"),
)


SETTING = (*SCRIPT, *SHELL, ".py", ".service", ".yml", ".yaml", ".rs", ".li", ".env", ".conf", ".ini", ".cfg")


def no_tcp_in_registry_min(checkout: Checkout) -> Iterator[Finding]:
    """Every place where registry-min would open a port."""
    yield from _listeners(checkout)
    if checkout.name == "lidb":
        return
    profiles = [
        file for file in checkout.files
        if re.fullmatch(rf"{PROFILE}(\.[\w-]+)?\.(toml|ya?ml|json)", file.name) and not is_test(file)
    ]  # fmt: skip
    if not profiles:
        yield Finding(checkout.name, "", 0, f"cannot tell: there is no profile {PROFILE}.toml")
        return
    silent = False
    for file in profiles:
        settings = _settings(file)
        if isinstance(settings, Finding):
            yield settings
            continue
        whole = re.fullmatch(rf"{PROFILE}\.\w+", file.name) is not None
        silent = silent or (whole and not any(path[-1:] in (("tcp_port",), ("port",)) for path in settings))
        yield from _profile(file, settings)
    yield from _defaults(checkout, silent=silent)
    yield from _sockets(checkout)
    for file in checkout.files:
        if PROFILE not in file.text:
            continue
        if COMPOSE.search(file.path):
            yield from _compose(file)
        elif DOCKERFILE.search(file.path):
            yield from (
                file.at(n, "an image with this profile exposes a port")
                for n, line in enumerate(code_lines(file), 1)
                if re.match(r"\s*EXPOSE\s+\d", line, re.IGNORECASE)
            )


Settings = Mapping[tuple[str, ...], object]


def _settings(file: File) -> Settings | Finding:
    """Every value of a profile by its path."""
    if not file.name.endswith(".toml"):
        root = parse(file)
        return root if isinstance(root, Finding) else dict(_leaves(root))
    try:
        return dict(_leaves(tomllib.loads(file.text)))
    except (ValueError, RecursionError) as error:
        return file.at(1, f"cannot tell: the profile cannot be read ({str(error)[:80]})")


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    else:
        yield path, value


def _profile(file: File, settings: Settings) -> Iterator[Finding]:
    for path, value in settings.items():
        if path[-1:] in (("extends",), ("base",)) and value == PROFILE:
            continue  # an overlay
        if path[-1:] and path[-1] in ("extends", "inherits", "base", "include"):
            yield file.at(_line_of(file, path), "cannot tell: the profile is built on another")
        elif path[:1] not in ((), ("plans",), ("queries",), ("description",)) and _opens(path, value):
            yield file.at(_line_of(file, path), "the profile opens a TCP port")


def _opens(path: tuple[str, ...], value: object) -> bool:
    above, own = (
        {word for part in parts for word in _words(part) if WORDS.match(word)}
        for parts in (path[:-1], path[-1:])
    )
    if not own and not (above and path[-1].lower() in ("enabled", "enable", "on", "active")):
        return False
    if own and own <= {"endpoint", "endpoints", "url", "urls", "uri", "dsn", "serve"}:
        return any(PORTED.search(str(one)) for one in (value if isinstance(value, list) else [value]))
    if own == {"host"} and not above:
        return False  # a name without a port opens nothing
    return not all(map(_off, value if isinstance(value, list) else [value]))


def _words(key: str) -> list[str]:
    """`wirePort`, `serve_url` → their words."""
    return re.split(r"[_\-.]", re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", key).lower())


def _off(value: object) -> bool:
    text = str(value).strip().lower()
    return text in OFF or text.startswith(("unix:", "./", "/", "{")) or text.endswith(".sock")


def _line_of(file: File, path: tuple[str, ...]) -> int:
    return _key_lines(file).get(path[-1], 1)


@lru_cache(maxsize=64)
def _key_lines(file: File) -> Mapping[str, int]:
    """Every key of a profile with the line where it first stands."""
    found: dict[str, int] = {}
    for number, line in enumerate(code_lines(file), 1):
        for key in re.findall(r"(?:^|[\s{,\"'.])([\w-]++)[\"']?\s*+[=:]", line):
            found.setdefault(key, number)
    return found


def _defaults(checkout: Checkout, *, silent: bool) -> Iterator[Finding]:
    """What would replace the profile's port from outside, and what stands in for one that it does not name."""
    rules = [(rule, "a default opens a TCP port, whatever the profile says") for rule in PORT_DEFAULT]
    rules += [(PORT_GIVEN, "a TCP port is asked for"), (FALLBACK, "a port stands in for the profile's")]
    if silent:
        rules += ((rule, "the profile names no port, and the default is one") for rule in SILENT_DEFAULT)
    for file in checkout.files:
        if is_test(file) or not _sets(file):
            continue
        text, number, at = "\n".join(code_lines(file)), 1, 0
        for found in PORT_DEFAULT[1].finditer(text):  # the one that may stand in several lines
            number, at = number + text.count("\n", at, found.start()), found.start()
            yield file.at(number, rules[1][1])
        for number, line in enumerate(code_lines(file), 1):
            why = next((why for rule, why in rules if rule.search(line)), None)
            if why:
                yield file.at(number, why)


def _sets(file: File) -> bool:
    """Whether it is of a kind that may say which port is opened."""
    return (
        file.name.endswith(SETTING)
        or file.name.startswith(".env")
        or is_shell(file)
        or DOCKERFILE.search(file.path) is not None
    )


def _sockets(checkout: Checkout) -> Iterator[Finding]:
    """Code near the profiles that binds a socket, and no condition about the port around it."""
    modules = [file for file in checkout.files if file.name.endswith(".py") and not is_test(file)]
    near = {
        str(PurePosixPath(file.path).parent)
        for file in modules
        if re.search(r"tcp_port|tcp_listen|registry-min", file.text)
    }
    trees: dict[str, ast.Module] = {}
    for file in modules:
        if near.isdisjoint(str(folder) for folder in PurePosixPath(file.path).parents):
            continue
        try:
            trees[file.path] = ast.parse(file.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield file.at(1, "cannot tell: this module cannot be read as Python")
    known = frozenset(name for tree in trees.values() for name in servers(tree))
    for file in modules:
        for line in listens(trees[file.path], known) if file.path in trees else ():
            yield file.at(line, "listens on the network, and nothing around it asks for tcp_port")


def _listeners(checkout: Checkout) -> Iterator[Finding]:
    for file in checkout.files:
        for line in listeners(file):
            yield file.at(line, "listens on the network, and nothing around it asks for tcp_port")


def _compose(file: File) -> Iterator[Finding]:
    root = parse(file)
    if isinstance(root, Finding):
        yield root
        return
    for _, service in pairs(get(root, "services")):
        port = next((scalar for _, scalar in scalars(get(service, "ports")) if scalar), None)
        if port and any(PROFILE in scalar for _, scalar in scalars(service)):
            yield file.at(port.line, "a service with this profile publishes a port")
