"""Results of other machines to a verdict: what is missing, stale, forged or doubted by GitHub is never green."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.cli import main
from phdb_ci.errors import Exit, ResultsError
from phdb_ci.judging.fanin import gather, read_needs, read_results
from phdb_ci.judging.fanin.read import Needs, ResultFile
from phdb_ci.judging.gathered import Run
from phdb_ci.judging.verdict import make_verdict
from phdb_ci.models.hosting import job_id
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.results import Case, LegResult, LegSource
from phdb_ci.models.verdict import Unaffected, Verdict
from tests.builders import DIGEST, HEAD, case, command, result, sha, suite, use
from tests.helpers import PIN, job, matrix, sources

TODAY = date(2026, 11, 25)
UBUNTU, MACOS = "ubuntu-24.04", "macos-15"
RUN = Run("4242", 2, HEAD)
OTHER = "0ddba11" + "0" * 57
STARTED = "2026-11-25T03:00:00Z"
FLAKY = {"job": "flaky", "issue": "https://x.y/1", "owner": "me", "until": "2027-01-31", "reason": "flaky"}
ROWS = matrix(
    {
        "smoke": job(artifacts=["embed"], os=[UBUNTU, MACOS], skip={"windows-2025": "not built there"}),
        "style": job(repo="lis"),
    }
)
LEGS = [("smoke", UBUNTU), ("smoke", MACOS), ("style", UBUNTU)]
QUARANTINED = matrix({"smoke": job(artifacts=["embed"]), "flaky": job()}, quarantine=(FLAKY,))
CASE = matrix({"smoke": job(artifacts=["embed"]), "flaky": job()}, quarantine=(FLAKY | {"case": "test_a*"},))
Document = dict[str, Any]


def of(name: str, os_: str = UBUNTU, **fields: Any) -> LegResult:
    """The result of a leg that passed in this run."""
    row = (ROWS.jobs | QUARANTINED.jobs)[name]
    told: Document = {
        "os": os_, "started": STARTED, "attempt": 1,
        "sources": tuple(LegSource(repo=repo, commit=PIN, origin="pin") for repo in {*row.repos, "lidb"}),
        "artifacts": tuple(use(name=one) for one in row.artifacts),
    }  # fmt: skip
    return result(name, **told | fields)


def needs_of(rows: Matrix = ROWS) -> Document:
    """`toJSON(needs)` of a run in which every job succeeded."""
    outputs = {"sources": sources().model_dump_json(), "run": "true", "unaffected": "", "lidb": "", "lis": ""}
    built = {"key": "k1", "digest": DIGEST, "status": "built", "seconds": "212.0"}
    found: Document = {"plan": {"result": "success", "outputs": outputs}}
    for name in rows.gates["pr-gate"].jobs:
        for os_ in rows.jobs[name].os:
            for one in rows.jobs[name].artifacts:
                found[job_id(one, os_)] = {"result": "success", "outputs": dict(built)}
            found[job_id(name, os_)] = {"result": "success", "outputs": {}}
    return found


class Place:
    """A folder of results, and what GitHub says of the run."""

    def __init__(self, folder: Path) -> None:
        self.results = folder / "results"
        self.results.mkdir()
        self.file = folder / "needs.json"
        self.needs: Document | None = needs_of()

    def put(self, one: LegResult, folder: str | None = None) -> Path:
        path = self.results / (folder or one.leg) / "result.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.model_dump_json())
        return path

    def put_all(self, *but: str) -> "Place":
        for name, os_ in LEGS:
            if f"{name}@{os_}" not in but:
                self.put(of(name, os_))
        return self

    def verdict(self, rows: Matrix = ROWS, run: Run = RUN, today: date = TODAY) -> Verdict:
        if self.needs is not None:
            self.file.write_text(json.dumps(self.needs))
        told = read_needs(None if self.needs is None else self.file)
        found = gather(rows, "pr-gate", read_results(self.results), told, run, today)
        return make_verdict(found, tool="0.1.0", today=today)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder of results, of a run in which GitHub saw every job succeed."""
    return Place(tmp_path)


@pytest.fixture
def full(place: Place) -> Place:
    """Every leg there and passed."""
    return place.put_all()


def reasons(verdict: Verdict) -> dict[str, str]:
    return {f"{one.job}@{one.os}": one.reason for one in verdict.missing}


def assert_missing(verdict: Verdict, leg: str, reason: str, outcome: str = "incomplete") -> None:
    """The leg alone is missing, for this reason, and that keeps the gate from green."""
    found = reasons(verdict)
    assert list(found) == [leg]
    assert reason in found[leg]
    assert verdict.outcome == outcome


# All there


def test_every_leg_passed_is_a_pass(full: Place) -> None:
    verdict = full.verdict()

    assert (verdict.outcome, verdict.headline) == ("pass", "all 3 jobs passed")
    assert [leg.result.leg for leg in verdict.legs] == [f"{name}@{os_}" for name, os_ in LEGS]
    assert [(one.job, one.os, one.reason) for one in verdict.idle] == [("smoke", "windows-2025", "not built there")]
    assert [(one.name, one.os, one.status, one.digest) for one in verdict.artifacts] == [
        ("embed", UBUNTU, "built", DIGEST), ("embed", MACOS, "built", DIGEST),
    ]  # fmt: skip
    assert [(one.used_by, one.calls) for one in verdict.artifacts] == [(("smoke",), 1)] * 2
    assert (verdict.run_id, verdict.attempt, verdict.head) == ("4242", 2, HEAD)
    assert {source.repo: source.commit for source in verdict.sources} == {"lidb": PIN, "lis": PIN}
    assert verdict.reproduce == "nox -s pr-gate"


def test_results_alone_are_enough_where_nobody_else_saw_the_run(full: Place) -> None:
    full.needs = None

    verdict = full.verdict(run=Run())
    assert (verdict.outcome, verdict.run_id, verdict.stack) == ("pass", "4242", "public")
    assert [source.via for source in verdict.sources] == ["its results", "its results"]


