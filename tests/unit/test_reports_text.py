"""Texts, numbers and patterns of reports."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.base.text import plain
from phdb_ci.models.base import glob_matches
from phdb_ci.models.results import Suite
from phdb_ci.reports import read_report
from phdb_ci.reports.dialects import whole_number
from phdb_ci.reports.junit import seconds_of
from phdb_ci.reports.tally import Patterns
from phdb_ci.reports.text import detail_text, message_line, name_line


@given(st.text(alphabet="ab*\n[?.", max_size=12), st.text(alphabet="ab\n[?.", max_size=12))
def test_patterns_mean_what_glob_matches_means(pattern: str, text: str) -> None:
    assert bool(Patterns({pattern: ""}).met_by(text, "no match at all")) == (
        glob_matches(pattern, text) or glob_matches(pattern, "no match at all")
    )


def test_pattern_of_many_stars_is_quick() -> None:
    started = time.perf_counter()
    assert Patterns({"*a" * 30 + "*b": ""}).met_by("a" * 300, "a" * 600) == []
    assert time.perf_counter() - started < 0.5


def test_no_pattern_matches_nothing() -> None:
    assert Patterns({}).met_by("", "") == []


@given(st.text())
def test_kept_text_can_stand_in_xml(text: str) -> None:
    for kept in (name_line(text), message_line(text), detail_text(text)):
        assert all(char in "\t\n" or (char >= " " and char not in "\ufffe\uffff") for char in kept)
        assert plain(kept) == kept
    assert "\n" not in name_line(text) + message_line(text)


def test_escape_sequences_go_as_a_whole() -> None:
    assert plain("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\") == "red link"


def test_lone_surrogate_is_dropped() -> None:
    assert name_line("a\ud800b") == "ab"


@given(st.text(max_size=20) | st.floats().map(str))
def test_number_is_always_a_time(text: str) -> None:
    assert 0.0 <= seconds_of(text) < 1e9


@pytest.mark.parametrize(
    ("text", "count"), [("7", 7), ("", None), ("-1", None), ("٣", None), ("9" * 12, None), (None, None)]
)
def test_whole_takes_plain_digits_alone(text: str | None, count: int | None) -> None:
    assert whole_number(text) == count


def test_exit_code_alone_has_no_cases(tmp_path: Path) -> None:
    suite = read_report("exit", tmp_path / "no such log", skips={}, critical=())
    assert suite == Suite(kind="exit")
