"""What a pull request might do, by mistake or by sleight of hand, that leaves everything looking tested."""

import json
import subprocess

import pytest

from tests.integration.gate.bench import Scenario

E2E = "li-cursor-agents/src/e2e/lidb-control-plane.e2e.ts"
PACKAGE = "li-cursor-agents/package.json"
ENGINE = '../lidb} node --test dist/e2e/lidb-control-plane.e2e.js"'
BENCH = "benchmarks/scripts/run-db-registry-bench.sh"
LIS = "lis/li-tests/test_db_supervisor.py"
PROBE = """import os, subprocess


def call():
    subprocess.run([os.environ["LIDB_EMBED"], "open", os.environ["TMPDIR"] + "/x"])
"""
ONE_RUN = "written by more than one test run"


def test_failing_run_that_pytest_repeats_on_less_is_failed(gate: Scenario) -> None:
    gate.write("lis/li-tests/test_fails.py", "def test_it():\n    assert False\n")
    again = "python3 -m pytest li-tests || python3 -m pytest li-tests/test_db_supervisor.py"
    gate.set_run("lis-tests", again)

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", ONE_RUN)


def test_failing_run_that_node_repeats_on_less_is_failed(gate: Scenario) -> None:
    gate.patch(
        E2E, "assert.deepEqual(await runLidbBridge('probe'), { ok: true, engine: true });", "assert.fail('broken');"
    )
    tests = "".join(f"test('t{n}', () => {{}});\n" for n in range(12))
    gate.write("li-cursor-agents/src/e2e/smoke.e2e.ts", f"import {{ test }} from 'node:test';\n{tests}")
    gate.patch(PACKAGE, ENGINE, f'{ENGINE[:-1]} || node --test dist/e2e/smoke.e2e.js"')

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed")


