"""`phdb-ci prove` on the stand-in stack: what jobs notice, a job that notices nothing, interruption."""

import re
import signal
import subprocess

import pytest

from phdb_ci.models.proofs import ProofFile, Proofs
from tests.integration.gate.bench import Scenario, processes_of, wait_for

pytestmark = pytest.mark.slow


def prove(scenario: Scenario, *jobs: str) -> "tuple[subprocess.CompletedProcess[str], Proofs]":
    """`prove --check` of these jobs to its end, and its table."""
    out = scenario.out()
    done = scenario.cli("prove", *jobs, "--check", "--stack", "stack", "--out", str(out))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    (table,) = ProofFile.model_validate_json((out / "proofs.json").read_bytes()).tables
    return done, table


@pytest.fixture
def few(gate: Scenario) -> Scenario:
    """A matrix with two faults of the engine, `dead` and `empty-reads`: what more of them show, `long` shows."""
    text = gate.matrix.read_text()
    for name in ("null", "drops-writes", "foreign-rows", "corrupt-value", "hang"):
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE).replace(f', "{name}"', "")
    gate.matrix.write_text(text.replace('hangs = ["hang"]\n', ""))
    return gate


def test_table_says_what_a_job_notices_and_plan_and_comment_show_it(few: Scenario) -> None:
    files = ("--write", "proofs.json", "--page", "proofs.md")
    done = few.cli("prove", "smoke", "--check", "--stack", "stack", *files, "--out", str(few.out()))
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = ProofFile.model_validate_json((few.root / "proofs.json").read_bytes()).tables
    (smoke,) = table.jobs
    assert {proof.fault: (proof.word, proof.status) for proof in smoke.faults} == {
        "dead": ("noticed", "failed"), "empty-reads": ("noticed", "failed"), "raises-at-import": ("MISSED", "passed"),
    }  # fmt: skip
    assert "claims 2, measured 2 on lidb" in few.cli("plan", "smoke", "--stack", "stack").stdout
    assert "claims 2, measured 2 on lidb" in (few.run("smoke").folder / "comment.md").read_text()


@pytest.mark.long
def test_smoke_notices_every_fault_of_the_engine_and_says_by_what(gate: Scenario) -> None:
    files = ("--write", "proofs.json", "--page", "proofs.md")
    done = gate.cli("prove", "smoke", "--check", "--stack", "stack", *files, "--out", str(gate.out()))
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = ProofFile.model_validate_json((gate.root / "proofs.json").read_bytes()).tables
    (smoke,) = table.jobs
    assert (table.stack, smoke.control) == ("stand-in", "passed")
    assert {proof.fault: proof.word for proof in smoke.faults} == {
        "dead": "noticed", "null": "noticed", "drops-writes": "noticed", "empty-reads": "noticed",
        "foreign-rows": "noticed", "corrupt-value": "noticed", "hang": "noticed", "raises-at-import": "MISSED",
    }  # fmt: skip
    assert {proof.status for proof in smoke.faults if proof.noticed} == {"failed", "timeout"}
    assert "(MISSED)" in (gate.root / "proofs.md").read_text()
    plan = gate.cli("plan", "smoke", "--stack", "stack")
    assert "claims 4, measured 4 on lidb" in plan.stdout
    assert "smoke@ubuntu-24.04 with corrupt-value" in done.stderr
    assert not (gate.root / ".phdb-ci/runs/latest").is_symlink()  # that is the newest verdict's
    ran = gate.run("smoke")
    assert "claims 4, measured 4 on lidb" in (ran.folder / "comment.md").read_text()


def test_measurement_writes_nothing_that_it_is_not_told_to(gate: Scenario) -> None:
    before = {path.name for path in gate.root.iterdir()}
    prove(gate, "bench-validate")
    assert {path.name for path in gate.root.iterdir()} - before == {"run-1"}


def test_place_that_cannot_be_written_is_found_before_anything_is_measured(gate: Scenario) -> None:
    out = gate.out()
    done = gate.cli("prove", "smoke", "--stack", "stack", "--page", "docs/proofs.md", "--out", str(out))
    assert (done.returncode, "docs/proofs.md cannot be written" in done.stderr) == (3, True)
    assert not out.exists()


def test_library_that_raises_at_import_is_noticed_by_its_tests(gate: Scenario) -> None:
    """liorm as a job of its own, which needs no engine."""
    gate.edit('setup = ["npm ci"]', 'notices = ["raises-at-import"]', job="e2e-mock")
    text = gate.matrix.read_text()
    start = text.index("reports = ", text.index("[jobs.e2e-mock]"))
    lines = 'reports = [{ kind = "lines", min_tests = 1 }]'
    gate.matrix.write_text(text[:start] + lines + text[text.index("\n", start) :])
    gate.set_run("e2e-mock", "cd ../lidb && python3 -c 'import liorm' && echo 'PASS liorm'")
    done, table = prove(gate, "e2e-mock")
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = table.jobs
    proof = job.of("raises-at-import")
    assert proof is not None
    assert (proof.word, proof.status) == ("noticed", "failed")