def test_same_results_give_the_same_verdict_and_clock(full: Place) -> None:
    full.put(of("style", started="2026-11-25T03:01:00Z", seconds=10.0))

    verdict = full.verdict()
    assert verdict == full.verdict()
    assert (verdict.started, verdict.seconds) == (STARTED, 70.0)
    assert [leg.result.offset for leg in verdict.legs] == [0.0, 0.0, 60.0]


@pytest.mark.parametrize("name", ["results", "results/all", "results/a/b"])
def test_results_may_lie_some_folders_deep(place: Place, name: str) -> None:
    for leg in LEGS:
        place.put(of(*leg), folder=f"../{name}/{'@'.join(leg)}")

    assert place.verdict().outcome == "pass"


def test_only_result_of_a_gate_may_lie_in_the_folder_itself(place: Place) -> None:
    rows = matrix({"style": job(repo="lis")})
    place.needs = None
    place.put(of("style"), folder=".")

    verdict = place.verdict(rows)
    assert (verdict.outcome, [leg.result.leg for leg in verdict.legs]) == ("pass", ["style@ubuntu-24.04"])


def test_folder_that_holds_a_result_is_not_looked_through(full: Place) -> None:
    full.put(of("style", suites=(suite(case("a", "failed"), passed=4),)), folder="style@ubuntu-24.04/a")
    assert full.verdict().outcome == "pass"
    full.put(of("style"), folder=".")

    assert set(reasons(full.verdict())) == {"smoke@ubuntu-24.04", "smoke@macos-15"}


def test_only_result_that_cannot_be_read_is_named_by_its_folder(place: Place) -> None:
    (place.results / "result.json").write_text("{")

    assert place.verdict().notes[0].startswith(f"the result in {place.results.name} cannot be read: ")


# Missing


def test_empty_folder_is_no_pass(place: Place) -> None:
    verdict = place.verdict()

    assert verdict.outcome == "incomplete"
    assert set(reasons(verdict).values()) == {"left no result"}
    assert len(verdict.missing) == 3
    place.needs = None
    assert place.verdict(run=Run()).outcome == "incomplete"


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="there is no such directory of results"):
        read_results(tmp_path / "nowhere")


@pytest.mark.parametrize("leg", ["smoke@ubuntu-24.04", "smoke@macos-15", "style@ubuntu-24.04"])
def test_missing_leg_keeps_the_gate_from_green(place: Place, leg: str) -> None:
    place.put_all(leg)

    assert_missing(place.verdict(), leg, "left no result")


def test_failure_is_not_hidden_by_what_is_missing(place: Place) -> None:
    place.put(of("smoke", suites=(suite(case("a", "failed"), passed=4),)))

    assert place.verdict().outcome == "fail"


def test_leg_of_another_gate_is_told_and_fills_no_place(place: Place) -> None:
    place.put_all("style@ubuntu-24.04")
    other = of("style").model_copy(update={"job": "style2"})
    place.put(other)

    verdict = place.verdict()
    assert_missing(verdict, "style@ubuntu-24.04", "left no result")
    assert verdict.notes == ("a result of style2@ubuntu-24.04 is no part of this gate",)


def test_folder_whose_name_is_no_text_is_told_and_breaks_nothing(full: Place) -> None:
    folder = os.fsencode(full.results) + b"/a\xff\x1b[31m\n::error::b@x"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/result.json")).write_text("{}")

    verdict = full.verdict()
    assert verdict.outcome == "pass"
    assert verdict.notes == ("a result of a ::error::b@x is no part of this gate",)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


# Of something else


STALE: list[Any] = [
    pytest.param({"run_id": "4241"}, "stale: its result is of run 4241", id="run"),
    pytest.param({"head": sha("bad")}, "stale: it is for bad0000, not for 9f2c1e0", id="head"),
    pytest.param({"head": None}, "stale: it is for no commit, not for 9f2c1e0", id="no head"),
    pytest.param({"attempt": 3}, "stale: it says attempt 3, and this is attempt 2", id="future attempt"),
    pytest.param({"attempt": 0}, "stale: it says attempt 0", id="attempt 0"),
    pytest.param({"attempt": -1}, "stale: it says attempt -1", id="attempt below 0"),
    pytest.param(
        {"sources": (LegSource(repo="lidb", commit=sha("bad"), origin="ref"),)},
        "stale: it tested lidb at bad0000, this run is about c0ffee0",
        id="commit",
    ),
    pytest.param({"sources": ()}, "it does not say at which commit it tested lidb", id="no commit"),
    pytest.param(
        {"sources": tuple(LegSource(repo="lidb", commit=one, origin="pin") for one in (sha("bad"), PIN))},
        "stale: it tested lidb at bad0000",
        id="two commits",
    ),
    pytest.param(
        {"sources": tuple(LegSource(repo=repo, commit=PIN, origin="pin") for repo in ("lidb", "other"))},
        "stale: it tested other at c0ffee0, this run is about none",
        id="repo that the plan does not know",
    ),
    pytest.param(
        {"artifacts": (use().model_copy(update=dict.fromkeys(("digest", "before", "after"), OTHER)),)},
        "stale: it used embed sha256:0ddba1100000, this run built sha256:89ea00d60000",
        id="artifact",
    ),
    pytest.param({"artifacts": ()}, "it does not say which embed it used", id="no artifact"),
]


@pytest.mark.parametrize(("fields", "reason"), STALE)
def test_result_of_something_else_counts_as_missing(full: Place, fields: Document, reason: str) -> None:
    full.put(of("smoke", **fields))

    assert_missing(full.verdict(), "smoke@ubuntu-24.04", reason)


def test_folder_named_for_another_leg_is_not_believed(place: Place) -> None:
    place.put_all("style@ubuntu-24.04")
    place.put(of("smoke"), folder="style@ubuntu-24.04")

    assert_missing(place.verdict(), "style@ubuntu-24.04", "cannot be read: result.json is of smoke@ubuntu-24.04")


