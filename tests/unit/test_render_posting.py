"""The comment where it is known under which run it stands: its links, the branch it compares with, its marker."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Missing, Regressions, Unaffected, Verdict
from phdb_ci.rendering.comment import comment, comments, commit_status, regressions_status, summary
from phdb_ci.rendering.comment.marker import PREFIX, State, digest, marked, read
from phdb_ci.rendering.comment.no_verdict import no_verdict
from phdb_ci.rendering.comment.size_budget import COMMENT_BUDGET
from tests.builders import HEAD, artifact, case, idle, leg, missing, quarantine, sha, source, suite, verdict
from tests.page import Page, checked, heading, page
from tests.unit.test_render_hostile import HOSTILE, hostile

WEB = "https://github.com/acme/lis"
LEGS = ("smoke", "db-smoke", "e2e-mock", "e2e-engine", "bench-validate")
POSTING = Posting(
    repository="acme/lis", run_id=4242, run_number=318, base="main",
    jobs={f"{job}@ubuntu-24.04": number for number, job in enumerate(LEGS, 3)} | {"db-smoke@macos-15": 9},
)  # fmt: skip


@pytest.fixture
def six() -> Verdict:
    """Six jobs, two of them failed, the engine's in the lead, none of them worse than on the base."""
    bad = suite(
        case("test_join[left|outer]", "failed", message="AssertionError: expected 3 rows, got 2"),
        case("test_rollback", "failed", message="timeout after 30 s in `COMMIT`"), kind="node", passed=41,
    )  # fmt: skip
    return verdict(
        leg("smoke", calls=4),
        leg("db-smoke", "failed", suite(case("survives kill -9", "failed"), passed=118)),
        leg("db-smoke", os="macos-15"),
        leg("e2e-mock"),
        leg("e2e-engine", "failed", bad, calls=38, seconds=298.0),
        leg("bench-validate"),
        idle=[idle("pg-bench", "ubuntu-24.04", kind="skipped", reason="nightly only")],
        lead="e2e-engine", baseline="4111", regressions=Regressions(unknown=()),
        baseline_commits={"lis": sha("1111111"), "lidb": sha("2222222"), "li-cursor-agents": sha("c0ffee1")},
        sources=(
            source("lis", HEAD, origin="ref", via="$LIS_CI_REF", pin=sha("dda0c69")), source("lidb"),
            source("li-cursor-agents", sha("c0ffee1")),
        ),
        artifacts=(artifact(used_by=LEGS, calls=54),), reproduce="nox -s pr-gate -- --repo lis=pull/17",
    )  # fmt: skip


