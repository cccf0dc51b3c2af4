"""The YAML of workflows and compose files: ruamel.yaml reads it, and every scalar stays the text that is written. Pure.

Composed and never constructed: no tag is obeyed, `on` and `1` are words. What is no YAML, holds a key twice, is nested
too deep or grows too large with its aliases is a finding, "cannot tell".
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Any, Self, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from phdb_ci.guards.checkout import File, Finding

MAX_DEPTH = 60
MAX_LINE = 20_000
MAX_TEXT = 256 * 1024  # ruamel.yaml reads this in a few seconds; no workflow comes near it
MAX_NODES = 200_000
# Line breaks in YAML 1.1, which would shift every line below them.
_NO_BREAKS = re.compile("[\x85\u2028\u2029]")


class Text(str):
    """A scalar; `line` is where it begins, `text_line` where its first line of text stands."""

    __slots__ = ("line", "text_line")
    line: int
    text_line: int

    def __new__(cls, words: str, line: int = 1, text_line: int = 1) -> Self:  # noqa: D102
        self = super().__new__(cls, words)
        self.line, self.text_line = line, text_line
        return self


Node: TypeAlias = dict[str, "Node"] | list["Node"] | Text


@lru_cache(maxsize=1024)
def parse(file: File) -> Node | Finding:
    """The one document of a file; a finding when there is no such thing."""
    if any(len(line) > MAX_LINE for line in file.lines):
        return file.at(1, f"cannot tell: a line of this file has more than {MAX_LINE:,} characters")
    if len(file.text) > MAX_TEXT:
        return file.at(1, f"cannot tell: this file has more than {MAX_TEXT // 1024} KiB")
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = MAX_DEPTH
    reader.composer.warn_double_anchors = False
    try:
        root = reader.compose(_NO_BREAKS.sub(" ", file.text))
        return _plain(root, count()) if root else {}
    except (YAMLError, AssertionError, ArithmeticError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line, file.text.rstrip().count("\n")) + 1 if mark else 1
        return file.at(line, f"cannot tell: this file is no YAML: {getattr(error, 'problem', None) or error}")


def _plain(node: Any, number: Iterator[int]) -> Node:
    if next(number) > MAX_NODES:
        raise ComposerError(None, None, "it is too large", node.start_mark)
    if isinstance(node, SequenceNode):
        return [_plain(child, number) for child in node.value]
    if isinstance(node, MappingNode):
        found: dict[str, Node] = {}
        for key, value in node.value:
            name = _plain(key, number)
            if not isinstance(name, Text) or name in found:
                raise ComposerError(None, None, "a key is no word, or stands there twice", key.start_mark)
            found[name] = _plain(value, number)
        return found
    line = node.start_mark.line + 1
    return Text(node.value, line, line + (node.style in ("|", ">")))


def get(node: Node | None, *path: str) -> Node | None:
    """The node below these keys, None when there is none."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def text(node: Node | None, *path: str) -> Text:
    """The scalar below these keys, empty when there is none."""
    found = get(node, *path)
    return found if isinstance(found, Text) else Text("")


def scalars(node: Node | None, key: str = "") -> Iterator[tuple[str, Text]]:
    """Every scalar with the nearest key above it."""
    if isinstance(node, Text):
        yield key, node
    for name, child in pairs(node):
        yield from scalars(child, name or key)


def mappings(node: Node | None) -> Iterator[dict[str, Node]]:
    """Every mapping, this one included."""
    if isinstance(node, dict):
        yield node
    for _, child in pairs(node):
        yield from mappings(child)


def pairs(node: Node | None) -> list[tuple[str, Node]]:
    """What stands right below a node, with its key; in a sequence there are no keys."""
    if isinstance(node, dict):
        return list(node.items())
    return [("", child) for child in node] if isinstance(node, list) else []