@pytest.mark.parametrize("update", [{"os": MACOS}, {"job": "style"}, {"os": "ubuntu-26.04"}])
def test_record_that_names_another_leg_than_its_folder_is_not_believed(full: Place, update: Document) -> None:
    full.put(of("smoke").model_copy(update=update), folder="smoke@ubuntu-24.04")

    assert_missing(full.verdict(), "smoke@ubuntu-24.04", "cannot be read: result.json is of ")


def test_results_of_several_runs_need_to_be_told_apart(full: Place) -> None:
    full.put(of("style", run_id="4241"))

    with pytest.raises(ResultsError, match="the results are of 2 runs: 4241, 4242") as caught:
        full.verdict(run=Run())
    assert caught.value.tries == ("say which one counts: --run-id ID",)
    assert_missing(full.verdict(), "style@ubuntu-24.04", "stale: its result is of run 4241")


def test_older_runs_result_beside_this_runs_does_no_harm(full: Place) -> None:
    full.put(of("style", run_id="4241"), folder="old/style@ubuntu-24.04")

    assert full.verdict().outcome == "pass"


def test_commits_that_legs_disagree_on_are_no_pass(full: Place) -> None:
    full.needs = None
    moved = tuple(LegSource(repo=repo, commit=sha("bad"), origin="ref") for repo in ("lidb", "lis"))
    full.put(of("style", sources=moved))

    assert_missing(full.verdict(), "style@ubuntu-24.04", "stale: it tested lidb at bad0000")


def test_artifacts_that_legs_disagree_on_are_no_pass_unless_their_runners_differ(place: Place) -> None:
    rows = matrix({"smoke": job(artifacts=["embed"], os=[UBUNTU, MACOS]), "style": job(artifacts=["embed"])})
    other = use().model_copy(update=dict.fromkeys(("digest", "before", "after"), OTHER))
    place.needs = None
    for name, os_, artifact in (("smoke", UBUNTU, use()), ("smoke", MACOS, other), ("style", UBUNTU, use())):
        place.put(of(name, os_, artifacts=(artifact,)))
    assert place.verdict(rows).outcome == "pass"
    place.put(of("style", artifacts=(other,)))

    assert place.verdict(rows).outcome == "incomplete"


def test_quarantined_leg_has_no_vote_on_the_commits(place: Place) -> None:
    place.needs = None
    place.put(of("smoke"))
    place.put(of("flaky", sources=(LegSource(repo="lidb", commit=sha("fff"), origin="ref"),)))

    verdict = place.verdict(QUARANTINED)
    assert [leg.result.job for leg in verdict.legs] == ["smoke"]
    assert [(one.job, one.decides) for one in verdict.missing] == [("flaky", False)]
    assert place.verdict(QUARANTINED, today=date(2027, 2, 1)).outcome == "incomplete"


# Attempts


def test_newer_attempt_counts_even_when_it_is_worse(full: Place) -> None:
    full.put(of("style", attempt=1), folder="first/style@ubuntu-24.04")
    full.put(of("style", attempt=2, suites=(suite(case("a", "failed"), passed=4),)))
    assert full.verdict().outcome == "fail"
    full.put(of("style", attempt=2), folder="first/style@ubuntu-24.04")
    full.put(of("style", attempt=1, suites=(suite(case("a", "failed"), passed=4),)))

    assert full.verdict().outcome == "pass"


def test_rerun_of_failed_jobs_keeps_the_others(full: Place) -> None:
    full.put(of("style", attempt=2))

    assert {leg.result.attempt for leg in full.verdict().legs} == {1, 2}
    assert full.verdict().outcome == "pass"


def test_two_results_of_one_attempt_that_differ_are_none(full: Place) -> None:
    full.put(of("style", suites=(suite(case("a", "failed"), passed=4),)), folder="again/style@ubuntu-24.04")

    assert_missing(full.verdict(), "style@ubuntu-24.04", "several results of attempt 1, which differ")
    full.put(of("style"), folder="again/style@ubuntu-24.04")
    assert full.verdict().outcome == "pass"


@pytest.mark.parametrize("attempt", [1, 2])
def test_folder_may_end_in_the_attempt_that_left_it(full: Place, attempt: int) -> None:
    place = full
    (place.results / "style@ubuntu-24.04" / "result.json").unlink()
    place.put(of("style", suites=(suite(case("a", "failed"), passed=4),)), folder="style@ubuntu-24.04@1")
    place.put(of("style", attempt=attempt), folder=f"style@ubuntu-24.04@{attempt}")

    assert place.verdict().outcome == "pass"
    assert {leg.result.leg: leg.result.attempt for leg in place.verdict().legs}["style@ubuntu-24.04"] == attempt


def test_record_of_another_attempt_than_its_folders_is_not_believed(full: Place) -> None:
    full.put(of("style", attempt=1), folder="style@ubuntu-24.04@2")

    assert_missing(full.verdict(), "style@ubuntu-24.04", "is of attempt 1, and its folder of attempt 2")


def test_older_attempt_that_cannot_be_read_does_not_stand_in_the_way(full: Place) -> None:
    full.put(of("style", attempt=2), folder="style@ubuntu-24.04@2")
    full.put(of("style"), folder="style@ubuntu-24.04@1").write_text("{")

    assert full.verdict().outcome == "pass"


def test_newer_attempt_that_cannot_be_read_is_not_replaced_by_an_older(full: Place) -> None:
    full.put(of("style"), folder="first/style@ubuntu-24.04")
    (full.results / "style@ubuntu-24.04" / "result.json").write_text("{")

    assert_missing(full.verdict(), "style@ubuntu-24.04", "cannot be read")


# What a result says of itself


FALSE: list[Any] = [
    pytest.param({"suites": (suite(case("a", "failed"), passed=4),)}, "failed", id="failed case"),
    pytest.param({"commands": (command(exit_code=1),)}, "failed", id="failed command"),
    pytest.param({"commands": ()}, "unproven", id="no command"),
    pytest.param({"suites": (suite(),)}, "unproven", id="no case"),
    pytest.param({"suites": ()}, "unproven", id="no report"),
    pytest.param({"suites": (suite(passed=1),)}, "unproven", id="too few"),
    pytest.param({"strays": ("x/lidb_embed",)}, "unproven", id="stray artifact"),
    pytest.param({"changed": ("src/a",)}, "unproven", id="changed checkout"),
    pytest.param({"error": "no cmake"}, "error", id="error"),
    pytest.param({"cancelled": True}, "cancelled", id="cancelled"),
    pytest.param({"blocked_by": "embed"}, "blocked", id="blocked"),
    pytest.param({"commands": (command(timed_out=True),)}, "timeout", id="timeout"),
]


