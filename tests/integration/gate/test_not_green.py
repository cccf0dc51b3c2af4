"""Ways to look green without a test of the engine; none may be: status, reason and exit code of each."""

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.gate.bench import ROOT, Scenario, processes_of, wait_for

# Eight tests that pass, whatever answers; the names of those that decide are among them.
FAKED = (ROOT / "tests" / "fakegreen" / "files" / "canned.mjs").read_text()
# A security harness in miniature: ten calls of the engine, the words that it is told.
CRITICAL = (
    "cve-cwe-89-identifier-injection-dynamic-table",
    "cve-cwe-89-second-order-sql-injection-stored-value",
    "cve-cwe-89-sql-injection-via-param-concat",
    "cve-raw-sql-capability-audit-escalation",
    "parallel-race-plan-registry",
    "audit-log-append-only",
)
RACE = CRITICAL[4]
HARNESS = f"""\
#!/bin/sh
set -eu
for n in $(seq 50); do "$LIDB_EMBED" exec-json "$LI_SCRATCH" "SELECT 1 AS ok" </dev/null >/dev/null || true; done
for name in {" ".join(CRITICAL)}; do echo "PASS $name"; done
"""
ENGINE_TESTS = "li-cursor-agents/src/e2e/lidb-control-plane.e2e.ts"
PACKAGE = "li-cursor-agents/package.json"
LIS_TESTS = "lis/li-tests/test_db_supervisor.py"
PYTEST = "python3 -m pytest li-tests/test_db_supervisor.py"
NUMBER = "holds a number that was not measured here: "


@pytest.fixture
def harness(gate: Scenario) -> Scenario:
    """lidb-tests with a short harness and without its pytest; so it calls the engine less often."""
    gate.edit('python = ["pip"]\n', "", job="lidb-tests")
    gate.edit("min_calls = 150", "min_calls = 50", job="lidb-tests")
    text = gate.matrix.read_text()
    start = text.index('[[jobs.lidb-tests.reports]]\nkind = "pytest"')
    end = text.index('[[jobs.lidb-tests.reports]]\nkind = "lines"')
    gate.matrix.write_text(text[:start] + text[end:])
    gate.add_env("lidb-tests", LI_SCRATCH="{data}")
    gate.write("lidb/scripts/run_tests.sh", HARNESS)
    return gate


# Nothing executed


def test_missing_enabling_variable_is_unproven(gate: Scenario) -> None:
    gate.edit('LI_E2E_LIDB_ENGINE = "1", ', "", job="e2e-engine")
    gate.patch(PACKAGE, "LI_E2E_LIDB_ENGINE=1 ", "")

    gate.run("e2e-engine").assert_not_green(
        "e2e-engine",
        "unproven",
        "5 node tests were executed, at least 8 expected",
        "skipped without a rule that names it: lidb control-plane engine e2e",
        "embed was called 0 times with exec-json, at least 4 expected",
    )


@pytest.mark.parametrize("value", ["0", "true", ""])
def test_enabling_variable_of_another_value_is_unproven(gate: Scenario, value: str) -> None:
    gate.patch(PACKAGE, "LI_E2E_LIDB_ENGINE=1 ", f"LI_E2E_LIDB_ENGINE={value} ")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "5 node tests were executed")


def test_every_test_skipped_is_unproven_though_each_skip_is_named(gate: Scenario) -> None:
    gate.edit('LIDB_REPO = "{repos.lidb}"', 'LIDB_REPO = "/nowhere"', job="lis-tests")
    skips = ', skips = { "*" = "a rule for everything" }, max_skips = 99'
    gate.edit('kind = "pytest", min_tests = 2', f'kind = "pytest", min_tests = 2{skips}', job="lis-tests")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "every test was skipped (13)")


def test_wrong_repo_path_that_skips_all_tests_is_unproven(gate: Scenario) -> None:
    gate.edit('LIDB_REPO = "{repos.lidb}"', 'LIDB_REPO = "/nowhere"', job="lis-tests")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "every test was skipped (13)", "called 0 times")


def test_zero_tests_with_exit_0_are_unproven(gate: Scenario) -> None:
    gate.write(LIS_TESTS, "")
    gate.set_run("lis-tests", f"{PYTEST} || test $? -eq 5")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "0 pytest tests were executed, at least 2 expected")


def test_test_file_without_a_test_is_unproven(gate: Scenario) -> None:
    gate.write(ENGINE_TESTS, "// nothing here\n")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "node tests were executed, at least 8 expected")