def test_fault_that_does_not_apply_to_a_job_is_not_missed(gate: Scenario) -> None:
    """bench-validate uses no engine; it checks lidb out, and does not care whether liorm can be imported."""
    done, table = prove(gate, "bench-validate")
    assert done.returncode == 0, done.stdout + done.stderr
    words = {proof.fault: proof.word for proof in table.jobs[0].faults}
    assert (words["dead"], words["hang"], words["raises-at-import"]) == ("n/a", "n/a", "MISSED")
    assert "n/a" in done.stdout


def test_fault_of_an_engine_that_is_never_called_is_not_missed(gate: Scenario) -> None:
    """The job uses the engine in its row alone."""
    gate.edit('with = ["lidb"]', 'with = ["lidb"]\nartifacts = ["embed"]\nnotices = ["dead"]', job="bench-validate")
    done, table = prove(gate, "bench-validate")
    dead = table.jobs[0].of("dead")
    assert dead is not None
    assert (dead.word, dead.reason) == ("n/a", "embed was never called")
    assert done.returncode == 1
    assert "bench-validate claims to notice dead: not measured: passed: embed was never called" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("engine.py dead {real", "engine.py deaf {real", "artifact embed, fault dead: exit 2: python3 checks"),
        ("engine.py dead {real.lidb_embed} {out.lidb_embed}", "engine.py dead {real.lidb_embed} elsewhere", "no {out"),
        ("> {tree}/liorm/__init__.py", "> /dev/null", "repo lidb, fault raises-at-import: the command changed no"),
    ],
    ids=["fails", "writes-nothing", "changes-nothing"],
)  # fmt: skip
def test_fault_that_its_command_does_not_make_is_an_error_of_the_matrix(
    gate: Scenario, old: str, new: str, reason: str
) -> None:
    gate.edit(old, new)
    done = gate.cli("prove", "smoke", "--stack", "stack", "--out", str(gate.out()))
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr


