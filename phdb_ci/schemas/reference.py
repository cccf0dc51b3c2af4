"""The reference of matrix.toml in docs/matrix.md, made from the JSON Schema: one table per kind of row. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"
TITLES = {  # record of the schema: how its table is written in TOML
    "Repo": "[repos.NAME]", "Override": "override = { … }", "OwnJob": "ci = [{ … }]", "Artifact": "[artifacts.NAME]",
    "Job": "[jobs.NAME]", "Report": "reports = [{ … }]", "Evidence": "evidence = { … }", "Gate": "[gates.NAME]",
    "Service": "[services.NAME]", "Home": "[self]", "Action": '[actions] "OWNER/NAME" = { … }',
}  # fmt: skip
TYPES = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "array": "list"}


def reference(schema: Mapping[str, Any]) -> str:
    """Every table of the file as Markdown; a record without a title of its own is named after its key."""
    lines: list[str] = []
    for name, record in _in_order(schema):
        title = TITLES.get(name) or f"{name.lower()} = {{ … }}"
        lines += [f"### `{title}`", "", "| key | value | what it says |", "|:--|:--|:--|"]
        required = record.get("required", ())
        lines += [_row(key, node, key in required) for key, node in record["properties"].items()]
        lines.append("")
    return "\n".join(lines)


def with_reference(page: str, schema: Mapping[str, Any]) -> str:
    """A page with the reference between its two markers. Raises ValueError for a page without them."""
    before, begin, reference_and_after = page.partition(BEGIN)
    _, end, after = reference_and_after.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{reference(schema)}\n{END}{after}"


def _in_order(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The records that the file can hold, each before those inside it."""
    records, shown = schema["$defs"], set()
    waiting = list(schema["properties"].values())
    while waiting:
        for name in _named(waiting.pop(0)):
            if name not in shown:
                shown.add(name)
                yield name, records[name]
                waiting = [*records[name]["properties"].values(), *waiting]


def _named(node: Any) -> Iterator[str]:
    """The records that a part of the schema refers to."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from _named(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value)


def _row(key: str, node: Mapping[str, Any], required: bool) -> str:
    text = node.get("description", "").replace("|", "\\|")
    example = node.get("examples", [None])[0]
    if example is not None and not isinstance(example, dict):
        text += f"; `{key} = {_toml(example)}`".replace("|", "\\|")
    return f"| `{key}` | {_value(node, required)} | {text} |"


def _value(node: Mapping[str, Any], required: bool) -> str:
    if "enum" in node:
        kind = ", ".join(f"`{word}`" for word in node["enum"])
    elif "const" in node:
        kind = f"`{json.dumps(node['const'])}`"
    else:
        kind = TYPES.get(node.get("type", ""), "table")
    default = node.get("default")
    if required:
        return f"{kind}, **required**"
    return kind if default in (None, [], {}) or isinstance(default, dict) else f"{kind}, `{_toml(default)}`"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
