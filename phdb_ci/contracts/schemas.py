"""An answer against its contract: every field that is wrong, each in one line that names it.

`$.engine: 'string' expected, got null` is what a reader needs; the validation itself is jsonschema's.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phdb_ci import strict_json
from phdb_ci.strict_json import NotStrictError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

FOLDER = Path(__file__).parent
SUFFIX = ".schema.json"
SHOWN = 60  # characters of a value that a message shows
KINDS = ("type", "required")  # what else is wrong with a field follows from these


class NotAnAnswerError(ValueError):
    """A program's output is not the one JSON document that it should be."""


@dataclass(frozen=True)
class Contract:
    """One schema and what it says of itself.

    Attributes:
        version: of the contract, major.minor.patch; its major part is the protocol version that it describes.
        family: contracts of one family share a protocol version (every command of the bridge); "" is none.
        version_field: the field of the answer that holds the protocol version; "" when no field does.
    """

    name: str
    version: str
    family: str
    version_field: str
    schema: dict[str, Any]


@cache
def contracts() -> dict[str, Contract]:
    """Every contract, by name."""
    found = {}
    for path in sorted(FOLDER.glob(f"*{SUFFIX}")):
        schema = json.loads(path.read_bytes())
        name = path.name.removesuffix(SUFFIX)
        found[name] = Contract(
            name, schema["x-version"], schema.get("x-family", ""), schema.get("x-version-field", ""), schema
        )
    return found


def parse(text: str) -> Any:
    """The one JSON document in an answer. Raises NotAnAnswerError for anything else."""
    try:
        return strict_json.parse(text)
    except NotStrictError as error:
        told = f" ({error})" if str(error) else ""
        raise NotAnAnswerError(f"$: one JSON document expected, got {_shown(text.strip())}{told}") from error


def faults(name: str, document: Any) -> list[str]:
    """What breaks the contract of this name, a line per field, its path first; empty when it is kept."""
    contract = contracts()[name]
    errors = sorted(
        _validator(name).iter_errors(document),
        key=lambda error: (error.json_path, error.validator not in KINDS),
    )
    seen: set[str] = set()
    found = []
    for error in errors:
        rule = str(error.validator)
        wanted: Any = error.validator_value
        if rule == "required":
            lines = list(_missing(error.json_path, wanted, error.instance, error.schema))
        elif error.json_path in seen:
            continue
        else:
            seen.add(error.json_path)
            lines = [_wrong(error.json_path, rule, wanted, error.instance)]
            if contract.version_field and error.json_path == f"$.{contract.version_field}":
                lines[0] += f": this is the contract of version {contract.version.split('.')[0]}"
        found += [line for line in lines if line not in found]
    return found


@cache
def _validator(name: str) -> "Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator(contracts()[name].schema)


def kind_of(value: object) -> str:
    """The JSON type of a value, whole numbers apart from others."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names: tuple[tuple[type, str], ...] = (
        (str, "string"), (float, "number"), (dict, "object"), (list, "array"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def _missing(path: str, required: Iterable[str], instance: object, schema: Any) -> Iterator[str]:
    """One line per field that is not there; a field nobody knows and that is called much alike is named."""
    there = instance if isinstance(instance, dict) else {}
    properties = schema.get("properties", {})
    unknown = [str(name) for name in there if name not in properties]
    for name in required:
        if name not in there:
            near = get_close_matches(name, unknown, n=1, cutoff=0.5)
            renamed = f"; was it renamed to {_shown(near[0])}?" if near else ""
            yield f"{path}.{name}: {_expected(properties.get(name, {}))} expected, got nothing{renamed}"


def _wrong(path: str, rule: str, wanted: Any, instance: object) -> str:
    if rule == "type":
        kinds = wanted if isinstance(wanted, list) else [wanted]
        return f"{path}: {_or(kinds)} expected, got {_kind(instance)}"
    if rule in ("const", "enum"):
        choices = wanted if rule == "enum" else [wanted]
        return f"{path}: {' or '.join(json.dumps(one) for one in choices)} expected, got {_shown(instance)}"
    if rule == "pattern":
        return f"{path}: text like {wanted} expected, got {_shown(instance)}"
    return f"{path}: {rule} {json.dumps(wanted)} expected, got {_shown(instance)}"


def _expected(schema: Any) -> str:
    if "type" in schema:
        return _or(schema["type"] if isinstance(schema["type"], list) else [schema["type"]])
    if "const" in schema:
        return json.dumps(schema["const"])
    return " or ".join(json.dumps(one) for one in schema.get("enum", [])) or "a value"


def _or(kinds: Iterable[str]) -> str:
    return " or ".join(f"'{kind}'" for kind in kinds)


def _kind(value: object) -> str:
    kind = kind_of(value)
    return "null" if kind == "null" else f"'{kind}'"


def _shown(value: object) -> str:
    """A value as a message may show it: one line, cut, no control characters."""
    text = json.dumps(value) if not isinstance(value, str) or not value.isprintable() else f"'{value}'"
    text = re.sub(r"\s+", " ", text)
    return (text if len(text) <= SHOWN else f"{text[:SHOWN]}…") if value != "" else "nothing"
