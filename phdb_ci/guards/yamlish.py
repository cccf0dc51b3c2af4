"""The YAML that workflows and compose files are written in, with the line of everything. Pure.

Not a YAML library: block mappings and sequences, plain and quoted scalars, block scalars, flow collections, comments,
anchors and aliases. No dependency is needed for that, and PyYAML keeps neither comments nor, without work, lines.
What it does not understand raises NotReadableError: the guards then say that they cannot tell.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 60
MAX_LINE = 20_000


class NotReadableError(Exception):
    """The text is not YAML as workflows have it."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"{what} (line {line})")
        self.line = line


@dataclass(frozen=True)
class Scalar:
    """A value; `text_line` is where a block scalar's first line stands."""

    line: int
    value: str = ""
    text_line: int = 0
    quoted: bool = False


@dataclass
class Map:
    """A mapping: key → node, and the line of each key."""

    line: int
    items: dict[str, "Node"] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


@dataclass
class Seq:
    """A sequence."""

    line: int
    items: list["Node"] = field(default_factory=list)


Node = Scalar | Map | Seq


def parse(text: str) -> Node:
    """Read the first document of a text. Raises NotReadableError."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise NotReadableError(number, f"more than {MAX_LINE:,} characters in a line")
    try:
        return _Parser(text).document()
    except RecursionError:
        raise NotReadableError(1, "nested too deep") from None


def get(node: Node | None, *path: str) -> Node | None:
    """The node below these keys, None when there is none."""
    for key in path:
        node = node.items.get(key) if isinstance(node, Map) else None
    return node


def text_of(node: Node | None) -> str:
    """A scalar's value, else ''."""
    return node.value if isinstance(node, Scalar) else ""


