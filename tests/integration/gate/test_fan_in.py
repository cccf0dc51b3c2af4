"""One gate over several machines: one build handed on as a bundle, each leg on its own, a verdict over their folders.

Made once: the plan's outputs, a build in a cache without a store, and every leg in another such cache. Each test takes
a copy of the results.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.models.hosting import job_id
from phdb_ci.models.results import LegResult
from phdb_ci.models.verdict import Verdict
from tests.builders import HEAD
from tests.integration.gate.bench import OS, Ran, Scenario, once

pytestmark = pytest.mark.slow

JOBS = ("lis-tests", "smoke", "bench-validate")
RUN = {"GITHUB_RUN_ID": "4242", "GITHUB_RUN_ATTEMPT": "1", "PHDB_CI_HEAD": HEAD, "PHDB_CI_OS": OS}


def outputs_of(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def machine(root: Path, pristine: Path, warm: Path) -> Scenario:
    """A machine of its own: what it once downloaded, no artifact, and a gate of three jobs."""
    root.mkdir()
    (root / "cache").mkdir()
    (root / "cache" / "downloads").symlink_to(warm / "downloads")
    shutil.copytree(warm.parent / "sealed" / "mirrors", root / "cache" / "mirrors", symlinks=True)
    found = Scenario(root, pristine, root / "cache", dict(RUN))
    text = found.matrix.read_text()
    start = text.index("[gates.pr-gate]")
    line = next(line for line in text[start:].splitlines() if line.startswith("jobs = "))
    text = text[:start] + text[start:].replace(line, f"jobs = {json.dumps(list(JOBS))}", 1)
    found.matrix.write_text(text.replace('lead = "e2e-engine"', 'lead = "lis-tests"', 1))
    found.edit('os = ["ubuntu-24.04", "macos-15"]', f'os = ["{OS}"]', job="lis-tests")
    return found


def run_leg(scenario: Scenario, job: str, bundle: str) -> Ran:
    """A leg on its own, as its job on GitHub runs it."""
    return scenario.run(job, *(["--artifact", f"embed={bundle}"] if job != "bench-validate" else []))


@dataclass(frozen=True)
class World:
    """A run that was green: the bundle with its digest, the legs' folders, what GitHub says of the jobs."""

    bundle: Path
    digest: str
    results: Path
    needs: Path


@pytest.fixture(scope="module")
def world(shared: Path, pristine: Path, warm: Path) -> World:
    def make(folder: Path) -> None:
        first = machine(folder / "first", pristine, warm)
        planned = first.cli("plan", "pr-gate", "--stack", "stack", "--outputs", "plan.out")
        assert planned.returncode == 0, planned.stderr
        built = first.cli("run", "embed", "--stack", "stack", "--out", "build", "--outputs", "embed.out")
        assert built.returncode == 0, built.stderr
        told = outputs_of(first.root / "embed.out")
        assert (told["outcome"], told["status"]) == ("pass", "built")
        second = machine(folder / "second", pristine, warm)
        bundle = f"{first.root / 'build' / 'embed' / 'embed.tar'}#sha256={told['digest']}"
        needs: dict[str, Any] = {
            "plan": {"result": "success", "outputs": outputs_of(first.root / "plan.out")},
            job_id("embed", OS): {"result": "success", "outputs": told},
        }
        for job in JOBS:
            ran = run_leg(second, job, bundle)
            ran.assert_green()
            shutil.copytree(ran.folder / f"{job}@{OS}", folder / "results" / f"{job}@{OS}")
            needs[job_id(job, OS)] = {"result": "success", "outputs": {}}
        assert not any((second.cache / "store").glob("embed/*"))
        (folder / "needs.json").write_text(json.dumps(needs))

    place = once(shared, "fan-in", make)
    bundle = place / "first" / "build" / "embed" / "embed.tar"
    told = outputs_of(place / "first" / "embed.out")
    return World(bundle, told["digest"], place / "results", place / "needs.json")


@pytest.fixture
def third(tmp_path: Path, pristine: Path, warm: Path, world: World) -> Scenario:
    """The machine that gives the verdict, with copies of what the others left."""
    found = machine(tmp_path / "third", pristine, warm)
    shutil.copytree(world.results, found.root / "results")
    shutil.copyfile(world.needs, found.root / "needs.json")
    return found


def verdict(scenario: Scenario, code: int) -> Verdict:
    done = scenario.cli("verdict", "results", "--gate", "pr-gate", "--needs", "needs.json", "--out", "out")
    found = Verdict.model_validate_json((scenario.root / "out" / "verdict.json").read_bytes())
    assert done.returncode == code, done.stdout + done.stderr
    assert f"verdict {found.outcome}: pr-gate" in done.stdout
    return found


def missing(found: Verdict) -> list[tuple[str, str]]:
    return [(one.job, one.reason) for one in found.missing]


def test_legs_of_several_machines_are_one_green_verdict(third: Scenario, world: World) -> None:
    found = verdict(third, 0)

    assert (found.outcome, found.headline) == ("pass", "all 3 jobs passed")
    assert [leg.result.leg for leg in found.legs] == [f"{job}@{OS}" for job in JOBS]
    (embed,) = found.artifacts
    assert (embed.status, embed.digest, embed.used_by) == ("built", world.digest, ("lis-tests", "smoke"))
    assert embed.calls > 4
    uses = [use for leg in found.legs for use in leg.result.facts.artifacts]
    assert {use.digest for use in uses} == {use.after for use in uses} == {world.digest}
    assert (found.run_id, found.head, found.stack) == ("4242", HEAD, "stand-in")
    assert {source.commit for leg in found.legs for source in leg.result.sources} <= {
        source.commit for source in found.sources
    }
    assert sorted(path.name for path in (third.root / "out").iterdir()) == [
        "comment.md", "junit.xml", "summary.md", "verdict.json",
    ]  # fmt: skip


