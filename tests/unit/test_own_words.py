"""The lines of a log that say why a command failed: which they are, and that they are bounded and clean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.base.text import both_ends
from phdb_ci.reports.own_words import MOST, WIDTH, last_words, place_of, seen_from, words_of

ROOT = "/cache/ws"
FRAMES = "".join(f'  File "/usr/lib/python3/json.py", line {n}, in step\n    step({n})\n' for n in range(100))
TRACEBACK = f"""\
starting
Traceback (most recent call last):
  File "{ROOT}/lis/cli.py", line 7, in <module>
    main()
{FRAMES}ValueError: no catalog
"""


def words(tmp_path: Path, text: str, start: int = 0, **options: bool) -> tuple[str, ...]:
    (tmp_path / "log").write_text(text)
    return words_of(tmp_path / "log", start, ROOT, **options)


def test_long_traceback_is_its_last_own_frame_its_last_frame_and_its_error(tmp_path: Path) -> None:
    assert words(tmp_path, TRACEBACK) == (
        "starting",
        '  File "lis/cli.py", line 7, in <module>',
        "    main()",
        "⋮",
        '  File "/usr/lib/python3/json.py", line 99, in step',
        "    step(99)",
        "ValueError: no catalog",
    )


def test_lines_after_a_traceback_stay(tmp_path: Path) -> None:
    assert words(tmp_path, TRACEBACK + "make: *** [smoke] Error 1\n")[-2:] == (
        "ValueError: no catalog",
        "make: *** [smoke] Error 1",
    )


def test_traceback_long_before_the_end_is_not_why(tmp_path: Path) -> None:
    later = "".join(f"{n} done\n" for n in range(50))
    assert words(tmp_path, TRACEBACK + later)[-1] == "49 done"
    assert "ValueError: no catalog" not in words(tmp_path, TRACEBACK + later)


def test_end_of_a_log_is_its_last_lines_without_blank_ones(tmp_path: Path) -> None:
    text = "".join(f"{n} line\n\n" for n in range(100))
    assert words(tmp_path, text) == tuple(f"{n} line" for n in range(100 - MOST, 100))


def test_message_of_many_lines_with_one_prefix_shows_both_ends(tmp_path: Path) -> None:
    warned = "".join(f"npm warn {n}\n" for n in range(9))
    usage = "".join(f"npm error --option-{n}\nnpm error\n" for n in range(40))
    head = f"added 3\n{warned}npm error code EUSAGE\nnpm error\nnpm error Missing: left-pad\n"
    text = f"{head}{usage}npm error A complete log\n"
    shown = words(tmp_path, text, builds=True)
    assert shown[1:5] == ("npm warn 3", "⋮", "npm warn 7", "npm warn 8")
    assert shown[5:7] == ("npm error code EUSAGE", "npm error Missing: left-pad")
    assert shown[-3:] == ("⋮", "npm error", "npm error A complete log")


@pytest.mark.parametrize(
    "line",
    [
        f"{ROOT}/lidb/src/main.cpp:12:5: error: expected ';'",
        "main.c:12: fatal error: no.h: No such file",
        "src/db.ts(3,7): error TS2322: Type 'string'",
        "src/db.ts:3:7 - error TS2322: Type 'string'",
        "CMake Error at CMakeLists.txt:4 (find_package):",
    ],
)
def test_build_shows_the_first_error_of_a_compiler(tmp_path: Path, line: str) -> None:
    noise = "".join(f"[{n}%] Building\n" for n in range(5_000))
    shown = words(tmp_path, f"{noise}{line}\n   12 | int\n      | ^\nb.c:1: error: that follows\n{noise}", builds=True)
    assert shown == (seen_from(ROOT, line), "   12 | int", "      | ^")
    assert words(tmp_path, f"{noise}{line}\n{noise}")[-1] == "[4999%] Building"


def test_only_the_output_of_the_command_counts(tmp_path: Path) -> None:
    earlier = "a.c:1: error: of the command before\n"
    assert words(tmp_path, f"{earlier}all well\n", start=len(earlier), builds=True) == ("all well",)


def test_log_that_is_no_file_has_no_words(tmp_path: Path) -> None:
    assert words_of(tmp_path / "gone", 0, ROOT) == words_of(tmp_path, 0, ROOT) == ()
    assert words(tmp_path, " \n\n") == ()


@given(st.text())
def test_words_are_clean_and_few(text: str) -> None:
    shown = last_words(text * 50, ROOT)
    assert len(shown) <= MOST
    assert all(line.strip() and "\x1b" not in line and "\n" not in line for line in shown)


def test_long_line_keeps_both_ends(tmp_path: Path) -> None:
    (line,) = words(tmp_path, "x" * 500 + "the end")
    assert len(line) == WIDTH
    assert line.endswith("the end")
    assert both_ends("short", 5) == "short"


def test_place_is_the_innermost_frame_of_a_checkout() -> None:
    node = (
        f"boom\n at helper (file://{ROOT}/agents/a.mjs:3:29)\n at Test (file://{ROOT}/agents/b.mjs:6:1)\n at node:x:1"
    )
    assert place_of(node, ROOT) == "agents/a.mjs:3"
    assert place_of(TRACEBACK, ROOT) == "lis/cli.py:7"
    assert place_of("tests/test_a.py:3: AssertionError", ROOT) == ""


def test_error_above_a_long_javascript_stack_stays(tmp_path: Path) -> None:
    frames = "".join(f"    at step{n} (node:internal/{n})\n" for n in range(30))
    text = f"noise\nfile:///a.mjs:3\n  throw new Error('x')\n  ^\n\nError: x\n{frames}\nNode.js v24\n"
    shown = words(tmp_path, text)
    assert shown[:4] == ("file:///a.mjs:3", "  throw new Error('x')", "  ^", "Error: x")
    assert shown[8] == "⋮"
    assert shown[-1] == "Node.js v24"
