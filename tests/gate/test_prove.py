"""`phdb-ci prove` on the stand-in stack: what jobs notice, a job that notices nothing, interruption."""

import signal

import pytest

from phdb_ci.models.proofs import ProofFile, ProofRecord
from tests.gate.bench import Scenario, processes_of, wait_for

pytestmark = pytest.mark.slow


def measured(scenario: Scenario) -> ProofFile:
    return ProofFile.model_validate_json((scenario.root / "proofs.json").read_bytes())


def test_smoke_notices_every_fault_and_says_by_what(gate: Scenario) -> None:
    done = gate.cli("prove", "smoke", "--check", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = measured(gate).tables
    (smoke,) = table.jobs
    assert (table.stack, smoke.control) == ("stand-in", "passed")
    assert {proof.fault: proof.status for proof in smoke.engines if proof.status != "failed"} == {
        "hang": "timeout", "other-commit": "unproven",
    }  # fmt: skip
    assert all(proof.noticed for proof in smoke.engines)
    assert "replaced" in next(proof.reason for proof in smoke.engines if proof.fault == "other-commit")
    plan = gate.cli("plan", "smoke", "--stack", "stack")
    assert "claims 4, measured 4 on lidb" in plan.stdout
    assert "smoke@ubuntu-24.04 with corrupt-value" in done.stderr
    assert not (gate.root / ".phdb-ci/runs/latest").is_symlink()  # that is the newest verdict's
    ran = gate.run("smoke")
    assert "claims 4, measured 4 on lidb" in (ran.folder / "comment.md").read_text()


def test_claim_of_a_job_that_looks_at_no_answer_is_not_true(gate: Scenario) -> None:
    """A job that calls the engine often enough and never looks at what it says."""
    calls = " && ".join(['"$LIDB_EMBED" exec "$LI_DATA_DIR" "SELECT 1" || true'] * 4)
    gate.edit('run = ["bash scripts/db-smoke.sh"]', f"run = ['''{calls}''']", job="db-smoke")
    gate.edit('verbs = ["open", "migrate", "exec-json"]', 'verbs = ["exec"]', job="db-smoke")
    gate.edit('notices = ["dead"]', 'notices = ["dead", "empty-reads"]', job="db-smoke")
    done = gate.cli("prove", "db-smoke", "--check", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "db-smoke claims to notice dead: missed it" in done.stdout
    assert "db-smoke claims to notice empty-reads: missed it" in done.stdout
    assert "**missed**" in (gate.root / "docs" / "proofs.md").read_text()


def test_job_that_is_not_green_with_the_sound_engine_proves_nothing(gate: Scenario) -> None:
    gate.edit('run = ["bash scripts/db-smoke.sh"]', 'run = ["exit 1"]', job="db-smoke")
    done = gate.cli("prove", "db-smoke", "--check", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 1
    assert "not measured: with the sound engine it is failed" in done.stdout
    (table,) = measured(gate).tables
    assert table.jobs[0].engines == ()


def test_job_that_fails_by_what_an_earlier_run_left_behind_has_noticed_nothing(gate: Scenario) -> None:
    """It calls the engine often enough, looks at no answer, and makes a folder outside that it cannot make twice."""
    left = gate.root / "left-behind"
    calls = " && ".join(['"$LIDB_EMBED" exec "$LI_DATA_DIR" "SELECT 1" || true'] * 4)
    gate.edit(
        'run = ["bash scripts/db-smoke.sh"]',
        f"run = ['''mkdir {left}; {calls}; test ! -e {left}/2 && mkdir {left}/2''']",
        job="db-smoke",
    )
    gate.edit('verbs = ["open", "migrate", "exec-json"]', 'verbs = ["exec"]', job="db-smoke")
    done = gate.cli("prove", "db-smoke", "--check", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "db-smoke claims to notice dead: not measured: with the sound engine it is failed" in done.stdout
    assert "not again: exit 1: mkdir" in (gate.root / "docs" / "proofs.md").read_text()


def test_job_without_a_witness_is_refused(gate: Scenario) -> None:
    out = gate.out()
    done = gate.cli("prove", "e2e-mock", "--stack", "stack", "--out", str(out))
    assert (done.returncode, "none of these jobs declares a witness" in done.stderr) == (2, True)
    assert not out.exists()


def test_claim_of_a_job_that_runs_elsewhere_is_not_measured_true(gate: Scenario) -> None:
    gate.edit('os = ["ubuntu-24.04", "macos-15"]', 'os = ["macos-15"]', job="lis-tests")
    done = gate.cli("prove", "smoke", "lis-tests", "--check", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "lis-tests claims to notice dead: not measured: this machine is linux" in done.stdout


def test_number_of_jobs_that_would_never_end_is_refused(gate: Scenario) -> None:
    done = gate.cli("prove", "smoke", "--stack", "stack", "--jobs", "-3")
    assert (done.returncode, "at least one node" in done.stderr) == (2, True)


def test_report_that_is_whole_but_for_its_tests_is_noticed_by_what_it_says(gate: Scenario) -> None:
    done = gate.cli("prove", "e2e-engine", "e2e-mock", "--json", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 0, done.stderr
    assert "not measured, without a witness no engine is theirs: e2e-mock" in done.stderr
    record = ProofRecord.model_validate_json(done.stdout)
    assert record.broken == ()
    (e2e,) = record.proofs.jobs
    assert {proof.fault: (proof.noticed, proof.status) for proof in e2e.reports} == {
        "emptied": (True, "unproven"), "skipped": (True, "unproven"), "truncated": (True, "failed"),
    }  # fmt: skip
    assert [proof.reason.split(",")[0] for proof in e2e.reports[:2]] == [
        "0 node tests were executed", "every test was skipped (11)",
    ]  # fmt: skip


def test_interrupted_measurement_leaves_no_process_and_no_file(own: Scenario) -> None:
    started = own.start("lis-tests", verb="prove")
    assert wait_for((started.folder / "none").is_dir, 60)
    started.send(signal.SIGTERM)
    ended = started.finish()
    assert (ended.code, "no proof was written" in ended.out) == (130, True)
    assert wait_for(lambda: not processes_of(own.cache), 5)
    assert not (own.root / "proofs.json").exists()