def test_smoke_that_only_exits_0_is_unproven(gate: Scenario) -> None:
    gate.write("lidb/scripts/smoke.sh", "exit 0\n")

    gate.run("smoke").assert_not_green("smoke", "unproven", "embed was called 0 times with exec, at least 4")


def test_engine_called_once_less_than_demanded_is_unproven(gate: Scenario) -> None:
    calls = 'for n in 1 2 3; do "$LIDB_BUILD_DIR/lidb_embed" exec "$TMPDIR/d" "SELECT 1 AS ok" || true; done\n'
    gate.write("lidb/scripts/smoke.sh", calls)

    gate.run("smoke").assert_not_green("smoke", "unproven", "embed was called 3 times with exec, at least 4 expected")


def test_unnamed_skip_is_unproven(gate: Scenario) -> None:
    gate.patch(
        LIS_TESTS, "def test_stop_keeps_the_data", '@pytest.mark.skip(reason="later")\ndef test_stop_keeps_the_data'
    )

    gate.run("lis-tests").assert_not_green(
        "lis-tests", "unproven", "skipped without a rule that names it: li-tests.test_db_supervisor > test_stop_keeps"
    )


def test_expected_failure_is_an_unnamed_skip(gate: Scenario) -> None:
    gate.patch(LIS_TESTS, '    assert lis("stop")[0] == 0', "    pytest.xfail('known')")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "skipped without a rule that names it")


# The engine is not what answers


def test_mock_variable_in_the_jobs_environment_is_unproven(gate: Scenario) -> None:
    gate.add_env("e2e-engine", LI_LIDB_MOCK="1")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "LI_LIDB_MOCK is in the job's environment")


def test_mock_variable_in_a_command_is_unproven(gate: Scenario) -> None:
    gate.write(ENGINE_TESTS, FAKED)
    gate.set_run("e2e-engine", "export LI_LIDB_MOCK=1; npm run test:e2e:lidb-engine")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "LI_LIDB_MOCK is in the job's environment")


def test_bridge_that_answers_from_a_fake_is_unproven(gate: Scenario) -> None:
    gate.write(ENGINE_TESTS, FAKED)
    gate.patch("li-cursor-agents/src/db/lidb-liorm.ts", "if (lidbMockEnabled() || ", "if (true || ")
    ran = gate.run("e2e-engine")

    ran.assert_not_green("e2e-engine", "unproven", "embed was called 0 times with exec-json, at least 4")
    assert ran.leg("e2e-engine").facts.suites[0].counts.passed == 8  # nothing else would have shown it


@pytest.mark.slow
def test_wrong_path_of_the_engine_that_ends_in_a_build_of_its_own_is_unproven(gate: Scenario) -> None:
    gate.edit('LIDB_EMBED = "{embed.lidb_embed}"', 'LIDB_EMBED = "/nonexistent"', job="lis-tests")
    gate.patch("lidb/liorm/embed_engine.py", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    ran = gate.run("lis-tests")

    ran.assert_not_green(
        "lis-tests",
        "unproven",
        "embed was called 0 times",
        "another lidb_embed was built in the workspace: lidb/build/smoke/lidb_embed",
    )
    assert ran.leg("lis-tests").facts.suites[0].counts.passed == 13


def test_another_engine_in_the_workspace_is_unproven_though_ours_was_called(gate: Scenario) -> None:
    gate.set_run("lis-tests", PYTEST, 'mkdir -p "$HOME/bin" && cp /bin/true "$HOME/bin/lidb_embed"')

    gate.run("lis-tests").assert_not_green(
        "lis-tests", "unproven", "another lidb_embed was built in the workspace: home/bin/lidb_embed"
    )


def test_committed_engine_is_unproven(gate: Scenario) -> None:
    gate.write("lis/vendor/lidb_embed", "#!/bin/sh\n", 0o755)

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "lis/vendor/lidb_embed")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ('cp /bin/true "$(dirname "$LIDB_EMBED")/real/lidb_embed"', "embed was replaced during the job: sha256:"),
        ('rm "$(dirname "$LIDB_EMBED")/real/lidb_embed"', "became missing"),
        ('cp "$(dirname "$LIDB_EMBED")/real/lidb_embed" "$LIDB_EMBED"', "became launcher replaced"),
        ('echo >> "$LIDB_EMBED"', "became launcher replaced"),
        ('ln -sf /bin/true "$LIDB_EMBED"', "became launcher replaced"),
        ('rm -r "$(dirname "$LIDB_EMBED")"', "embed was replaced during the job"),
    ],
    ids=["real", "real-gone", "launcher-by-real", "launcher-edited", "launcher-by-link", "all-gone"],
)
def test_engine_that_the_job_replaces_is_unproven(gate: Scenario, command: str, reason: str) -> None:
    gate.set_run("lis-tests", PYTEST, command)

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", reason)


