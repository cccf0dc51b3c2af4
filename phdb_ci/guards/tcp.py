"""Guard `no-tcp-in-registry-min`: the profile registry-min opens no TCP port. Pure.

Held by three looks at lis: the profile itself (every key about ports, TCP, listening or addresses is off), what a
command line, a variable or, where the profile is silent, a default in code would put in its place, and Python code of
the supervisor that binds an Internet socket without asking for the profile's port first. Compose services with this
profile publish no ports. A profile that cannot be found or read is a failure.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import COMPOSE, DOCKERFILE, code_lines, is_doc, is_test
from phdb_ci.guards.python_listen import listens
from phdb_ci.guards.yamlish import Map, Node, NotReadableError, Seq, parse, scalars

PROFILE = "registry-min"
OFF = frozenset(
    {"", "0", "false", "off", "no", "none", "null", "disabled", "embedded", "embed", "in-process", "unix"}
)
WORDS = re.compile(
    r"^(port|ports|tcp|listen|listener|listeners|bind|addr|address|addresses|wire|pgwire|host)$"
)
PORT_DEFAULT = (
    re.compile(
        r"\b(?:LIS?|LIDB|DB|PG)_(?:\w+_)?(?:TCP_)?PORT[\"']?\s*(?:,|:-|:=|\|\||\?\?|\bor\b)\s*[\"']?([1-9]\d{1,4})\b"
    ),
    re.compile(r"--(?:tcp-)?(?:port|listen)[\"'][^)\n]*\bdefault\s*=\s*[\"']?([1-9]\d{1,4})\b"),
)
PORT_GIVEN = re.compile(
    r"--(?:tcp-port|tcp-listen|listen)(?:[= ]+[\"']?(?!0\b|false)([\w.:]+))|\bLIS?_TCP_PORT\s*[:=]\s*[\"']?[1-9]\d*"
)
SILENT_DEFAULT = (
    re.compile(r"\.get\(\s*[\"'](?:tcp_port|port)[\"']\s*,\s*([1-9]\d*)"),
    re.compile(
        r"\b(?:default_)?tcp_port\w*\s*(?::\s*[\w| .\[\]]+)?(?<![=!<>])=(?!=)\s*([1-9]\d*)\b", re.IGNORECASE
    ),
    re.compile(r"\btcp_listen\w*\s*(?::\s*bool)?\s*(?<![=!<>])=(?!=)\s*(True)\b"),
    re.compile(r"\.get\(\s*[\"']tcp_listen[\"']\s*,\s*(True)"),
)


def no_tcp_in_registry_min(checkout: Checkout) -> Iterator[Finding]:
    """Every place where registry-min would open a port."""
    profiles = [
        file for file in checkout.files
        if re.fullmatch(rf"{PROFILE}\.(toml|ya?ml|json)", file.name) and not is_test(file)
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
        silent = silent or not any(_leaf(path) in ("tcp_port", "port") for path in settings)
        yield from _profile(checkout, file, settings)
    yield from _defaults(checkout, silent=silent)
    yield from _sockets(checkout)
    for file in checkout.files:
        if COMPOSE.search(file.path):
            yield from _compose(file)
        elif DOCKERFILE.search(file.path) and PROFILE in file.text:
            yield from (
                file.at(n, "an image with this profile exposes a port")
                for n, line in enumerate(code_lines(file), 1)
                if re.match(r"\s*EXPOSE\s+\d", line, re.IGNORECASE)
            )


Settings = Mapping[tuple[str, ...], object]


def _settings(file: File) -> Settings | Finding:
    """Every value of a profile by its path."""
    try:
        if file.name.endswith(".toml"):
            return dict(_leaves(tomllib.loads(file.text)))
        return {tuple(key.split(".")): scalar.value for key, scalar in scalars(parse(file.text))}
    except (tomllib.TOMLDecodeError, NotReadableError, RecursionError) as error:
        return file.at(1, f"cannot tell: the profile cannot be read ({str(error)[:80]})")


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, str(key)))
    else:
        yield path, value


def _leaf(path: tuple[str, ...]) -> str:
    return path[-1] if path else ""


def _profile(checkout: Checkout, file: File, settings: Settings, depth: int = 0) -> Iterator[Finding]:
    for path, value in settings.items():
        if path and path[0] not in ("plans", "queries", "description") and _opens(path, value):
            yield file.at(_line_of(file, path), "the profile opens a TCP port")
    base = next(
        (
            str(value)
            for path, value in settings.items()
            if _leaf(path) in ("extends", "inherits", "base", "include")
        ),
        None,
    )
    if base is None:
        return
    name = base.rpartition("/")[2].removesuffix(".toml") + ".toml"
    parent = next(
        (other for other in checkout.files if other.name == name.lower() and other is not file), None
    )
    above = _settings(parent) if parent else None
    if parent is None or above is None or isinstance(above, Finding) or depth > 5:
        yield file.at(
            _line_of(file, ("extends",)),
            f"cannot tell: the profile is built on {base[:40]}, which cannot be read",
        )
        return
    own = set(settings)
    yield from _profile(
        checkout, parent, {path: value for path, value in above.items() if path not in own}, depth + 1
    )


def _opens(path: tuple[str, ...], value: object) -> bool:
    words = re.split(r"[_\-.]", path[-1].lower())
    network = [word for word in words if WORDS.match(word)]
    above = [word for part in path[:-1] for word in re.split(r"[_\-.]", part.lower()) if WORDS.match(word)]
    if not network and not (above and path[-1].lower() in ("enabled", "enable", "on", "active")):
        return False
    if network == ["host"] and not above:
        return False  # a name without a port opens nothing
    values = value if isinstance(value, list) else [value]
    return any(not _off(one) for one in values)


def _off(value: object) -> bool:
    text = str(value).strip().lower()
    return text in OFF or text.startswith(("unix:", "./", "/", "{")) or text.endswith(".sock")


def _line_of(file: File, path: tuple[str, ...]) -> int:
    key = re.compile(rf"(^|[\s{{,\"'.]){re.escape(_leaf(path))}[\"']?\s*[=:]")
    return next((n for n, line in enumerate(code_lines(file), 1) if key.search(line)), 1)


def _defaults(checkout: Checkout, *, silent: bool) -> Iterator[Finding]:
    """What would replace the profile's port from outside, and what stands in for one that it does not name."""
    for file in checkout.files:
        if (
            is_test(file)
            or is_doc(file)
            or not file.name.endswith(
                (".py", ".sh", ".service", ".yml", ".yaml", ".rs", ".ts", ".js", ".li", ".env")
            )
        ):
            continue
        for number, line in enumerate(code_lines(file), 1):
            if len(line) > 2000:
                continue
            if any(rule.search(line) for rule in PORT_DEFAULT):
                yield file.at(number, "a default opens a TCP port, whatever the profile says")
            elif PORT_GIVEN.search(line) and "add_argument" not in line:
                yield file.at(number, "a TCP port is asked for")
            elif silent and any(rule.search(line) for rule in SILENT_DEFAULT):
                yield file.at(number, "the profile names no port, and the default is one")