@pytest.mark.parametrize(("facts", "status"), FALSE)
def test_result_that_calls_itself_passed_has_the_status_of_its_facts(full: Place, facts: Document, status: str) -> None:
    told = of("style")
    full.put(told.model_copy(update={"facts": told.facts.model_copy(update=facts)}))

    verdict = full.verdict()
    assert verdict.legs[2].result.status == status
    assert "it called itself passed" in verdict.legs[2].result.notes
    assert verdict.outcome == ("incomplete" if status in ("error", "cancelled") else "fail")


def test_result_that_calls_itself_failed_is_passed_by_its_facts(full: Place) -> None:
    full.put(of("style").model_copy(update={"status": "failed", "reasons": ("made up",)}))

    shown = full.verdict().legs[2].result
    assert (shown.status, shown.reasons, shown.notes) == ("passed", (), ("it called itself failed",))


def test_facts_are_judged_by_this_matrix_and_not_by_the_results(full: Place) -> None:
    rows = matrix({**ROWS.jobs, "style": job(repo="lis", reports=[{"kind": "pytest", "min_tests": 5}])})

    verdict = full.verdict(rows)
    assert verdict.outcome == "fail"
    assert verdict.legs[2].result.reasons == ("4 pytest tests were executed, at least 5 expected",)


def test_summary_is_the_matrix_s(full: Place) -> None:
    full.put(of("style", summary="all is well"))

    assert full.verdict().legs[2].result.summary == "what it shows"


# Quarantine by the matrix


def test_quarantined_leg_does_not_decide_until_its_end(place: Place) -> None:
    place.needs = needs_of(QUARANTINED)
    place.put(of("smoke"))
    place.put(of("flaky", suites=(suite(case("a", "failed"), passed=4),)))

    assert place.verdict(QUARANTINED).outcome == "pass"
    assert place.verdict(QUARANTINED, today=date(2027, 1, 31)).outcome == "pass"
    assert place.verdict(QUARANTINED, today=date(2027, 2, 1)).outcome == "fail"


@pytest.mark.parametrize(
    ("cases", "outcome"),
    [
        pytest.param((case("test_a1", "failed"),), "pass", id="quarantined case alone"),
        pytest.param((case("test_a1", "failed"), case("test_b", "failed")), "fail", id="another one"),
    ],
)
def test_quarantined_case_does_not_decide_until_its_end(place: Place, cases: tuple[Case, ...], outcome: str) -> None:
    place.needs = needs_of(CASE)
    place.put(of("smoke"))
    place.put(of("flaky", suites=(suite(*cases, passed=4),), commands=(command(exit_code=1),)))

    verdict = place.verdict(CASE)
    assert (verdict.outcome, verdict.legs[1].result.status) == (outcome, "failed")
    assert place.verdict(CASE, today=date(2027, 2, 1)).outcome == "fail"


def test_job_of_a_quarantined_case_that_is_missing_decides(place: Place) -> None:
    place.needs = needs_of(CASE)
    place.put(of("smoke"))

    assert place.verdict(CASE).outcome == "incomplete"


def test_quarantined_leg_that_is_missing_does_not_decide_until_its_end(place: Place) -> None:
    place.needs = needs_of(QUARANTINED)
    place.put(of("smoke"))

    assert place.verdict(QUARANTINED).outcome == "pass"
    assert [one.decides for one in place.verdict(QUARANTINED).missing] == [False]
    assert place.verdict(QUARANTINED, today=date(2027, 2, 1)).outcome == "incomplete"


def test_gate_in_which_all_is_quarantined_is_not_green(place: Place) -> None:
    rows = matrix({"flaky": job()}, quarantine=(FLAKY,))
    place.needs = needs_of(rows)
    assert place.verdict(rows).outcome == "incomplete"
    place.put(of("flaky"))

    assert place.verdict(rows).outcome == "incomplete"


# GitHub's word


@pytest.mark.parametrize("state", ["failure", "cancelled", "skipped", "", "neutral", "Success", "success "])
@pytest.mark.parametrize("leg", LEGS)
def test_leg_that_did_not_succeed_is_not_believed(full: Place, leg: tuple[str, str], state: str) -> None:
    assert full.needs is not None
    full.needs[job_id(*leg)]["result"] = state

    assert_missing(full.verdict(), "@".join(leg), "the result that it left is not believed")


def test_failure_that_the_result_shows_too_is_shown(full: Place) -> None:
    assert full.needs is not None
    full.needs["style__ubuntu-24_04"]["result"] = "failure"
    full.put(of("style", suites=(suite(case("a", "failed"), passed=4),)))

    verdict = full.verdict()
    assert (verdict.outcome, verdict.missing) == ("fail", ())
    assert verdict.legs[2].result.status == "failed"


@pytest.mark.parametrize("state", ["failure", "cancelled", "skipped", ""])
def test_run_whose_plan_did_not_succeed_is_no_pass(full: Place, state: str) -> None:
    assert full.needs is not None
    full.needs["plan"]["result"] = state

    verdict = full.verdict()
    assert (verdict.outcome, verdict.legs) == ("incomplete", ())
    assert all(reason.startswith("GitHub says of the run's plan") for reason in reasons(verdict).values())


@pytest.mark.parametrize("outputs", [None, {}, {"sources": None}, {"sources": ""}])
def test_run_whose_plan_says_no_commits_is_no_pass(full: Place, outputs: Document | None) -> None:
    assert full.needs is not None
    full.needs["plan"]["outputs"] = outputs

    verdict = full.verdict()
    assert verdict.outcome == "incomplete"
    assert set(reasons(verdict).values()) == {"the run's plan does not say which commits it is about"}


