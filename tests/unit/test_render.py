"""Comment and summary as a reader sees them: words, order, the evidence for green."""

import base64
import json
import random
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phdb_ci.models.results import ManifestFact
from phdb_ci.models.statuses import STATUSES, Status
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering import workflows
from phdb_ci.rendering.comment import MARKER, comment, summary
from phdb_ci.rendering.comment.size_budget import SUMMARY_BUDGET
from tests.builders import (
    HEAD,
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
    use,
    verdict,
)
from tests.page import checked, heading, page

NOT_PASSED: list[Status] = ["failed", "unproven", "error", "timeout", "cancelled", "blocked", "skipped"]
TRACEBACK = """\
tests/e2e/test_query.py > test_join[left|outer]
    >   assert len(rows) == 3
    E   AssertionError: expected 3 rows, got 2"""


@pytest.fixture
def typical() -> Verdict:
    """A typical pull request: one gate, two failures, the engine's job in the lead."""
    failing = suite(
        case(
            "test_join[left|outer]",
            "failed",
            suite="tests/e2e/test_query.py",
            message="AssertionError: expected 3 rows, got 2",
            detail=">   assert len(rows) == 3\nE   AssertionError: expected 3 rows, got 2",
        ),
        case("test_rollback", "failed", message="timeout after 30 s in `COMMIT`"),
        kind="node",
        passed=41,
        skip_rules=(rule("*mock*", "the mock suite runs in e2e-mock", 2),),
    )
    return verdict(
        leg("smoke", "passed", exit_only(), calls=4),
        leg("db-smoke", "failed", suite(case(status="failed"), passed=118), calls=6, reasons=("why",)),
        leg("db-smoke", "passed", suite(passed=116), os="macos-15", calls=6),
        leg("e2e-mock", "passed", suite(passed=37), seconds=63.0),
        leg(
            "e2e-engine",
            "failed",
            failing,
            calls=38,
            seconds=298.0,
            reasons=("exit 1", "2 of 43 node tests failed"),
            commands=(command("npm test", 1, network="isolated"),),
            workspace="/cache/work/e2e",
        ).model_copy(update={"repeat": "phdb-ci run e2e-engine"}),
        leg("bench-validate", "passed", exit_only(), seconds=3.0),
        idle=[idle("pg-bench", "ubuntu-24.04", kind="skipped", reason="nightly only")],
        lead="e2e-engine",
        run_url=RUN_URL,
        baseline="4111",
        baseline_commits={"lis": sha("1111111"), "lidb": sha("5ab0d77")},
        sources=(source("lis", HEAD, origin="ref", via="$LIS_CI_REF", pin=sha("dda0c69")), source("lidb")),
        artifacts=(artifact(used_by=("e2e-engine", "db-smoke", "smoke"), calls=54),),
        reproduce="nox -s pr-gate -- --repo lis=pull/17",
    )


