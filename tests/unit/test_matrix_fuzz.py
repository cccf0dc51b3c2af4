"""Whatever stands in the file, it loads or the error is ours; and every key of any TOML has its position."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from phdb_ci import matrix
from phdb_ci.errors import PhdbError
from phdb_ci.matrix.locate import Scanner

HERE = Path(__file__).parents[1]
OURS = HERE.parent / "matrix.toml"
FEATURES = HERE / "matrices" / "valid_features.toml"
SOURCES = [path.read_text(encoding="utf-8") for path in (OURS, FEATURES)]
JUNK = st.sampled_from(
    [*"\"'[]{}=#,.\n\\", '"""', "'''", "[[", "\t", "é", "\u2028", "\0", "x", "= 1", "0x", "1979-05-27"]
)
VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=8),
        st.sampled_from(["lidb", "embed", "smoke", "exit", "pytest", "{data}", "{x.y}", "7h", "a\0"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def paths_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in [(*path, key), *paths_of(inner, (*path, key))]]


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)} = {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


def loads_or_says_why(text: str) -> None:
    try:
        matrix.parse(text, "matrix.toml")
    except PhdbError as error:
        assert error.message.startswith("matrix.toml")  # noqa: PT017 - a text that loads is as good


def change(document: Any, path: tuple[str | int, ...], value: Any, action: str) -> None:
    for key in path[:-1]:
        document = document[key]
    if action == "delete":
        del document[path[-1]]
    elif action == "add" and isinstance(document, dict):
        document[f"{path[-1]}s"] = value
    else:
        document[path[-1]] = value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SOURCES), st.data())
def test_fuzzed_values_load_or_give_an_error_of_ours(source: str, data: st.DataObject) -> None:
    document = tomllib.loads(source)
    for _ in range(data.draw(st.integers(1, 4))):
        action = data.draw(st.sampled_from(["replace", "delete", "add"]))
        change(document, data.draw(st.sampled_from(paths_of(document))), data.draw(VALUES), action)

    loads_or_says_why("\n".join(f"{written(key)} = {written(value)}" for key, value in document.items()))


EDITS = st.tuples(st.integers(0, 999), st.integers(0, 80), st.integers(0, 12), st.text(max_size=9) | JUNK)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SOURCES), st.lists(EDITS, max_size=3), st.sets(st.integers(0, 999), max_size=3))
def test_fuzzed_text_loads_or_gives_an_error_of_ours(
    source: str, edits: list[tuple[int, int, int, str]], dropped: set[int]
) -> None:
    lines = source.split("\n")
    for line, column, length, text in edits:
        spot = line % len(lines)
        lines[spot] = lines[spot][:column] + text + lines[spot][column + length :]
    gone = {line % len(lines) for line in dropped}

    loads_or_says_why("\n".join(line for number, line in enumerate(lines) if number not in gone))


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.text(max_size=6), VALUES, max_size=4), st.sampled_from(["", "[a.b]\n", "[[a]]\n[[a]]\n[a.c]\n"])
)
@example({"a": ['"""', "'''", "#", "]", {"b.c": "\\"}]}, "[[x]]\n")
def test_every_key_has_its_position(document: dict[str, Any], header: str) -> None:
    text = header + "\n".join(f"{written(key)} = {written(value)} # c" for key, value in document.items())
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    keys = Scanner(text).keys

    assert set(keys) == set(paths_of(parsed))
    for path, offset in keys.items():
        if isinstance(path[-1], str) and text[offset] != "[":
            assert text.startswith((written(path[-1]), path[-1]), offset)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param("a = 1\n[b]\nc = 2", ("b", "c"), 3, id="table"),
        pytest.param("[b.c]\n[b]\nd = 1", ("b",), 2, id="header-after-inner"),
        pytest.param("[b.c]\nd = 1", ("b",), 1, id="implied-table"),
        pytest.param("[[a]]\n\n[[a]]\nb = 1", ("a", 1, "b"), 4, id="list-of-tables"),
        pytest.param("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\nc = 1", ("a", 1, "b", 0, "c"), 5, id="nested-lists"),
        pytest.param("[ a . 'b.c' ]\n\"d\\u0065\" = 1", ("a", "b.c", "de"), 2, id="quoted-keys"),
        pytest.param("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2, id="dotted-keys"),
        pytest.param("a = {\tb = {c.d = 1}, e = 2}", ("a", "b", "c", "d"), 1, id="inline-tables"),
        pytest.param("a = [ # [\n  1,\n  [2,\n  3]]", ("a", 1, 1), 4, id="lists"),
        pytest.param('a = """\nb = 1\n\\""" ""\nb = 2"""\nb = 3', ("b",), 5, id="multi-line-text"),
        pytest.param("a = '''\nb = 1\n''\nb = 2'''''\nb = 3", ("b",), 5, id="multi-line-literal"),
        pytest.param("a = 1979-05-27 07:32:00 # b = 1\nb = 2", ("b",), 2, id="date-with-space"),
        pytest.param("a = '#' # \"\nb = 2", ("b",), 2, id="comment-signs"),
    ],
)  # fmt: skip
def test_positions_of(text: str, path: tuple[str | int, ...], line: int) -> None:
    assert path in paths_of(tomllib.loads(text))
    assert text.count("\n", 0, Scanner(text).keys[path]) + 1 == line
