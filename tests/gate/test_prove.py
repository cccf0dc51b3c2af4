"""`phdb-ci prove` on the stand-in stack: what jobs notice, a job that notices nothing, interruption."""

import signal

import pytest

from phdb_ci.models.proofs import ProofFile
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
    assert "not measured: its control failed" in done.stdout
    (table,) = measured(gate).tables
    assert table.jobs[0].engines == ()


def test_job_without_a_witness_is_refused(gate: Scenario) -> None:
    done = gate.cli("prove", "e2e-mock", "--stack", "stack", "--out", str(gate.out()))
    assert (done.returncode, "none of these jobs declares a witness" in done.stderr) == (2, True)


def test_interrupted_measurement_leaves_no_process_and_no_file(own: Scenario) -> None:
    started = own.start("lis-tests", verb="prove")
    assert wait_for((started.folder / "none").is_dir, 60)
    started.send(signal.SIGTERM)
    assert started.process.wait(60) == 130
    assert wait_for(lambda: not processes_of(own.cache), 5)
    assert not (own.root / "proofs.json").exists()
