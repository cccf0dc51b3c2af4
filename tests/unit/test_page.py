"""Text for a terminal: harmless, within its width, in the characters that the stream has."""

import io
import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.base.page import REPLACE, SIGNS, Page, blocks, columns, fold, table
from phdb_ci.base.text import harmless

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")
WIDTHS = (40, 60, 80, 200)


# Harmless text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain ü ✓", "plain ü ✓", id="text"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;title\x07text", "text", id="title, ended by a bell"),
        pytest.param("\x1b]8;;https://evil\x1b\\click\x1b]8;;\x1b\\", "click", id="link"),
        pytest.param("\x1b]0;never ended", "", id="title without end"),
        pytest.param("a\rb\nc\td", "ab c d", id="line ends"),
        pytest.param("\x9b31m", "31m", id="one-byte escape"),
        pytest.param("abc\u202edcb", "abcdcb", id="right to left"),
        pytest.param("zero\u200bwidth", "zerowidth", id="zero width"),
        pytest.param("##[error]x", "## [error]x", id="old workflow command"),
        pytest.param("#\x1b[0m#[add-mask]x", "## [add-mask]x", id="old workflow command in pieces"),
        pytest.param("x" * 400, "x" * 299 + "…", id="long"),
    ],
)
def test_harmless_text_is_one_line_that_commands_nothing(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_harmless_text_never_lets_a_command_through(text: str) -> None:
    for given_text in (text, f"##[{text}", f"\x1b[{text}", f"\x1b]{text}##["):
        assert not CONTROL.search(harmless(given_text))
        assert "##[" not in harmless(given_text)


# Tables


def test_table_is_aligned_and_keeps_its_last_column() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "x" * 500)]) == ["a    bb  c", "aaa  b   " + "x" * 500]
    assert table([]) == []


def lines_of(rows: Sequence[tuple[str, ...]], width: int, *, drop: tuple[int, ...], headed: bool = False) -> list[str]:
    return [line for block in blocks(rows, Page(width), drop=drop, headed=headed) for line in block]


ROWS = [
    ("status", "leg", "passed", "skipped", "evidence"),
    ("passed", "a-rather-long-name@ubuntu-24.04", "12", "1", "engine called 9 times"),
    ("failed", "b@ubuntu-24.04", "1", "-", "a reason of some length, with a very long path: /" + "x" * 90),
]


@pytest.mark.parametrize(
    ("width", "heads", "first"),
    [
        pytest.param(200, ["status", "leg", "passed", "skipped", "evidence"], "called 9 times", id="200"),
        pytest.param(96, ["status", "leg", "passed", "skipped", "evidence"], "called 9 times", id="96"),
        pytest.param(80, ["status", "leg", "passed", "skipped"], "12      1", id="80"),
        pytest.param(55, ["status", "leg", "passed"], "12", id="55"),
        pytest.param(40, ["status", "leg"], "a-rather-long-name@ubuntu-24.04", id="40"),
    ],
)
def test_table_folds_the_last_column_and_drops_others_in_order(width: int, heads: list[str], first: str) -> None:
    lines = lines_of(ROWS, width, drop=(3, 2), headed=True)

    assert lines[0].split() == heads
    assert lines[1].endswith(first)
    assert "".join("".join(lines).split()).count("x") == 90, "folded, and nothing lost"
    assert max(map(columns, lines)) <= width


def test_name_that_is_too_long_for_the_page_is_cut_last() -> None:
    rows = [("failed", "n" * 60, "3", "why"), ("passed", "short", "3", "")]
    assert lines_of(rows, 40, drop=(2,)) == [
        f"failed  {'n' * 31}…", "    why", "passed  short",
    ]  # fmt: skip


@given(rows=st.lists(st.tuples(st.text(), st.text(), st.text(), st.text()), min_size=1), width=st.integers(40, 200))
def test_no_table_is_wider_than_its_page(rows: list[tuple[str, ...]], width: int) -> None:
    clean = [tuple(harmless(cell, 60) for cell in row) for row in rows]
    assert all(columns(line) <= width for line in lines_of(clean, width, drop=(2, 1)))


@given(text=st.text(max_size=300), width=st.integers(2, 80))
def test_folded_text_fits_and_loses_nothing(text: str, width: int) -> None:
    lines = fold(harmless(text), width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(harmless(text).split()) == "".join("".join(lines).split())


def test_wide_characters_count_as_two_columns_and_marks_as_none() -> None:
    assert (columns("日本"), columns("e\u0301"), columns("é")) == (4, 1, 1)
    assert fold("日本 語", 4) == ["日本", "語"]
    assert Page().cut("日本語", 5) == "日本…"


# Encodings

TEXT = "✓ 9\xd7 naïve … ≥ 2 → 日"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        pytest.param("utf-8", TEXT, id="utf-8"),
        pytest.param("latin-1", "+ 9\xd7 naïve ~ >= 2 -> \\u65e5", id="latin-1"),
        pytest.param("ascii", "+ 9x na\\u00efve ~ >= 2 -> \\u65e5", id="ascii"),
    ],
)
def test_page_shows_what_its_encoding_has(encoding: str, shown: str) -> None:
    assert Page(encoding=encoding).fit(TEXT) == shown


@given(text=st.text())
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_every_text_can_be_written_and_a_record_stays_json(encoding: str, text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=REPLACE)
    stream.write(json.dumps(text + "\udc80", ensure_ascii=False))
    stream.flush()
    read = json.loads(stream.buffer.getvalue().decode(encoding))
    assert read == text + "\udc80" or any(sign in text for sign in SIGNS)