@pytest.mark.slow
def test_build_directory_in_which_the_job_makes_another_engine_is_unproven(gate: Scenario) -> None:
    fake = 'printf "#!/bin/sh\\n" > "$LIDB_BUILD_DIR/lidb_embed"\n'
    gate.write(
        "lidb/scripts/smoke.sh", f'for n in 1 2 3 4; do "$LIDB_BUILD_DIR/lidb_embed" open "$TMPDIR/$n"; done\n{fake}'
    )

    gate.run("smoke").assert_not_green("smoke", "unproven", "the job built another embed: sha256:")
    gate.repo("lidb").joinpath("scripts/smoke.sh").write_bytes((gate.pristine / "lidb/scripts/smoke.sh").read_bytes())
    gate.run("smoke").assert_green()


@pytest.mark.slow
def test_build_directory_that_a_job_removes_does_not_break_the_next_run(own: Scenario) -> None:
    own.write("lidb/scripts/smoke.sh", 'rm -rf "$LIDB_BUILD_DIR"\n')
    own.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    own.run("smoke").assert_not_green("smoke", "unproven", "embed was called 0 times")
    own.write("lidb/scripts/smoke.sh", (own.pristine / "lidb/scripts/smoke.sh").read_text())
    own.patch("lidb/scripts/smoke.sh", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    ran = own.run("smoke")

    ran.assert_green()
    assert "rebuilt embed (its build directory was not current)" in ran.leg("smoke").notes


# Reports


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("rm {tmp}/../reports/pytest.xml", "pytest report: pytest.xml was not written"),
        (": > {tmp}/../reports/pytest.xml", "pytest.xml is empty"),
        (
            "head -c 400 {tmp}/../reports/pytest.xml > {tmp}/x; mv {tmp}/x {tmp}/../reports/pytest.xml",
            "pytest.xml is truncated",
        ),
        ("echo '<html/>' > {tmp}/../reports/pytest.xml", "pytest.xml is not a JUnit report"),
        ("rm {tmp}/../reports/pytest.xml; mkfifo {tmp}/../reports/pytest.xml", "pytest.xml is not a regular file"),
        ("rm -r {tmp}/../reports", "pytest report: pytest.xml was not written"),
    ],
    ids=["missing", "empty", "truncated", "foreign", "pipe", "no-folder"],
)
def test_report_that_cannot_be_believed_is_failed(gate: Scenario, command: str, reason: str) -> None:
    gate.set_run("lis-tests", PYTEST, command)

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", reason)


def test_runner_that_is_told_to_write_no_report_is_failed(gate: Scenario) -> None:
    gate.set_run("e2e-engine", "npm run build", "NODE_OPTIONS= npm run test:e2e:lidb-engine")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed", "node report: node.xml was not written")


REPORT = '<testsuite><testcase name="a"/></testsuite>\n'


@pytest.fixture
def junit(gate: Scenario) -> Scenario:
    """bench-validate with a report of its own beside its manifest."""
    gate.edit(
        '{ kind = "exit", min_tests = 0 }',
        '{ kind = "junit", path = "out/r.xml", min_tests = 1 }',
        job="bench-validate",
    )
    return gate


def test_report_that_the_job_writes_is_green(junit: Scenario) -> None:
    junit.set_run(
        "bench-validate", "bash scripts/run-db-registry-bench.sh", f"mkdir out; echo '{REPORT.strip()}' > out/r.xml"
    )

    junit.run("bench-validate").assert_green()


def test_report_left_over_from_an_earlier_run_is_failed(junit: Scenario) -> None:
    junit.write("benchmarks/out/r.xml", REPORT)

    junit.run("bench-validate").assert_not_green(
        "bench-validate", "failed", "junit report: out/r.xml was there before the job: left over from an earlier run"
    )


def test_report_left_over_is_failed_though_the_job_writes_it_again(junit: Scenario) -> None:
    junit.write("benchmarks/out/r.xml", REPORT)
    junit.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", f"echo '{REPORT.strip()}' > out/r.xml")

    junit.run("bench-validate").assert_not_green("bench-validate", "failed", "left over from an earlier run")