def test_removed_leg_is_missing(third: Scenario) -> None:
    shutil.rmtree(third.root / "results" / f"smoke@{OS}")

    assert missing(verdict(third, 3)) == [("smoke", "left no result")]


def test_leg_of_another_run_counts_as_missing(third: Scenario) -> None:
    third.env["GITHUB_RUN_ID"] = "4241"
    ran = third.run("bench-validate")
    ran.assert_green()
    third.env["GITHUB_RUN_ID"] = "4242"
    place = third.root / "results" / f"bench-validate@{OS}"
    shutil.rmtree(place)
    shutil.copytree(ran.folder / place.name, place)

    assert missing(verdict(third, 3)) == [("bench-validate", "stale: its result is of run 4241")]


def test_leg_on_another_commit_counts_as_missing(third: Scenario) -> None:
    third.write("benchmarks/new.txt", "new\n")
    ran = third.run("bench-validate")
    ran.assert_green()
    place = third.root / "results" / f"bench-validate@{OS}"
    shutil.rmtree(place)
    shutil.copytree(ran.folder / place.name, place)

    ((job, reason),) = missing(verdict(third, 3))
    assert job == "bench-validate"
    assert reason.startswith("stale: it tested benchmarks at ")


def test_failing_suite_is_a_failure_whatever_its_result_calls_itself(third: Scenario, world: World) -> None:
    matrix = third.matrix.read_text()
    third.set_run("lis-tests", "python3 -m pytest li-tests/test_db_supervisor.py", "exit 3")
    ran = run_leg(third, "lis-tests", f"{world.bundle}#sha256={world.digest}")
    ran.assert_not_green("lis-tests", "failed", "exit 3: exit 3")
    third.matrix.write_text(matrix)
    place = third.root / "results" / f"lis-tests@{OS}"
    shutil.rmtree(place)
    shutil.copytree(ran.folder / place.name, place)
    result = LegResult.model_validate_json((place / "result.json").read_bytes())
    (place / "result.json").write_text(result.model_copy(update={"status": "passed"}).model_dump_json())

    found = verdict(third, 1)
    assert found.headline == "of 3 jobs, 1 failed (lis-tests)"
    assert "it called itself passed" in found.legs[0].result.notes


def test_build_that_failed_blocks_every_leg_that_needs_it(third: Scenario) -> None:
    needs = json.loads((third.root / "needs.json").read_text())
    needs[job_id("embed", OS)] = {"result": "failure", "outputs": {}}
    for job in ("lis-tests", "smoke"):
        needs[job_id(job, OS)]["result"] = "skipped"
        shutil.rmtree(third.root / "results" / f"{job}@{OS}")
    (third.root / "needs.json").write_text(json.dumps(needs))

    found = verdict(third, 1)
    assert found.headline == "of 3 jobs, 2 blocked (lis-tests, smoke); embed does not build"


# Bundles


def assert_refused(done: "subprocess.CompletedProcess[str]", out: Path, *texts: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: --artifact embed=") or "that was handed in" in done.stderr
    for text in texts:
        assert text in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("digest", ["0" * 64, "", "{digest} "])
def test_bundle_of_another_digest_is_refused(third: Scenario, world: World, digest: str) -> None:
    given = f"embed={world.bundle}#sha256={digest.format(digest=world.digest)}"
    done = third.cli("run", "lis-tests", "--stack", "stack", "--artifact", given, "--out", "new")

    assert_refused(done, third.root / "new", f"it is sha256:{world.digest[:16]}, not what was asked for")


def test_bundle_that_was_damaged_on_its_way_is_refused(third: Scenario, world: World) -> None:
    shutil.copyfile(world.bundle, third.root / "embed.tar")
    os.truncate(third.root / "embed.tar", world.bundle.stat().st_size // 2)
    done = third.cli("run", "lis-tests", "--stack", "stack", "--artifact", "embed=embed.tar", "--out", "new")

    assert_refused(done, third.root / "new", "is no artifact bundle: unexpected end of data")


def test_bundle_of_another_commit_is_refused(third: Scenario, world: World) -> None:
    third.write("lidb/src/new.hpp", "\n")
    done = third.cli("run", "lis-tests", "--stack", "stack", "--artifact", f"embed={world.bundle}", "--out", "new")

    assert_refused(done, third.root / "new", "input src changed")


def test_artifact_that_does_not_build_is_a_failure_and_leaves_no_bundle(third: Scenario) -> None:
    third.write("lidb/src/main.cpp", "no such thing\n")
    done = third.cli("run", "embed", "--stack", "stack", "--out", "new", "--outputs", "new.out")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "verdict fail: embed: embed does not build" in done.stdout
    assert not list((third.root / "new").rglob("*.tar"))
    told = outputs_of(third.root / "new.out")
    assert (told["outcome"], told["status"], told["digest"]) == ("fail", "failed", "")
