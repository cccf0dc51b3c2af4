"""Where something other than Python listens on the network: native code, Node, shell, socket units. Pure.

A listener is excused where `tcp_port` (or its likes) is asked for on its line or the few above it. It is a look at
words, not at meaning: a call behind a macro or in a library of its own is not seen.
"""

import re
from collections.abc import Iterator

from phdb_ci.guards.checkout import File
from phdb_ci.guards.code import code_lines, is_shell, is_test
from phdb_ci.guards.kinds import SCRIPT, is_c_like
from phdb_ci.guards.shell import commands

ASKED = re.compile(
    r"^(?>.*?\b(?:if|when|match|unless)\b).*?(?:tcp_?port|tcp_?listen|listen_tcp|wire_?port)", re.IGNORECASE
)
ABOVE = 6
NATIVE = re.compile(
    r"\bTcpListener::bind\s*\(|\btcp::acceptor\b|\bacceptor_?\s*\.\s*listen\s*\(|\bserver::bind\s*\(|\bnet\.Listen\(\s*\"tcp"
)
INTERNET = re.compile(r"\bAF_INET6?\b|\bsockaddr_in6?\b|\bINADDR_(?:ANY|LOOPBACK)\b")
LISTEN = re.compile(r"(?<![\w.>])(?:::)?listen\s*\(\s*\w+\s*,")
NODE = re.compile(
    r"\.listen\(\s*(?:[1-9]\d*\b|\{[^{}]*\bport\b|[\w.]*port\b|(?:Number|parseInt)\(|process\.env)",
    re.IGNORECASE,
)
SOCKET_UNIT = re.compile(r"\s*ListenStream\s*=\s*(?!/|@|%t|$)\S*\d")
OURS = re.compile(r"\bregistry-min\b|\blidb\b|\blis\b")


def listeners(file: File) -> Iterator[int]:
    """The lines of a file that listen without a question about the profile's port."""
    if is_test(file):
        return
    lines = code_lines(file)
    if file.name.endswith(".socket"):
        yield from (number for number, line in enumerate(lines, 1) if SOCKET_UNIT.match(line))
    elif is_shell(file):
        if OURS.search(file.text):
            yield from (one.line for one in commands("\n".join(lines)) if _serves(one.call))
    elif is_c_like(file.name):
        kinds = (
            [NODE]
            if file.name.endswith(SCRIPT)
            else [NATIVE, *([LISTEN] if INTERNET.search(file.text) else [])]
        )
        for number, line in enumerate(lines, 1):
            if any(kind.search(line) for kind in kinds) and not any(
                map(ASKED.search, lines[max(0, number - 1 - ABOVE) : number])
            ):
                yield number


def _serves(call: tuple[str, ...]) -> bool:
    """`python3 -m http.server`, `socat TCP-LISTEN:…`, `nc -l`; one that listens on a Unix socket is none."""
    program = call[0].rpartition("/")[2] if call else ""
    if program.startswith("python"):
        return call[1:3] == ("-m", "http.server")
    if program == "socat":
        return any(re.match(r"TCP[46]?-(LISTEN|L):", word, re.IGNORECASE) for word in call)
    listens = any(re.match(r"-[a-zA-Z]*l", word) or word == "--listen" for word in call)
    unix = any(re.match(r"-[a-zA-Z]*U", word) for word in call)
    return program in ("nc", "ncat", "netcat") and listens and not unix
