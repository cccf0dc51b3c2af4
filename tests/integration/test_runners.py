"""What pytest and node record of themselves, by the runners' files alone: in every version the same."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from phdb_ci.execution import runners
from phdb_ci.models.matrix import Report
from phdb_ci.models.report_kinds import report_env
from phdb_ci.models.runs import Run, Runner
from phdb_ci.reports.runs import read_runs
from tests.integration.gate.bench import once

PYTESTS = [
    pytest.param("", id="pytest"),
    *(pytest.param(version, id=f"pytest-{version}", marks=pytest.mark.long) for version in ("7.*", "8.*", "9.*")),
]
NODES = [
    pytest.param("", id="node"),
    *(pytest.param(version, id=f"node-{version}", marks=pytest.mark.long) for version in ("20", "22", "24")),
]


@dataclass
class Place:
    """A job's folder with the runners' files in it; `program` is the runner that is asked."""

    root: Path
    kind: Runner
    program: list[str]

    def __post_init__(self) -> None:
        self.work.mkdir()
        runners.put(self.root / "runners", self.root / "records")

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def report(self) -> Path:
        return self.root / "report.xml"

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.work / name.replace("__", ".")).write_text(text)

    def env(self, **more: str) -> dict[str, str]:
        folder = self.root / "runners"
        places = {"file": str(self.report), "folder": str(self.root), "reporter": (folder / "reporter.mjs").as_uri()}
        asked = report_env(self.kind, places)
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root)} | more
        return runners.joined(env, runners.joined(runners.variables(folder, self.root / "records"), asked))

    def run(self, *arguments: str, code: int | None = 0, env: Mapping[str, str] = MappingProxyType({})) -> None:
        done = subprocess.run(
            [*self.program, *arguments],
            cwd=self.work,
            env=self.env() | dict(env),
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr

    def runs(self, **skips: str) -> tuple[Run, ...]:
        reports = (Report(kind=self.kind, min_tests=1, skips=skips),)
        found, problem = read_runs(self.root / "records", reports, {self.kind: str(self.report)})
        assert problem is None
        return found

    @property
    def one(self) -> Run:
        (run,) = self.runs()
        return run


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """pytest of a version, the newest where none is named."""
    version = request.param

    def make(folder: Path) -> None:
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder / "v"], check=True)
        pin = [f"pytest=={version}"] if version else ["pytest"]
        subprocess.run(["uv", "pip", "install", "-q", "--python", folder / "v/bin/python", *pin], check=True)

    folder = once(tmp_path_factory.getbasetemp().parent, f"pytest-{version or 'newest'}".replace("*", "x"), make)
    return Place(tmp_path, "pytest", [str(folder / "v/bin/python"), "-B", "-m", "pytest"])


@pytest.fixture
def node(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """node of a version, from the package of that name; the machine's own where none is named."""
    version = request.param

    def make(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", f"node@{version}"], cwd=folder, check=True)

    if not version:
        if shutil.which("node") is None:
            pytest.skip("no node on PATH")
        return Place(tmp_path, "node", ["node"])
    folder = once(tmp_path_factory.getbasetemp().parent, f"node-{version}", make)
    return Place(tmp_path, "node", [str(folder / "node_modules/.bin/node")])


TWO = "def test_one(): pass\ndef test_two(): assert 0\n"


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        ("-qq",),
        ("-p", "no:terminal"),
        ("--no-summary", "--no-header", "-c", "/dev/null", "--rootdir", "."),
        ("-p", "no:junitxml", "-p", "no:cacheprovider", "-o", "addopts="),
    ],
    ids=["qq", "no-terminal", "no-configuration", "no-report"],
)
def test_deselected_test_is_on_record_whatever_the_options(place: Place, options: tuple[str, ...]) -> None:
    place.write(test_x__py=TWO)
    env = {"PYTEST_ADDOPTS": ""} if "no:junitxml" in options else {}
    place.run(*options, "-k", "one", "test_x.py", env=env | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    run = place.one
    assert (run.passed, run.failed, run.left_out, run.exit_code) == (1, 0, ("test_x > test_two",), 0)


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_failure_is_on_record_whatever_becomes_of_the_exit_code(place: Place) -> None:
    place.write(test_x__py=TWO, conftest__py="def pytest_sessionfinish(session):\n    session.exitstatus = 0\n")
    place.run("-qq", "test_x.py", code=None)
    assert (place.one.passed, place.one.failed) == (1, 1)
    assert place.one.failing[0].startswith("test_x > test_two: assert 0")


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_two_runs_are_two_and_what_one_ran_the_other_did_not_leave_out(place: Place) -> None:
    place.write(test_x__py="def test_one(): pass\ndef test_two(): pass\n")
    place.run("-q", "-k", "one", env={"PYTEST_ADDOPTS": ""})
    place.run("-q")
    first, second = place.runs()
    assert (first.report, second.report) == (None, "asked")
    assert first.left_out == second.left_out == ()


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_test_that_the_row_may_skip_is_not_left_out(place: Place) -> None:
    place.write(test_x__py=TWO)
    place.run("-q", "-k", "one")
    (run,) = place.runs(test_two="known")
    assert run.left_out_count == 0


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_run_that_a_test_starts_leaves_no_record(place: Place) -> None:
    inner = "import subprocess, sys, pytest\n\n\ndef test_it(tmp_path):\n"
    inner += "    (tmp_path / 'test_y.py').write_text('def test_no(): assert 0')\n"
    inner += "    argv = [sys.executable, '-m', 'pytest', str(tmp_path), '--junitxml=y.xml']\n"
    inner += "    assert subprocess.run(argv, capture_output=True).returncode == 1\n"
    inner += "    assert pytest.main(['-q', '--junitxml=z.xml', str(tmp_path)]) == 1\n"
    place.write(test_x__py=inner)
    place.run("-q", "test_x.py")
    assert (place.one.passed, place.one.failed) == (1, 0)


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_environment_that_a_job_makes_records_too(place: Place) -> None:
    place.write(test_x__py=TWO)
    runners.put_into_venv(place.root / "runners", Path(place.program[0]).parents[1])
    try:
        python = Path(place.program[0])
        env = place.env() | {"PYTHONPATH": str(place.work), "PYTEST_ADDOPTS": ""}
        subprocess.run([python, "-m", "venv", "--without-pip", place.root / "own"], env=env, check=True)
        own = place.root / "own/bin/python"
        site = next(python.parents[1].glob("lib/python3*/site-packages"))
        target = next((place.root / "own").glob("lib/python3*/site-packages"))
        shutil.copytree(site, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pth"))
        subprocess.run([own, "-m", "pytest", "-qq", "test_x.py"], cwd=place.work, env=env, check=False)
    finally:
        next(Path(place.program[0]).parents[1].glob("lib/python3*/site-packages/phdb-ci.pth")).unlink()
    assert place.one.failed == 1


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_run_whose_process_a_test_ends_has_no_end(place: Place) -> None:
    place.write(test_x__py="import os\n\n\ndef test_it():\n    os._exit(0)\n")
    place.run("-q", "test_x.py")
    assert not place.one.ended


THREAD = """import threading


def check():
    assert 0


def test_it():
    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def test_it():\n    return 1\n", "PytestReturnNotNoneWarning"),
        ("def test_it():\n    assert (1 == 2, 'no')\n", "PytestAssertRewriteWarning assertion is always true"),
        ("async def check(): pass\n\n\ndef test_it():\n    check()\n", "was never awaited"),
        (THREAD, "AssertionInThread"),
    ],
    ids=["returns", "tuple", "coroutine", "thread"],
)
def test_test_that_cannot_fail_is_on_record(place: Place, text: str, told: str) -> None:
    place.write(test_x__py=text)
    place.run("-qq", "--disable-warnings", "test_x.py")
    assert any(told in line for line in place.one.cannot_fail), place.one


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_pass_that_was_made_of_a_failure_is_on_record(place: Place) -> None:
    hook = "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True, tryfirst=True)\ndef pytest_runtest_makereport():\n"
    hook += "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n"
    place.write(test_x__py=TWO, conftest__py=hook)
    place.run("-q", "test_x.py")
    assert place.one.failing == ("test_x > test_two: AssertionError: assert 0",)


@pytest.mark.parametrize("place", PYTESTS, indirect=True)
def test_report_of_its_own_is_named(place: Place) -> None:
    place.write(test_x__py="def test_one(): pass\n")
    place.run("--junitxml=mine.xml", "test_x.py")
    assert place.one.report == "mine.xml"


UNIT = "import { describe, it, test } from 'node:test';\n"


@pytest.mark.parametrize("node", NODES, indirect=True)
def test_node_leaves_out_on_record_what_a_pattern_drops(node: Place) -> None:
    node.write(a__test__mjs=f"{UNIT}test('alpha', () => {{}});\ntest('beta', () => {{ throw new Error('no'); }});\n")
    node.run("--test", "--test-name-pattern=alpha", "a.test.mjs")
    assert (node.one.passed, node.one.failed, node.one.left_out) == (1, 0, ("beta",))


@pytest.mark.parametrize("node", NODES, indirect=True)
@pytest.mark.parametrize("arguments", [("--test", "a.test.mjs"), ("a.test.mjs",)], ids=["runner", "direct"])
def test_node_hook_that_fails_is_on_record(node: Place, arguments: tuple[str, ...]) -> None:
    hook = "import { after } from 'node:test';\ndescribe('s', () => { after(() => { throw new Error('no'); });"
    node.write(a__test__mjs=f"{UNIT}{hook} it('a', () => {{}}); }});\n")
    node.run(*arguments, code=None)
    assert (node.one.passed, node.one.failed) == (1, 1)
    assert node.one.failing == ("s: no",)


@pytest.mark.parametrize("node", NODES, indirect=True)
def test_node_file_that_ends_the_process_is_on_record(node: Place) -> None:
    node.write(
        a__test__mjs=f"{UNIT}test('a', () => {{}});\ntest('b', () => process.exit(0));\ntest('c', () => {{}});\n"
    )
    node.run("--test", "a.test.mjs", code=None)
    assert "not over when its process ended: b" in str(node.one.cut_off)


@pytest.mark.parametrize("node", NODES, indirect=True)
def test_node_file_without_a_test_is_named(node: Place) -> None:
    node.write(a__test__mjs=f"{UNIT}test('a', () => {{}});\n", b__test__mjs="export const b = 1;\n")
    node.run("--test", "a.test.mjs", "b.test.mjs")
    assert (node.one.passed, node.one.empty_files) == (1, ("b.test.mjs",))


@pytest.mark.parametrize("node", NODES, indirect=True)
def test_node_run_that_a_test_starts_leaves_no_record(node: Place) -> None:
    inner = "import { spawnSync } from 'node:child_process';\ntest('a', () => { const { NODE_TEST_CONTEXT, ...env } ="
    inner += " process.env; spawnSync(process.execPath, ['--test', 'b.mjs'], { env }); });\n"
    node.write(a__test__mjs=f"{UNIT}{inner}", b__mjs=f"{UNIT}test('b', () => {{ throw new Error('no'); }});\n")
    node.run("--test", "a.test.mjs", code=None)
    assert (node.one.passed, node.one.failed) == (1, 0)


@pytest.mark.parametrize("node", NODES, indirect=True)
def test_node_options_of_npmrc_stand_beside_ours(node: Place) -> None:
    script = '{"private": true, "scripts": {"check": "node --test a.test.mjs"}}'
    told = "test('a', (t) => { if (!process.env.NODE_OPTIONS.includes('--max-old-space-size=300')) throw t; });\n"
    node.write(a__test__mjs=f"{UNIT}{told}", package__json=script, __npmrc="node-options=--max-old-space-size=300\n")
    path = f"{Path(shutil.which(node.program[0]) or '').parent}:{os.environ['PATH']}"
    subprocess.run(["npm", "run", "check"], cwd=node.work, env=node.env() | {"PATH": path}, check=True)
    assert (node.one.passed, node.one.report) == (1, "asked")
