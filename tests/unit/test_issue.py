"""The report to file upstream: complete, with both ends of a message, and nothing hostile in it more than text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.base.text import both_ends
from phdb_ci.models.issue import Issue
from phdb_ci.models.matrix import Repo
from phdb_ci.models.results import LegSource
from phdb_ci.rendering.issue import issue_of
from tests.builders import case, command, leg, quarantine, sha, source, suite, verdict
from tests.page import Page

PIN = sha("5ab0d77")
REPOS = {"lidb": Repo(url="https://github.com/acme/lidb.git", pin=PIN)}
SOURCES = (LegSource(repo="lidb", commit=PIN, origin="pin"),)
HOSTILE = "@octocat #1 <img src=x> [a](http://evil.example) ``` ` | </details>\n## a heading"


def report(text: str = "it", log: Any = (), **fields: Any) -> Issue:
    bad = case(text, "failed", message=text, detail=text, suite=text)
    told: dict[str, Any] = {
        "sources": SOURCES, "reasons": (text,), "summary": text, "commands": (command(text, 1),),
    }  # fmt: skip
    made = leg("smoke", "failed", suite(bad), **told | fields)
    whole = verdict(made, sources=(source("lidb", PIN),), run_id=text, platform=text, started=text, tool=text)
    return issue_of(whole, made, [bad], REPOS, log)


def test_commit_is_linked_to_its_page() -> None:
    made = report()
    assert made.repository == "https://github.com/acme/lidb"
    assert f"https://github.com/acme/lidb/commit/{PIN}" in Page(made.body).links


def test_commit_at_its_pin_is_named_by_the_pin_whatever_it_was_taken_from() -> None:
    made = leg("smoke", "failed", sources=SOURCES)
    here = source("lidb", PIN, origin="ref", where="/home/me/lidb", web=None)
    text = issue_of(verdict(made, sources=(here,)), made, [], REPOS, ()).body
    assert "```sh\nphdb-ci run smoke\n```" in text
    assert "/home/me" not in text


def test_job_without_a_failing_case_is_reported_as_a_whole() -> None:
    made = leg("smoke", "unproven", sources=SOURCES)
    issue = issue_of(verdict(made), made, [], REPOS, ())
    assert (issue.title, issue.cases) == ("smoke unproven", ())
    assert "- the job passes" in issue.body


def test_failure_that_is_tracked_already_says_where() -> None:
    bad = case("a", "failed")
    made = leg("smoke", "failed", suite(bad), decides=False, quarantine=quarantine(), sources=SOURCES)
    assert "tracked as [issue 42](https://github.com/acme/lidb/issues/42)" in (
        issue_of(verdict(made), made, [bad], REPOS, ()).body
    )


def test_workspace_of_the_run_is_named_and_not_shown() -> None:
    place = "/home/me/.cache/phdb-ci/work/20261201-023253-08cb37/smoke@ubuntu-24.04"
    bad = case("a", "failed", message=f"Command '{place}/venv/bin/python3' failed", detail=f"in {place}/lidb/b.py:1")
    made = leg("smoke", "failed", suite(bad), sources=SOURCES, reasons=(bad.message,))
    body = issue_of(verdict(made), made, [bad], REPOS, [f"at {place}/lidb/a.py:3"]).body
    assert "/home/me" not in body
    assert "'WORKSPACE/venv/bin/python3'" in body
    assert "at WORKSPACE/lidb/a.py:3" in body


def test_both_ends_of_a_long_message_stay() -> None:
    text = "begins " + "x" * 5_000 + " ends"
    short = both_ends(text, 100)
    assert (len(short), short[:7], short[-5:]) == (100, "begins ", " ends")
    assert both_ends("short", 100) == "short"


@pytest.mark.parametrize("text", [HOSTILE, "`" * 300, "|" * 100, "\x1b[31m\u202e", "</sub>", "##[error]x"])
def test_hostile_text_is_no_more_than_text(text: str) -> None:
    found, tame = Page(report(text, [text] * 3).body), Page(report("X", ["X"] * 3).body)
    assert found.links == tame.links
    assert found.outside == tame.outside
    assert not found.unbalanced


@given(st.text(max_size=80))
def test_shape_of_the_report_does_not_depend_on_what_it_says(text: str) -> None:
    made = report(f"x{text}", [text])
    assert Page(made.body).links == Page(report("X").body).links
    assert "\n" not in made.title
    assert len(made.body) < 20_000
