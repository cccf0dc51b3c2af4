"""JSON of strangers, read as every reader would read it: what Python takes and others read differently is refused.

RFC 8259 leaves open what a key means that stands twice in an object, and knows no NaN and no Infinity.
"""

import json
from typing import Any


class NotStrictError(ValueError):
    """No one JSON document; the text says why, where it is more than a fault of the syntax."""


def parse(text: str | bytes) -> Any:
    """The one document in a text.

    Raises NotStrictError for anything else: no JSON, two documents, a key twice, NaN, nesting without end.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except NotStrictError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictError from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise NotStrictError("a key stands twice in an object")
    return document


def _refuse(word: str) -> float:
    raise NotStrictError(f"{word} is no number")
