"""More ways round the evidence, found by looking for them; and what a job may do to its surroundings."""

import json
import shutil

import pytest

from tests.integration.gate.bench import OS, Scenario, processes_of, wait_for

PYTEST = "python3 -m pytest li-tests/test_db_supervisor.py"
BENCH = "bash scripts/run-db-registry-bench.sh"
LIS_TESTS = "lis/li-tests/test_db_supervisor.py"
CALLS = 'for n in 1 2 3 4; do "$LIDB_BUILD_DIR/lidb_embed" exec "$TMPDIR/d" "SELECT 1 AS ok" || true; done'


# The witness


def test_calls_of_the_setup_do_not_count(gate: Scenario) -> None:
    gate.write("lidb/scripts/smoke.sh", "exit 0\n")
    gate.edit("\nrun = ", f"\nsetup = ['{CALLS}']\nrun = ", job="smoke")

    gate.run("smoke").assert_not_green("smoke", "unproven", "embed was called 0 times with exec, at least 4")


def test_engine_behind_the_witness_is_not_called_in_its_place(gate: Scenario) -> None:
    gate.edit("{embed.lidb_embed}", "{embed.real.lidb_embed}", job="lis-tests")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "embed was called 0 times")


@pytest.mark.parametrize(
    "command",
    ['rm "$(dirname "$LIDB_EMBED")/calls.log"', 'cd "$(dirname "$LIDB_EMBED")"; rm calls.log; mkfifo calls.log'],
    ids=["removed", "pipe"],
)
def test_record_of_calls_that_is_gone_shows_none(gate: Scenario, command: str) -> None:
    gate.set_run("lis-tests", PYTEST, command)

    gate.run("lis-tests", timeout=60).assert_not_green("lis-tests", "unproven", "embed was called 0 times")


def test_lines_that_a_job_writes_into_the_record_do_not_count(gate: Scenario) -> None:
    forge = 'for n in 1 2 3 4; do echo open >> "$(dirname "$LIDB_EMBED")/calls.log"; done'
    gate.write(LIS_TESTS, "def test_a(): pass\ndef test_b(): pass\n")
    gate.set_run("lis-tests", PYTEST, forge)

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "embed was called 0 times")


@pytest.mark.parametrize(
    "place",
    [
        "$VIRTUAL_ENV/bin",
        "$TMPDIR",
        "$LI_DATA_DIR",
        "../lidb/build/smoke",
        ".hidden/a/b",
        "$(dirname $LIDB_EMBED)/more",
        "../../mine",
        "$TMPDIR/../reports",
    ],
)
def test_another_engine_is_found_wherever_the_job_puts_it(gate: Scenario, place: str) -> None:
    gate.add_env("lis-tests", LI_DATA_DIR="{data}")
    gate.set_run("lis-tests", PYTEST, f"mkdir -p {place} && cp /bin/true {place}/lidb_embed")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "another lidb_embed was built in the workspace")


def test_another_engine_beside_the_build_directory_is_found_and_does_not_stay(own: Scenario) -> None:
    own.set_run("smoke", "bash scripts/smoke.sh", "mkdir -p ../build2 && cp /bin/true ../build2/lidb_embed")
    ran = own.run("smoke")
    ran.assert_not_green("smoke", "unproven", "another lidb_embed was built in the workspace: build2/lidb_embed")

    own.set_run("smoke", "bash scripts/smoke.sh")
    own.run("smoke").assert_green()


def test_another_engine_below_a_name_that_is_no_text_is_found(gate: Scenario) -> None:
    gate.set_run("lis-tests", PYTEST, 'd=$(printf \'x\\377y\'); mkdir "$d" && cp /bin/true "$d/lidb_embed"')

    gate.run("lis-tests").assert_not_green(
        "lis-tests", "unproven", "another lidb_embed was built in the workspace: lis/x"
    )


def test_engine_that_is_replaced_by_another_build_is_unproven(gate: Scenario) -> None:
    """The other build answers as the one that was tested: only its digest gives it away."""
    gate.set_run("lis-tests", f"echo >> {{embed.real.lidb_embed}} && {PYTEST}")

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "embed was replaced during the job")


# Reports


