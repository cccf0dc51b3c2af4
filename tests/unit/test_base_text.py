"""Text for people, whoever wrote it."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.base.text import HIDDEN, HOLLOW, UNSEEN, counted, cut, duration, one_line, plain


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [(0, ["leg"], "0 legs"), (1, ["leg"], "1 leg"), (2, ["leg"], "2 legs"), (2, ["class", "classes"], "2 classes")],
)
def test_number_has_its_word(number: int, words: list[str], text: str) -> None:
    assert counted(number, *words) == text


@pytest.mark.parametrize(
    ("seconds", "digits", "text"),
    [
        (0.04, 1, "0.0 s"), (59.94, 1, "59.9 s"), (59.96, 1, "1:00"), (60, 1, "1:00"), (3725, 1, "1:02:05"),
        (59.4, 0, "59 s"), (59.6, 0, "1:00"), (125.6, 0, "2:06"), (-1, 1, "0.0 s"), (float("inf"), 1, "2777:46:40"),
    ],
)  # fmt: skip
def test_duration_is_short(seconds: float, digits: int, text: str) -> None:
    assert duration(seconds, digits) == text


@pytest.mark.parametrize(("text", "short"), [("abc", "abc"), ("abcd", "ab…"), ("a bcd", "a…")])
def test_text_past_the_limit_ends_in_an_ellipsis(text: str, short: str) -> None:
    assert cut(text, 3) == short


def test_wider_table_holds_the_narrower_ones() -> None:
    unseen, parts = re.compile(f"[{UNSEEN}]"), re.compile(f"[{HIDDEN}{HOLLOW}]")
    every = map(chr, range(sys.maxunicode + 1))
    assert [sign for sign in every if parts.match(sign) and not unseen.match(sign)] == []


@pytest.mark.parametrize("sign", "aé日𝄞🎉\ufffd \n\t")
def test_what_is_seen_stays(sign: str) -> None:
    assert plain(f"a{sign}b") == f"a{sign}b"


@pytest.mark.parametrize(
    "code", [0, 7, 0x1B, 0x7F, 0x85, 0xAD, 0x200B, 0x202E, 0x2066, 0x3164, 0xFE0F, 0xE0041, 0xD800]
)
def test_what_is_not_seen_goes(code: int) -> None:
    assert plain(f"a{chr(code)}b") == "ab"


@given(st.text(), st.integers(2, 40))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line.splitlines() in ([line], [])
