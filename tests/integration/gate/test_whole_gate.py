"""pr-gate on the stand-in stack, whole: green, its run directory complete, its engine compiled once."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from phdb_ci import matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import LegResult
from phdb_ci.models.verdict import Verdict
from tests.integration.gate.bench import OS, ROOT, SLOW_PATH, Ran, Scenario, counting_compiler, once, sources_of_lidb

pytestmark = pytest.mark.slow
PR_GATE = matrix.load(ROOT / "matrix.toml").gates["pr-gate"].jobs


@dataclass(frozen=True)
class Twice:
    """Two runs of the gate on a cache that was empty, and what the compiler was asked for during each."""

    folder: Path

    def ran(self, number: int) -> Ran:
        out = (self.folder / f"out-{number}").resolve()
        told = (self.folder / f"told-{number}").read_text()
        return Ran(int((self.folder / f"code-{number}").read_text()), told, "", out)

    def compiled(self, number: int) -> list[str]:
        text = (self.folder / f"compiled-{number}").read_text()
        return sorted(Path(line).name for line in text.splitlines())


@pytest.fixture(scope="session")
def twice(shared: Path, pristine: Path) -> Twice:
    def make(folder: Path) -> None:
        (folder / "scenario").mkdir()
        path, notes = counting_compiler(folder)
        gate = Scenario(folder / "scenario", pristine, folder / "cache", env={"PATH": path})
        for number in (1, 2):
            notes.write_text("")
            done = gate.cli("run", "pr-gate", "--stack", "stack", timeout=600)
            (folder / f"code-{number}").write_text(str(done.returncode))
            (folder / f"told-{number}").write_text(done.stdout + done.stderr)
            (folder / f"out-{number}").symlink_to((gate.root / ".phdb-ci" / "runs" / "latest").resolve())
            shutil.copyfile(notes, folder / f"compiled-{number}")

    return Twice(once(shared, "twice", make))


def test_every_job_of_the_gate_passes(twice: Twice) -> None:
    ran = twice.ran(1)

    ran.assert_green()
    assert tuple(leg.result.job for leg in ran.verdict.legs) == PR_GATE
    assert not ran.verdict.missing
    assert ran.verdict.stack == "stand-in"
    assert {source.origin for source in ran.verdict.sources} == {"tree", "folder"}


def test_run_directory_holds_everything(twice: Twice) -> None:
    folder = twice.ran(1).folder

    files = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"verdict.json", "comment.md", "summary.md", "junit.xml", "plan.json"} <= files
    folders = {path.name for path in folder.iterdir() if path.is_dir()}
    assert folders == {*(f"{job}@{OS}" for job in PR_GATE), "embed"}
    for job in PR_GATE:
        leg = folder / f"{job}@{OS}"
        assert (leg / "log.txt").stat().st_size
        assert LegResult.model_validate_json((leg / "result.json").read_bytes()).status == "passed"
    reports = {path.parent.parent.name.partition("@")[0] for path in folder.glob("*/reports/*.xml")}
    assert reports == {
        "e2e-engine", "e2e-mock", "agents-unit", "lis-tests", "lidb-tests", "protocol", "data", "guards",
    }  # fmt: skip
    Plan.model_validate_json((folder / "plan.json").read_bytes())


def test_latest_points_to_the_newest_run(twice: Twice) -> None:
    first, second = twice.ran(1).folder, twice.ran(2).folder

    assert first != second
    assert (first.parent / "latest").resolve() == second
    assert (first.parent / "latest").readlink() == Path(second.name)


def test_verdict_reads_back_as_the_same_record(twice: Twice) -> None:
    text = (twice.ran(1).folder / "verdict.json").read_text()

    verdict = Verdict.model_validate_json(text)
    assert verdict.model_dump_json(indent=1) + "\n" == text
    assert Verdict.model_validate(verdict.model_dump(mode="json")) == verdict


def test_junit_file_holds_every_case_that_was_counted(twice: Twice) -> None:
    ran = twice.ran(1)

    root: Any = ET.parse(ran.folder / "junit.xml").getroot()  # noqa: S314 - ours
    cases = root.findall(".//testcase")
    counts = [suite.counts for leg in ran.verdict.legs for suite in leg.result.facts.suites if suite.kind != "exit"]
    # A job without cases stands for itself.
    alone = sum(suite.kind == "exit" for leg in ran.verdict.legs for suite in leg.result.facts.suites)
    assert len(cases) == sum(count.executed + count.skipped + count.todo for count in counts) + alone


def test_comment_and_summary_name_the_verdict_and_every_job(twice: Twice) -> None:
    folder = twice.ran(1).folder

    for name in ("comment.md", "summary.md"):
        text = (folder / name).read_text()
        assert f"all {len(PR_GATE)} jobs passed" in text
        assert all(job in text for job in PR_GATE)


def test_engine_is_compiled_once_for_all_jobs_those_that_build_included(twice: Twice) -> None:
    ran = twice.ran(1)

    assert twice.compiled(1) == sources_of_lidb()
    assert (ran.embed.status, ran.embed.why) == ("built", ("nothing is stored yet",))
    assert "smoke" in ran.embed.used_by
    assert not any(use.rebuilt for leg in ran.verdict.legs for use in leg.result.facts.artifacts)
    digests = {use.digest for leg in ran.verdict.legs for use in leg.result.facts.artifacts}
    assert digests == {ran.embed.digest}


def test_next_run_compiles_nothing(twice: Twice) -> None:
    ran = twice.ran(2)

    ran.assert_green()
    assert twice.compiled(2) == []
    assert ran.embed.status == "reused"
    assert ran.embed.digest == twice.ran(1).embed.digest


def test_jobs_met_the_engine_as_often_in_both_runs(twice: Twice) -> None:
    calls = [
        {leg.result.job: use.calls for leg in twice.ran(number).verdict.legs for use in leg.result.facts.artifacts}
        for number in (1, 2)
    ]

    engine = {
        "e2e-engine", "db-smoke", "db-smoke-agents", "lis-tests", "smoke", "registry-smoke", "lidb-tests", "protocol",
        "data", "guards",
    }  # fmt: skip
    assert set(calls[0]) == set(calls[1]) == engine
    assert all(calls[0].values())
    for one in calls:
        one.pop("data")  # whoever waits for a lock there asks again
    assert calls[0] == calls[1]


@pytest.mark.long
def test_audit_of_the_nightly_gate_is_green(twice: Twice, tmp_path: Path, pristine: Path) -> None:
    nightly = Scenario(
        tmp_path, pristine, twice.folder / "cache", env={"PATH": f"{twice.folder / 'bin'}:{os.environ['PATH']}"}
    )

    nightly.run("lidb-audit").assert_green()


def test_two_runs_at_once_on_an_empty_cache_compile_once_and_are_green(cold: Scenario) -> None:
    path, notes = counting_compiler(cold.root, SLOW_PATH)
    cold.env["PATH"] = path
    cold.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    cold.patch("lidb/scripts/smoke.sh", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    started = [cold.start("e2e-engine", "smoke", "lis-tests") for _ in range(2)]
    runs = [one.finish(200) for one in started]

    for ran in runs:
        ran.assert_green()
    assert sorted(Path(line).name for line in notes.read_text().splitlines()) == sources_of_lidb()
    assert sorted(ran.embed.status for ran in runs) == ["built", "reused"]
    waited = next(ran for ran in runs if ran.embed.status == "reused")
    assert "another run has built it meanwhile" in waited.embed.why
    assert "waiting for another job or run" in waited.out