def test_plan_that_lacks_a_repo_of_a_job_is_no_pass(full: Place) -> None:
    assert full.needs is not None
    told = sources()
    less = told.model_copy(update={"repos": {"lidb": told.repos["lidb"]}})
    full.needs["plan"]["outputs"]["sources"] = less.model_dump_json()

    assert_missing(full.verdict(), "style@ubuntu-24.04", "stale: it tested lis at c0ffee0, this run is about none")


@pytest.mark.parametrize("text", ["[]", "{", '{"stack": "public"}', "null", "NaN"])
def test_plan_that_says_nonsense_is_an_error(full: Place, text: str) -> None:
    assert full.needs is not None
    full.needs["plan"]["outputs"]["sources"] = text

    with pytest.raises(ResultsError, match="the plan's sources are no record of ours"):
        full.verdict()


@pytest.mark.parametrize("there", [True, False], ids=["result left", "no result"])
def test_artifact_that_did_not_build_blocks_its_legs(place: Place, there: bool) -> None:
    assert place.needs is not None
    place.put_all(*([] if there else ["smoke@macos-15"]))
    place.needs["embed__macos-15"] = {"result": "failure", "outputs": {
        "digest": DIGEST, "status": "built", "words": '["main.cpp:3:1: error: no", 7]',
    }}  # fmt: skip
    place.needs["smoke__macos-15"]["result"] = "success" if there else "skipped"

    verdict = place.verdict()
    assert_missing(verdict, "smoke@macos-15", "embed did not build on macos-15", "fail")
    assert verdict.headline == "of 3 jobs, 1 blocked (smoke); embed does not build"
    assert verdict.artifacts[1].words == ("main.cpp:3:1: error: no",)
    assert [(one.os, one.status) for one in verdict.artifacts] == [(UBUNTU, "built"), (MACOS, "failed")]


@pytest.mark.parametrize("state", ["cancelled", "skipped", "odd", None])
def test_artifact_whose_build_did_not_succeed_is_no_pass(full: Place, state: str | None) -> None:
    assert full.needs is not None
    full.needs["embed__macos-15"]["result"] = state
    assert_missing(full.verdict(), "smoke@macos-15", "stale: it used embed")
    del full.needs["embed__macos-15"]

    assert_missing(full.verdict(), "smoke@macos-15", "stale: it used embed")


@pytest.mark.parametrize("outputs", [None, {}, {"digest": None}, {"digest": ""}, {"digest": "None"}])
def test_artifact_without_a_digest_is_no_pass(full: Place, outputs: Document | None) -> None:
    assert full.needs is not None
    full.needs["embed__macos-15"]["outputs"] = outputs

    assert_missing(full.verdict(), "smoke@macos-15", "stale: it used embed")


@pytest.mark.parametrize("leg", LEGS)
def test_leg_that_github_does_not_mention_is_not_believed(full: Place, leg: tuple[str, str]) -> None:
    assert full.needs is not None
    del full.needs[job_id(*leg)]

    assert_missing(full.verdict(), "@".join(leg), "GitHub says nothing of its job")


def test_needs_that_mention_nothing_are_not_as_if_there_were_none(full: Place) -> None:
    full.needs = {}

    assert full.verdict().outcome == "incomplete"


def test_job_that_the_gate_does_not_have_must_not_have_failed(full: Place) -> None:
    assert full.needs is not None
    full.needs["extra"] = {"result": "success", "outputs": {}}
    assert full.verdict().outcome == "pass"
    full.needs["extra"]["result"] = "failure"

    with pytest.raises(ResultsError, match="GitHub says failure of job extra, which gate pr-gate does not have"):
        full.verdict()


@pytest.mark.parametrize("outputs", [None, {}, {"x": "y"}, {"x": None, "y": 1}])
def test_odd_shapes_of_needs_are_read(full: Place, outputs: Document | None) -> None:
    assert full.needs is not None
    for row in full.needs.values():
        row["outputs"] = row["outputs"] or outputs
        row["extra"] = {"deep": [1, 2]}

    assert full.verdict().outcome == "pass"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "1", '"x"', "{", '{"plan": null}', '{"plan": []}', '{"plan": {}}', '{"plan": "success"}',
     '{"plan": {"result": "success", "outputs": []}, "x": {"result": "success", "outputs": [1]}}',
     '{"plan": {"result": "success", "outputs": "x"}}', '{"plan": {"result": "failure", "result": "success"}}',
     '{"plan": {"result": "failure"}, "plan": {"result": "success"}}', "\xff", "[" * 100_000, "9" * 5000],
)  # fmt: skip
def test_what_is_no_needs_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "needs.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(ResultsError, match="not what toJSON"):
        read_needs(path)


def test_needs_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ResultsError, match="cannot be read"):
            read_needs(path)
    monkeypatch.setattr("phdb_ci.judging.fanin.read.LIMIT", 10)
    (tmp_path / "needs.json").write_text(" " * 11)
    with pytest.raises(ResultsError, match="larger than 10 bytes"):
        read_needs(tmp_path / "needs.json")


def test_hostile_outputs_of_a_build_break_nothing(full: Place) -> None:
    assert full.needs is not None
    odd = {"key": "\ud800\n|`", "status": "built", "digest": DIGEST, "seconds": "NaN"}
    full.needs["embed__macos-15"]["outputs"] = odd
    assert full.verdict().outcome == "pass"
    full.needs["embed__macos-15"]["outputs"] = odd | {"status": "<b>", "seconds": "1e999"}

    assert [one.status for one in full.verdict().artifacts] == ["built", "error"]


# Nothing needed to run


def unaffected(**fields: Any) -> str:
    told: Document = {"repo": "lis", "base": sha("ba5e"), "head": PIN, "paths": ("docs/a.md", "README.md")}
    return Unaffected.model_validate(told | fields).model_dump_json()


DOCS = matrix(
    dict(ROWS.jobs),
    repos={
        name: {"url": f"https://github.com/acme/{name}.git", "pin": PIN, "docs": ["docs/*", "README.md"]}
        for name in ("lidb", "lis")
    },
)


