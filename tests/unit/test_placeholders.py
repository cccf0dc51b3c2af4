"""What is a placeholder and what is the shell's or plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.models.placeholders import expand, placeholders

VALUES = {"data": "/d", "repos.lidb": "/ws/lidb", "embed.real.x": "/art/{data}"}


@pytest.mark.parametrize(
    ("text", "names", "expanded"),
    [
        pytest.param("ls {data}", ["data"], "ls /d", id="word"),
        pytest.param("{repos.lidb}/x{data}", ["repos.lidb", "data"], "/ws/lidb/x/d", id="dotted"),
        pytest.param("{embed.real.x}", ["embed.real.x"], "/art/{data}", id="value-is-taken-as-it-is"),
        pytest.param("${data} $HOME", [], "${data} $HOME", id="shell"),
        pytest.param("${A:-${data}}", [], "${A:-${data}}", id="nested-shell"),
        pytest.param("${{data}} ${{ data }}", [], "${{data}} ${{ data }}", id="github-expression"),
        pytest.param("${A:-{data}}", ["data"], "${A:-/d}", id="inside-the-shells"),
        pytest.param("awk '{print $1} {}'", [], "awk '{print $1} {}'", id="awk"),
        pytest.param("{a,b} {1..3} {.x} {x.}", [], "{a,b} {1..3} {.x} {x.}", id="brace-expansion"),
        pytest.param("{{data}} {{x.y}}", [], "{data} {x.y}", id="escaped"),
        pytest.param("{{ data }} {{.Id}} }} {{", [], "{{ data }} {{.Id}} }} {{", id="other-double-braces"),
        pytest.param('{"a": {data}}', ["data"], '{"a": /d}', id="json"),
        pytest.param("{{{data}}}", [], "{{data}}", id="escaped-twice"),
    ],
)  # fmt: skip
def test_placeholders_of(text: str, names: list[str], expanded: str) -> None:
    assert placeholders(text) == names
    assert expand(text, VALUES) == expanded


def test_missing_value_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        expand("{tmp}", VALUES)


@given(st.text(alphabet="{}$ab. "))
def test_expand_asks_for_exactly_the_placeholders(text: str) -> None:
    expand(text, dict.fromkeys(placeholders(text), ""))
