"""Strict JSON parsing for untrusted input: what Python takes and other readers read differently is refused.

RFC 8259 leaves open what a key means that stands twice in an object and what half of a surrogate pair is, and knows
no NaN, no Infinity and no encoding but UTF-8.
"""

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD]|[\ud800-\udfff]")


class NotStrictError(ValueError):
    """No one JSON document; the text says why, where it is more than a fault of the syntax."""


def parse(text: str | bytes, *, surrogates: bool = False) -> Any:
    """The one document in a text.

    Args:
        text: the document, bytes in UTF-8.
        surrogates: half of a surrogate pair may be written by itself; such text cannot be encoded again.

    Raises:
        NotStrictError: no JSON, two documents, a key twice, NaN, half of a surrogate pair, nesting without end.
    """
    try:
        text = text if isinstance(text, str) else text.decode("utf-8-sig")
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        if not surrogates and _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise NotStrictError("a character is no Unicode") from error
    except NotStrictError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictError from error
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise NotStrictError("a key stands twice in an object")
    return document


def _refuse(word: str) -> float:
    raise NotStrictError(f"{word} is no number")