def test_typical_failure_line_by_line(typical: Verdict) -> None:
    text = comment(typical)
    assert heading(text) == "## ❌ phdb-ci: 2 of 6 jobs failed; 1 not run"
    assert text.splitlines()[3] == (
        "**e2e-engine** and **db-smoke (ubuntu-24.04)** failed for lis `9f2c1e0` · gate **pr-gate** · "
        f"[run 4242]({RUN_URL}) attempt 1 · took 8:42"
    )
    table = [line for line in text.splitlines() if line.startswith("|")][:8]
    assert table == [
        "|  | job | pass | fail | skip | time |",
        "|:-:|:--|--:|--:|--:|--:|",
        "| ❌ | **e2e-engine** | 41 | **2** | 0 | 4:58 |",
        "| ❌ | **db-smoke (ubuntu-24.04)** | 118 | **1** | 0 | 38.0\N{NO-BREAK SPACE}s |",
        "| ✅ | smoke | – | – | – | 38.0\N{NO-BREAK SPACE}s |",  # noqa: RUF001 - as shown
        "| ✅ | db-smoke (macos-15) | 116 | 0 | 0 | 38.0\N{NO-BREAK SPACE}s |",
        "| ✅ | e2e-mock | 37 | 0 | 0 | 1:03 |",
        "| ✅ | bench-validate | – | – | – | 3.0\N{NO-BREAK SPACE}s |",  # noqa: RUF001 - as shown
    ]
    first = text.split("<details open>")[1].split("</details>")[0]
    assert first.split("\n\n") == [
        "\n<summary>❌ e2e-engine: 2 tests failed</summary>",
        "- `exit 1`\n- `2 of 43 node tests failed`",
        f"```text\n{TRACEBACK}\n```",
        "- `test_rollback`: `` timeout after 30 s in `COMMIT` ``",
        "- log `e2e-engine@ubuntu-24.04/log.txt`, workspace `/cache/work/e2e`\n- repeat: `phdb-ci run e2e-engine`",
        "",
    ]
    assert "<summary>1 not run: pg-bench</summary>\n\n- skipped: pg-bench: `nightly only`" in text
    assert "Evidence: embed called 54 times by 3 jobs, 1 job on the exit code only, 2 tests skipped" in text
    assert "Sources: 2 repositories, 1 not at its pin, 1 moved since the baseline, embed built" in text
    assert "| embed | `sha256:89ea00d60000…` | built in 3:32 | 3 jobs | 54 times |" in text
    assert text.count("<details open>") == 1
    assert "    job e2e-engine@ubuntu-24.04 :crit, 0, 298" in text
    assert text.endswith("<sub>`phdb-ci 0.1.0` · reproduce: `nox -s pr-gate -- --repo lis=pull/17`</sub>\n")


def test_marker_holds_the_state_of_the_run(typical: Verdict) -> None:
    first = comment(typical).splitlines()[0].split()
    assert first[:2] == ["<!--", MARKER]
    assert json.loads(base64.b64decode(first[2])) == {"run_id": "4242", "attempt": 1, "head": HEAD, "outcome": "fail"}


def test_links_are_the_run_the_commits_and_the_comparison(typical: Verdict) -> None:
    web = "https://github.com/acme"
    assert page(typical).links == [
        RUN_URL,
        f"{web}/lis/commit/{HEAD}",
        f"{web}/lis/compare/{sha('1111111')}...{HEAD}",
        f"{web}/lidb/commit/{sha('5ab0d77')}",
    ]


def test_render_is_the_same_each_time_and_after_a_round_trip(typical: Verdict) -> None:
    again = Verdict.model_validate_json(typical.model_dump_json())
    assert comment(again) == comment(typical)
    assert summary(again) == summary(typical)


def test_order_is_deciding_then_quarantined_then_passed_and_of_equals_the_lead_first() -> None:
    made = verdict(
        leg("a-passed"),
        leg("b-quarantined", "failed", decides=False, quarantine=quarantine()),
        leg("c-unproven", "unproven"),
        leg("d-lead", "passed"),
        leg("e-passed"),
        leg("f-failed", "failed"),
        missing=[missing("g-missing")],
        idle=[idle("h-idle")],
        lead="d-lead",
    )
    jobs = [row[1] for row in page(made).rows if len(row) == 6]
    assert [job[0] for job in jobs if job[1] == "-"] == list("cfgbdae")


def test_quarantined_case_has_a_sign_of_its_own_and_its_true_status() -> None:
    row = quarantine(case="test_a*")
    bad = suite(case("test_a1", "failed"), passed=3)
    made = verdict(leg("a"), leg("b", "failed", bad, excused=True, quarantine=row))
    assert heading(comment(made)) == "## ✅ phdb-ci: 1 of 2 jobs passed; 1 quarantined"
    assert page(made).row("b")[0] == "🩹"
    text = comment(made)
    assert "<summary>🩹 b: 1 test failed, quarantined</summary>" in text
    assert "`test_a*` quarantined until 2027-01-31 ([issue 42](https://github.com/acme/lidb/issues/42)" in text


def test_gate_of_a_job_with_quarantined_cases_alone_is_green() -> None:
    bad = suite(case("test_a1", "failed"), passed=3)
    made = verdict(leg("b", "failed", bad, excused=True, quarantine=quarantine(case="test_a*")))
    assert heading(comment(made)) == "## ✅ phdb-ci: 0 of 1 job passed; 1 quarantined"