def test_order_is_marker_headline_sentence_table_failures_details_timeline_command(six: Verdict) -> None:
    text = comment(six, POSTING)
    places = [
        text.index(part)
        for part in (
            PREFIX, "## ❌ phdb-ci: 2 of 6 jobs failed", f"[run #318]({WEB}/actions/runs/4242) attempt 1",
            "| ❌ | **[e2e-engine](", "| ❌ | **[db-smoke (ubuntu-24.04)](", "| ✅ | [smoke](",
            "<details open>", "<summary>❌ e2e-engine: 2 tests failed</summary>", "test_join[left|outer]",
            "<details>", "<summary>❌ db-smoke (ubuntu-24.04): 1 test failed</summary>",
            "<summary>1 not run: pg-bench</summary>", "<summary>Evidence: ",
            "<summary>Sources: 3 repositories, 1 not at its pin, 2 moved",
            "since the last run of `main` (`4111`)", f"[`9f2c1e0`]({WEB}/commit/{HEAD})",
            f"({WEB}/compare/{sha('1111111')}...{HEAD})", "`sha256:89ea00d60000…` | built in 3:32 | 5 jobs",
            "<summary>Timeline</summary>", "reproduce: `nox -s pr-gate -- --repo lis=pull/17`",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert text.count("<details open>") == 1


def test_each_row_leads_to_its_job(six: Verdict) -> None:
    links = checked(comment(six, POSTING), COMMENT_BUDGET).links
    assert links[:7] == [
        f"{WEB}/actions/runs/4242", f"{WEB}/actions/runs/4242/job/6", f"{WEB}/actions/runs/4242/job/4",
        f"{WEB}/actions/runs/4242/job/3", f"{WEB}/actions/runs/4242/job/9", f"{WEB}/actions/runs/4242/job/5",
        f"{WEB}/actions/runs/4242/job/7",
    ]  # fmt: skip


def test_marker_holds_all_that_orders_runs(six: Verdict) -> None:
    text = comment(six, POSTING)
    state = json.loads(base64.b64decode(text.splitlines()[0].split()[2]))
    body = text.partition("\n")[2]
    assert state == {
        "run_id": "4242", "run_number": 318, "attempt": 1, "head": HEAD, "outcome": "fail",
        "digest": digest(body),
    }  # fmt: skip
    assert read(text) == (State(**state), body)


def test_comment_has_no_clock(six: Verdict) -> None:
    later = six.model_copy(update={"started": "2031-01-01T00:00:00Z", "platform": "elsewhere"})
    assert comment(later, POSTING) == comment(six, POSTING)


def test_links_of_another_owner_are_shown_and_not_linked() -> None:
    excused = quarantine(issue="https://github.com/evil/lidb/issues/42")
    made = verdict(
        leg("a", "failed", quarantine=excused), sources=(source(web="https://github.com/evil/lidb"),),
        baseline="1", baseline_commits={"lidb": sha("1")}, run_url="https://github.com/evil/x/actions/runs/1",
    )  # fmt: skip
    found = Page(comment(made, POSTING))
    assert found.links == [f"{WEB}/actions/runs/4242"]
    assert "https://github.com/evil/lidb/issues/42" in found.code


@pytest.mark.parametrize(
    "server",
    ["http://github.com", "https://github.com/", "https://a)[x](b", "https://a b", "javascript:x", "https://a\n"],
)
def test_server_of_another_form_is_no_place_to_publish(server: str) -> None:
    with pytest.raises(ValidationError):
        Posting(repository="acme/lis", server=server, run_id=1, run_number=1)


def posted(text: str) -> str:
    return comment(hostile(text), POSTING.model_copy(update={"base": f"{text}"}))


TAME = Page(posted("X")).outside


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
@example("`|`\n\n</details>\n@octocat [x](https://e.com) X")
def test_hostile_text_and_branch_change_nothing_but_the_inside_of_code(text: str) -> None:
    found = Page(posted(text))
    assert found.outside == TAME
    assert not found.unbalanced
    assert {link.partition("/actions")[0] for link in found.links} == {WEB}
    assert "@" not in found.outside


# Not run at all


def unaffected(*paths: str, more: int = 0, **fields: Any) -> Verdict:
    """A verdict of a run in which nothing needed to run."""
    told = Unaffected(repo="lis", base=sha("1"), head=HEAD, paths=paths or ("README.md",), more=more)
    made = verdict(unaffected=told, artifacts=(), seconds=0.0, **fields)
    return made.model_copy(update={"outcome": "pass"})


def test_unaffected_run_says_that_nothing_was_run() -> None:
    text = comment(unaffected("README.md", "docs/a b.md", more=3), POSTING)
    assert heading(text) == "## ⚪ phdb-ci: not run, only documentation changed"
    assert "Not run: no job reads what changed in lis since `1000000`, for `9f2c1e0` · gate **pr-gate** ·" in text
    assert "<summary>Changed: 5 paths, none of which a job reads</summary>" in text
    assert "- `README.md`\n- `docs/a b.md`\n- and 3 more\n" in text
    assert "✅" not in text
    assert "| job |" not in text


def test_unaffected_run_shows_its_legs_as_not_run() -> None:
    made = unaffected(idle=[idle("smoke", kind="skipped", reason="nothing to do")])
    assert "<summary>1 not run: smoke</summary>" in comment(made)


def test_record_with_results_is_not_unaffected() -> None:
    made = unaffected().model_copy(update={"legs": (leg("a", "failed"),), "outcome": "fail"})
    assert heading(comment(made)) == "## ❌ phdb-ci: 1 of 1 job failed"
    assert "only documentation" not in comment(made)


def test_many_paths_are_counted_and_not_all_shown() -> None:
    text = comment(unaffected(*(f"docs/{number}.md" for number in range(120))))
    assert "Changed: 120 paths" in text
    assert "- and 70 more" in text


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_hostile_path_stays_text(text: str) -> None:
    tame, found = Page(comment(unaffected("X"))), Page(comment(unaffected(text)))
    assert found.outside == tame.outside
    assert not found.unbalanced


# Blocked, several artifacts


def test_missing_leg_whose_artifact_did_not_build_is_blocked() -> None:
    gone = Missing(job="b", os="ubuntu-24.04", reason="embed did not build", blocked=True)
    made = verdict(leg("a"), missing=[gone])
    assert heading(comment(made)) == "## ❌ phdb-ci: 1 of 2 jobs blocked"
    assert page(made).row("b")[0] == "⛔"
    assert "- ⛔ blocked: b, because `embed did not build`" in comment(made)


def test_missing_leg_that_does_not_decide_is_said_so() -> None:
    made = verdict(leg("a"), missing=[missing("b").model_copy(update={"decides": False})])
    assert heading(comment(made)) == "## ✅ phdb-ci: 1 of 2 jobs passed; 1 quarantined"
    assert page(made).row("b")[0] == "🩹"
    assert "<summary>🩹 b: left no result, quarantined</summary>" in comment(made)


def test_artifact_of_several_runners_is_told_apart() -> None:
    both = tuple(artifact(os=os, status=how) for os, how in (("ubuntu-24.04", "built"), ("macos-15", "published")))
    text = comment(verdict(leg("a"), artifacts=both))
    assert "embed (ubuntu-24.04) built, embed (macos-15) published" in text
    assert "| embed (macos-15) | `sha256:89ea00d60000…` | published |" in text
    assert "    build embed@macos-15 :done, 0, 212" in text


# The status, and runs without a verdict


@pytest.mark.parametrize(
    ("made", "state", "said"),
    [
        pytest.param(verdict(leg("a"), leg("b")), "success", "all 2 jobs passed", id="pass"),
        pytest.param(verdict(leg("a", "failed")), "failure", "1 of 1 job failed", id="fail"),
        pytest.param(verdict(leg("a", "error")), "error", "1 of 1 job could not run", id="incomplete"),
        pytest.param(verdict(leg("a", "failed")).model_copy(update={"outcome": "pass"}), "error", "1 of 1", id="lie"),
        pytest.param(unaffected(), "success", "not run, only documentation changed", id="unaffected"),
        pytest.param(verdict(leg("a"), stack="stand-in"), "success", "not the public stack: 1 job passed", id="demo"),
    ],
)
def test_status_says_the_outcome_in_a_word_and_a_line(made: Verdict, state: str, said: str) -> None:
    status = commit_status(made, POSTING)
    assert status.state == state
    assert status.description.startswith(said)
    assert status.target_url == f"{WEB}/actions/runs/4242"
    assert status.context == "phdb-ci / verdict"


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_status_holds_nothing_of_a_repository_and_fits(text: str) -> None:
    assert commit_status(hostile(text)) == commit_status(hostile("X"))
    assert len(commit_status(hostile(text)).description) <= 140
    assert regressions_status(hostile(text)) == regressions_status(hostile("X"))


@pytest.mark.parametrize("conclusion", ["cancelled", "action_required", "failure", "", "new in GitHub"])
def test_run_without_a_verdict_is_never_green(conclusion: str) -> None:
    text, status, compared = no_verdict(POSTING, HEAD, conclusion)
    found = Page(text)
    assert "no verdict" in heading(text)
    assert "✅" not in text
    assert found.links == [f"{WEB}/actions/runs/4242"]
    state, _ = read(text)
    assert state is not None
    assert (state.run_number, state.outcome, state.head) == (318, "none", HEAD)
    assert status.state == "error"
    assert "no verdict" in status.description
    assert (compared.context, compared.state) == ("phdb-ci / regressions", "error")


# The marker, and bodies of less


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(1, 10**6), st.text(max_size=60))
def test_marker_is_one_comment_and_reads_back(run: str, number: int, body: str) -> None:
    state = State(run_id=run, run_number=number, outcome="pass", head=HEAD, digest="0")
    text = marked(state, body)
    first = text.splitlines()[0]
    assert re.fullmatch(r"<!-- phdb-ci:verdict:v1 [A-Za-z0-9+/=]+ -->", first)
    assert read(text)[0] == state


@pytest.mark.parametrize("text", ["", "x", PREFIX, f"{PREFIX}!!! -->", f"{PREFIX}bm9uZQ== -->", PREFIX + "A" * 9_000])
def test_marker_that_is_none_is_read_as_none(text: str) -> None:
    assert read(text)[0] is None


def test_each_body_is_shorter_and_whole(six: Verdict) -> None:
    bodies = list(comments(six, POSTING))
    sizes = [len(body.encode()) for body in bodies]
    assert sizes == sorted(set(sizes), reverse=True)
    assert len(bodies) == 3
    for body in bodies:
        checked(body, COMMENT_BUDGET)
        assert heading(body) == "## ❌ phdb-ci: 2 of 6 jobs failed; 1 not run"


def test_summary_has_no_links_to_jobs(six: Verdict) -> None:
    assert "/job/" not in summary(six)