def scalars(node: Node, key: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every scalar with the nearest key above it."""
    if isinstance(node, Scalar):
        yield key, node
    elif isinstance(node, Map):
        for name, child in node.items.items():
            yield from scalars(child, name)
    else:
        for child in node.items:
            yield from scalars(child, key)


_KEY = re.compile(
    r"""(?P<key>"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|"""
    r"""[^\s\[\]{}#&*!|>'"%@`,?-][^#\n]*?|[?-][^\s#][^#\n]*?)[ \t]*:(?=[ \t]|$)"""
)
_BLOCK = re.compile(r"[|>]([+-]?[1-9]?|[1-9]?[+-]?)[ \t]*(#.*)?$")
_MARK = re.compile(r"(?:[&!](\S*))[ \t]*")
_COMMENT = re.compile(r"(^|[ \t])#.*$")


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.at = 0
        self.anchors: dict[str, Node] = {}
        self.depth = 0

    def document(self) -> Node:
        while self._skip() and re.match(r"(---|%)", self.lines[self.at]):
            rest = self.lines[self.at][3:].strip()
            if rest and not rest.startswith("#") and not self.lines[self.at].startswith("%"):
                raise NotReadableError(self.at + 1, "a value behind ---")
            self.at += 1
        if not self._skip():
            return Scalar(1)
        node = self._block(self._indent())
        if self._skip() and not re.match(r"(---|\.\.\.)", self.lines[self.at]):
            raise NotReadableError(self.at + 1, "a line that belongs to nothing")
        return node

    def _skip(self) -> bool:
        """To the next line that says something."""
        while self.at < len(self.lines):
            bare = self.lines[self.at].strip()
            if bare and not bare.startswith("#"):
                if "\t" in self.lines[self.at][: self._indent() + 1]:
                    raise NotReadableError(self.at + 1, "a tab as indentation")
                return True
            self.at += 1
        return False

    def _indent(self) -> int:
        line = self.lines[self.at]
        return len(line) - len(line.lstrip(" "))

    def _block(self, indent: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotReadableError(self.at + 1, "nested too deep")
        line = self.lines[self.at][indent:]
        if line == "-" or line.startswith("- "):
            node: Node = self._sequence(indent)
        elif _KEY.match(line):
            node = self._mapping(indent)
        else:
            node = self._value(line, indent - 1)
        self.depth -= 1
        return node

    def _sequence(self, indent: int) -> Seq:
        seq = Seq(self.at + 1)
        while self._skip() and self._indent() == indent:
            line = self.lines[self.at][indent:]
            if not (line == "-" or line.startswith("- ")):
                break
            inner = line[1:].lstrip(" ")
            if not inner or inner.startswith("#"):
                self.at += 1
                seq.items.append(self._below(indent, self.at))
                continue
            column = indent + len(line) - len(inner)
            if _KEY.match(inner) or inner == "-" or inner.startswith("- "):
                self.lines[self.at] = " " * column + inner
                seq.items.append(self._block(column))
            else:
                seq.items.append(self._value(inner, indent))
        return seq

    def _mapping(self, indent: int) -> Map:
        node = Map(self.at + 1)
        while self._skip() and self._indent() == indent:
            line = self.lines[self.at][indent:]
            if re.match(r"(---|\.\.\.)(\s|$)", line):
                break
            found = _KEY.match(line)
            if not found:
                raise NotReadableError(self.at + 1, "neither a key nor a value")
            key = _unquoted(found["key"])
            if key in node.items:
                raise NotReadableError(self.at + 1, "a key for the second time")
            node.lines[key] = self.at + 1
            node.items[key] = self._value(line[found.end() :].strip(" \t"), indent)
        return node

    def _below(self, indent: int, line: int, *, sequence: bool = False) -> Node:
        """What stands below a key or dash with nothing behind it."""
        if self._skip():
            deeper = self._indent() > indent
            if deeper or (
                sequence and self._indent() == indent and re.match(r" *-( |$)", self.lines[self.at])
            ):
                return self._block(self._indent())
        return Scalar(line)

    def _value(self, rest: str, indent: int) -> Node:
        """The value that begins with `rest` on this line, of a key at this indentation."""
        line, anchor = self.at + 1, None
        while (mark := _MARK.match(rest)) is not None:
            anchor = mark[1] if rest.startswith("&") else anchor
            rest = rest[mark.end() :]
        if not rest or rest.startswith("#"):
            self.at += 1
            node = self._below(indent, line, sequence=True)
        elif _BLOCK.match(rest):
            node = self._block_scalar(rest, indent)
        elif rest.startswith("*"):
            name = _COMMENT.sub("", rest)[1:].strip()
            if name not in self.anchors:
                raise NotReadableError(line, "an alias of nothing")
            self.at += 1
            return self.anchors[name]
        elif rest[0] in "[{":
            node = self._flow(rest)
        elif rest[0] in "'\"":
            node = self._quoted_scalar(rest)
        else:
            node = self._plain(rest, indent)
        if anchor:
            self.anchors[anchor] = node
        return node

    def _block_scalar(self, rest: str, indent: int) -> Scalar:
        line = self.at + 1
        self.at += 1
        begin, body = self.at, []
        while self.at < len(self.lines):
            text = self.lines[self.at]
            if text.strip() and len(text) - len(text.lstrip(" ")) <= indent:
                break
            body.append(text)
            self.at += 1
        own = min((len(text) - len(text.lstrip(" ")) for text in body if text.strip()), default=0)
        joined = "\n".join(text[own:] for text in body)
        if rest.startswith(
            ">"
        ):  # folded: kept line by line, each continued, so that lines stay where they are
            joined = re.sub(r"(?<=[^\n])\n(?=[^\s])", " \\\\\n", joined)
        return Scalar(line, joined, begin + 1)

    def _plain(self, rest: str, indent: int) -> Scalar:
        line, parts = self.at + 1, [_COMMENT.sub("", rest).strip()]
        self.at += 1
        while self.at < len(self.lines):
            text = self.lines[self.at]
            deeper = len(text) - len(text.lstrip(" ")) > max(indent, -1)
            if not text.strip() or not deeper or text.strip().startswith("#") or indent < 0:
                break
            parts.append(_COMMENT.sub("", text).strip())
            self.at += 1
        return Scalar(line, " ".join(filter(None, parts)), line)

    def _quoted_scalar(self, rest: str) -> Scalar:
        line = self.at + 1
        text, behind = self._gather(rest, _closed_quote)
        if behind.strip() and not behind.strip().startswith("#"):
            raise NotReadableError(line, "text behind a quoted value")
        return Scalar(line, _unquoted(text), line, quoted=True)

    def _flow(self, rest: str) -> Node:
        line = self.at + 1
        text, behind = self._gather(rest, _closed_flow)
        if behind.strip() and not behind.strip().startswith("#"):
            raise NotReadableError(line, "text behind a closing bracket")
        return _Flow(text, line).node()

    def _gather(self, rest: str, closed: Callable[[str], int]) -> tuple[str, str]:
        """Lines until what was opened is closed: that text, and what is behind it on its last line."""
        begin, text = self.at, rest
        while (end := closed(text)) < 0:
            self.at += 1
            if self.at >= len(self.lines) or self.at - begin > 500:
                raise NotReadableError(begin + 1, "an opened value that is never closed")
            text += "\n" + self.lines[self.at]
        self.at += 1
        return text[:end], text[end:]


_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[\[\]{}]|["']""", re.DOTALL)


def _closed_quote(text: str) -> int:
    """The place behind the quoted value that a text begins with, -1 while it is open."""
    found = re.match(r'"(?:\\.|[^"\\])*"' if text[0] == '"' else r"'(?:''|[^'])*'", text, re.DOTALL)
    return found.end() if found else -1


def _closed_flow(text: str) -> int:
    """The place behind the flow collection that a text begins with, -1 while it is open."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if not depth:
                return token.end()
    return -1


def _unquoted(text: str) -> str:
    if text[:1] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] == '"' and len(text) > 1:
        return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1])
    return text.strip()


_FLOW = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<quoted>"(?:\\.|[^"\\])*"|'(?:''|[^'])*')|(?P<sign>[\[\]{},]|:(?=[\s,\[\]{}]|$))"""
    r"""|(?P<plain>(?:\$\{\{.*?\}\}|[^\s,\[\]{}:]|:(?![\s,\[\]{}]|$)|[ ](?![ #]|$))+)""",
    re.DOTALL,
)


class _Flow:
    """`{a: [b, "c"]}`: tokens in, a node out."""

    def __init__(self, text: str, line: int) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            found = _FLOW.match(text, at)
            if not found:
                raise NotReadableError(line, "a flow collection that cannot be read")
            if found.lastgroup != "space":
                self.tokens.append((found.lastgroup or "", found[0], line + text.count("\n", 0, at)))
            at = found.end()
        self.tokens.append(("end", "", line))
        self.at = 0

    def node(self) -> Node:
        kind, text, line = self._take()
        if text == "[" and kind == "sign":
            return self._seq(line)
        if text == "{" and kind == "sign":
            return self._map(line)
        if kind in ("quoted", "plain"):
            return Scalar(line, _unquoted(text), line, quoted=kind == "quoted")
        raise NotReadableError(line, "a flow collection that cannot be read")

    def _seq(self, line: int) -> Seq:
        seq = Seq(line)
        while not self._next("]"):
            seq.items.append(self.node())
            if self._next(":"):
                raise NotReadableError(line, "a pair inside a list")
            if not self._next(",") and self.tokens[self.at][1] != "]":
                raise NotReadableError(line, "a list without a comma")
        return seq

    def _map(self, line: int) -> Map:
        node = Map(line)
        while not self._next("}"):
            key = self.node()
            if not isinstance(key, Scalar):
                raise NotReadableError(line, "a key that is no text")
            node.lines[key.value] = key.line
            empty = not self._next(":") or self.tokens[self.at][1] in (",", "}")
            node.items[key.value] = Scalar(key.line) if empty else self.node()
            if not self._next(",") and self.tokens[self.at][1] != "}":
                raise NotReadableError(line, "a mapping without a comma")
        return node

    def _take(self) -> tuple[str, str, int]:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def _next(self, sign: str) -> bool:
        kind, text, _ = self.tokens[self.at]
        if kind == "sign" and text == sign:
            self.at += 1
            return True
        return False