@pytest.mark.parametrize("status", NOT_PASSED)
def test_leg_that_is_not_green_has_its_sign_and_its_reason_once(status: Status) -> None:
    made = verdict(leg("a-job", status, suite(passed=9), commands=(command(exit_code=0),), calls=3))
    assert page(made).row("a-job")[0] == STATUSES[status].icon != "✅"
    assert comment(made).count(f"`a reason for {status}`") == 1
    assert "✅" not in heading(comment(made))


def test_each_status_has_a_sign_of_its_own() -> None:
    made = verdict(*(leg(status, status) for status in NOT_PASSED), leg("passed"), missing=[missing("gone")])
    signs = [row[0] for row in page(made).rows[1:10]]
    assert len(set(signs)) == 9


def test_unproven_leg_with_exit_0_is_never_green() -> None:
    made = verdict(
        leg("e2e", "unproven", suite(passed=9), calls=0, reasons=("embed was called 0 times",)), leg("other")
    )
    assert heading(comment(made)) == "## ❌ phdb-ci: 1 of 2 jobs unproven"
    assert page(made).row("e2e")[0] == "❓"
    assert "<summary>❓ e2e: unproven</summary>\n\n- `embed was called 0 times`" in comment(made)


def test_heading_is_not_green_over_rows_that_are_not() -> None:
    made = verdict(leg("a", "failed")).model_copy(update={"outcome": "pass"})
    assert heading(comment(made)) == "## ⚠️ phdb-ci: 1 of 1 job failed"
    nothing = verdict().model_copy(update={"outcome": "pass"})
    assert heading(comment(nothing)) == "## ⚠️ phdb-ci: nothing that decides was run"


def test_pass_says_what_was_not_run() -> None:
    made = verdict(leg("a"), leg("b"), idle=[idle("a")], head=None)
    text = comment(made)
    assert heading(text) == "## ✅ phdb-ci: all 2 jobs passed; 1 not run"
    assert "Everything that decides passed for the pinned commits · gate **pr-gate** · run `4242` · took 8:42" in text
    assert "<summary>1 not run: a (macos-15)</summary>" in text
    assert "- elsewhere: a (macos-15): `runs on macos, this is ubuntu`" in text
    assert "Not green" not in text


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        pytest.param("pr-gate", "gate **pr-gate**", id="a gate"),
        pytest.param("smoke", "job **smoke**", id="a job"),
        pytest.param("smoke+lint", "jobs **smoke+lint**", id="jobs, one of them not here"),
        pytest.param("pr-gate+smoke", "gates and jobs **pr-gate+smoke**", id="both"),
        pytest.param("pr-gate+nightly", "gates **pr-gate+nightly**", id="gates"),
        pytest.param("smoke + lint", "gate `smoke + lint`", id="no name of ours"),
    ],
)
def test_sentence_says_whether_a_gate_or_jobs_were_asked_for(gate: str, told: str) -> None:
    text = comment(verdict(leg("smoke"), idle=[idle("lint")], gate=gate))
    assert f" · {told} · " in text


def test_missing_leg_is_named_and_never_green() -> None:
    made = verdict(leg("a"), missing=[missing("b")])
    assert heading(comment(made)) == "## ⚠️ phdb-ci: 1 of 2 jobs left no result"
    assert "<summary>🕳️ b: left no result</summary>" in comment(made)


def test_quarantined_leg_shows_its_true_status_and_does_not_decide() -> None:
    made = verdict(leg("a"), leg("b", "failed", decides=False, quarantine=quarantine()))
    assert heading(comment(made)) == "## ✅ phdb-ci: 1 of 2 jobs passed; 1 quarantined"
    assert page(made).row("b")[0] == "🩹"
    text = comment(made)
    assert "<summary>🩹 b: failed, quarantined</summary>" in text
    assert "quarantined until 2027-01-31 ([issue 42](https://github.com/acme/lidb/issues/42), `@acme/db`)" in text
    assert "❌" not in text
    assert "https://github.com/acme/lidb/issues/42" in page(made).links


