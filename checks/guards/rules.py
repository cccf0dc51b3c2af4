"""Reads rules.toml and the files of the checkouts, and finds what breaks a rule. It runs nothing.

A file becomes a list of items: a line of text, a sentence of Markdown, or `path.of.keys: value` for each scalar of a
YAML, JSON or TOML file. A rule is a pattern over items, within those blocks of a file that its `where` selects.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

REPOS = ("lidb", "lis", "li-cursor-agents", "benchmarks")
MAX_ITEMS = 200_000  # of one file: the aliases of a YAML file can grow without bound
QUOTE = 160  # characters of an item that a finding shows

_UNREAD = re.compile(r"^```.*?^```|<!--.*?-->", re.DOTALL | re.MULTILINE)
_SENTENCE = re.compile(r"\S.*?(?:[.!?:;](?=\s|$)|$)")
_BLOCK_START = re.compile(r"\s*([-*+>|#]|\d+[.)]\s|$)")


@dataclass(frozen=True)
class Item:
    """One statement of a file; `heading` is the one above it in Markdown."""

    keys: tuple[str, ...]
    line: int
    text: str
    heading: str = ""

    def within(self, prefix: tuple[str, ...]) -> str:
        """The statement as a block with this prefix of keys shows it."""
        keys = ".".join(self.keys[len(prefix) :])
        return f"{keys}: {self.text}" if keys else self.text


@dataclass(frozen=True)
class Rule:
    """One rule of rules.toml, which describes the keys."""

    guard: str
    message: str
    files: tuple[str, ...]
    pattern: str
    repos: tuple[str, ...] = REPOS
    block: tuple[str, ...] = ("",)
    where: str = ""
    unless: str = ""
    beside: str = ""
    exceptions: tuple[dict[str, str], ...] = ()


@cache
def settings() -> dict[str, Any]:
    """rules.toml as it stands."""
    return tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, with the lists and phrases that it names put in."""
    lists, phrases = settings()["files"], settings()["phrases"]

    def filled(value: str | list[str]) -> Any:
        if isinstance(value, str):
            return re.sub(r"<<(\w+)>>", lambda name: str(phrases[name[1]]), value)
        return tuple(value)

    return tuple(
        Rule(
            files=tuple(glob for name in row["files"] for glob in lists.get(name, [name])),
            exceptions=tuple(row.get("except", ())),
            **{key: filled(value) for key, value in row.items() if key not in {"files", "except"}},
        )
        for row in settings()["rule"]
    )


def checkout(repo: str) -> Path:
    """The checkout of a repo, as the job's environment names it. Raises RuntimeError where there is none."""
    variable = f"GUARDS_{repo.upper().replace('-', '_')}"
    root = Path(os.environ.get(variable, ""))
    if variable not in os.environ or not root.is_dir() or not any(root.iterdir()):
        raise RuntimeError(f"{variable} names no checkout of {repo}")
    return root.resolve()


def breaches(guard: str) -> list[str]:
    """What breaks the rules of a guard, one line for each: `repo/path:line: message: what stands there`."""
    return [breach for rule in rules() if rule.guard == guard for repo in rule.repos for breach in _in(repo, rule)]


def _in(repo: str, rule: Rule) -> Iterator[str]:
    excepted = [entry["file"] for entry in rule.exceptions]
    for path in matching(repo, rule.files):
        name = f"{repo}/{path}"
        if any(fnmatch(name, glob) for glob in excepted):
            continue
        try:
            items = read(checkout(repo) / path)
        except (OSError, ValueError, YAMLError, RecursionError) as error:
            yield f"{name}: cannot tell, the file cannot be read: {str(error)[:QUOTE]}"
            continue
        lines = text_of(checkout(repo) / path).split("\n")
        for item, text in _broken(rule, items):
            beside = "\n".join(lines[max(item.line - 2, 0) : item.line])
            if not (rule.beside and re.search(rule.beside, beside)):
                yield f"{name}:{item.line}: {rule.message}: {text[:QUOTE]}"


def _broken(rule: Rule, items: list[Item]) -> Iterator[tuple[Item, str]]:
    """The items that break a rule, each with its text as its block shows it."""
    for prefix, block in _blocks(rule.block, items):
        texts = [item.within(prefix) for item in block]
        if rule.where and not re.search(rule.where, "\n".join(texts), re.MULTILINE):
            continue
        for item, text in zip(block, texts, strict=True):
            if not re.search(rule.pattern, text):
                continue
            if not (rule.unless and re.search(rule.unless, f"{item.heading} {text}")):
                yield item, text


