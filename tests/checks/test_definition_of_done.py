"""The definition of done: what is met, not met or unknown, and that nothing but a measurement makes a condition met."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.definition_of_done import CONDITIONS, Answer, Condition, Judge, main, page_of, read_conditions
from phdb_ci.matrix import load
from phdb_ci.models.figures import Figure
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.results import FiguresFact, LegSource
from phdb_ci.models.verdict import VerdictLeg
from tests import builders
from tests.builders import missing, verdict
from tests.helpers import PIN, job, matrix
from tests.page import Page

MATRIX = Path(__file__).parents[2] / "matrix.toml"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = "2026-11-25T09:00:00Z"
PINNED = builders.source("lidb", PIN)
EVIDENCE = {
    "witness": {"artifact": "embed", "min_calls": 1},
    "figures": {"file": "f.json", "names": ["publish"], "rounds": 6, "threshold": 1.2},
}
SMOKE = job()
BENCH = job(artifacts=["embed"], evidence=EVIDENCE, reports=[{"kind": "exit", "min_tests": 0}])
QUARANTINE = {
    "job": "smoke", "issue": "https://github.com/acme/lidb/issues/42", "owner": "@acme/db", "until": "2026-12-31",
    "reason": "flaky",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A matrix with one job, `smoke`, and one condition about it."""

    rows: Matrix
    condition: Condition


def table(row: Job = SMOKE, quarantine: Any = (), **condition: Any) -> Table:
    lists: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in condition.items()
    }
    rows = matrix({"smoke": row}, quarantine=quarantine)
    return Table(rows, Condition(text="smoke passes", **(lists or {"jobs": ("smoke",)})))


def ran(row: Job = SMOKE, status: Any = "passed", **fields: Any) -> VerdictLeg:
    """What `smoke` left today on the pinned lidb, by this row of the matrix."""
    told: dict[str, Any] = {
        "row": row.digest, "started": TODAY, "sources": (LegSource(repo="lidb", commit=PIN, origin="pin"),),
        "commands": (builders.command(row.run[0]),),
    }  # fmt: skip
    return builders.leg("smoke", status, **told | fields)


NO_ROW = ran().model_copy(update={"result": ran().result.model_copy(update={"row": ""})})


def failed(row: Job = SMOKE, **fields: Any) -> VerdictLeg:
    facts: dict[str, Any] = {"commands": (builders.command(row.run[0], 1),)}
    return ran(row, "failed", **facts | fields)


def one(about: Table, *verdicts: Any) -> Answer:
    (answer,) = Judge(about.rows, NOW, {}).answers([about.condition], verdicts)
    return answer


def of(leg: VerdictLeg, **fields: Any) -> Any:
    return verdict(leg, **{"sources": (PINNED,), "started": TODAY} | fields)


# Every job passed


def test_condition_whose_job_passed_on_the_public_stack_at_its_pin_is_met() -> None:
    judged = one(table(), of(ran()))
    assert (judged.state, judged.reasons) == ("met", ())
    (seen,) = judged.evidence
    assert (seen.against, seen.days, seen.run) == ("", 0, "pr-gate 4242")


def test_condition_of_which_nothing_was_measured_is_unknown() -> None:
    assert one(table()).state == "unknown"
    assert one(table()).reasons == ("smoke@ubuntu-24.04: not measured",)


def test_condition_whose_job_failed_is_not_met_and_says_by_what() -> None:
    judged = one(table(), of(failed()))
    assert judged.state == "not met"
    assert judged.reasons == (f"smoke@ubuntu-24.04: failed on lidb {PIN[:7]}: exit 1: make check",)


@pytest.mark.parametrize(
    ("leg", "fields", "why"),
    [
        (ran(), {"stack": "stand-in"}, "a stand-in shows nothing about the public stack"),
        (
            ran(sources=(LegSource(repo="lidb", commit="b" * 40, origin="tree"),)),
            {},
            "not at the pin: lidb",
        ),
        (ran(sources=(LegSource(repo="other", commit=PIN, origin="pin"),)), {}, "not at the pin: other"),
        (ran(sources=()), {}, "on no commit"),
        (ran(started="2026-10-01T09:00:00Z"), {}, "55 days old"),
        (ran(started="2026-11-26T09:00:00Z"), {}, "age unknown"),
        (ran(started="yesterday"), {}, "age unknown"),
        (ran(job(run=["echo ok"])), {}, "measured with a different job definition"),
        (ran(job(reports=[{"kind": "pytest", "min_tests": 1}])), {}, "measured with a different job definition"),
        (NO_ROW, {}, "measured with a different job definition"),
    ],
    ids=[
        "stand-in", "another commit", "another repo", "no commit", "old", "from the future", "no clock",
        "another command", "fewer tests", "no row",
    ],
)  # fmt: skip
def test_pass_that_does_not_count_meets_nothing(leg: VerdictLeg, fields: dict[str, Any], why: str) -> None:
    judged = one(table(), of(leg, **fields))
    assert judged.state == "unknown"
    assert judged.evidence[0].against == why
    assert why in judged.reasons[0]