def test_quarantine_past_its_date_decides() -> None:
    made = verdict(leg("b", "failed", quarantine=quarantine(date(2026, 1, 1))))
    text = comment(made)
    assert page(made).row("b")[0] == "❌"
    assert "its quarantine ended 2026-01-01 ([issue 42](" in text
    assert "`@acme/db`): **decides**, because `the WAL replay test is flaky on slow disks`" in text


def test_quarantined_leg_that_passed_is_named() -> None:
    text = comment(verdict(leg("a"), leg("b", decides=False, quarantine=quarantine())))
    assert "- b passed: quarantined until 2027-01-31 (" in text


def test_stand_in_stack_is_said_in_the_heading() -> None:
    plain = source(origin="tree", via="--stack DIR", web=None, pin=sha("dda0c69"))
    made = verdict(leg("a"), stack="stand-in", head=None, sources=(plain,))
    text = comment(made)
    assert heading(text) == "## ✅ phdb-ci on a stand-in stack: 1 job passed"
    assert "plain directories, not the public repositories; its green says nothing about them" in text
    assert "Sources: 1 repository, embed built" in text
    assert "the pin is" not in text
    assert "1 not at its pin" in comment(made.model_copy(update={"stack": "local"}))
    assert "phdb-ci on a local stack: " in heading(comment(verdict(leg("a"), stack="local")))


def test_uncommitted_and_unreachable_sources_are_said_outside_closed_sections() -> None:
    dirty = source("lidb", origin="tree", via="--repo lidb=../lidb", dirty=True, web=None)
    lost = source("lis", sha("abc"), reachable=False)
    text = comment(verdict(leg("a"), sources=(dirty, lost), head=None))
    assert "passed for lidb at `5ab0d77` plus uncommitted changes" in text
    assert "- ⚠️ lis `abc0000` is on no branch, tag or pull request of its repository" in text
    assert "working tree `--repo lidb=../lidb`, **with uncommitted changes**" in text


def test_evidence_for_green_is_shown() -> None:
    critical = suite(
        passed=6, kind="lines", critical_rules=(rule("cve-*", matched=4),), skip_rules=(rule("rls-*", "no harness"),)
    )
    gone = suite(passed=2, skip_rules=(rule("old-*", "was broken", matched=0),))
    isolated, open_ = command(network="isolated"), command(network="unenforced")
    made = verdict(
        leg("a", "passed", critical, calls=12, commands=(isolated,)),
        leg("b", "passed", gone, commands=(open_,)),
        leg("c", "passed", exit_only(), manifest=ManifestFact(file="m.json", status="stub")),
        leg("d", "passed", exit_only(), artifacts=(use(3, rebuilt=True, builds=True),)),
    )
    found = page(made)
    assert [row[2] for row in found.rows[1:5]] == ["6", "2", "–", "–"]  # noqa: RUF001 - as shown
    basis = [row[3:6] for row in found.rows if len(row) == 7 and row[2].startswith("what ")][1:]
    assert basis == [
        ["6 lines (4 critical)", "embed 12×", "isolated"],  # noqa: RUF001 - as shown
        ["2 pytest", "", "unenforced"],
        ["exit code, manifest stub", "", "open"],
        ["exit code", "embed 3×, built again by the job", "open"],  # noqa: RUF001 - as shown
    ]
    assert "a: `rls-*` 1×: `no harness`" in comment(made)  # noqa: RUF001 - as shown
    assert "b: `old-*` **no longer happens**: `was broken`" in comment(made)


def test_artifact_that_did_not_build_says_why_in_the_compilers_words() -> None:
    unbuilt = artifact(
        status="failed", digest=None, reasons=("exit 2: cmake --build",), used_by=(), calls=0,
        words=("lidb/main.cpp:3:5: error: expected ';'", "    3 | int"), repeat="phdb-ci run embed",
    )  # fmt: skip
    made = verdict(leg("a", "blocked"), artifacts=(unbuilt,))
    text = comment(made)
    assert "| embed | none | **failed** | 0 jobs |  |" in text
    assert heading(text) == "## ❌ phdb-ci: embed does not build; 1 of 1 job blocked"
    section = text.split("<summary>❌ embed does not build</summary>")[1].split("</details>")[0]
    assert section.split("\n\n")[1:4] == [
        "- `exit 2: cmake --build`\n- `lidb/main.cpp:3:5: error: expected ';'`",
        "```text\n    3 | int\n```",
        "- log `embed/log.txt`\n- repeat: `phdb-ci run embed`",
    ]
    assert "- ⛔ blocked: a, because `a reason for blocked`" in text


