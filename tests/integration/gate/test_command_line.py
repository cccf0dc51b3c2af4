"""What a user can get wrong, each with its exit code and one clear message; sources and quarantine."""

import subprocess
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.integration.gate.bench import Scenario
from tests.repositories import commit, git, init

HERE = ("--stack", "stack")


def assert_refused(done: "subprocess.CompletedProcess[str]", code: int, *texts: str) -> None:
    """The exit code, one message, and nothing on standard output that could be taken for an answer."""
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.startswith(("error: ", "usage: ")), done.stderr
    assert done.stderr.count("error: ") == 1
    assert not done.stdout
    for text in texts:
        assert text in done.stderr


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_unknown_gate_is_refused_with_the_nearest_name(gate: Scenario, verb: str) -> None:
    done = gate.cli(verb, "pr-gat", *HERE)

    assert_refused(
        done, 2, '"pr-gat" is neither a gate nor a job', 'Perhaps you meant "pr-gate"?', "gates: pr-gate, nightly"
    )


def test_unknown_job_among_known_ones_is_refused(gate: Scenario) -> None:
    assert_refused(gate.cli("run", "smoke", "e2e-engin", *HERE), 2, 'Perhaps you meant "e2e-engine"?')


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--repo", "lidbb=./x"), ("no repo is called 'lidbb'", 'Perhaps you meant "lidb"?')),
        (("--repo", "lidb"), ("--repo lidb: expected NAME=SPEC",)),
        (("--repo", "lidb=./nowhere"), ("no such directory",)),
        (("--repo", "lidb=stack/lidb@main", "--repo", "lidb=x"), ("given twice",)),
        (("--repo", "lidb=./stack/lidb@main"), ("is not a git repository",)),
        (("--repo", "lidb=--upload-pack=x"), ("neither a directory nor a ref",)),
        (("--repo", "lidb=a..b"), ("cannot be a ref",)),
        (("--artifact", "embedd=x"), ("the matrix has no artifact of that name: embed",)),
        (("--artifact", "embed=./nowhere"), ("nowhere does not exist",)),
        (("--jobs", "0"), ("at least one node",)),
        (("--baseline", "nowhere.json"), ("there is no file nowhere.json",)),
        (("--matrix", "nowhere.toml"), ("nowhere.toml",)),
        (("--out", "stack"), ("is not empty",)),
    ],
)  # fmt: skip
def test_option_that_cannot_be_is_refused(gate: Scenario, arguments: tuple[str, ...], texts: tuple[str, ...]) -> None:
    assert_refused(gate.cli("run", "lis-tests", *HERE, *arguments), 2, *texts)


def test_stack_that_does_not_exist_is_refused(gate: Scenario) -> None:
    assert_refused(gate.cli("run", "lis-tests", "--stack", "nowhere"), 2, "--stack nowhere: no such directory")


def test_stack_without_one_of_the_repos_is_refused(gate: Scenario) -> None:
    (gate.stack / "lis").unlink()

    assert_refused(gate.cli("run", "lis-tests", *HERE), 2, "lis: no such directory")


def test_empty_directory_for_a_repo_is_refused(gate: Scenario) -> None:
    (gate.root / "empty").mkdir()

    assert_refused(gate.cli("run", "lis-tests", *HERE, "--repo", "lis=./empty"), 2, "empty is neither a git repository")


def test_every_fault_of_the_matrix_is_told_at_once(gate: Scenario) -> None:
    rows = 'repo = "lis"\nwith = ["lidb"]\nartifacts = ["embed"]'
    gate.edit(rows, 'repo = "list"\nwith = ["lidb"]\nartifacts = ["embedd"]', job="lis-tests")
    done = gate.cli("run", "lis-tests", *HERE)

    assert_refused(done, 2, 'there is no repo "list"', 'there is no artifact "embedd"', "matrix.toml:")


def test_unreachable_network_is_told_with_the_url(own: Scenario) -> None:
    text = own.matrix.read_text()
    own.matrix.write_text(text.replace("https://github.com/li-langverse/", "https://127.0.0.1:9/"))
    done = own.cli("run", "bench-validate")

    assert_refused(
        done,
        3,
        "https://127.0.0.1:9/benchmarks.git",
        "https://127.0.0.1:9/lidb.git",
        "check the network",
        "--repo benchmarks=DIR",
    )