def test_report_that_is_a_link_to_an_old_one_is_failed(junit: Scenario) -> None:
    junit.write("benchmarks/old.xml", REPORT)
    junit.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", "mkdir out; ln -s ../old.xml out/r.xml")

    junit.run("bench-validate").assert_not_green("bench-validate", "failed", "r.xml is a link")


def test_report_written_by_the_setup_is_failed(junit: Scenario) -> None:
    junit.edit("\nrun = ", "\nsetup = [\"mkdir out; echo '<testsuite/>' > out/r.xml\"]\nrun = ", job="bench-validate")

    junit.run("bench-validate").assert_not_green("bench-validate", "failed", "left over from an earlier run")


# Harness lines and critical checks


def test_harness_lines_that_all_pass_are_green(harness: Scenario) -> None:
    harness.run("lidb-tests").assert_green()


def test_fail_line_with_exit_0_is_failed(harness: Scenario) -> None:
    harness.write("lidb/scripts/run_tests.sh", f"{HARNESS}echo FAIL cve-z: it leaks\n")

    harness.run("lidb-tests").assert_not_green("lidb-tests", "failed", "1 of 7 lines tests failed")


def test_totals_with_a_failure_that_no_line_shows_are_failed(harness: Scenario) -> None:
    harness.write("lidb/scripts/run_tests.sh", f"{HARNESS}echo 'security harness: pass=6 skip=0 fail=1'\n")

    harness.run("lidb-tests").assert_not_green("lidb-tests", "failed", "no FAIL line for: security harness")


def test_critical_check_that_is_skipped_is_unproven(harness: Scenario) -> None:
    harness.write("lidb/scripts/run_tests.sh", HARNESS.replace(f" {RACE}", " rls-a") + f"echo SKIP {RACE}\n")

    harness.run("lidb-tests").assert_not_green(
        "lidb-tests",
        "unproven",
        f"critical check {RACE} was not executed",
        f"skipped without a rule that names it: {RACE}",
    )


def test_critical_check_that_is_absent_is_unproven(harness: Scenario) -> None:
    harness.write("lidb/scripts/run_tests.sh", HARNESS.replace(RACE, "cve-e"))

    harness.run("lidb-tests").assert_not_green("lidb-tests", "unproven", f"critical check {RACE} was not executed")


def test_one_of_several_critical_checks_skipped_is_unproven(harness: Scenario) -> None:
    harness.edit("critical = [", 'critical = ["cve-*", ', job="lidb-tests")
    harness.write("lidb/scripts/run_tests.sh", f"{HARNESS}echo SKIP cve-z\n")

    harness.run("lidb-tests").assert_not_green("lidb-tests", "unproven", "skipped without a rule that names it: cve-z")


def test_skip_rule_that_reaches_a_critical_check_is_refused(harness: Scenario) -> None:
    harness.edit('skips = { "rls-*"', 'skips = { "cve-*" = "flaky", "rls-*"', job="lidb-tests")
    ran = harness.run("lidb-tests")

    assert ran.code == 2
    assert 'the skip "cve-*" reaches it' in ran.err


def test_pass_lines_of_the_setup_do_not_count(harness: Scenario) -> None:
    lines = "\\n".join(f"PASS {name}" for name in CRITICAL)
    harness.write("lidb/scripts/run_tests.sh", HARNESS.replace('echo "PASS $name"', ":"))
    harness.edit("\nrun = ", f"\nsetup = ['printf \"{lines}\\n\"']\nrun = ", job="lidb-tests")

    harness.run("lidb-tests").assert_not_green(
        "lidb-tests", "unproven", "0 lines tests were executed", f"critical check {CRITICAL[0]} was not executed"
    )


# Processes


@pytest.fixture
def marked(gate: Scenario) -> Scenario:
    """bench-validate with this scenario's folder in its environment, by which its processes are found."""
    gate.add_env("bench-validate", MARK=str(gate.root))
    return gate


def test_job_that_hangs_is_a_timeout_and_leaves_nothing(marked: Scenario) -> None:
    marked.set_run("bench-validate", "setsid sleep 300 & trap '' TERM; sleep 300 | sleep 300")
    marked.edit("\nrun = ", '\ntimeout = "1s"\nrun = ', job="bench-validate")
    ran = marked.run("bench-validate")

    ran.assert_not_green("bench-validate", "timeout", "did not end within 1s: setsid sleep 300")
    assert wait_for(lambda: not processes_of(marked.root), 10), processes_of(marked.root)  # the trash is emptied


