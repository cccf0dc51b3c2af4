"""pydantic's findings about the file, in the words of the file.

The JSON Schema of the matrix knows which keys a table has, which words a key takes and an example of each.
"""

import json
from typing import TYPE_CHECKING, Any

from phdb_ci.matrix.locate import Path
from phdb_ci.matrix.problems import Problem, described, near_name
from phdb_ci.models.base import EXPECTED, SHA

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

TYPES = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "bool_type": "true or false, without quotes",
    "date_type": "a date without quotes",
    "tuple_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
}
BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "too_long": ("a list of no more than", "max_length"),
}


def shape_problems(error: "ValidationError", schema: dict[str, Any]) -> list[Problem]:
    """A problem for each finding of pydantic's; a required key under a wrong name is one problem, not two."""
    # Of a list with a wrong entry pydantic also says that what is left of it is too short.
    details = error.errors(include_url=False)
    problems = [_problem(detail, schema) for detail in details if detail["type"] != "too_short" or not detail["input"]]
    incomplete = {problem.path[:-1] for problem in problems if problem.missing}
    odd = [problem for problem in problems if problem.got and problem.path[:-1] in incomplete]
    misspelt = {(*problem.path[:-1], near_name(problem)) for problem in odd}
    return [problem for problem in problems if not (problem.missing and problem.path in misspelt)]


def node_at(schema: dict[str, Any], path: Path) -> dict[str, Any]:
    """The part of the schema that describes the value at path; empty where there is none."""
    node = schema
    for part in path:
        target = _resolved(schema, node)
        if isinstance(part, int):
            node = target.get("items", {})
        else:
            named = next(iter(target.get("patternProperties", {}).values()), target.get("additionalProperties"))
            node = target.get("properties", {}).get(part, named) or {}
    return _resolved(schema, node)


def toml(value: Any, *, plain: bool = False) -> str:
    """An example of the schema as one writes it in TOML; `plain` leaves a text without quotes."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def _problem(detail: "ErrorDetails", schema: dict[str, Any]) -> Problem:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    node, parent = node_at(schema, path), node_at(schema, path[:-1])
    if detail["type"] == "extra_forbidden":
        return Problem(path, "unknown key", got=str(path[-1]), near=tuple(parent.get("properties", ())))
    if detail["type"] == "missing":
        return Problem(path, _missing(str(path[-1]), node), missing=True)
    if detail["type"] == "literal_error":
        return _literal_problem(path, node, detail["input"])
    return Problem(path, _wrong(detail, node))


def _missing(key: str, node: dict[str, Any]) -> str:
    if node.get("type") == "object":
        return f"needs a table [{key}.NAME]" if "patternProperties" in node else f"needs a table `{key}`"
    return f"needs a key `{key}`{_example(node, f'{key} = ')}"


def _literal_problem(path: Path, node: dict[str, Any], got: Any) -> Problem:
    words = tuple(str(word) for word in node.get("enum", [node["const"]] if "const" in node else ()))
    text = f"must be one of {', '.join(words)}; got {described(got)}"
    return Problem(path, text, got=got if isinstance(got, str) else "", near=words)


def _wrong(detail: "ErrorDetails", node: dict[str, Any]) -> str:
    kind, got, context = detail["type"], described(detail["input"]), detail.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return f"{EXPECTED[context['pattern']]}; got {_mismatch(detail['input'], context['pattern'])}"
    if kind in TYPES:
        return f"must be {TYPES[kind]}{_example(node)}; got {got}"
    if kind == "too_short":
        return f"must not be empty{_example(node)}"
    if kind in BOUNDS:
        words, bound = BOUNDS[kind]
        return f"must be {words} {context[bound]}; got {got}"
    if kind == "value_error":
        return f"{context['error']}; got {got}"
    return f"{got} is not what belongs here{_example(node)}"


def _mismatch(got: str, pattern: str) -> str:
    """What one cannot see at a glance about a pin: how many digits it has, or that they are capitals."""
    if pattern == SHA and got and not got.lower().strip("0123456789abcdef"):
        return "capital letters" if len(got) == 40 else str(len(got))
    return described(got)


def _example(node: dict[str, Any], before: str = "") -> str:
    if not node.get("examples"):
        return ""
    example = before + toml(node["examples"][0], plain=node.get("format") == "date")
    return f", such as `{example}`" if before else f", such as {example}"


def _resolved(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    """The node with what its `$ref` points to; the node's own description and examples win."""
    if not isinstance(node, dict):
        return {}
    if "$ref" not in node:
        return node
    target: dict[str, Any] = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return target | {key: value for key, value in node.items() if key != "$ref"}