def test_second_command_that_writes_the_report_anew_is_failed(gate: Scenario) -> None:
    gate.set_run("lis-tests", f"{PYTEST} --collect-only -q", PYTEST)

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "written by more than one test run")


def test_failure_whose_exit_code_is_swallowed_is_failed(gate: Scenario) -> None:
    gate.patch(LIS_TESTS, 'assert started["ready"]\n', 'assert not started["ready"]\n')
    gate.set_run("lis-tests", f"{PYTEST} || true")

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "1 of 13 pytest tests failed")


def test_failure_of_node_whose_exit_code_is_swallowed_is_failed(gate: Scenario) -> None:
    gate.patch(
        "li-cursor-agents/src/e2e/lidb-control-plane.e2e.ts",
        "assert.deepEqual(await runLidbBridge('probe'), { ok: true, engine: true });",
        "assert.fail('no');",
    )
    gate.set_run("e2e-engine", "npm run test:e2e:lidb-engine | cat")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed", "1 of 8 node tests failed")


def test_collection_error_whose_exit_code_is_swallowed_is_not_green(gate: Scenario) -> None:
    gate.write("lis/li-tests/test_more.py", "import nothing_of_that_name\n")
    gate.set_run("lis-tests", "python3 -m pytest li-tests --continue-on-collection-errors || true")

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "1 of 14 pytest tests failed")


def test_interrupted_pytest_whose_exit_code_is_swallowed_is_not_green(gate: Scenario) -> None:
    gate.write(
        "lis/li-tests/conftest.py",
        "import os, sys\nsys.path.insert(0, os.getcwd())\ndef pytest_runtest_logfinish(): os._exit(0)\n",
    )

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "pytest report: pytest.xml was not written")


def test_report_below_a_folder_that_the_job_links_to_is_failed(gate: Scenario) -> None:
    cases = "".join(f'<testcase name="t{n}"/>' for n in range(9))
    (gate.root / "old" / "r").mkdir(parents=True)
    (gate.root / "old" / "r" / "report.xml").write_text(f"<testsuite>{cases}</testsuite>")
    report = '{ kind = "junit", path = "out/r/report.xml", min_tests = 2 }'
    gate.edit('{ kind = "pytest", min_tests = 2 }', report, job="lis-tests")
    gate.set_run("lis-tests", PYTEST, f"ln -s {gate.root}/old out")

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "report.xml is a link")


# Processes


def test_job_that_kills_its_supervisor_is_an_error_and_leaves_nothing(gate: Scenario) -> None:
    gate.add_env("bench-validate", MARK=str(gate.root))
    gate.set_run("bench-validate", BENCH, "setsid sleep 308 & kill -9 $PPID; sleep 308")
    ran = gate.run("bench-validate")

    assert (ran.code, ran.leg("bench-validate").status) == (3, "error")
    assert "the supervisor of this command was killed" in ran.leg("bench-validate").reasons[0]
    assert wait_for(lambda: not processes_of(gate.root), 10), processes_of(gate.root)  # the trash may still be emptied


def test_job_that_removes_its_own_workspace_is_not_green(gate: Scenario) -> None:
    gate.set_run("bench-validate", BENCH, "rm -rf {tmp}/..")
    ran = gate.run("bench-validate")

    assert ran.code in (1, 3), ran.told
    assert ran.leg("bench-validate").status in ("error", "failed", "unproven")


def test_process_that_a_setup_leaves_is_failed(gate: Scenario) -> None:
    gate.edit('setup = ["npm ci"]', 'setup = ["npm ci", "sleep 309 &"]', job="e2e-engine")

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed", "left 1 process(es) running (sleep): sleep 309 &")


# Artifacts


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (["true"], "the build left no such output"),
        (["ln -s /bin/true {build}/lidb_embed"], "the build left no such output"),
        (["mkdir {build}/lidb_embed"], "the build left no such output"),
        (["exit 3"], "exit 3: exit 3"),
        (["sleep 30"], "did not end within 1s: sleep 30"),
    ],
    ids=["nothing", "link", "folder", "exit", "hangs"],
)
def test_build_that_gives_no_engine_blocks_the_job(own: Scenario, build: list[str], reason: str) -> None:
    text = own.matrix.read_text()
    start, end = text.index("build = [\n"), text.index("outputs = [")
    own.matrix.write_text(f'{text[:start]}timeout = "1s"\nbuild = {build!r}\n{text[end:]}')
    ran = own.run("lis-tests")

    ran.assert_not_green("lis-tests", "blocked", "embed timed out" if "sleep" in reason else "embed does not build")
    assert any(reason in line for line in ran.embed.reasons), ran.embed.reasons
    assert len(list((own.cache / "store" / "embed").glob("[0-9a-f]*"))) == 1  # the one from before


