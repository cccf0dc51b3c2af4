"""The reference of matrix.toml in docs/matrix.md, made from the JSON Schema: one table per kind of row. Pure."""

import json
from collections.abc import Mapping
from typing import Any

BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"
TITLES = {  # every record of the schema, in the order of the page: how its table is written in TOML
    "Repo": "[repos.NAME]", "Override": "override = { … }", "OwnJob": "ci = [{ … }]", "Artifact": "[artifacts.NAME]",
    "Job": "[jobs.NAME]", "Report": "reports = [{ … }]", "Evidence": "evidence = { … }", "Witness": "witness = { … }",
    "Manifest": "manifest = { … }", "Figures": "figures = { … }", "Gate": "[gates.NAME]",
    "Quarantine": "[[quarantine]]", "Service": "[services.NAME]", "Action": '[actions] "OWNER/NAME" = { … }',
    "Home": "[self]",
}  # fmt: skip
TYPES = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "array": "list"}


def reference(schema: Mapping[str, Any]) -> str:
    """Every table of the file as Markdown."""
    lines: list[str] = []
    for name, title in TITLES.items():
        record = schema["$defs"][name]
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


def _row(key: str, node: Mapping[str, Any], required: bool) -> str:
    text = node.get("description", "").replace("|", "\\|")
    example = node.get("examples", [None])[0]
    if example is not None and not isinstance(example, dict):
        text += f"; `{key} = {json.dumps(example, ensure_ascii=False)}`".replace("|", "\\|")
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
    return kind if default in (None, []) or isinstance(default, dict) else f"{kind}, `{json.dumps(default)}`"