def test_node_failure_in_a_hook_that_no_report_shows_is_failed(gate: Scenario) -> None:
    gate.patch(E2E, "import { beforeEach,", "import { after, beforeEach,")
    gate.patch(
        E2E, "'li-cursor-agents-lidb-e2e');", "'li-cursor-agents-lidb-e2e');\n  after(() => assert.fail('corrupt'));"
    )
    gate.patch(PACKAGE, ENGINE, f'{ENGINE[:-1]} || true"')

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed", "tests failed in `node --test")


def test_node_parent_that_fails_behind_a_passing_subtest_is_failed(gate: Scenario) -> None:
    body = "test('p', async (t) => { await t.test('opens', () => {}); throw new Error('lost'); });\n"
    repo, _, inside = E2E.partition("/")
    gate.write(E2E, f"{(gate.repo(repo) / inside).read_text()}\n{body}")
    gate.patch(PACKAGE, ENGINE, f'{ENGINE[:-1]} || true"')

    gate.run("e2e-engine").assert_not_green("e2e-engine", "failed", "node")


def test_pytest_that_only_sets_up_is_failed(gate: Scenario) -> None:
    gate.write("lis/pytest.ini", "[pytest]\naddopts = --setup-only\n")
    tests = f"{PROBE}\n\ndef test_a(tmp_path):\n    assert False\n\n\ndef test_b(tmp_path):\n    assert False\n"
    gate.write(LIS, f"{tests}\n\nfor _ in range(9):\n    call()\n")

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "pytest says")


def test_build_that_reads_more_than_the_inputs_fails(own: Scenario) -> None:
    own.write("lidb/cmake/flags.cmake", "set(SOMETHING 1)\n")
    own.patch(
        "lidb/CMakeLists.txt",
        "project(lidb LANGUAGES CXX)\n",
        "project(lidb LANGUAGES CXX)\ninclude(cmake/flags.cmake)\n",
    )

    done = own.run("db-smoke")
    done.assert_not_green("db-smoke", "blocked", "embed does not build")
    assert "cmake/flags.cmake" in (done.folder / "embed" / "log.txt").read_text()


def test_calls_of_other_kinds_do_not_count(gate: Scenario) -> None:
    calls = '"$LIDB_BUILD_DIR/lidb_embed" nonsense || true\n' * 9
    gate.write("lidb/scripts/smoke.sh", calls)

    gate.run("smoke").assert_not_green("smoke", "unproven", "called 0 times with exec, at least 4 expected")


def test_more_skips_than_may_be_are_unproven(gate: Scenario) -> None:
    gate.patch(
        E2E,
        "  test('schemaSnapshot",
        "  test('persist handoffs of all', { skip: 'flaky' }, () => {});\n  test('schemaSnapshot",
    )

    gate.run("e2e-engine").assert_not_green("e2e-engine", "unproven", "3 node tests were skipped, at most 2")


def test_critical_check_that_was_deleted_is_unproven(gate: Scenario) -> None:
    name = "cve-cwe-89-sql-injection-via-param-concat"
    (gate.repo("lidb") / f"tests/security/{name}.sh").unlink()

    gate.run("lidb-tests").assert_not_green("lidb-tests", "unproven", f"critical check {name} was not executed")


def _manifest(gate: Scenario, text: str, command: str) -> None:
    gate.write("benchmarks/data/latest/tier-db-registry.json", text)
    gate.write(BENCH, f"#!/bin/sh\n{command}\n", 0o755)


def test_manifest_of_an_earlier_run_that_is_touched_is_not_green(gate: Scenario) -> None:
    _manifest(gate, '{"status": "stub"}\n', "touch data/latest/tier-db-registry.json")

    gate.run("bench-validate").assert_not_green("bench-validate", "unproven", "json is as it was before the job")


def test_manifest_that_is_written_again_with_the_same_text_is_unproven(gate: Scenario) -> None:
    text = '{"status": "stub"}'
    _manifest(gate, f"{text}\n", f"echo '{text}' > data/latest/tier-db-registry.json")

    gate.run("bench-validate").assert_not_green("bench-validate", "unproven", "json is as it was before the job")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"status": "stub", "p95": 1.5}', "p95"),
        ('{"status": "stub", "engines": {"lidb": {"P95_MS": 3}}}', "engines.lidb.P95_MS"),
        ('{"status": "stub", "latency_us": [1, 2]}', "latency_us[0]"),
        ('{"status": "stub", "throughput": "99999"}', "throughput"),
        ('{"status": "pass", "status": "stub"}', "a key stands twice"),
        ('{"status": "stub", "x": NaN}', "NaN is no number"),
        ('{"status": "\\ud800"}', "a character is no Unicode"),
    ],
    ids=["bare-name", "capitals", "list", "text", "twice", "nan", "half-a-pair"],
)
def test_manifest_with_something_measured_is_failed(gate: Scenario, text: str, told: str) -> None:
    gate.write(BENCH, f"#!/bin/sh\ncat > data/latest/tier-db-registry.json <<'E'\n{text}\nE\n", 0o755)

    gate.run("bench-validate").assert_not_green("bench-validate", "failed", told)


def test_manifest_in_a_folder_whose_name_is_no_text_is_judged(gate: Scenario) -> None:
    lines = ("folder=results/$(printf '\\377')", "mkdir -p $folder", "cd $folder", 'echo \'{"status": "pass"}\'')
    gate.write(BENCH, "#!/bin/sh\n" + "\n".join(lines) + " > tier-db-registry.json\n", 0o755)
    gate.edit('file = "data/latest/', 'file = "**/', job="bench-validate")

    gate.run("bench-validate").assert_not_green("bench-validate", "failed", "has status 'pass', expected stub")


def test_threshold_in_a_manifest_is_no_measurement(gate: Scenario) -> None:
    text = json.dumps({"status": "stub", "threshold_ratio_vs_postgres": 1.2, "ratio_vs_postgres": None})
    gate.write(BENCH, f"#!/bin/sh\necho '{text}' > data/latest/tier-db-registry.json\n", 0o755)

    gate.run("bench-validate").assert_green()


def test_tracked_link_out_of_the_workspace_is_unproven(gate: Scenario) -> None:
    outside = gate.root / "outside"
    (gate.repo("lis") / "docs").rename(outside)
    (gate.repo("lis") / "docs").symlink_to(outside)

    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "lis/docs is a link that leaves the workspace")


@pytest.mark.parametrize("link", ["ln", "ln -s"], ids=["hard", "symbolic"])
def test_report_that_is_a_link_to_an_older_one_is_failed(gate: Scenario, link: str) -> None:
    cases = "".join(f'<testcase classname="a" name="t{n}"/>' for n in range(9))
    gate.write("lis/old.xml", f'<testsuites><testsuite name="pytest" tests="9">{cases}</testsuite></testsuites>')
    gate.set_run("lis-tests", f'{link} "$PWD/old.xml" "$VIRTUAL_ENV/../reports/pytest.xml"')

    gate.run("lis-tests").assert_not_green("lis-tests", "failed", "is a link")


def test_result_written_into_the_supervisors_pipe_is_not_believed(gate: Scenario) -> None:
    forge = """
import os, signal
p = os.getpid()
while "supervisor" not in open(f"/proc/{p}/cmdline").read():
    p = int(open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1])
said = b'{"exit":0,"stopped":null,"seconds":0.2,"leftovers":[],"network":"open"}\\n'
for n in os.listdir(f"/proc/{p}/fd"):
    if int(n) > 2 and os.readlink(f"/proc/{p}/fd/{n}").startswith("pipe:"):
        try:
            os.write(os.open(f"/proc/{p}/fd/{n}", os.O_WRONLY | os.O_NONBLOCK), said)
        except OSError:
            pass
os.kill(p, signal.SIGKILL)
"""
    gate.write("benchmarks/forge.py", forge)
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh; python3 forge.py; sleep 30; exit 1")

    done = gate.run("bench-validate", timeout=60)
    result = done.leg("bench-validate")
    assert (result.status, done.code) == ("error", 3), done.told
    assert "its end is not known" in result.reasons[0]


def test_folders_nested_deeper_than_python_recurses_harm_nothing(own: Scenario) -> None:
    deep = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\n"
    own.write("benchmarks/deep.py", deep)
    own.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh && cd $TMPDIR && python3 $OLDPWD/deep.py")

    try:
        own.run("bench-validate").assert_green()
        pruned = own.cli("cache", "--prune", "--json")
        assert pruned.returncode == 0, pruned.stderr
        assert not any((own.cache / "trash").iterdir())
    finally:  # pytest's own clean-up recurses
        subprocess.run(["rm", "-rf", "--", own.cache], check=True)
