"""An answer held to its contract: one strict JSON document, valid under the schema, and taken into the record."""

import json
import math
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from checks.contracts.programs import Done
from checks.contracts.record import RECORDER

SCHEMAS = Path(__file__).parent / "schemas"
SUFFIX = ".schema.json"
FAULTS, SHOWN = 10, 200  # faults of an answer that a message tells, and characters of each


def answer(contract: str, done: Done, *, code: int | None = 0, one_line: bool = False) -> Any:
    """The JSON that a program printed, recorded and held to its contract.

    `code`: the exit code that it must have, None for any; `one_line`: whether its output must be a single line.
    """
    assert not done.problem, f"it {done.problem}"
    assert code is None or done.code == code, f"exit {code} expected, got {done.ending}"
    return document(contract, done.out, one_line=one_line)


def document(contract: str, text: str | None, *, one_line: bool = False) -> Any:
    """Like answer(), for JSON that did not come with an exit code; None is no answer."""
    assert text is not None, f"no answer, {contract} expected"
    lines = text.strip("\n").count("\n") + 1
    assert not one_line or lines == 1, f"$: one line of JSON expected, got {lines} lines"
    try:
        value = parse(text)
    except ValueError as error:
        raise AssertionError(f"$: one JSON document expected, got {text[:SHOWN]!r} ({error})") from error
    RECORDER.add(contract, schema(contract), value)
    print(f"{contract}: {version(contract, value)}")
    assert not (wrong := faults(contract, value)), f"{contract}: {'; '.join(wrong)}"
    return value


def parse(text: str) -> Any:
    """The one JSON document in a text.

    Raises ValueError for anything else, a key that stands twice in an object, a number that is not finite, half of a
    surrogate pair.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def fields(text: str | None) -> dict[str, Any]:
    """The fields of an answer that is held to nothing; none of what is no JSON object."""
    try:
        value = parse(text or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def faults(contract: str, value: Any) -> list[str]:
    """What breaks the contract, a line per fault, its path first; empty when it is kept."""
    errors = islice(_validator(contract).iter_errors(value), FAULTS)
    return sorted(f"{error.json_path}: {error.message[:SHOWN]}" for error in errors)


def version(contract: str, value: Any) -> str:
    """The protocol's version as an answer says it, in words for the log."""
    said = value.get(schema(contract).get("x-version-field")) if isinstance(value, dict) else None
    return "unversioned" if said is None else f"version {said!r:.40}"


@cache
def schema(contract: str) -> dict[str, Any]:
    """The schema of a contract."""
    content: dict[str, Any] = json.loads((SCHEMAS / f"{contract}{SUFFIX}").read_bytes())
    return content


@cache
def _validator(contract: str) -> Validator:
    """JSON Schema but for one thing: 1.0 is no integer, as it is none to many who read an answer."""
    kinds = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    # jsonschema gives `extend` no types.
    strict: Callable[[Any], Validator] = extend(Draft202012Validator, type_checker=kinds)  # type: ignore[no-untyped-call]
    return strict(schema(contract))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not finite")
    return number