def test_refused_protocol_is_told(own: Scenario) -> None:
    done = own.cli("run", "bench-validate", env={"GIT_ALLOW_PROTOCOL": "file"})

    assert_refused(done, 3, "https://github.com/li-langverse/benchmarks.git", "not allowed")


def test_cache_that_cannot_be_written_is_told(gate: Scenario) -> None:
    (gate.root / "file").write_text("")
    done = gate.cli("run", "bench-validate", *HERE, env={"PHDB_CI_CACHE": str(gate.root / "file" / "cache")})

    assert done.returncode == 3
    assert done.stderr.startswith("error: ")


# Sources


@pytest.fixture
def local(gate: Scenario) -> Path:
    """benchmarks as a git repository of its own, at one commit on main."""
    place = init(gate.root / "clone")
    for path in sorted((gate.pristine / "benchmarks").rglob("*")):
        if path.is_file():
            (place / path.relative_to(gate.pristine / "benchmarks")).parent.mkdir(parents=True, exist_ok=True)
            (place / path.relative_to(gate.pristine / "benchmarks")).write_bytes(path.read_bytes())
    commit(place, "all of it", when=1_700_000_000)
    return place


def test_clean_tree_is_its_own_commit(gate: Scenario, local: Path) -> None:
    ran = gate.run("bench-validate", "--repo", "benchmarks=./clone")

    ran.assert_green()
    source = next(source for source in ran.verdict.sources if source.repo == "benchmarks")
    assert (source.commit, source.origin, source.dirty) == (git(local, "rev-parse", "HEAD"), "tree", False)
    assert ran.verdict.stack == "local"


def test_dirty_tree_is_tested_as_it_stands_and_named_in_the_verdict(gate: Scenario, local: Path) -> None:
    head = git(local, "rev-parse", "HEAD")
    manifest = local / "benchmarks" / "tier_db_registry" / "harness" / "manifest.py"
    manifest.write_text(manifest.read_text().replace('"tier": suite["tier"],', '"tier": suite["tier"], "p50_ms": 1,'))
    status = git(local, "status", "--porcelain")
    ran = gate.run("bench-validate", "--repo", "benchmarks=./clone")

    ran.assert_not_green("bench-validate", "failed", "holds a number that was not measured here: p50_ms")
    source = next(source for source in ran.verdict.sources if source.repo == "benchmarks")
    assert (source.origin, source.dirty, source.via) == ("tree", True, "--repo benchmarks=./clone")
    assert source.commit != head
    assert "uncommitted" in (ran.folder / "comment.md").read_text()
    assert git(local, "status", "--porcelain") == status  # and the user's own tree is as it was
    assert git(local, "rev-parse", "HEAD") == head


def test_untracked_file_of_a_dirty_tree_is_part_of_it(gate: Scenario, local: Path) -> None:
    (local / "new.txt").write_text("new\n")
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", "test -f new.txt")

    gate.run("bench-validate", "--repo", "benchmarks=./clone").assert_green()


def test_edits_in_a_row_are_each_run_as_they_stand(gate: Scenario, local: Path) -> None:
    gate.set_run("bench-validate", "bash scripts/run-db-registry-bench.sh", "cat one.txt two.txt three.txt")
    for name in ("one.txt", "two.txt", "three.txt"):
        (local / name).touch()
    commit(local, "three files", when=1_700_000_100)
    commits = set()
    for number, name in enumerate(("one.txt", "two.txt", "three.txt")):
        (local / name).write_text(f"edit {number}\n")
        ran = gate.run("bench-validate", "--repo", "benchmarks=./clone")
        ran.assert_green()
        log = next(ran.folder.glob("bench-validate@*/log.txt")).read_text()
        assert [line for line in log.splitlines() if line.startswith("edit ")] == [
            f"edit {each}" for each in range(number + 1)
        ]
        commits |= {source.commit for source in ran.verdict.sources if source.repo == "benchmarks"}
    assert len(commits) == 3


def test_ref_of_a_directory_is_taken_and_its_dirt_is_not(gate: Scenario, local: Path) -> None:
    (local / "scripts" / "run-db-registry-bench.sh").write_text("exit 9\n")
    ran = gate.run("bench-validate", "--repo", "benchmarks=./clone@main")

    ran.assert_green()
    source = next(source for source in ran.verdict.sources if source.repo == "benchmarks")
    assert (source.origin, source.dirty) == ("ref", False)