def _sockets(checkout: Checkout) -> Iterator[Finding]:
    """Code near the profiles that binds a socket, and no condition about the port around it."""
    near = {
        file.path.rpartition("/")[0]
        for file in checkout.files
        if file.name.endswith(".py")
        and not is_test(file)
        and re.search(r"tcp_port|tcp_listen|registry-min", file.text)
    }
    for file in checkout.files:
        folder = file.path.rpartition("/")[0]
        if (
            not file.name.endswith(".py")
            or is_test(file)
            or not any(folder == top or folder.startswith(f"{top}/") for top in near)
        ):
            continue
        try:
            lines = listens(ast.parse(file.text))
        except (SyntaxError, ValueError, RecursionError):
            yield file.at(1, "cannot tell: this module cannot be read as Python")
            continue
        for line in lines:
            yield file.at(line, "listens on the network, and nothing around it asks for tcp_port")


def _compose(file: File) -> Iterator[Finding]:
    if PROFILE not in file.text:
        return
    try:
        root = parse(file.text)
    except NotReadableError as error:
        yield file.at(error.line, f"cannot tell: this file cannot be read: {error}")
        return
    services = root.items.get("services") if isinstance(root, Map) else None
    for service in services.items.values() if isinstance(services, Map) else ():
        if isinstance(service, Map) and "ports" in service.items and _mentions(service):
            ports: Node = service.items["ports"]
            if isinstance(ports, Seq) and ports.items:
                yield file.at(service.lines["ports"], "a service with this profile publishes a port")


def _mentions(service: Map) -> bool:
    return any(PROFILE in scalar.value for _, scalar in scalars(service))