@pytest.mark.parametrize(
    "command",
    ["sleep 307 &", "setsid sleep 307 &", "(setsid sh -c 'sleep 307 & exit' &)", "nohup sleep 307 >/dev/null 2>&1 &"],
    ids=["background", "session", "daemon", "nohup"],
)
def test_job_that_leaves_a_process_is_failed_and_it_is_ended(marked: Scenario, command: str) -> None:
    marked.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", command)
    ran = marked.run("bench-validate")

    ran.assert_not_green("bench-validate", "failed", "left 1 process(es) running (sleep)")
    assert wait_for(lambda: not processes_of(marked.root), 10), processes_of(marked.root)  # the trash is emptied


def test_left_process_whose_name_is_no_text_is_failed(marked: Scenario) -> None:
    marked.set_run(
        "bench-validate",
        "bash scripts/run-db-registry-bench.sh",
        'name="$TMPDIR/$(printf "sl\\377eep")"; cp "$(command -v sleep)" "$name"; "$name" 307 &',
    )
    ran = marked.run("bench-validate")

    ran.assert_not_green("bench-validate", "failed", "left 1 process(es) running (sl")
    assert wait_for(lambda: not processes_of(marked.root), 10), processes_of(marked.root)  # the trash is emptied


def test_command_that_cannot_be_started_is_failed(gate: Scenario) -> None:
    gate.set_run("bench-validate", "no-such-program")

    gate.run("bench-validate").assert_not_green("bench-validate", "failed", "exit 127: no-such-program")


# Checkouts and data


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("echo x >> README.md", "benchmarks/README.md"),
        ("rm README.md", "benchmarks/README.md"),
        ("chmod +x README.md", "benchmarks/README.md"),
        ("rm README.md; mkfifo README.md", "benchmarks/README.md"),
        ("echo x >> ../lidb/liorm/plans.py", "lidb/liorm/plans.py"),
        (
            "git -c core.fileMode=true update-index --assume-unchanged README.md; echo x >> README.md",
            "benchmarks/README.md",
        ),
        ("rm -r ../lidb", "lidb/"),
    ],
    ids=["edited", "deleted", "mode", "pipe", "sibling", "hidden", "sibling-gone"],
)
def test_job_that_changes_a_checkout_is_unproven(gate: Scenario, command: str, file: str) -> None:
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", command)

    gate.run("bench-validate").assert_not_green(
        "bench-validate", "unproven", f"the job changed files of its checkout: {file}"
    )


def test_changed_file_whose_name_is_no_text_is_unproven(gate: Scenario) -> None:
    (gate.repo("benchmarks") / os.fsdecode(b"n\xffme")).write_text("x")
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", "rm n*me")

    gate.run("bench-validate").assert_not_green(
        "bench-validate", "unproven", "the job changed files of its checkout: benchmarks/n"
    )


def test_setup_that_changes_the_tests_is_unproven(gate: Scenario) -> None:
    gate.edit(
        "\nrun = ",
        f"\nsetup = [\"echo 'def test_a(): pass' > {LIS_TESTS.removeprefix('lis/')}\"]\nrun = ",
        job="lis-tests",
    )

    gate.run("lis-tests").assert_not_green(
        "lis-tests", "unproven", "the job changed files of its checkout: lis/li-tests"
    )


def test_data_directory_that_the_setup_filled_is_unproven(gate: Scenario) -> None:
    gate.edit('setup = ["npm ci"]', 'setup = ["npm ci", "echo x > {data}/seed"]', job="e2e-engine")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "the data directory was not empty at the start")