@pytest.fixture
def idle(place: Place) -> Place:
    """A run of which the plan said that nothing had to run, and nothing did."""
    assert place.needs is not None
    for name, row in place.needs.items():
        if name != "plan":
            row |= {"result": "skipped", "outputs": {}}
    place.needs["plan"]["outputs"] |= {"run": "false", "unaffected": unaffected()}
    return place


def test_run_that_needed_nothing_is_a_pass_and_says_so(idle: Place) -> None:
    verdict = idle.verdict(DOCS)

    assert verdict.outcome == "pass"
    assert verdict.headline == "not run: nothing that a job reads has changed in lis (2 paths)"
    assert (verdict.legs, verdict.missing, verdict.artifacts) == ((), (), ())
    assert verdict.unaffected is not None
    assert verdict.unaffected.paths == ("docs/a.md", "README.md")
    reason = "nothing that a job reads has changed in lis"
    assert [one.reason for one in verdict.idle] == ["not built there", reason, reason, reason]


CLAIMS: list[Any] = [
    pytest.param({"run": "true"}, id="yet it shall run"),
    pytest.param({"run": ""}, id="nothing said of running"),
    pytest.param({"run": "False"}, id="another word for false"),
    pytest.param({"unaffected": ""}, id="no reason"),
    pytest.param({"unaffected": unaffected(paths=())}, id="no path"),
    pytest.param({"unaffected": unaffected(paths=("docs/a.md", "src/a.c"))}, id="path that jobs read"),
    pytest.param({"unaffected": unaffected(repo="other")}, id="unknown repo"),
    pytest.param({"unaffected": unaffected(head=sha("bad"))}, id="commit of another run"),
    pytest.param({"sources": ""}, id="no commits"),
]


@pytest.mark.parametrize("outputs", CLAIMS)
def test_claim_that_nothing_needed_to_run_must_hold(idle: Place, outputs: Document) -> None:
    assert idle.needs is not None
    idle.needs["plan"]["outputs"] |= outputs

    verdict = idle.verdict(DOCS)
    assert (verdict.outcome, len(verdict.missing), verdict.unaffected) == ("incomplete", 3, None)


def test_claim_about_one_repo_says_nothing_of_another_that_moved(idle: Place) -> None:
    assert idle.needs is not None
    told = sources()
    moved = told.repos["lidb"].model_copy(update={"origin": "ref"})
    both = told.model_copy(update={"repos": told.repos | {"lidb": moved}})
    idle.needs["plan"]["outputs"]["sources"] = both.model_dump_json()

    assert idle.verdict(DOCS).outcome == "incomplete"


@pytest.mark.parametrize("state", ["failure", "cancelled", "skipped"])
def test_claim_of_a_plan_that_did_not_succeed_is_none(idle: Place, state: str) -> None:
    assert idle.needs is not None
    idle.needs["plan"]["result"] = state

    assert idle.verdict(DOCS).outcome == "incomplete"


@pytest.mark.parametrize("state", ["success", "failure", "cancelled", None])
def test_claim_that_nothing_needed_to_run_falls_when_a_job_was_not_skipped(idle: Place, state: str | None) -> None:
    assert idle.needs is not None
    if state is None:
        del idle.needs["style__ubuntu-24_04"]
    else:
        idle.needs["style__ubuntu-24_04"]["result"] = state

    verdict = idle.verdict(DOCS)
    assert (verdict.outcome, verdict.unaffected) == ("incomplete", None)
    assert "yet style@ubuntu-24.04 was not skipped" in verdict.notes[0]


@pytest.mark.parametrize("state", ["success", "skipped"])
def test_one_leg_that_ran_does_not_stand_for_those_that_did_not(idle: Place, state: str) -> None:
    assert idle.needs is not None
    idle.needs["style__ubuntu-24_04"]["result"] = state
    idle.put(of("style"))

    assert idle.verdict(DOCS).outcome == "incomplete"


def test_claim_without_needs_is_none(idle: Place) -> None:
    idle.needs = None

    assert idle.verdict(DOCS).outcome == "incomplete"


def test_claim_that_is_nonsense_is_an_error(idle: Place) -> None:
    assert idle.needs is not None
    idle.needs["plan"]["outputs"]["unaffected"] = '{"repo": "lis"}'

    with pytest.raises(ResultsError, match="`unaffected` is no record of ours"):
        idle.verdict(DOCS)


# Hostile files


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def replaced(text: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text)