def test_verdict_that_calls_a_failure_passed_is_not_believed() -> None:
    forged = failed().model_copy(
        update={"result": failed().result.model_copy(update={"status": "passed", "reasons": ()})}
    )
    assert one(table(), of(forged)).state == "not met"


def test_newer_run_without_a_result_takes_the_place_of_an_older_pass() -> None:
    older = of(ran(started="2026-11-24T09:00:00Z"))
    gone = verdict(missing=[missing("smoke", reason="left no result")], sources=(PINNED,), started=TODAY)
    judged = one(table(), older, gone)
    assert judged.state == "unknown"
    assert judged.reasons == (f"smoke@ubuntu-24.04: missing on lidb {PIN[:7]}: left no result",)


def test_newer_failure_takes_the_place_of_an_older_pass_in_any_order() -> None:
    older, newer = of(ran(started="2026-11-24T09:00:00Z")), of(failed())
    assert one(table(), older, newer).state == one(table(), newer, older).state == "not met"


def test_pass_on_the_stand_in_hides_no_failure_on_the_public_stack() -> None:
    assert one(table(), of(failed()), of(ran(), stack="stand-in")).state == "not met"


def test_every_runner_of_a_job_must_have_passed() -> None:
    row = job(os=["ubuntu-24.04", "macos-15"])
    judged = one(table(row), of(ran(row)))
    assert (judged.state, judged.reasons) == ("unknown", ("smoke@macos-15: not measured",))


def test_condition_of_which_a_part_is_unseen_is_unknown_whatever_passed() -> None:
    judged = one(table(jobs=["smoke"], unseen="the quickstart"), of(ran()))
    assert (judged.state, judged.reasons) == ("unknown", ("nobody measured it: the quickstart",))


# Tracked


def failed_case(row: Job) -> VerdictLeg:
    bad = builders.suite(builders.case("test_a1", "failed"), passed=4)
    return ran(row, "failed", suites=(bad,), commands=(builders.command(row.run[0], 1),))


@pytest.mark.parametrize(
    ("row", "quarantine", "leg", "state"),
    [
        (SMOKE, QUARANTINE, failed, "met"),
        (SMOKE, None, failed, "not met"),
        (SMOKE, QUARANTINE | {"until": "2026-11-24"}, failed, "not met"),
        (SMOKE, QUARANTINE, lambda row: ran(row, "error", error="no-such-tool is not on PATH"), "unknown"),
        (SMOKE, QUARANTINE, lambda row: ran(row, "cancelled", cancelled=True), "unknown"),
        (
            job(evidence={"forbid_env": ["LI_LIDB_MOCK"]}), QUARANTINE,
            lambda row: ran(row, "unproven", env_names=("LI_LIDB_MOCK",)), "not met",
        ),
        (SMOKE, QUARANTINE | {"case": "test_a*"}, failed_case, "met"),
        (SMOKE, QUARANTINE | {"case": "test_b*"}, failed_case, "not met"),
    ],
    ids=[
        "quarantined", "not quarantined", "quarantine ended", "could not run", "cancelled", "mock", "case",
        "another case",
    ],
)  # fmt: skip
def test_tracked_job_may_fail_in_a_quarantine_that_holds(row: Job, quarantine: Any, leg: Any, state: str) -> None:
    judged = one(table(row, (quarantine,) if quarantine else (), tracked=["smoke"]), of(leg(row)))
    assert judged.state == state
    assert ("tracked by https://github.com/acme/lidb/issues/42" in " ".join(judged.reasons)) == (state == "met")


# Answered


def too_slow(count: int = 6, **fields: Any) -> VerdictLeg:
    """A benchmark that ran and whose ratio is above the threshold."""
    figure = Figure(name="publish", values=tuple(2.0 + number / 1e4 for number in range(count)))
    fact = FiguresFact(file="f.json", figures=(figure,))
    return ran(BENCH, "failed", commands=(builders.command("make check"),), figures=fact, **fields)