# The manifest


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"ratio_vs_postgres": ratio', '"ratio_vs_postgres": 1.0', f"{NUMBER}scenarios[0].ratio_vs_postgres"),
        (
            '"engines": engines,',
            '"engines": engines | {"lidb": {"p50_ms": "0.9"}},',
            f"{NUMBER}scenarios[0].engines.lidb.p50_ms",
        ),
        (
            '"scenarios": scenarios,',
            '"scenarios": [{**one, "status": "pass"} for one in scenarios],',
            f"{NUMBER}scenarios[0].status is 'pass'",
        ),
        (
            '"status": _status({scenario["status"] for scenario in scenarios}),',
            '"status": "pass",',
            "has status 'pass', expected stub",
        ),
        ('"tier": suite["tier"],', '"tier": suite["tier"], "p99_ms": 2.5,', f"{NUMBER}p99_ms"),
    ],
    ids=["ratio", "text", "scenario", "status", "another-number"],
)
def test_manifest_that_claims_a_measurement_is_failed(gate: Scenario, old: str, new: str, reason: str) -> None:
    gate.patch("benchmarks/benchmarks/tier_db_registry/harness/manifest.py", old, new)
    gate.patch("benchmarks/benchmarks/tier_db_registry/harness/registry_oltp.py", "    manifest.check(document)\n", "")

    gate.run("bench-validate").assert_not_green("bench-validate", "failed", reason)


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        ("true", "unproven", "the job wrote no data/latest/tier-db-registry*.json"),
        ("echo '[1' > data/latest/tier-db-registry.json", "failed", "is not JSON"),
        ("cd data/latest; rm *.json; mkfifo tier-db-registry.json", "unproven", "no regular file"),
        ("ln -sf ../../old.json data/latest/tier-db-registry.json", "unproven", "is a link"),
        (
            "bash scripts/run-db-registry-bench.sh; cd data/latest; cp tier-db-registry.json tier-db-registry-2.json",
            "unproven",
            "the job wrote 2 files that match",
        ),
    ],
    ids=["missing", "no-json", "pipe", "link", "two"],
)
def test_manifest_that_cannot_be_judged_is_not_green(gate: Scenario, command: str, status: str, reason: str) -> None:
    gate.write("benchmarks/old.json", '{"status": "stub"}')
    gate.set_run("bench-validate", command)

    gate.run("bench-validate", timeout=30).assert_not_green("bench-validate", status, reason)


def test_manifest_left_over_from_before_is_unproven(gate: Scenario) -> None:
    gate.set_run("bench-validate", "true")

    gate.run("bench-validate").assert_not_green(
        "bench-validate", "unproven", "the job wrote no data/latest/tier-db-registry*.json"
    )


def test_measuring_variable_on_a_pull_request_is_unproven(gate: Scenario) -> None:
    gate.add_env("bench-validate", BENCH_DB_REGISTRY_RUN_HARNESS="1", BENCH_DB_REGISTRY_ENGINE="postgres_only")

    gate.run("bench-validate").assert_not_green(
        "bench-validate", "unproven", "BENCH_DB_REGISTRY_RUN_HARNESS is in the job's environment"
    )


# What cannot be run is an error, and no verdict


def test_missing_tool_is_an_error_that_says_how_to_get_it(gate: Scenario, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for program in Path(folder).glob("*") if folder.startswith("/") else ():
            if program.name not in ("node", "nodejs", "npm", "npx"):
                link = tmp_path / "bin" / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    ran = gate.run("e2e-engine", "bench-validate", env={"PATH": str(tmp_path / "bin")})

    assert (ran.code, ran.verdict.outcome) == (3, "incomplete")
    assert ran.leg("e2e-engine").status == "error"
    assert "node is not on PATH; get it: https://nodejs.org" in ran.leg("e2e-engine").reasons[0]
    assert "node is not on PATH; get it: https://nodejs.org" in ran.out
    assert ran.leg("bench-validate").status == "passed"


def test_failing_setup_is_an_error(gate: Scenario) -> None:
    shutil.rmtree(gate.repo("li-cursor-agents") / "scripts")
    gate.repo("li-cursor-agents").joinpath("package-lock.json").unlink()
    ran = gate.run("e2e-engine")

    assert (ran.code, ran.verdict.outcome, ran.leg("e2e-engine").status) == (3, "incomplete", "error")
    assert "set-up failed with exit 1: npm ci" in ran.leg("e2e-engine").reasons


def test_artifact_that_does_not_build_blocks_its_jobs_and_no_other(gate: Scenario) -> None:
    gate.patch("lidb/CMakeLists.txt", "project(lidb LANGUAGES CXX)", 'message(FATAL_ERROR "broken")')
    ran = gate.run("lis-tests", "bench-validate")

    ran.assert_not_green("lis-tests", "blocked", "embed does not build")
    assert "exit 1: cmake -S" in ran.embed.reasons[0]
    assert ran.embed.words[0].startswith("CMake Error at CMakeLists.txt:")
    assert ran.leg("bench-validate").status == "passed"
    assert ran.embed.status == "failed"
