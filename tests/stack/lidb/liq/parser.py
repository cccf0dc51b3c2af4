"""liq text to an intermediate form: plain dictionaries, nothing looked up yet.

read TABLE [{ COLUMN, … | * }] [where COLUMN = $PARAM [and …]] [order COLUMN [asc|desc]] [limit N]
insert TABLE { COLUMN: $PARAM, … }
update TABLE set COLUMN = $PARAM, … where COLUMN = $PARAM [and …]
"""

from __future__ import annotations

import re
from typing import Any

from .errors import LiqError

_TOKEN = re.compile(r"\s*(?:(\$?[A-Za-z_]\w*)|(\d+)|([{}:,=*]))")


class _Tokens:
    """The tokens of a source, one ahead of the parser."""

    def __init__(self, source: str) -> None:
        self._tokens: list[str] = []
        at = 0
        text = source.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise LiqError(f"unexpected {text[at:].strip()[:1]!r}")
            self._tokens.append(match.group().strip())
            at = match.end()

    def peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def accept(self, *wanted: str) -> str:
        """Take the next token if it is one of `wanted`, else give ''."""
        return self._tokens.pop(0) if self.peek() in wanted and self._tokens else ""

    def expect(self, wanted: str) -> None:
        if not self.accept(wanted):
            raise LiqError(f"expected {wanted!r}, got {self.peek() or 'the end'!r}")

    def take(self, pattern: str, what: str) -> str:
        if not re.fullmatch(pattern, self.peek()):
            raise LiqError(f"expected {what}, got {self.peek() or 'the end'!r}")
        return self._tokens.pop(0)

    def name(self) -> str:
        return self.take(r"[A-Za-z_]\w*", "a name")

    def parameter(self) -> str:
        return self.take(r"\$[A-Za-z_]\w*", "a parameter such as $id")[1:]

    def bindings(self, between: str, separator: str) -> list[tuple[str, str]]:
        """Read `column BETWEEN $param` as often as a separator follows."""
        found = []
        while True:
            column = self.name()
            self.expect(between)
            found.append((column, self.parameter()))
            if not self.accept(separator):
                return found


def parse(source: str) -> dict[str, Any]:
    """Parse one query."""
    tokens = _Tokens(source)
    kind = tokens.accept("read", "insert", "update")
    if not kind:
        raise LiqError(f"a query starts with read, insert or update, not {tokens.peek() or 'nothing'!r}")
    ir: dict[str, Any] = {"kind": kind, "table": tokens.name()}
    if kind == "read":
        _read(tokens, ir)
    elif kind == "insert":
        tokens.expect("{")
        ir["set"] = tokens.bindings(":", ",")
        tokens.expect("}")
    else:
        tokens.expect("set")
        ir["set"] = tokens.bindings("=", ",")
        tokens.expect("where")  # no update of a whole table by an omission
        ir["where"] = tokens.bindings("=", "and")
    if tokens.peek():
        raise LiqError(f"one query at a time: {tokens.peek()!r} follows it")
    return ir


def _read(tokens: _Tokens, ir: dict[str, Any]) -> None:
    ir["columns"] = _columns(tokens) if tokens.accept("{") else ["*"]
    ir["where"] = tokens.bindings("=", "and") if tokens.accept("where") else []
    if tokens.accept("order"):
        ir["order"] = [tokens.name(), tokens.accept("asc", "desc") or "asc"]
    if tokens.accept("limit"):
        ir["limit"] = int(tokens.take(r"\d+", "a number"))


def _columns(tokens: _Tokens) -> list[str]:
    columns = ["*"] if tokens.accept("*") else [tokens.name()]
    while columns != ["*"] and tokens.accept(","):
        columns.append(tokens.name())
    tokens.expect("}")
    return columns