def test_benchmark_that_failed_over_measured_figures_has_answered() -> None:
    judged = one(table(BENCH, answered=["smoke"]), of(too_slow()))
    assert judged.state == "met"
    assert judged.reasons[0].startswith("smoke@ubuntu-24.04: an honest failure: failed on lidb")


@pytest.mark.parametrize("leg", [failed(BENCH), too_slow(3)], ids=["it could not run", "rounds are missing"])
def test_benchmark_that_failed_before_it_had_measured_has_not_answered(leg: VerdictLeg) -> None:
    judged = one(table(BENCH, answered=["smoke"]), of(leg))
    assert judged.state == "unknown"
    assert "nothing measured: failed" in judged.reasons[0]


def test_answer_of_last_week_is_none_of_last_night() -> None:
    judged = one(table(answered=["smoke"]), of(ran(started="2026-11-20T09:00:00Z")))
    assert judged.state == "unknown"
    assert "no answer in the last 2 days" in judged.reasons[0]


# The page


def test_page_shows_every_condition_with_what_it_rests_on_and_breaks_on_no_text() -> None:
    hostile = of(ran(), run_id="]|<!-- x", platform="`|\n<b>", stack="stand-in")
    conditions = [Condition(text="a | `b` <i>", jobs=("smoke",)), Condition(text="c", unseen="d")]
    page = Page(page_of(Judge(matrix({"smoke": SMOKE}), NOW, {}).answers(conditions, [hostile])))
    assert not page.unbalanced
    assert {len(row) for row in page.rows} == {4, 7}
    assert [row[2] for row in page.rows[1:3]] == ["unknown", "unknown"]
    assert page.comments == []


# The conditions


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('job = ["smoke"]', "condition 1: job: Extra inputs are not permitted"),
        ('jobs = ["smok"]', "condition 1: there is no job smok"),
        ("", "condition 1: name jobs, or say what is unseen"),
    ],
)
def test_condition_that_cannot_be_judged_is_refused(row: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'[[conditions]]\ntext = "t"\n{row}\n')
    with pytest.raises(ValueError, match=fault):
        read_conditions(tmp_path / "c.toml", matrix({"smoke": SMOKE}))


def test_programme_has_eight_conditions_about_jobs_of_its_matrix() -> None:
    assert len(read_conditions(CONDITIONS, load(MATRIX))) == 8


@pytest.mark.parametrize(("trees", "state"), [({"./checks/c": "e" * 40}, "met"), ({}, "unknown")])
def test_pass_by_other_checks_than_today_s_does_not_count(trees: dict[str, str], state: str) -> None:
    sources = (
        LegSource(repo="lidb", commit=PIN, origin="pin"),
        LegSource(repo="./checks/c", commit="e" * 40, origin="folder"),
    )
    about = table()
    (answer,) = Judge(about.rows, NOW, trees).answers([about.condition], [of(ran(sources=sources))])
    assert answer.state == state


# The command


def cli(*arguments: str) -> int:
    try:
        return main(["--matrix", str(MATRIX), *arguments])
    except SystemExit as error:
        return int(error.code or 0)


def test_fresh_checkout_says_unknown_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line[:1].isdigit() and ". " in line[:3]] == ["unknown"] * 8
    assert lines[-1] == "0 of 8 conditions met"


def test_runs_of_this_folder_are_read_and_one_that_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("a", of(ran(), run_id="run-a").model_dump_json()), ("b", "{}")):
        (tmp_path / ".phdb-ci/runs" / name).mkdir(parents=True)
        (tmp_path / ".phdb-ci/runs" / name / "verdict.json").write_text(text)
    assert cli() == 0
    told = capsys.readouterr()
    assert "pr-gate run-a" in told.out
    assert told.err.startswith("passed over: .phdb-ci/runs/b/verdict.json: not a verdict of schema version 1")
    assert cli("--json", ".phdb-ci/runs/a") == 0
    assert json.loads(capsys.readouterr().out)["conditions"][0]["evidence"][0]["run"] == "pr-gate run-a"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json", "--markdown"], "--markdown: not allowed with argument --json"),
        (["nowhere.json"], "there is no file nowhere.json"),
    ],
)
def test_dod_that_cannot_be_given_is_refused(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli(*arguments) == 2
    assert told in capsys.readouterr().err
