"""What every JSON reader reads alike is read; what they read differently, or cannot write again, is refused."""

from typing import Any

import pytest

from phdb_ci.base.strict_json import NotStrictError, parse


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\\\ud800"', "\\ud800"),
    ],
    ids=["document", "byte order mark", "surrogate pair", "written backslash"],
)
def test_document_is_read(text: str | bytes, document: Any) -> None:
    assert parse(text) == document


def test_half_of_a_surrogate_pair_is_read_by_who_asks_for_it() -> None:
    assert parse(b'{"a": "\\ud800"}', surrogates=True) == {"a": "\ud800"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ""),
        ("{} {}", ""),
        ('{"a": 1, "a": 2}', "a key stands twice in an object"),
        ('{"a": NaN}', "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ('"\\ud800"', "a character is no Unicode"),
        ('{"\\uDfff": 1}', "a character is no Unicode"),
        ('"\ud800"', "a character is no Unicode"),
        (b'"\xed\xa0\x80"', "a character is no Unicode"),
        (b'"\xff"', "a character is no Unicode"),
        ('"a"'.encode("utf-16"), "a character is no Unicode"),
        ("[" * 100_000, ""),
        ("1" * 100_000, ""),
    ],
    ids=[
        "nothing", "two documents", "key twice", "NaN", "infinity", "half a pair", "half a pair as a key",
        "half a pair, raw", "half a pair, bytes", "no UTF-8", "UTF-16", "nested without end", "number without end",
    ],
)  # fmt: skip
def test_text_that_is_read_differently_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(NotStrictError) as caught:
        parse(text)
    assert str(caught.value) == why