def test_ref_that_does_not_exist_is_refused(gate: Scenario, local: Path) -> None:
    done = gate.cli("run", "bench-validate", *HERE, "--repo", f"benchmarks={local}@mian")

    assert_refused(done, 2, "'mian' is no branch, tag, commit or pull request of", 'Perhaps you meant "main"?')


def test_pin_that_is_nowhere_is_refused(gate: Scenario, local: Path) -> None:
    gate.edit("https://github.com/li-langverse/benchmarks.git", f"file://{local}")
    done = gate.cli("run", "bench-validate", "--repo", "lidb=./stack/lidb")

    pin = tomllib.loads(gate.matrix.read_text())["repos"]["benchmarks"]["pin"]
    assert_refused(done, 2, f"benchmarks: commit {pin} is not in file://")


def test_branch_of_a_url_that_does_not_exist_is_refused(gate: Scenario, local: Path) -> None:
    gate.edit("https://github.com/li-langverse/benchmarks.git", f"file://{local}")
    done = gate.cli("run", "bench-validate", "--repo", "lidb=./stack/lidb", "--repo", "benchmarks=mian")

    assert_refused(done, 2, "'mian' is no branch, tag, commit or pull request of file://")


def test_variables_that_disagree_are_refused(gate: Scenario, local: Path) -> None:
    done = gate.cli("run", "bench-validate", env={"LIDB_REPO": str(local), "LIDB_CI_REF": "main"})

    assert_refused(done, 2, "$LIDB_REPO and $LIDB_CI_REF disagree")


def test_same_run_is_had_again_by_the_command_that_the_verdict_names(gate: Scenario, local: Path) -> None:
    ran = gate.run("bench-validate", "--repo", "benchmarks=./clone")

    assert f"--repo benchmarks={local}" in ran.verdict.reproduce


# Quarantine


def quarantine(gate: Scenario, until: date) -> None:
    """bench-validate fails, and is quarantined until then."""
    row = f'{{ job = "bench-validate", issue = "https://e.org/42", owner = "@db", until = {until}, reason = "flaky" }}'
    gate.edit("\nschema = 1\n", f"\nschema = 1\nquarantine = [{row}]\n")
    gate.set_run("bench-validate", "exit 3")


def test_quarantined_failure_does_not_decide_and_shows_its_true_status(gate: Scenario) -> None:
    quarantine(gate, date.today() + timedelta(days=1))  # noqa: DTZ011 - the user's own day
    ran = gate.run("lis-tests", "bench-validate")

    assert (ran.code, ran.verdict.outcome) == (0, "pass"), ran.told
    assert ran.leg("bench-validate").status == "failed"
    assert "exit 3: exit 3" in ran.leg("bench-validate").reasons
    assert "1 of 2 jobs passed, 1 quarantined" in ran.verdict.headline
    assert "failed" in next(line for line in ran.out.splitlines() if "bench-validate@" in line)
    assert "quarantined" in (ran.folder / "comment.md").read_text().lower()


def test_quarantine_holds_on_its_last_day(gate: Scenario) -> None:
    quarantine(gate, date.today())  # noqa: DTZ011

    assert gate.run("lis-tests", "bench-validate").code == 0


def test_quarantine_that_is_over_decides_again(gate: Scenario) -> None:
    quarantine(gate, date.today() - timedelta(days=1))  # noqa: DTZ011

    gate.run("lis-tests", "bench-validate").assert_not_green("bench-validate", "failed", "exit 3")


def test_gate_in_which_all_is_quarantined_is_incomplete(gate: Scenario) -> None:
    quarantine(gate, date.today() + timedelta(days=1))  # noqa: DTZ011
    ran = gate.run("bench-validate")

    assert (ran.code, ran.verdict.outcome) == (3, "incomplete")
    assert "nothing that decides was run" in ran.verdict.headline


def test_job_of_another_platform_alone_is_incomplete(gate: Scenario) -> None:
    gate.edit("\nrun = ", '\nos = ["macos-15"]\nrun = ', job="bench-validate")
    ran = gate.run("bench-validate")

    assert (ran.code, ran.verdict.outcome) == (3, "incomplete")
    assert [leg.kind for leg in ran.verdict.idle] == ["elsewhere"]
