"""Whatever a repository's texts hold, they stay text: no link, mention, broken row, fence or section."""

import string
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phdb_ci.models.results import ManifestFact
from phdb_ci.models.verdict import Regressions, Verdict
from phdb_ci.rendering.comment import comment, summary
from phdb_ci.rendering.comment.timeline import label
from phdb_ci.rendering.markdown import code, excerpt, fenced, one_line, table
from tests.builders import (
    RUN_URL,
    artifact,
    case,
    command,
    exit_only,
    idle,
    leg,
    missing,
    quarantine,
    rule,
    sha,
    source,
    suite,
    verdict,
    worse,
)
from tests.page import Page, page

# What has broken comments before: ends of rows, fences, sections; links, mentions, images; unseen characters.
NASTY = [
    "\n```\n", "\n````\n", "\n`````\n", "\n``````\n",
    "|", "\\", "\\|", "`", "``", "`" * 85, "`" * 300, "~~~", "*", "_", "~~", "<", ">", "&amp;", "&#64;",
    "\n", "\r\n", "\n\n", "\t", "@octocat", "@www.e.com", "www.e.com", "https://e.com/x", "a@e.com",
    "#1", "acme/lis#1", "GH-1", "[x](https://e.com)", "![x](https://e.com/x.png)", "<img src=x>",
    "<a href=x>", "</details>", "<details>", "</summary>", "</td></tr></table>", "<!--", "-->",
    "<script>", "```", "````text", "| a | b |\n|:-|:-|", "\n# head", "\n- point", "\n\n</details>\n\n",
    "$x$", ":tada:", "\x00", "\x1b[31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\u2029",
    "\u0085", "\u3164", "\ufe0f", "\U000e0041", "\ud800", "\u00a0", "!{{ x }}", "<% x %>", "{{ x }}",
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=6)), max_size=12).map(
    lambda parts: "".join(parts)[:140] + "X"
)


def hostile(text: str) -> Verdict:
    """A verdict in which every text that a repository can have a hand in is this one."""
    bad = case(text, "failed", suite=text, message=text, detail=f"{text}\n{text}")
    seen = one_line(text, 200)
    report = suite(
        bad, case(text, "skipped", message=text), passed=1, problem=text, notes=(text,),
        skip_rules=(rule(text, text), rule(text, text, matched=0)),
        unnamed_skips=(text,), unnamed_skip_count=1,
    )  # fmt: skip
    kept = text[:300].encode(errors="replace").decode()  # as the record takes it
    told: dict[str, Any] = {
        "summary": text, "run_id": text, "notes": (text,), "strays": (text,),
        "commands": (command(text, 1, problem=text, leftovers=(text,)),),
        "manifest": ManifestFact(file=text, status=text, problems=(text,)),
        "words": (kept,), "workspace": text,
    }  # fmt: skip
    excused = quarantine(issue=f"https://e.com/{seen.replace(' ', '')}", owner=seen, reason=seen)
    return verdict(
        leg("a", "failed", report, reasons=(text, text), quarantine=excused, **told),
        leg("a", "failed", report, decides=False, reasons=(text,), quarantine=excused, **told),
        leg("c", "passed", report, **told),
        leg("f", "failed", exit_only(), reasons=(text,), **told).model_copy(update={"repeat": text}),
        leg("g", "blocked", reasons=(text,)),
        missing=[missing("d", "ubuntu-24.04", text, repeat=text)],
        idle=[idle("e", "macos-15", summary=text, reason=text)],
        sources=(
            source("lidb", origin="ref", via=text, where=text, web=text, notes=(text,), pin=sha("1")),
            source("lis", origin="ref", via=text, where=text, web=f"https://github.com/a/b/{text}"),
        ),
        artifacts=(artifact(digest=text, key=text, why=(text,), reasons=(text,)), artifact(
            "other", status="failed", digest=None, reasons=(text,), words=(kept,), repeat=text,
        )),
        tool=text, gate=text, headline=text, run_id=text, run_url=f"{RUN_URL}?{text}",
        platform=text, started=text,
        regressions=Regressions(worse=(worse(text),), unknown=(text,)),
        baseline=text, baseline_commits={"lidb": sha("2"), "lis": sha("3")}, reproduce=text, notes=(text,),
    )  # fmt: skip


