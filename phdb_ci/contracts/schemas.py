"""An answer against its contract: every field that is wrong, each in one line that names it.

`$.engine: 'string' expected, got null` is what a reader needs; the validation itself is jsonschema's.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phdb_ci.base import strict_json
from phdb_ci.base.strict_json import NotStrictError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

FOLDER = Path(__file__).parent
SUFFIX = ".schema.json"
SHOWN = 60  # characters of a value that a message shows
READ = 4 * SHOWN  # characters of a value that are looked at for that
FAULTS = 50  # faults of an answer that are looked at, and lines that tell them
NAMES = 200  # unknown fields of an object among which a renamed one is sought
KINDS = ("type", "required")  # what else is wrong with a field follows from these


_Place = tuple["_Place", str | int] | None  # what a value stands in, and its name or number there


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
    """The one JSON document in an answer. Raises NotAnAnswerError for anything else, and for a number like 1e999."""
    try:
        document = strict_json.parse(text)
    except NotStrictError as error:
        told = f" ({error})" if str(error) else ""
        raise NotAnAnswerError(f"$: one JSON document expected, got {_shown(text.strip())}{told}") from error
    if place := _infinite(document):
        raise NotAnAnswerError(f"{place}: a finite number expected, got one beyond all bounds")
    return document


def faults(name: str, document: Any) -> list[str]:
    """What breaks the contract of this name, a line per field, its path first; empty when it is kept.

    Of an answer with more than FAULTS faults some of them, and a line that says so.
    """
    contract = contracts()[name]
    errors = list(islice(_validator(name).iter_errors(document), FAULTS + 1))
    seen: set[tuple[str, bool]] = set()
    found: dict[str, None] = {}  # in order, each once
    for error in sorted(errors[:FAULTS], key=lambda error: (error.json_path, error.validator not in KINDS)):
        path, rule = error.json_path, str(error.validator)
        wanted: Any = error.validator_value
        told = path, rule == "required"
        if told in seen:
            continue
        seen.add(told)
        if rule == "required":
            found |= dict.fromkeys(_missing(path, wanted, error.instance, error.schema))
            continue
        line = _wrong(path, rule, wanted, error.instance)
        if contract.version_field and path == f"$.{contract.version_field}":
            line += f": this is the contract of version {contract.version.split('.')[0]}"
        found[line] = None
    more = ["and more faults"] if len(errors) > FAULTS or len(found) > FAULTS else []
    return [*islice(found, FAULTS), *more]


@cache
def _validator(name: str) -> "Validator":
    """Of JSON Schema, but for one thing: 1.0 is no integer, as it is none to many who read an answer."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    kinds = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: kind_of(value) == "integer"
    )
    # jsonschema gives `extend` no types.
    strict: Callable[[Any], Validator] = extend(Draft202012Validator, type_checker=kinds)  # type: ignore[no-untyped-call]
    return strict(contracts()[name].schema)


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
    unknown = [str(name)[:SHOWN] for name in islice(there, NAMES) if name not in properties]
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
    if isinstance(value, str):
        value = value[:READ]
    plain = isinstance(value, str) and value.isprintable()
    text = re.sub(r"\s+", " ", f"'{value}'" if plain else _beginning(value))
    return (text if len(text) <= SHOWN else f"{text[:SHOWN]}…") if value != "" else "nothing"


def _beginning(value: object) -> str:
    """The first characters of a value's JSON; the rest of a large one is not written."""
    text = ""
    for part in json.JSONEncoder().iterencode(value):
        text += part[:READ]
        if len(text) > READ:
            break
    return text


def field_name(name: str) -> str:
    """A field's name as a path holds it: one that would read as a path of its own is quoted."""
    plain = name and all(letter.isalnum() or letter in "_-" for letter in name)
    return name[:80] if plain else json.dumps(name[:80]).replace(".", "\\u002e").replace("[", "\\u005b")


def _infinite(document: object) -> str:
    """Where a number stands that is none any more, as 1e999; empty when there is none. By hand: no depth stops it."""
    left: list[tuple[object, _Place]] = [(document, None)]
    while left:
        value, place = left.pop()
        if isinstance(value, dict):
            left += [(inner, (place, name)) for name, inner in value.items() if _holds(inner)]
        elif isinstance(value, list):
            left += [(inner, (place, index)) for index, inner in enumerate(value) if _holds(inner)]
        elif isinstance(value, float) and not math.isfinite(value):
            return _path(place)
    return ""


def _holds(value: object) -> bool:
    return isinstance(value, float | dict | list)


def _path(place: "_Place") -> str:
    steps = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{field_name(step)}")
    return "$" + "".join(reversed(steps))