def edited(old: bytes, new: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_bytes()
        assert old in text
        path.write_bytes(text.replace(old, new, 1))

    return change


def linked(path: Path) -> None:
    path.rename(path.with_name("real.json"))
    path.symlink_to("real.json")


def linked_folder(path: Path) -> None:
    path.parent.rename(path.parents[2] / "elsewhere")
    path.parent.symlink_to(path.parents[2] / "elsewhere")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def huge(path: Path) -> None:
    os.truncate(path, 65 * 1024 * 1024)


DEEP = b'{"a":' * 200_000
HOSTILE: dict[str, Callable[[Path], object]] = {
    "empty": replaced(b""),
    "no json": replaced(b"hello"),
    "null": replaced(b"null"),
    "list": replaced(b"[]"),
    "deep": replaced(DEEP),
    "deep list": replaced(b"[" * 1_000_000),
    "binary": replaced(b"\0" * 100),
    "truncated": truncated,
    "not utf-8": edited(b"what style", b"what \xff\xfe"),
    "half a pair": edited(b"what style", b"\\ud800"),
    "NaN": edited(b'"seconds":38.0', b'"seconds":NaN'),
    "infinity": edited(b'"seconds":38.0', b'"seconds":1e999'),
    "many digits": edited(b'"attempt":1', b'"attempt":' + b"9" * 5000),
    "unknown key": edited(b'"gate"', b'"passed":true,"gate"'),
    "unknown status": edited(b'"status":"passed"', b'"status":"green"'),
    "another version": edited(b'"schema_version":1', b'"schema_version":2'),
    "hostile job": edited(b'"job":"style"', b'"job":"../style"'),
    "utf-16": lambda path: path.write_bytes(path.read_text().encode("utf-16")),
    "link": linked,
    "link of the folder": linked_folder,
    "pipe": piped,
    "folder": folder,
    "huge": huge,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_no_result(full: Place, name: str) -> None:
    HOSTILE[name](full.results / "style@ubuntu-24.04" / "result.json")

    verdict = full.verdict()
    assert (verdict.outcome, list(reasons(verdict))) == ("incomplete", ["style@ubuntu-24.04"])
    reason = reasons(verdict)["style@ubuntu-24.04"]
    assert reason.startswith(("its result cannot be read: ", "left no result"))
    assert len(reason) < 300


def test_key_that_stands_twice_makes_nothing_green(full: Place) -> None:
    path = full.put(of("style", suites=(suite(case("a", "failed"), passed=4),)))
    path.write_text(path.read_text().replace('"status":"failed"', '"status":"failed","status":"passed"', 1))

    assert full.verdict().outcome == "fail"


def test_folder_without_a_leg_s_name_is_not_looked_at(full: Place) -> None:
    full.put(of("style", run_id="1"), folder="notes")
    full.put(of("style", run_id="1"), folder="a/b/c/d/style@ubuntu-24.04")

    verdict = full.verdict()
    assert (verdict.outcome, verdict.notes) == ("pass", ())


ODD: list[Any] = [
    {"seconds": 1e300}, {"seconds": -1e300}, {"seconds": -5.0}, {"started": "9999-12-31T23:59:59Z"},
    {"started": "0001-01-01T00:00:00Z", "seconds": 1e12}, {"started": "soon"}, {"started": ""}, {"offset": 1e300},
    {"notes": ("\x1b[31m|<!-- `",), "summary": "</details>"}, {"gate": "x" * 10_000}, {"attempt": 1, "gate": "../.."},
]  # fmt: skip


@pytest.mark.parametrize("fields", ODD, ids=range(len(ODD)))
def test_odd_values_make_a_verdict_that_can_be_written(
    full: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fields: Document
) -> None:
    full.put(of("style", **fields))
    full.file.write_text(json.dumps(full.needs))

    assert called(full, monkeypatch) == Exit.PASS
    assert "itself failed" not in capsys.readouterr().err


# The verb


MATRIX = f"""
schema = 1
[repos.lidb]
url = "https://github.com/acme/lidb.git"
pin = "{PIN}"
[repos.lis]
url = "https://github.com/acme/lis.git"
pin = "{PIN}"
[artifacts.embed]
repo = "lidb"
inputs = ["src"]
build = ["make"]
outputs = ["lidb_embed"]
[jobs.smoke]
summary = "what it shows"
repo = "lidb"
artifacts = ["embed"]
run = ["make check"]
reports = [{{ kind = "pytest", min_tests = 2 }}]
os = ["ubuntu-24.04", "macos-15"]
[jobs.style]
summary = "what it shows"
repo = "lis"
run = ["make check"]
reports = [{{ kind = "pytest", min_tests = 2 }}]
[gates.pr-gate]
jobs = ["smoke", "style"]
"""
ON_GITHUB = {"GITHUB_RUN_ID": "4242", "GITHUB_RUN_ATTEMPT": "2", "PHDB_CI_HEAD": HEAD}


def called(place: Place, monkeypatch: pytest.MonkeyPatch, *options: str, env: Mapping[str, str] = ON_GITHUB) -> int:
    """`phdb-ci verdict` in a folder of its own; its files are in `out`."""
    home = place.file.parent
    (home / "matrix.toml").write_text(MATRIX)
    monkeypatch.chdir(home)
    for name in ON_GITHUB:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    given = ["--needs", "needs.json"] if place.file.exists() else []
    return main(["verdict", "results", "--gate", "pr-gate", "--out", "out", *given, *options])


def test_verb_writes_the_verdict_and_what_a_workflow_wants(
    full: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full.file.write_text(json.dumps(full.needs))
    assert called(full, monkeypatch, "--outputs", "outputs") == Exit.PASS

    home = full.file.parent
    written = {path.name for path in (home / "out").iterdir()}
    assert written == {"verdict.json", "comment.md", "summary.md", "junit.xml"}
    verdict = Verdict.model_validate_json((home / "out" / "verdict.json").read_bytes())
    assert (verdict.outcome, verdict.run_id, verdict.attempt, verdict.head) == ("pass", "4242", 2, HEAD)
    assert (home / "outputs").read_text() == "outcome=pass\n"
    assert "all 3 jobs passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("leg", "code"),
    [
        pytest.param(of("style", suites=(suite(case("a", "failed")),)), Exit.FAIL, id="failed"),
        pytest.param(of("style", run_id="1"), Exit.INCOMPLETE, id="another run"),
        pytest.param(of("style", attempt=3), Exit.INCOMPLETE, id="another attempt"),
        pytest.param(of("style", head=None), Exit.INCOMPLETE, id="another head"),
    ],
)
def test_exit_code_is_the_verdict_s(full: Place, monkeypatch: pytest.MonkeyPatch, leg: LegResult, code: Exit) -> None:
    full.put(leg)

    assert called(full, monkeypatch, "--json") == code


@pytest.mark.parametrize(
    ("options", "env", "told"),
    [
        (["--gate", "nightly"], {}, "no gate of the matrix.\nThings to try:\n  - gates: pr-gate"),
        (["--needs", "nowhere.json"], {}, "cannot be read"),
        (["--out", "results"], {}, "is not empty"),
        ([], {"PHDB_CI_HEAD": "main"}, "PHDB_CI_HEAD=main: expected a full commit id"),
        ([], {"PHDB_CI_HEAD": HEAD[:12]}, "expected a full commit id"),
    ],
)
def test_what_cannot_be_is_refused_and_no_verdict_is_left(
    full: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    env: dict[str, str],
    told: str,
) -> None:
    assert called(full, monkeypatch, *options, env=env) == Exit.USAGE
    assert told in capsys.readouterr().err
    assert not (full.file.parent / "out").exists()


def test_run_that_is_named_goes_before_github_s_own(full: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, os_ in LEGS:
        full.put(of(name, os_, run_id="17"))

    assert called(full, monkeypatch, "--run-id", "17") == Exit.PASS


# What holds for any run


KINDS: dict[str, Document] = {
    "passed": {}, "failed": {"suites": (suite(case("a", "failed"), passed=4),)}, "unproven": {"suites": (suite(),)},
    "error": {"error": "no cmake"}, "run": {"run_id": "1"}, "head": {"head": None}, "attempt": {"attempt": 3},
    "commit": {"sources": ()}, "digest": {"artifacts": (use().model_copy(update={"digest": OTHER}),)},
}  # fmt: skip
STATES = ("success", "failure", "cancelled", "skipped", "odd", None)
GATE = matrix(
    {"smoke": job(artifacts=["embed"], os=[UBUNTU, MACOS]), "style": job(repo="lis"), "flaky": job()},
    quarantine=(FLAKY,),
)
ALL = [("smoke", UBUNTU), ("smoke", MACOS), ("style", UBUNTU), ("flaky", UBUNTU)]
IDS = ["plan", "embed__ubuntu-24_04", "embed__macos-15", *(job_id(*leg) for leg in ALL)]


def found_of(kinds: Mapping[tuple[str, str], str]) -> list[ResultFile]:
    found = []
    for leg, kind in kinds.items():
        if kind == "broken":
            found.append(ResultFile("@".join(leg), None, "torn"))
        elif kind != "none":
            told = dict(KINDS[kind])
            facts = {one: told.pop(one) for one in ("error",) if one in told}
            one = of(*leg, **told)
            found.append(ResultFile(one.leg, one.model_copy(update={"facts": one.facts.model_copy(update=facts)})))
    return found


def needed(states: Mapping[str, str | None]) -> Needs:
    told = needs_of(GATE)
    outputs = {name: {key: value for key, value in row["outputs"].items() if value} for name, row in told.items()}
    return Needs({name: state for name, state in states.items() if state is not None}, outputs, given=True)


def verdict_on(found: Iterable[ResultFile], needs: Needs) -> Verdict:
    gathered = gather(GATE, "pr-gate", list(found), needs, RUN, TODAY)
    return make_verdict(gathered, tool="0.1.0", today=TODAY)


kinds_of = st.fixed_dictionaries({leg: st.sampled_from(["passed"] * 12 + ["none", "broken", *KINDS]) for leg in ALL})
states_of = st.fixed_dictionaries({name: st.sampled_from(["success"] * 12 + list(STATES)) for name in IDS})


@given(kinds_of, states_of)
def test_pass_means_that_every_leg_that_decides_passed_and_github_says_so(
    kinds: dict[tuple[str, str], str], states: dict[str, str | None]
) -> None:
    verdict = verdict_on(found_of(kinds), needed(states))

    decisive = {leg: kind for leg, kind in kinds.items() if leg[0] != "flaky"}
    sound = all(kind == "passed" or (kind == "digest" and leg[0] == "style") for leg, kind in decisive.items())
    confirmed = all(states[name] == "success" for name in IDS if not name.startswith("flaky"))
    if verdict.outcome == "pass":
        assert sound
        assert confirmed
    if set(kinds.values()) == {"passed"} and set(states.values()) == {"success"}:
        assert verdict.outcome == "pass"


@given(kinds_of, states_of, st.booleans(), st.data())
def test_less_or_worse_never_makes_green(
    kinds: dict[tuple[str, str], str], states: dict[str, str | None], on_github: bool, data: st.DataObject
) -> None:
    def outcome() -> str:
        return verdict_on(found_of(kinds), needed(states) if on_github else Needs()).outcome

    before = outcome()
    if data.draw(st.booleans()):
        kinds[data.draw(st.sampled_from(ALL))] = data.draw(st.sampled_from(["none", "broken"]))
    else:
        states[data.draw(st.sampled_from(IDS))] = data.draw(st.sampled_from(STATES[1:]))
    assert before == "pass" or outcome() != "pass"


@given(kinds_of, states_of, st.booleans(), st.randoms(use_true_random=False))
def test_order_of_files_does_not_matter(
    kinds: dict[tuple[str, str], str], states: dict[str, str | None], on_github: bool, chance: Any
) -> None:
    found = [*found_of(kinds), ResultFile("x@y", None, "torn"), *found_of({("style", UBUNTU): "run"})]
    needs = needed(states) if on_github else Needs()
    once = verdict_on(found, needs)
    chance.shuffle(found)

    assert verdict_on(found, needs) == once


@given(st.integers(-40, 400))
def test_quarantine_counts_by_the_day_of_the_verdict(days: int) -> None:
    today = TODAY + timedelta(days=days)
    kinds = dict.fromkeys(ALL, "passed") | {("flaky", UBUNTU): "none"}
    gathered = gather(GATE, "pr-gate", found_of(kinds), needed(dict.fromkeys(IDS, "success")), RUN, today)
    verdict = make_verdict(gathered, tool="0.1.0", today=today)

    assert (verdict.outcome == "pass") == (today <= date(2027, 1, 31))


# What the plan says of the sources


def test_conflict_that_the_plan_names_is_the_reason_for_every_leg(place: Place) -> None:
    problem = "lidb: 5ab0d77 does not merge into c0ffee0: conflicts in src/a.c, src/b.c"
    place.needs = needs_of()
    place.needs["plan"] = {"result": "failure", "outputs": {"problem": problem}}

    assert set(reasons(place.verdict()).values()) == {problem}
    assert place.verdict().outcome == "incomplete"


def test_size_of_the_bundle_is_a_note_when_it_is_a_size(full: Place) -> None:
    assert full.needs is not None
    for told, notes in (("1234", ("the sources of all jobs came in one bundle of 1234 bytes",)), ("<b>", ())):
        full.needs["plan"]["outputs"]["bytes"] = told
        assert full.verdict().notes == notes
