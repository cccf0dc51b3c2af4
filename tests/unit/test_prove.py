"""Tampered reports; what counts as noticed; the file and the page of what was measured."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.commands._options import proofs_beside
from phdb_ci.commands.prove import merged, untrue
from phdb_ci.errors import ResultsError
from phdb_ci.judging import evidence
from phdb_ci.judging.noticing import is_measurable
from phdb_ci.models.labels import claims, claims_everywhere
from phdb_ci.models.matrix import Quarantine, Report
from phdb_ci.models.plan import JobNode
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, Proof, ProofFile, Proofs
from phdb_ci.models.results import Case, Counts, Facts, LegResult
from phdb_ci.models.statuses import Status
from phdb_ci.planning.plan import make_plan
from phdb_ci.proving.measure import AGAIN, SOUND, Trial, TrialProgress, without_place
from phdb_ci.proving.tampering import UNTOUCHED, report_proofs, tampered
from phdb_ci.proving.variants import Variant
from phdb_ci.rendering.proofs_page import proofs_page
from tests.builders import case, command, exit_only, quarantine, result, rule, runs, suite, use
from tests.helpers import inventory, job, matrix, sources
from tests.page import Page

# Reports

CASES = (*(case(f"test_{number}") for number in range(4)), case("test_slow", "skipped", message="needs a disk"))
SLOW = {"test_slow": "no disk here"}


def tampering(report: dict[str, Any], *cases: Case, log: str = "", folder: Path) -> dict[str, str]:
    """What becomes of a green job with these cases in its report, by fault."""
    row = job(reports=[report])
    sound = tampered(row.reports[0], suite(*cases, kind=report["kind"]), UNTOUCHED)
    facts = Facts(commands=(command("make check"),), suites=(sound,), runs=runs(sound))
    (folder / "log.txt").write_text(log)
    return {proof.fault: proof.status for proof in report_proofs(row, facts, folder / "log.txt")}


@pytest.mark.parametrize("kind", ["pytest", "node", "lines"])
def test_tampered_report_is_noticed_by_how_many_tests_there_must_be(tmp_path: Path, kind: str) -> None:
    row = {"kind": kind, "min_tests": 4, "skips": SLOW}
    assert tampering(row, *CASES, folder=tmp_path) == {
        "emptied": "unproven", "skipped": "unproven", "truncated": "unproven",
    }  # fmt: skip


def test_half_of_the_tests_is_missed_where_so_few_are_enough(tmp_path: Path) -> None:
    row = {"kind": "lines", "min_tests": 1, "skips": SLOW}
    assert tampering(row, *CASES, folder=tmp_path) == {
        "emptied": "unproven", "skipped": "unproven", "truncated": "passed",
    }  # fmt: skip


def test_skipped_report_has_every_test_of_it_skipped_and_no_other() -> None:
    report = Report(kind="pytest", min_tests=1)
    skipped = tampered(report, suite(*CASES), "skipped")
    assert (skipped.problem, skipped.counts.skipped, skipped.counts.executed) == (None, 5, 0)
    assert tampered(report, suite(*CASES), "emptied").counts == Counts()


def test_report_that_is_not_as_good_when_it_is_counted_again_shows_nothing(tmp_path: Path) -> None:
    row = {"kind": "pytest", "min_tests": 6, "skips": SLOW}
    assert tampering(row, *CASES, folder=tmp_path) == {}


def test_report_of_which_not_every_case_is_kept_shows_nothing(tmp_path: Path) -> None:
    facts = Facts(commands=(command("make check"),), suites=(suite(*CASES, dropped=1),))
    assert list(report_proofs(job(), facts, tmp_path / "log.txt")) == []


def test_job_by_its_exit_code_alone_has_no_report_to_tamper_with(tmp_path: Path) -> None:
    facts = Facts(commands=(command("make check"),), suites=(exit_only(),))
    exits = job(reports=[{"kind": "exit", "min_tests": 0}])
    assert list(report_proofs(exits, facts, tmp_path / "log.txt")) == []


# What counts as noticed

NODE = JobNode(job="smoke", os="ubuntu-24.04", summary="it runs", needs=(), repos=("lidb",), evidence=())


def trial(fault: str = "dead", *, hangs: bool = False, **fields: Any) -> Trial:
    """A trial of the smoke job with one fault of `embed`."""
    outputs = fields.pop("outputs", {"lidb_embed": Path("/broken")})
    sound = fields.pop("sound", result("smoke", seconds=1.0))
    return Trial.of(NODE, fault, Variant("embed", hangs, outputs=outputs, **fields), sound)


@pytest.mark.parametrize(
    ("status", "hangs", "noticed"),
    [
        ("failed", False, True),
        ("unproven", False, True),
        ("passed", False, False),
        ("passed", True, False),
        ("timeout", True, True),
        ("timeout", False, None),  # slow, today
        ("error", True, None),
        ("blocked", False, None),
        ("cancelled", False, None),
    ],
)
def test_fault_is_noticed_by_a_status_that_only_the_fault_can_give(
    status: Status, hangs: bool, noticed: bool | None
) -> None:
    assert trial(hangs=hangs).noticed(result("smoke", status)) is noticed


@pytest.mark.parametrize(
    ("calls", "outputs", "noticed"),
    [
        (0, {"lidb_embed": Path("/broken")}, None),
        (1, {"lidb_embed": Path("/broken")}, False),
        (0, {"lidb.so": Path("/broken")}, False),  # nobody counts who uses a library
        (0, {}, False),  # a repo
    ],
    ids=["program-not-called", "program-called", "library", "repo"],
)
def test_fault_of_a_program_that_was_never_called_is_not_missed(
    calls: int, outputs: dict[str, Path], noticed: bool | None
) -> None:
    passed = result("smoke", "passed", artifacts=(use(calls),) if outputs else ())
    assert trial(outputs=outputs).proof(passed).noticed is noticed


def test_time_limit_is_four_times_the_control_and_never_short() -> None:
    assert (trial().limit, trial(sound=result("smoke", seconds=60.0)).limit) == (15, 240)


# By which cases


RED = suite(case("test_flaky", "failed"), case("test_read"), case("test_write"))
FAILS = command("pytest", exit_code=1)


def red(*cases: Case, **fields: Any) -> LegResult:
    """A run that is not green, by these cases."""
    return result("smoke", "failed", suite(*cases), **{"commands": (FAILS,)} | fields)


def test_proof_names_the_cases_that_failed_and_those_that_are_gone() -> None:
    sound = result("smoke", "passed", suite(case("test_read"), case("test_write"), case("test_close")))
    proof = trial(sound=sound).proof(red(case("test_read", "failed"), case("test_write"), case("test_new", "error")))
    assert (proof.failing, proof.gone) == (("test_read", "test_new"), ("test_close",))
    assert proof.shown == "noticed: 2 cases, 1 gone"


def test_case_is_not_gone_where_not_every_case_is_kept() -> None:
    sound = result("smoke", "passed", suite(case("test_read"), case("test_write")))
    failed = result("smoke", "failed", suite(case("test_read", "failed"), passed=700))
    assert trial(sound=sound).proof(failed).gone == ()


@pytest.mark.parametrize(
    ("cases", "noticed"),
    [
        ((case("test_flaky", "failed"), case("test_read"), case("test_write")), False),
        ((case("test_flaky", "failed"), case("test_read"), case("test_write"), case("test_new", "error")), False),
        ((case("test_flaky", "failed"), case("test_read", "failed"), case("test_write")), True),
        ((case("test_flaky"), case("test_read", "error"), case("test_write")), True),
        ((case("test_flaky", "failed"), case("test_read")), True),
        ((case("test_flaky", "failed"), case("test_read"), case("test_write", "skipped")), True),
    ],
    ids=["the-same", "one-that-was-not-there", "another", "another-instead", "gone", "skipped"],
)
def test_job_that_is_red_by_a_case_notices_by_the_cases_that_passed(cases: tuple[Case, ...], noticed: bool) -> None:
    sound = result("smoke", "failed", RED, commands=(FAILS,))
    assert trial(sound=sound).noticed(red(*cases)) is noticed


@pytest.mark.parametrize(
    ("control", "rows", "measurable"),
    [
        (result("smoke", "passed"), (), True),
        (red(*RED.cases), (), True),
        (red(*RED.cases, commands=(command("pytest", exit_code=2),)), (), False),
        (result("smoke", "failed", exit_only(), commands=(FAILS,)), (), False),
        (red(*RED.cases, commands=(command("npm ci", exit_code=1, phase="setup"),)), (), False),
        (result("smoke", "unproven", suite(case("test_read"))), (), False),
        (result("smoke", "failed", suite(case("test_read", "failed"), case("test_write", "skipped"))), (), False),
        (red(*RED.cases), (quarantine(case="test_flaky"),), True),
    ],
    ids=["green", "by-a-case", "by-another-exit", "no-cases", "by-set-up", "too-few", "skip-beside", "quarantined"],
)
def test_faults_are_measured_against_a_job_that_is_red_by_cases_alone(
    control: LegResult, rows: tuple[Quarantine, ...], measurable: bool
) -> None:
    row = job()
    judged = evidence.judge(row, control.facts)
    control = control.model_copy(update={"status": judged[0], "reasons": judged[1]})
    assert is_measurable(row, control, rows) is measurable


def test_critical_check_that_is_quarantined_does_not_hinder_the_measurement() -> None:
    row = job(reports=[{"kind": "pytest", "min_tests": 2, "critical": ["test_flaky"]}])
    facts = suite(case("test_read"), case("test_write"), critical_rules=(rule("test_flaky", matched=0),))
    control = result("smoke", "unproven", facts)
    assert evidence.judge(row, control.facts)[0] == "unproven"
    assert not is_measurable(row, control, ())
    assert is_measurable(row, control, (quarantine(case="test_flaky", until=date(2020, 1, 1)),))


@pytest.mark.parametrize(
    ("status", "noticed", "word"),
    [
        ("failed", True, "noticed"),
        ("passed", False, "MISSED"),
        ("passed", None, "n/a"),
        ("skipped", None, "n/a"),
        ("timeout", None, "[timeout]"),
    ],
)
def test_fault_that_the_job_never_met_is_not_applicable(status: str, noticed: bool | None, word: str) -> None:
    assert Proof.model_validate({"fault": "dead", "status": status, "noticed": noticed}).word == word


class Told:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []

    def started(self, name: str, _expected: float | None, _log: Path) -> None:
        self.lines.append((name,))

    def phase(self, name: str, phase: str) -> None:
        self.lines.append((name, phase))

    def finished(self, name: str, status: str, _seconds: float, _reasons: object) -> None:
        self.lines.append((name, status))

    def note(self, text: str) -> None:
        self.lines.append((text,))


def test_progress_names_the_fault_and_whether_it_was_noticed() -> None:
    told = Told()
    ends: tuple[tuple[Trial, Status], ...] = (
        (Trial(NODE, SOUND, ()), "passed"),
        (Trial(NODE, AGAIN, ()), "failed"),
        (trial("dead"), "failed"),
        (trial("null"), "passed"),
        (trial("null"), "error"),
        (trial("slow"), "timeout"),
        (trial("hang", hangs=True), "timeout"),
    )
    for one, status in ends:
        TrialProgress(told, one).finished("smoke@x", status, 1.0, ())  # says nothing: it was not compared yet
        TrialProgress(told, one).compared(result("smoke", status))
    TrialProgress(told, trial("dead")).started("smoke@x", 3.0, Path("log.txt"))
    TrialProgress(told, trial("dead")).phase("smoke@x", "run")
    assert [(line[0].removeprefix("smoke@ubuntu-24.04 with "), *line[1:]) for line in told.lines] == [
        ("nothing broken", "passed"), ("nothing broken, again", "failed"), ("dead", "noticed"), ("null", "missed"),
        ("null", "error"), ("slow", "timeout"), ("hang", "noticed"), ("dead",), ("dead", "run"),
    ]  # fmt: skip


# What was measured


ROWS = {"smoke": job(notices=("dead", "null")), "lint": job(), "other": job()}


def proofs(stack: str = "stand-in", noticed: bool = True, name: str = "smoke", **fields: Any) -> Proofs:
    dead = Proof(fault="dead", status="failed" if noticed else "passed", noticed=noticed, reason="exit | `1`")
    found = JobProofs(**{
        "job": name, "os": "ubuntu-24.04", "control": "passed", "commits": {"lidb": "a" * 40},
        "measured": "2026-11-25", "platform": "linux", "tool": "0.1.0", "row": ROWS[name].digest,
        "faults": (dead,),
    } | fields)  # fmt: skip
    return Proofs.model_validate({"stack": stack, "jobs": (found,)})


def test_claim_is_shown_with_what_was_measured_of_it() -> None:
    one = job(notices=("dead", "null"))
    assert claims("smoke", one, None) == "claims 2, none measured on this stack"
    assert claims("smoke", one, proofs()) == "claims 2, measured 1 on lidb aaaaaaa"
    assert claims("smoke", one, proofs(noticed=False)) == "claims 2, measured 0 on lidb aaaaaaa"
    assert claims("other", one, proofs()) == "claims 2, none measured on this stack"
    assert claims("smoke", job(), proofs()) == "claims none"
    assert claims_everywhere("smoke", one, ProofFile(tables=(proofs(),))).endswith("(stand-in)")


def test_claim_of_a_row_that_was_changed_since_is_not_measured() -> None:
    changed = job(notices=("dead",), run=["true"])
    assert claims("smoke", changed, proofs()) == "claims 1, none measured since its row of the matrix was changed"
    other_words = job(notices=("dead",), summary="in other words")
    assert claims("smoke", other_words, proofs()) == "claims 1, measured 1 on lidb aaaaaaa"


def test_job_without_a_measurement_has_noticed_nothing() -> None:
    (one,) = proofs(control="failed", faults=()).jobs
    assert one.noticed("dead") is None


def test_claim_that_was_not_measured_true_is_named() -> None:
    table = matrix({"smoke": job(notices=("dead", "hang"))})
    here = make_plan(table, "smoke", ["smoke"], None, sources(), inventory())
    hang = "smoke claims to notice hang: not measured:"
    assert untrue(table, here, proofs(noticed=False))[0] == "smoke claims to notice dead: missed it"
    assert untrue(table, here, proofs(control="failed", faults=()))[-1] == f"{hang} with nothing broken it is failed"
    for status, reason in (("error", "npm ci failed"), ("passed", "embed was never called")):
        proof = Proof.model_validate({"fault": "hang", "status": status, "noticed": None, "reason": reason})
        assert untrue(table, here, proofs(faults=(proof,)))[-1] == f"{hang} {status}: {reason}"


def test_new_table_takes_the_place_of_the_one_of_its_stack_and_keeps_other_jobs() -> None:
    table, file = matrix({"smoke": job(), "lint": job()}), ProofFile()
    for new in (proofs(), proofs("public", noticed=False), proofs(name="lint"), proofs(noticed=False)):
        file = merged(file, table, new)
    assert {one.stack: [job.job for job in one.jobs] for one in file.tables} == {
        "public": ["smoke"], "stand-in": ["smoke", "lint"],
    }  # fmt: skip
    assert file.tables[1].jobs[0].noticed("dead") is False


def test_earlier_measurement_keeps_its_day_and_its_commits() -> None:
    table = matrix({"smoke": job(), "lint": job()})
    old: dict[str, Any] = {"measured": "2025-01-01", "tool": "0.0.1", "commits": {"lidb": "b" * 40}}
    file = merged(merged(ProofFile(), table, proofs(**old)), table, proofs(name="lint"))
    (stand_in,) = file.tables
    assert {one.job: one.measured for one in stand_in.jobs} == {"smoke": "2025-01-01", "lint": "2026-11-25"}
    page = proofs_page(file, table)
    assert "2025-01-01: lidb `bbbbbbb`" in page
    assert "2026-11-25: lidb `aaaaaaa`" in page


@pytest.mark.parametrize("text", ['{"tables": 3}', '{"schema_version": 2, "tables": []}'], ids=["other", "older"])
def test_file_of_somebody_else_or_of_another_version_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "proofs.json").write_text(text)
    with pytest.raises(ResultsError, match=r"not what this phdb-ci's prove writes, schema version 3: "):
        proofs_beside(tmp_path / "matrix.toml")


BROKEN = {"faults": {"dead": "cp /bin/false {out.lidb_embed} | cat", "hang": "cp a {out.lidb_embed}"}}


def test_page_shows_what_was_missed_and_breaks_on_no_reason() -> None:
    rows = {"smoke": job(notices=("dead",), artifacts=["embed"])}
    table = matrix(rows)
    embed = table.artifacts["embed"].model_copy(update=BROKEN)
    table = table.model_copy(update={"artifacts": {"embed": embed}})
    page = Page(proofs_page(ProofFile(tables=(proofs(noticed=False),)), table))
    assert [row[:4] for row in page.rows if "MISSED" in row] == [["smoke", "passed", "MISSED", "-"]]
    assert {len(row) for row in page.rows} == {3, 3 + 2, 1 + len(REPORT_FAULTS), 4}


def test_page_shows_by_how_many_cases_and_which_were_red_before() -> None:
    table = matrix({"smoke": job(notices=("dead",), artifacts=["embed"])})
    embed = table.artifacts["embed"].model_copy(update=BROKEN)
    dead = Proof(fault="dead", status="failed", noticed=True, failing=("test_read", "test_write"))
    hang = Proof(fault="hang", status="timeout", noticed=True, gone=("test_read",))
    measured = proofs(control="failed", failing=("test_flaky",), executed=6, faults=(dead, hang))
    shown = proofs_page(ProofFile(tables=(measured,)), table.model_copy(update={"artifacts": {"embed": embed}}))
    assert "| smoke | red: 1 of 6 cases | noticed: 2 cases | (noticed: 1 gone) |" in shown


def test_reason_names_no_folder_of_the_run_that_measured_it() -> None:
    place = Path("/home/me/.cache/work/1/smoke@ubuntu-24.04")
    measured = result("smoke", "failed", reasons=(f"no liorm in {place}/ws/lidb", f"exit 1: ls {place}/data"))

    assert without_place(measured, place).reasons == ("no liorm in ws/lidb", "exit 1: ls data")