def test_engine_that_is_built_from_a_link_out_of_its_inputs_blocks_the_job(own: Scenario) -> None:
    """No job has lidb among its checkouts: nobody else would see what its source is."""
    (own.repo("lidb") / "src").rename(own.root / "outside")
    (own.repo("lidb") / "src").symlink_to(own.root / "outside")
    own.edit('with = ["lidb"]\n', 'artifacts = ["embed"]\n', job="bench-validate")

    ran = own.run("bench-validate")

    ran.assert_not_green("bench-validate", "blocked", "embed does not build")
    assert any("lidb/src is a link that leaves the inputs" in line for line in ran.embed.reasons), ran.embed.reasons


def test_output_that_a_job_changes_in_its_build_directory_is_unproven_and_not_kept(own: Scenario) -> None:
    kept = [line for line in own.matrix.read_text().splitlines() if "faults/engine.py" not in line]
    kept = [line for line in kept if not line.startswith(("[artifacts.embed.faults]", "hangs =", "notices ="))]
    own.matrix.write_text("\n".join(kept) + "\n")
    own.edit('outputs = ["lidb_embed"]', 'outputs = ["lidb_embed", "embed.conf"]')
    own.edit('lidb_embed -j {cpus}",\n', 'lidb_embed -j {cpus}",\n  "echo sound > {build}/embed.conf",\n')
    smoke = "bash scripts/smoke.sh && cat {embed.build}/embed.conf"
    own.set_run("smoke", "echo evil > {embed.build}/embed.conf", smoke)
    own.run("smoke").assert_not_green("smoke", "unproven", "the job built another embed")

    own.set_run("smoke", smoke)
    second = own.run("smoke")
    second.assert_green()
    assert second.log("smoke").splitlines()[-1] == "sound"


def test_engine_that_does_nothing_fails_every_job_that_uses_it(own: Scenario) -> None:
    text = own.matrix.read_text()
    start, end = text.index("build = [\n"), text.index("outputs = [")
    own.matrix.write_text(f'{text[:start]}build = ["cp /bin/true {{build}}/lidb_embed"]\n{text[end:]}')
    ran = own.run("e2e-engine", "lis-tests")

    ran.assert_not_green("e2e-engine", "failed")
    ran.assert_not_green("lis-tests", "failed")


def test_store_entry_that_changes_after_planning_is_not_used(own: Scenario) -> None:
    # bench-validate runs first, as it is said to take longest, and spoils what lis-tests was going to use.
    (own.cache / "durations.json").write_text(json.dumps({f"bench-validate@{OS}": 100}))
    spoil = f"for file in {own.cache}/store/embed/*/lidb_embed; do echo >> $file; done"
    own.set_run("bench-validate", BENCH, spoil)
    own.edit("\nrun = ", '\nartifacts = ["embed"]\nrun = ', job="bench-validate")
    ran = own.run("bench-validate", "lis-tests", "--jobs", "1")

    assert (ran.code, ran.leg("lis-tests").status) == (3, "error"), ran.told
    assert "changed while it was copied from the store" in ran.leg("lis-tests").reasons[0]


# Surroundings


def test_cache_and_run_below_names_with_spaces_and_quotes_are_fine(own: Scenario) -> None:
    odd = own.root / "a b" / "it's é"
    odd.mkdir(parents=True)
    shutil.move(own.cache, odd / "cache")
    other = Scenario(odd, own.pristine, odd / "cache")
    ran = other.run("e2e-engine", "lis-tests", "bench-validate")

    ran.assert_green()
    assert ran.log("lis-tests")
    assert (ran.folder / f"e2e-engine@{OS}" / "reports" / "1-node.xml").exists()
