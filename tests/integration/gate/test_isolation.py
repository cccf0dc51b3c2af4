"""What a job sees: not the caller's environment, not the network, not what another job has left."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from phdb_ci.artifacts.store import load
from phdb_ci.commands.doctor import isolates
from tests.integration.gate.bench import Scenario, counting_compiler, sources_of_lidb

GARBAGE = {
    "LI_LIDB_MOCK": "1", "LI_DATA_DIR": "/x", "LIDB_EMBED": "/x", "LIDB_REPO": "/x", "LI_LIDB_REPO": "/x",
    "LIDB_CI_REF": "no-such-branch", "LI_CONTROL_PLANE_STORE": "disk", "LI_E2E_LIDB_ENGINE": "0",
    "LIDB_BUILD_DIR": "/x", "CFLAGS": "-garbage", "CXXFLAGS": "-garbage", "LDFLAGS": "-garbage",
    "CXX": "/x/c++", "CMAKE_GENERATOR": "Garbage", "CMAKE_BUILD_TYPE": "Garbage", "NODE_OPTIONS": "--x",
    "NODE_PATH": "/x", "npm_config_prefix": "/x", "PYTEST_ADDOPTS": "-x --garbage", "PYTHONHASHSEED": "1",
    "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1", "GIT_DIR": "/x", "GIT_WORK_TREE": "/x",
    "GIT_INDEX_FILE": "/x", "GIT_OBJECT_DIRECTORY": "/x", "GIT_NAMESPACE": "x",
    "GIT_CONFIG_PARAMETERS": "'core.bare=true'", "GIT_TEMPLATE_DIR": "/x", "HOME": "/x", "TMPDIR": "/x",
    "BASH_ENV": "/x", "ENV": "/x", "MAKEFLAGS": "-n", "VIRTUAL_ENV": "/x", "LC_ALL": "tr_TR.UTF-8",
    "LANG": "de_DE", "BENCH_DB_REGISTRY_RUN_HARNESS": "1",
    "POSTGRES_URL": "postgres://nobody@127.0.0.1:9/x", "UV_LINK_MODE": "garbage", "UV_OFFLINE": "1",
    "PIP_TARGET": "/x", "CPATH": "/x", "LIBRARY_PATH": "/x", "NPM_CONFIG_IGNORE_SCRIPTS": "true",
    "MY_TOKEN": "node_modules", "CI": "",
}  # fmt: skip


def test_callers_environment_changes_nothing(gate: Scenario) -> None:
    jobs = ("e2e-engine", "lis-tests", "smoke")
    usual, alien = gate.run(*jobs), gate.run(*jobs, env=GARBAGE)

    alien.assert_green()
    for job in jobs:
        one, other = usual.leg(job), alien.leg(job)
        assert other.sources == one.sources
        allowed = {"LANG", "LC_ALL"}
        assert set(one.facts.env_names) - allowed == set(other.facts.env_names) - allowed
        assert [suite.counts for suite in other.facts.suites] == [suite.counts for suite in one.facts.suites]
    assert alien.embed.key == usual.embed.key


@pytest.mark.slow
def test_callers_environment_does_not_reach_the_compiler(cold: Scenario, warm: Path) -> None:
    path, notes = counting_compiler(cold.root)
    ran = cold.run("lis-tests", env=GARBAGE | {"PATH": path})

    ran.assert_green()
    assert len(notes.read_text().splitlines()) == len(sources_of_lidb())
    usual = load(warm / "store" / "embed" / ran.embed.key)
    assert ran.embed.digest == usual.digest  # byte for byte the one that was built without it


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine on which somebody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def reach(port: int) -> str:
    return f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 5)'"


def test_job_with_a_network_reaches_out(gate: Scenario, listener: int) -> None:
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", reach(listener))
    ran = gate.run("bench-validate")

    ran.assert_green()
    assert {command.network for command in ran.leg("bench-validate").facts.commands} == {"open"}


def test_job_without_a_network_that_reaches_out_is_failed_or_said_to_be_unenforced(
    gate: Scenario, listener: int
) -> None:
    gate.edit("\nrun = ", f"\nnetwork = false\nsetup = ['''{reach(listener)}''']\nrun = ", job="bench-validate")
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", reach(listener))
    ran = gate.run("bench-validate")
    result = ran.leg("bench-validate")

    networks = {command.phase: command.network for command in result.facts.commands}
    if isolates():
        ran.assert_not_green("bench-validate", "failed", "exit 1: python3 -c")
        assert "ConnectionRefused" in ran.log("bench-validate")
        assert networks == {"env": "open", "setup": "open", "run": "isolated"}
        assert "ran without a network (enforced)" in result.notes
    else:
        ran.assert_green()
        assert networks["run"] == "unenforced"
        assert "network = false could not be enforced on this machine" in result.notes


def test_job_without_a_network_still_has_loopback(gate: Scenario) -> None:
    program = 'import socket as s; a = s.create_server(("127.0.0.1", 0)); s.create_connection(a.getsockname(), 5)'
    own = f"python3 -c '{program}'"
    gate.edit("\nrun = ", "\nnetwork = false\nrun = ", job="bench-validate")
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", own)

    gate.run("bench-validate").assert_green()


def test_package_that_a_job_writes_into_is_whole_in_the_next_job(gate: Scenario) -> None:
    spoil = "echo 'raise SystemExit(0)' >> \"$(python3 -c 'import pytest; print(pytest.__file__)')\""
    sound = gate.matrix.read_text()
    gate.set_run("lis-tests", "python3 -m pytest li-tests/test_db_supervisor.py", spoil)
    gate.run("lis-tests")
    gate.matrix.write_text(sound)

    gate.run("lis-tests").assert_green()


def test_stored_engine_that_a_job_writes_into_is_whole_in_the_next_job(gate: Scenario) -> None:
    spoil = 'for file in "$(dirname "$LIDB_EMBED")"/real/*; do echo x >> "$file"; done'
    sound = gate.matrix.read_text()
    gate.set_run("lis-tests", "python3 -m pytest li-tests/test_db_supervisor.py", spoil)
    gate.run("lis-tests").assert_not_green("lis-tests", "unproven", "embed was replaced")
    gate.matrix.write_text(sound)
    ran = gate.run("lis-tests")

    ran.assert_green()
    assert ran.embed.status == "reused"


def test_secret_of_the_caller_stands_in_no_file_of_the_run(gate: Scenario) -> None:
    secret = "s3cr3t-value-of-the-caller"  # noqa: S105 - of this test
    gate.set_run("bench-validate", f"echo {secret}; bash scripts/run-db-registry-bench.sh; exit 3")
    gate.edit(secret, "s3cr3t-value-''of-the-caller", job="bench-validate")  # the shell puts it together
    ran = gate.run("bench-validate", env={"SOME_TOKEN": secret})

    ran.assert_not_green("bench-validate", "failed", "exit 3")
    assert "***" in ran.log("bench-validate")
    assert secret not in ran.told
    for path in ran.folder.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes(), path