def test_claim_of_a_job_that_looks_at_no_answer_is_not_true(few: Scenario) -> None:
    """A job that calls the engine often enough and never looks at what it says."""
    calls = " && ".join(['"$LIDB_EMBED" exec "$LI_DATA_DIR" "SELECT 1" || true'] * 4)
    few.edit('run = ["bash scripts/db-smoke.sh"]', f"run = ['''{calls}''']", job="db-smoke")
    few.edit('verbs = ["open", "migrate", "exec-json"]', 'verbs = ["exec"]', job="db-smoke")
    few.edit('notices = ["dead"]', 'notices = ["dead", "empty-reads"]', job="db-smoke")
    done, _ = prove(few, "db-smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "db-smoke claims to notice dead" not in done.stdout, "the witness counts the calls that succeed"
    assert "db-smoke claims to notice empty-reads: missed it" in done.stdout


def test_job_that_is_not_green_with_nothing_broken_proves_nothing(gate: Scenario) -> None:
    gate.edit('run = ["bash scripts/db-smoke.sh"]', 'run = ["exit 1"]', job="db-smoke")
    done, table = prove(gate, "db-smoke")
    assert done.returncode == 1
    assert "not measured: with nothing broken it is failed" in done.stdout
    assert table.jobs[0].faults == ()


def lines_of_db_smoke(scenario: Scenario, second: str) -> None:
    """db-smoke as two lines: one that fails, or `second` says how, and one that asks the engine."""
    opens = '"$LIDB_EMBED" open "$LI_DATA_DIR"'
    asks = f'if {opens} >/dev/null; then echo "PASS opens"; else echo "FAIL opens"; fi'
    scenario.edit(
        'reports = [{ kind = "exit", min_tests = 0 }]', 'reports = [{ kind = "lines", min_tests = 2 }]', job="db-smoke"
    )
    scenario.edit("min_calls = 4", "min_calls = 1", job="db-smoke")
    scenario.edit(', "exec-json"]', "]", job="db-smoke")
    scenario.set_run("db-smoke", f"{asks}; {second}; exit 1")


def test_job_that_is_red_by_a_case_is_measured_by_the_others(few: Scenario) -> None:
    lines_of_db_smoke(few, 'echo "FAIL closes"')
    done, table = prove(few, "db-smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = table.jobs
    assert (job.control, job.failing, job.shown) == ("failed", ("closes",), "red: 1 of 2 cases")
    dead, empty = job.of("dead"), job.of("empty-reads")
    assert dead
    assert empty
    assert (dead.noticed, dead.failing, empty.noticed, empty.failing) == (True, ("opens",), False, ())
    assert re.search(r"noticed +db-smoke@ubuntu-24.04 with dead", done.stderr)
    assert re.search(r"db-smoke +red: 1 of 2 cases +noticed: 1 case +\(MISSED\)", done.stdout)


def test_job_that_is_red_by_other_cases_each_time_is_not_measured(few: Scenario) -> None:
    left = few.root / "left-behind"
    lines_of_db_smoke(few, f'if mkdir {left}; then echo "FAIL closes"; else echo "PASS closes"; fi')
    done, table = prove(few, "db-smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    assert (table.jobs[0].faults, table.jobs[0].failing) == ((), ())
    assert table.jobs[0].reason.startswith("not again: closes: ")


def test_job_that_the_control_alone_makes_fail_proves_nothing(few: Scenario) -> None:
    """What stands in the place of the sound engine fails at every call, as every fault would."""
    few.edit("engine.py control {real", "engine.py dead {real")
    done, table = prove(few, "smoke")
    assert (done.returncode, table.jobs[0].control, table.jobs[0].faults) == (1, "failed", ())


def test_job_that_fails_by_what_an_earlier_run_left_behind_has_noticed_nothing(few: Scenario) -> None:
    """It calls the engine often enough, looks at no answer, and makes a folder outside that it cannot make twice."""
    left = few.root / "left-behind"
    calls = " && ".join(['"$LIDB_EMBED" exec "$LI_DATA_DIR" "SELECT 1" || true'] * 4)
    few.edit(
        'run = ["bash scripts/db-smoke.sh"]',
        f"run = ['''mkdir {left}; {calls}; test ! -e {left}/2 && mkdir {left}/2''']",
        job="db-smoke",
    )
    few.edit('verbs = ["open", "migrate", "exec-json"]', 'verbs = ["exec"]', job="db-smoke")
    done, table = prove(few, "db-smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "db-smoke claims to notice dead: not measured: with nothing broken it is failed" in done.stdout
    assert table.jobs[0].reason.startswith("not again: exit 1: mkdir")


def test_job_that_no_fault_applies_to_is_refused(gate: Scenario) -> None:
    gate.edit('with = ["lidb"]\n', "", job="bench-validate")
    out = gate.out()
    done = gate.cli("prove", "bench-validate", "--stack", "stack", "--out", str(out))
    assert (done.returncode, "there is nothing to break before these jobs" in done.stderr) == (2, True)
    assert not out.exists()


def test_claim_of_a_job_that_runs_elsewhere_is_not_measured_true(gate: Scenario) -> None:
    gate.edit('os = ["ubuntu-24.04", "macos-15"]', 'os = ["macos-15"]', job="lis-tests")
    done, _ = prove(gate, "bench-validate", "lis-tests")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "lis-tests claims to notice dead: not measured: this machine is linux" in done.stdout


def test_number_of_jobs_that_would_never_end_is_refused(gate: Scenario) -> None:
    done = gate.cli("prove", "smoke", "--stack", "stack", "--jobs", "-3")
    assert (done.returncode, "at least one node" in done.stderr) == (2, True)


@pytest.mark.long
def test_report_that_is_whole_but_for_its_tests_is_noticed_by_what_it_says(gate: Scenario) -> None:
    gate.edit('with = ["lidb"]\n', "", job="bench-validate")
    done = gate.cli("prove", "e2e-engine", "bench-validate", "--json", "--stack", "stack", "--out", str(gate.out()))
    assert done.returncode == 0, done.stderr
    assert "skipped: no fault applies to bench-validate" in done.stderr
    record = Proofs.model_validate_json(done.stdout)
    (e2e,) = record.jobs
    assert {proof.fault: (proof.noticed, proof.status) for proof in e2e.reports} == {
        "emptied": (True, "unproven"), "skipped": (True, "unproven"), "truncated": (True, "unproven"),
    }  # fmt: skip
    assert [proof.reason.split(",")[0] for proof in e2e.reports[:2]] == [
        "0 node tests were executed", "every test was skipped (11)",
    ]  # fmt: skip


def test_interrupted_measurement_leaves_no_process_and_no_file(own: Scenario) -> None:
    started = own.start("lis-tests", verb="prove")
    assert wait_for((started.folder / "sound").is_dir, 60)
    started.send(signal.SIGTERM)
    ended = started.finish()
    assert (ended.code, "no proof was written" in ended.out) == (130, True)
    assert wait_for(lambda: not processes_of(own.cache), 5)
    assert not (own.root / "proofs.json").exists()