def test_summary_holds_every_skip_and_the_commands_of_what_is_not_green() -> None:
    skips = [case(f"skip_{number}", "skipped", message="not here") for number in range(90)]
    made = verdict(
        leg("a", "passed", suite(*skips, passed=3), commands=(command("make a"),), notes=("a note",)),
        leg("b", "failed", commands=(command("npm ci", phase="setup"),)),
        leg("c", "passed", commands=(command("make c"),)),
    )
    text = summary(made)
    found = checked(text, SUMMARY_BUDGET)
    assert ["setup", "npm ci", "0", "3.0 s", "open", ""] in found.rows
    assert ["skip_89", "skipped", "not here"] in found.rows
    assert "- `a note`" in text
    assert "make" not in text
    assert "npm ci" not in comment(made)
    titles = [line for line in text.splitlines() if "Complete lists: " in line]
    assert titles == [
        "<summary>Complete lists: b, 1 command</summary>",
        "<summary>Complete lists: a, 90 skipped tests, 1 note</summary>",
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["public", "stand-in", "local"]))
def test_heading_without_pass_is_never_green(seed: int, stack: str) -> None:
    chance = random.Random(seed)  # noqa: S311 - variety, not secrecy
    legs = [
        leg(f"j{number}", chance.choice([*NOT_PASSED, "passed"]), decides=chance.random() > 0.2)
        for number in range(chance.randrange(6))
    ]
    gone = [missing("gone")] if chance.random() > 0.7 else []
    made = verdict(*legs, missing=gone, stack=stack)
    assert ("✅" in heading(comment(made))) == (made.outcome == "pass")


def test_templates_are_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "phdb_ci"
    (package / "rendering").mkdir(parents=True)
    monkeypatch.setattr(workflows, "__file__", str(package / "rendering" / "workflows.py"))
    assert workflows.templates() == tmp_path / "site-packages" / "templates"
    (package / "templates").mkdir()
    assert workflows.templates() == package / "templates"


def test_unknown_name_in_a_template_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        workflows.environment().from_string("!{{ nothing }}").render()


NODE = """\
Error [ERR_TEST_FAILURE]: Expected values to be strictly equal:

2 !== 3

    at new Promise (<anonymous>) {
  failureType: 'testCodeFailure',
  cause: AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  2 !== 3

      at node:internal/x:1:2
      at TestContext.<anonymous> (agents/a.test.mjs:5:36)
      at Test.run (node:internal/test:796:25) {
    operator: 'strictEqual'
"""


def test_javascript_stack_is_its_message_and_the_place_of_our_own() -> None:
    broken = case("counts", "failed", message="Expected values to be strictly equal:2 !== 3", detail=NODE)
    text = comment(verdict(leg("a", "failed", suite(broken.model_copy(update={"place": "agents/a.test.mjs:5"})))))
    block = text.split("```text\n")[1].split("```")[0]
    assert block == "counts\n    agents/a.test.mjs:5\n    Expected values to be strictly equal:\n    2 !== 3\n"


def test_one_assertion_is_shown_once() -> None:
    detail = "".join(f"frame {number}\n" for number in range(200)) + "E   AssertionError: expected 3 rows, got 2"
    broken = case("t", "failed", message="AssertionError: expected 3 rows, got 2", detail=detail)
    reason = "1 of 1 pytest tests failed: t: AssertionError: expected 3 rows, got 2"
    text = comment(verdict(leg("a", "failed", suite(broken), reasons=(reason, "exit 1"), words=("1 failed",))))
    assert text.count("expected 3 rows, got 2") == 1
    assert "1 failed\n" not in text
