"""Strict JSON parsing for untrusted input: it refuses what other readers would read differently.

RFC 8259 does not define a repeated key or half of a surrogate pair, and has no NaN, no Infinity and no encoding but
UTF-8.
"""

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD]|[\ud800-\udfff]")


class NotStrictError(ValueError):
    """The text is not one JSON document; the message names the reason unless it is a syntax error."""


def parse(text: str | bytes, *, surrogates: bool = False) -> Any:
    """The one document in a text, bytes in UTF-8; `surrogates` allows half of a pair, which cannot be encoded again.

    Raises NotStrictError: no JSON, two documents, a key twice, NaN, half of a surrogate pair, nesting without end.
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