def _blocks(globs: tuple[str, ...], items: list[Item]) -> Iterator[tuple[tuple[str, ...], list[Item]]]:
    """The items below each prefix of keys that one of the globs matches; text is one block."""
    blocks: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        for parts in {tuple(glob.split(".")) if glob and item.keys else () for glob in globs}:
            prefix = item.keys[: len(parts)]
            if len(prefix) == len(parts) and all(map(fnmatch, prefix, parts)):
                blocks.setdefault(prefix, []).append(item)
    yield from blocks.items()


# Files


@cache
def _paths(root: Path) -> tuple[str, ...]:
    """Every regular file of a checkout, but for links that lead out of it and the folders that are not read."""
    skipped = set(settings()["skipped"])
    paths: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - skipped)
        paths += [Path(folder) / name for name in sorted(names)]
    inside = [path for path in paths if path.is_file() and path.resolve().is_relative_to(root)]
    return tuple(path.relative_to(root).as_posix() for path in inside)


def matching(repo: str, globs: tuple[str, ...]) -> list[str]:
    """The files of a checkout that one of the globs matches; `**/` matches any folders, and none."""
    paths = _paths(checkout(repo))
    return [path for path in paths if any(fnmatch(path, glob) or fnmatch(f"/{path}", glob) for glob in globs)]


@cache
def text_of(path: Path) -> str:
    """The text of a file; bytes that are no UTF-8 are replaced."""
    return path.read_text(encoding="utf-8-sig", errors="replace")


@cache
def read(path: Path) -> list[Item]:
    """The items of a file. Raises OSError, ValueError or YAMLError where it cannot be read."""
    text = text_of(path)
    if path.suffix in {".yml", ".yaml"}:
        items = _yaml_items(YAML(typ="safe", pure=True).compose(text), ())
    elif path.suffix in {".json", ".toml"}:
        items = _data_items(load(path), text, ())
    elif path.suffix == ".md":
        items = _sentences(text)
    else:
        items = (Item((), number, line) for number, line in logical_lines(text))
    read_items = list(islice(items, MAX_ITEMS + 1))
    if len(read_items) > MAX_ITEMS:
        raise ValueError(f"it holds more than {MAX_ITEMS:,} values")
    return read_items


def load(path: Path) -> Any:
    """The value of a JSON or TOML file."""
    text = text_of(path)
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def logical_lines(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    r"""The lines of a script, those that a `\` continues joined, each with the number of its first line."""
    number, pieces = first, []
    for here, line in enumerate(text.split("\n"), first):
        pieces.append(line.strip().removesuffix("\\"))
        if not line.rstrip().endswith("\\"):
            yield number, " ".join(pieces)
            number, pieces = here + 1, []
    if pieces:
        yield number, " ".join(pieces)


def line_of(text: str, key: str, value: object, after: str = "") -> int:
    """The line of a JSON or TOML file where a key has a value, as well as text can tell; 1 where it cannot."""
    start = max(text.find(after), 0)
    quoted = re.escape(json.dumps(value, ensure_ascii=False).strip('"')[:QUOTE])
    pattern = rf"""(?<![\w-]){re.escape(key)}["']?\s*[:=]\s*["']?{quoted}|["']{quoted}"""
    place = re.compile(pattern).search(text, start) or re.search(pattern, text)
    return text.count("\n", 0, place.start()) + 1 if place else 1


def _yaml_items(node: Node | None, keys: tuple[str, ...]) -> Iterator[Item]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _yaml_items(value, (*keys, str(key.value)))
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield from _yaml_items(value, (*keys, str(index)))
    elif isinstance(node, ScalarNode):
        first = node.start_mark.line + 1 + (node.style in ("|", ">"))
        yield from (Item(keys, number, line) for number, line in logical_lines(node.value, first))


def _data_items(value: Any, text: str, keys: tuple[str, ...]) -> Iterator[Item]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in pairs:
            yield from _data_items(below, text, (*keys, str(key)))
    else:
        yield Item(keys, line_of(text, keys[-1] if keys else "", value), str(value))


def _sentences(text: str) -> Iterator[Item]:
    """The sentences of a Markdown page; code and comments are left out, a row of a table is one sentence."""
    text = _UNREAD.sub(lambda unread: "\n" * unread[0].count("\n"), text)
    heading, number, words = "", 1, ""
    for here, line in enumerate([*text.splitlines(), ""], 1):
        if words and _BLOCK_START.match(line):
            yield Item((), number, words, heading)
            words = ""
        if line.startswith("#"):
            heading = line
            continue
        for piece in _SENTENCE.findall(line.strip()):
            number, words = (number, f"{words} {piece}") if words else (here, piece)
            if piece[-1] in ".!?:;":
                yield Item((), number, words, heading)
                words = ""