TAME = {write: Page(write(hostile("X"))).outside for write in (comment, summary)}


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_hostile_text_changes_nothing_but_the_inside_of_code(text: str) -> None:
    for write, tame in TAME.items():
        found = Page(write(hostile(text)))
        assert found.outside == tame
        assert not found.unbalanced
        assert one_line(text, 200) in {" ".join(one.split()) for one in found.code}


def test_tame_page_links_nothing_of_the_texts() -> None:
    assert "<img" not in TAME[comment]
    assert "<a " not in TAME[comment]
    assert "@" not in TAME[comment]


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE)
def test_hostile_cells_stay_in_their_row(one: str, two: str) -> None:
    found = Page(table(("a", "b"), [(code(one), code(two)), ("c", "d")]))
    assert [len(cell) for cell in found.rows] == [2, 2, 2]
    assert [" ".join(cell.split()) for cell in found.rows[1]] == [one_line(one, 300), one_line(two, 300)]
    assert found.rows[2] == ["c", "d"]


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
@example("a\n```\n````\n`````\nX")
def test_hostile_lines_stay_in_their_fence(text: str) -> None:
    lines = excerpt(text, 12)
    found = Page(f"{fenced(lines)}\n\nafter\n")
    assert found.code == ["\n".join(lines) + "\n"]
    assert found.outside.endswith("<p []>after</p>\n")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com.evil.example/a/b/actions/runs/1", "https://evil.example/a/b/actions/runs/1",
        "http://github.com/a/b/actions/runs/1", f"{RUN_URL})[x](https://evil.example", f"{RUN_URL}\n",
        f"{RUN_URL}?x",
        "https://github.com/a/b/actions/runs/x", "javascript:alert(1)", "https://u:p@github.com/a/b/actions/runs/1",
    ],
)  # fmt: skip
def test_run_url_of_another_form_is_not_linked(url: str) -> None:
    made = verdict(leg("a"), run_url=url, sources=(source(web=url),))
    assert page(made).links == []


def test_issue_elsewhere_is_shown_and_not_linked() -> None:
    excused = quarantine(issue="https://evil.example/acme/lidb/issues/42")
    found = page(verdict(leg("b", "failed", quarantine=excused), sources=()))
    assert found.links == []
    assert "https://evil.example/acme/lidb/issues/42" in found.code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a``", "``` a`` ```"), ("", ""),
        (" \n\t ", ""), ("\u202eevil\u200b", "`evil`"), ("a\r\nb\u2028c\u00a0d", "`a b c d`"),
        ("\u3164\ufe0f", ""),
        ("x" * 400, "`" + "x" * 299 + "…`"),
    ],
)  # fmt: skip
def test_code_span(text: str, shown: str) -> None:
    assert code(text) == shown


def test_excerpt_keeps_the_start_and_more_of_the_end() -> None:
    lines = excerpt("\n".join(f"line {number}" for number in range(40)), 12)
    assert lines[:5] == ["line 0", "line 1", "line 2", "line 3", "⋮"]
    assert lines[5:] == [f"line {number}" for number in range(33, 40)]


@given(st.text())
def test_timeline_label_has_no_syntax(text: str) -> None:
    assert set(label(text)) <= set(string.ascii_letters + string.digits + " @._-")


def test_times_that_cannot_be_do_not_stop_the_comment() -> None:
    odd = verdict(leg("a", seconds=1e300, offset=-5.0), seconds=-1.0)
    assert "took 0.0 s" in comment(odd)
    assert "job a@ubuntu-24.04 :done, 0, 1" in comment(odd)
