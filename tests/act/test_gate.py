"""The rendered gate from a caller to the verdict, on the stand-in stack: green, red, quarantined, rerun, missing."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.matrix import load
from phdb_ci.models.verdict import Verdict
from tests.act.log import Job
from tests.act.rerun import keep
from tests.act.runner import Act, Ran
from tests.act.world import ROOT, SMALL, World, verdict
from tests.integration.gate.bench import counting_compiler, sources_of_lidb

E2E = "src/e2e/lidb-control-plane.e2e.ts"
LEG = "e2e-engine__ubuntu-24_04"
PR_GATE = load(ROOT / "matrix.toml").gates["pr-gate"].jobs
WITHOUT_LEAD = ('branches = ["main", "dev"]\nlead = "e2e-engine"\n', 'branches = ["main", "dev"]\n')
Place = Callable[[World], Act]


@pytest.fixture
def place(tmp_path: Path, python: Path) -> Place:
    """Makes the place where a world's workflows run."""
    return lambda world: world.act(tmp_path / "act", {"PHDB_CI_ACT_PYTHON": str(python)})


def small(tmp_path: Path, stand_ins: dict[str, Path], *edits: tuple[str, str]) -> World:
    return World(tmp_path / "world", stand_ins, SMALL, edits)


def with_failing_test(world: World, condition: str = "true") -> str:
    """A pull request whose engine suite fails while the condition (JavaScript) holds."""
    file = world.root / "li-cursor-agents" / E2E
    assert "LI_E2E_LIDB_ENGINE" in file.read_text()
    broken = f"""
import failing from "node:test";
import {{ existsSync as isThere }} from "node:fs";
failing("a test that fails", () => {{ if ({condition}) throw new Error("as it should"); }});
"""
    return world.pull_request("li-cursor-agents", {E2E: file.read_text() + broken})


def leg(ran: Ran, job: str) -> Job:
    """The job of a leg on ubuntu."""
    return ran.job(f"{job}__ubuntu-24_04")


def statuses(given: Verdict) -> dict[str, str]:
    return {leg.result.job: leg.result.status for leg in given.legs}


@pytest.mark.parametrize("jobs", [pytest.param(PR_GATE, marks=pytest.mark.long), (*SMALL, "smoke", "guards")])
def test_green_pull_request_passes_on_one_engine_that_was_built_once(
    tmp_path: Path, stand_ins: dict[str, Path], python: Path, jobs: tuple[str, ...]
) -> None:
    world = World(tmp_path / "world", stand_ins, jobs)
    path, compiled = counting_compiler(tmp_path)
    act = world.act(tmp_path / "act", {"PHDB_CI_ACT_PYTHON": str(python), "PATH": path})
    head = world.pull_request("lis", {"NOTES": "nothing that matters, and no document\n"})
    ran = world.gate(act, "lis", head)
    given = verdict(ran)
    assert ran.code == 0, ran.log
    assert given.outcome == "pass"
    assert {state for job, state in ran.results.items() if job not in ("gate", "cancelled")} == {"success"}
    assert (given.head, given.run_id, given.attempt) == (head, "4242", 1)
    tested = {source.repo: source.commit for source in given.sources if source.origin != "folder"}
    assert tested == world.pins | {"lis": head}
    rows = load(ROOT / "matrix.toml")
    needed = {repo for job in jobs for repo in rows.jobs[job].repos}
    assert {source.repo for source in given.sources} == needed | set(world.pins)
    # Built once: each source compiled once in all jobs together; each consumer had that very engine.
    names = [line.rsplit("/", 1)[-1] for line in compiled.read_text().splitlines()]
    assert sorted(names) == sources_of_lidb()
    (embed,) = given.artifacts
    used = [use for leg in given.legs for use in leg.result.facts.artifacts]
    assert (embed.status, len(embed.used_by)) == ("built", len(used))
    assert {use.digest for use in used} == {embed.digest}
    for one in given.legs:
        if one.result.facts.artifacts:
            told = "\n".join(leg(ran, one.result.job).lines)
            assert re.search(
                rf"phdb_ci run {one.result.job} --sources \S+ --artifact .*#sha256={embed.digest}", told
            ), told
    assert "## ✅ phdb-ci" in ran.job("verdict").summary
    assert not ran.left


@pytest.mark.long
def test_another_digest_than_the_build_told_is_refused_by_every_consumer(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    rendered = world.root / "phdb-ci" / ".github" / "workflows" / "pr-gate.yml"
    text = rendered.read_text()
    assert "digest: ${{ steps.build.outputs.digest }}" in text
    rendered.write_text(text.replace("digest: ${{ steps.build.outputs.digest }}", f'digest: "{"0" * 64}"'))
    ran = world.gate(place(world), "lis", world.pull_request("lis", {"NOTES": "x\n"}))
    given = verdict(ran)
    assert (ran.code != 0, given.outcome) == (True, "incomplete")
    assert {item.job for item in given.missing} == {"e2e-engine", "db-smoke"}
    for name in ("e2e-engine", "db-smoke"):
        assert "not what was asked for" in "\n".join(leg(ran, name).lines)


@pytest.mark.long
def test_failing_suite_fails_the_verdict_and_names_the_test(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    ran = world.gate(place(world), "li-cursor-agents", with_failing_test(world))
    given = verdict(ran)
    assert (ran.code != 0, given.outcome) == (True, "fail")
    assert statuses(given) == {"e2e-engine": "failed", "db-smoke": "passed", "bench-validate": "passed"}
    assert (leg(ran, "e2e-engine").result, ran.job("verdict").result) == ("failure", "failure")
    failing = next(leg for leg in given.legs if leg.result.job == "e2e-engine")
    assert [case.name for suite in failing.result.facts.suites for case in suite.cases if case.status == "failed"] == [
        "a test that fails"
    ]


@pytest.mark.long
def test_quarantined_failure_is_shown_and_does_not_decide(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    quarantine = (
        'quarantine = [{ job = "e2e-engine", issue = "https://github.com/li-langverse/lidb/issues/42", '
        'owner = "@li-langverse/db", until = 2999-01-31, reason = "known" }]'
    )
    world = small(tmp_path, stand_ins, ("\nschema = 1\n", f"\nschema = 1\n{quarantine}\n"))
    text = (world.root / "phdb-ci" / ".github" / "workflows" / "pr-gate.yml").read_text()
    assert text.count("continue-on-error: true\n") == 1
    ran = world.gate(place(world), "li-cursor-agents", with_failing_test(world))
    given = verdict(ran)
    assert given.outcome == "pass"
    assert {leg.result.job: (leg.result.status, leg.decides) for leg in given.legs} == {
        "e2e-engine": ("failed", False), "db-smoke": ("passed", True), "bench-validate": ("passed", True),
    }  # fmt: skip
    assert ran.job("verdict").result == "success"


@pytest.mark.parametrize("backwards", [True, pytest.param(False, marks=pytest.mark.long)])
def test_rerun_of_the_failed_job_counts_its_newest_attempt_and_keeps_the_others(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place, backwards: bool
) -> None:
    world, mended = small(tmp_path, stand_ins), tmp_path / "mended"
    act = place(world)
    act.backwards = backwards  # ids of the second attempt's artifacts are smaller than the first one's
    head = with_failing_test(world, f"!isThere({str(mended)!r})")
    first = world.gate(act, "li-cursor-agents", head)
    assert verdict(first).outcome == "fail", first.log
    mended.touch()
    rendered = world.root / "phdb-ci" / ".github" / "workflows" / "pr-gate.yml"
    green = [job for job in first.jobs.values() if job.result == "success" and job.id != "gate"]
    rendered.write_text(keep(rendered.read_text(), green))
    second = world.gate(act, "li-cursor-agents", head, attempt=2)
    given = verdict(second, 2)
    assert (given.outcome, given.attempt) == ("pass", 2), second.log
    assert {leg.result.job: leg.result.attempt for leg in given.legs} == {
        "e2e-engine": 2, "db-smoke": 1, "bench-validate": 1,
    }  # fmt: skip


def test_gate_of_one_leg_is_green(tmp_path: Path, stand_ins: dict[str, Path], place: Place) -> None:
    world = World(tmp_path / "world", stand_ins, ("bench-validate",), (WITHOUT_LEAD,))
    ran = world.gate(place(world), "lis", world.pull_request("lis", {"NOTES": "x\n"}))
    given = verdict(ran)
    assert (ran.code, given.outcome) == (0, "pass"), ran.log
    assert statuses(given) == {"bench-validate": "passed"}


@pytest.mark.long
def test_result_that_was_never_handed_over_is_missing_and_not_green(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    rendered = world.root / "phdb-ci" / ".github" / "workflows" / "pr-gate.yml"
    text = rendered.read_text()
    begin = text.index("  db-smoke__ubuntu-24_04:")
    step = text.index("      - name: Keep the result", begin)
    rendered.write_text(text[:step] + text[text.index("\n\n", step) + 1 :])
    ran = world.gate(place(world), "lis", world.pull_request("lis", {"NOTES": "x\n"}))
    given = verdict(ran)
    assert (ran.code != 0, given.outcome) == (True, "incomplete")
    assert [(item.job, item.reason) for item in given.missing] == [("db-smoke", "left no result")]
    assert leg(ran, "db-smoke").result == "success"


@pytest.mark.long
def test_result_of_an_earlier_attempt_does_not_stand_for_a_job_that_was_broken_off(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    act = place(world)
    head = world.pull_request("lis", {"NOTES": "x\n"})
    assert verdict(world.gate(act, "lis", head)).outcome == "pass"
    rendered = world.root / "phdb-ci" / ".github" / "workflows" / "pr-gate.yml"
    text = rendered.read_text()
    begin = text.index("  db-smoke__ubuntu-24_04:")
    step = text.index("      - name: Check phdb-ci out", begin)
    rendered.write_text(text[:step] + "      - run: exit 1\n" + text[step:])
    ran = world.gate(act, "lis", head, attempt=2)
    given = verdict(ran, 2)
    assert (ran.code != 0, given.outcome) == (True, "incomplete"), ran.log
    assert [item.job for item in given.missing] == ["db-smoke"]


@pytest.mark.long
def test_engine_that_does_not_build_blocks_its_consumers(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    head = world.pull_request("lidb", {"src/main.cpp": "this is no C++\n"})
    ran = world.gate(place(world), "lidb", head)
    given = verdict(ran)
    assert (ran.code != 0, given.outcome) == (True, "fail")
    assert Counter(item.blocked for item in given.missing) == {True: 2}
    assert [artifact.status for artifact in given.artifacts] == ["failed"]


def test_pull_request_that_changes_what_no_job_reads_is_not_run_and_says_so(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place
) -> None:
    world = small(tmp_path, stand_ins)
    head = world.pull_request("lis", {"docs/picture.png": "no picture\n"})
    ran = world.gate(place(world), "lis", head)
    given = verdict(ran)
    assert (ran.code, given.outcome, given.legs, given.missing) == (0, "pass", (), ()), ran.log
    assert given.unaffected is not None
    assert (given.unaffected.paths, given.unaffected.head) == (("docs/picture.png",), head)
    assert {name: state for name, state in ran.results.items() if state == "skipped"}.keys() >= {LEG}
    shutil.rmtree(tmp_path / "act", ignore_errors=True)


@pytest.mark.parametrize("conflict", [False, True], ids=["merged", "conflict"])
def test_pull_request_whose_base_moved_is_tested_as_it_would_be_merged(
    tmp_path: Path, stand_ins: dict[str, Path], place: Place, conflict: bool
) -> None:
    world = World(tmp_path / "world", stand_ins, ("bench-validate",), (WITHOUT_LEAD,))
    head = world.pull_request("benchmarks", {"NOTES": "of the pull request\n"})
    base = world.push("benchmarks", {"NOTES" if conflict else "MORE": "of main\n"})
    ran = world.gate(place(world), "benchmarks", head)
    given = verdict(ran)
    assert given.head == head
    if conflict:
        reason = f"benchmarks: {head[:12]} does not merge into {base[:12]}: conflicts in NOTES"
        assert (ran.code != 0, given.outcome) == (True, "incomplete")
        assert [(item.job, item.reason) for item in given.missing] == [("bench-validate", reason)]
    else:
        (own,) = (source for source in given.sources if source.repo == "benchmarks")
        assert (ran.code, given.outcome) == (0, "pass"), ran.log
        assert own.merged is not None
        assert (own.merged.base, own.merged.head, own.commit != head) == (base, head, True)
