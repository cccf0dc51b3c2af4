"""What the verbs say of this machine and of what is handed in: doctor, cache, --baseline, --artifact, --since."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.artifacts.store import take_in
from phdb_ci.base.files import remove
from phdb_ci.cli import main
from phdb_ci.commands import cache, doctor
from phdb_ci.commands._delivery import run_here, write_outputs
from phdb_ci.commands._options import read_verdict
from phdb_ci.errors import ArtifactError, Exit, ResultsError, UsageError
from phdb_ci.judging.gathered import Run
from phdb_ci.models.sources import Sources
from phdb_ci.models.verdict import Unaffected
from tests.repositories import commit, git, init, listing

MATRIX = """
schema = 1
[repos.lidb]
url = "https://github.com/acme/lidb.git"
pin = "c0ffee0000000000000000000000000000000000"
[jobs.style]
summary = "style"
repo = "lidb"
run = ["make"]
tools = ["python3"]
reports = [{ kind = "pytest", min_tests = 2 }]
"""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """The arguments of doctor and cache: JSON, a matrix of one job, a cache that is not there yet."""
    (tmp_path / "matrix.toml").write_text(MATRIX)
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / "a" / "cache"))
    return argparse.Namespace(matrix=tmp_path / "matrix.toml", json=True, keep=3, prune=False)


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_doctor_finds_no_fault_and_leaves_nothing_behind(
    arguments: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listing(tmp_path)
    assert doctor.main(arguments) == Exit.PASS
    assert json.loads(capsys.readouterr().out)["cache_problem"] is None
    assert listing(tmp_path) == before


@pytest.mark.parametrize("place", ["/proc/nope", "matrix.toml", "matrix.toml/cache", "dangling"])
def test_doctor_names_the_variable_of_a_cache_that_cannot_be_written(
    arguments: argparse.Namespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / place))
    arguments.json = False
    assert doctor.main(arguments) == Exit.INCOMPLETE
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("broken  cache")
    assert f"{tmp_path / place}: cannot be written (" in last
    assert "let PHDB_CI_CACHE name a directory" in last


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("python3", "exit 1", "--version: exit 1", id="fails without a word"),
        pytest.param("git", "echo git version 2.33.9", "2.34 or newer is needed", id="git too old"),
        pytest.param("git", "echo hello", "2.34 or newer is needed", id="no git at all"),
    ],
)
def test_doctor_counts_a_broken_tool_as_missing(
    arguments: argparse.Namespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    told: str,
) -> None:
    program(tmp_path / "bin", name, text)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert doctor.main(arguments) == Exit.INCOMPLETE
    said = json.loads(capsys.readouterr().out)
    assert said["missing"] == [name]
    assert told in said["tools"][name]
    arguments.json = False
    doctor.main(arguments)
    assert f"broken  {name} " in capsys.readouterr().out


@pytest.mark.parametrize("version", ["2.34.0", "2.39.5 (Apple Git-154)", "3.0.1"])
def test_doctor_takes_a_git_that_is_new_enough(
    arguments: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    program(tmp_path / "bin", "git", f"echo 'git version {version}'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert doctor.main(arguments) == Exit.PASS


def test_cache_counts_trees_of_any_depth(
    arguments: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trash = tmp_path / "a" / "cache" / "trash"
    (trash / ".git").mkdir(parents=True)
    (trash / "file").write_bytes(b"x" * 70)
    (trash / ".git" / "file").write_bytes(b"x" * 7)
    (trash / "link").symlink_to("file")
    deep = os.open(trash, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    try:
        assert cache.main(arguments) == Exit.PASS
        assert json.loads(capsys.readouterr().out)["bytes"]["trash"] == 81
        arguments.prune = True
        assert cache.main(arguments) == Exit.PASS
        assert not any(trash.iterdir())
    finally:
        remove(trash)  # pytest's own tidying up would not come out of it


def test_baseline_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"there is no file .*nope\.json$"):
        read_verdict(tmp_path / "nope.json")
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(ResultsError, match="not a verdict of schema version 1"):
        read_verdict(tmp_path / "text.json")


def test_artifact_that_is_not_there_says_where_there_are_some(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nope does not exist$") as caught:
        take_in(tmp_path / "nope", "embed", ("lidb_embed",))
    assert "CACHE/store/embed/KEY/" in caught.value.tries[0]


# plan --since, --outputs and PHDB_CI_OS


PLANNED = """
schema = 1
[repos.lidb]
url = "{lidb}"
pin = "{base}"
docs = ["docs/*", "README.md"]
override = {{ ref = ["LIDB_CI_REF"] }}
[repos.lis]
url = "{lis}"
pin = "{other}"
docs = ["docs/*"]
[jobs.style]
summary = "style"
repo = "lidb"
with = ["lis"]
run = ["make"]
os = ["ubuntu-22.04", "ubuntu-24.04"]
reports = [{{ kind = "pytest", min_tests = 2 }}]
[gates.pr-gate]
jobs = ["style"]
"""


class Workplace:
    """Two repositories behind URLs, a matrix that pins them, and a cache."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lidb, self.lis = init(root / "lidb"), init(root / "lis")
        self.base = commit(self.lidb, "one", when=1_700_000_000, src__a_c="x", README_md="x")
        self.other = commit(self.lis, "one", when=1_700_000_000, src__b_c="x")
        text = PLANNED.format(lidb=self.lidb.as_uri(), lis=self.lis.as_uri(), base=self.base, other=self.other)
        (root / "matrix.toml").write_text(text)

    def plan(self, *options: str) -> dict[str, str]:
        """`phdb-ci plan pr-gate`; what it left for a workflow."""
        outputs = self.root / "outputs"
        outputs.unlink(missing_ok=True)
        assert main(["plan", "pr-gate", "--outputs", "outputs", *options]) == Exit.PASS
        return dict(line.split("=", 1) for line in outputs.read_text().splitlines())

    def since(self, head: str, base: str = "") -> dict[str, str]:
        return self.plan("--repo", f"lidb={head}", "--since", f"lidb={base or self.base}")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / "cache"))
    for name in ("PHDB_CI_OS", "PHDB_CI_HEAD", "LIDB_CI_REF", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Workplace(tmp_path)


def test_plan_leaves_what_the_jobs_of_a_workflow_need(workplace: Workplace) -> None:
    head = commit(workplace.lidb, "two", when=1_700_000_100, src__a_c="y")
    pins = workplace.plan()
    assert list(pins) == ["sources", "run", "unaffected", "lidb", "lis", "bytes"]
    assert (pins["run"], pins["unaffected"], pins["lidb"], pins["lis"]) == ("true", "", "", "")
    assert pins["bytes"] == ""  # no bundle was asked for

    moved = workplace.plan("--repo", "lidb=main")
    assert (moved["lidb"], moved["lis"]) == (head, "")
    sources = Sources.model_validate_json(moved["sources"])
    assert {name: source.commit for name, source in sources.repos.items()} == {
        "lidb": head, "lis": workplace.other,
    }  # fmt: skip


def test_outputs_are_appended(workplace: Workplace) -> None:
    (workplace.root / "more").write_text("mine=1\n")
    assert main(["plan", "pr-gate", "--outputs", "more"]) == Exit.PASS

    assert (workplace.root / "more").read_text().startswith("mine=1\nsources={")
    assert main(["plan", "pr-gate", "--outputs", "nowhere/more"]) == Exit.INCOMPLETE


def test_value_of_several_lines_never_becomes_an_output(tmp_path: Path) -> None:
    for text in ("a\nrun=false", "a\rb"):
        with pytest.raises(UsageError, match="more than one line"):
            write_outputs(tmp_path / "outputs", {"good": "x", "bad": text})
    assert not (tmp_path / "outputs").exists()
    write_outputs(tmp_path / "outputs", {"text": "a b", "number": 1.5, "record": {"a": "b\n"}})
    assert (tmp_path / "outputs").read_text() == 'text=a b\nnumber=1.5\nrecord={"a": "b\\n"}\n'
    write_outputs(None, {"bad": "a\nb"})


DOCS: list[Any] = [
    pytest.param({"docs__a_md": "y"}, True, id="below docs"),
    pytest.param({"docs__deep__src_c": "y"}, True, id="deep below docs, whatever its name"),
    pytest.param({"docs__a_md": "y", "README_md": "y"}, True, id="every path"),
    pytest.param({"src__a_c": "y"}, False, id="code"),
    pytest.param({"docs__a_md": "y", "src__a_c": "y"}, False, id="one path of several"),
    pytest.param({"src__docs__a_md": "y"}, False, id="docs somewhere else"),
    pytest.param({"sub__README_md": "y"}, False, id="another README"),
    pytest.param({"docs": "y"}, False, id="a file called docs"),
    pytest.param({}, False, id="nothing"),
]


@pytest.mark.parametrize(("files", "expected"), DOCS)
def test_change_of_docs_alone_needs_no_run(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], files: dict[str, str], expected: bool
) -> None:
    head = commit(workplace.lidb, "two", when=1_700_000_100, **files)
    told = workplace.since(head)

    assert told["run"] == ("false" if expected else "true")
    assert bool(told["unaffected"]) == expected
    assert ("note: nothing needs to run" in capsys.readouterr().out) == expected
    if expected:
        said = Unaffected.model_validate_json(told["unaffected"])
        assert (said.repo, said.base, said.head, said.more) == ("lidb", workplace.base, head, 0)


def test_code_that_was_moved_into_docs_is_a_change_of_code(workplace: Workplace) -> None:
    (workplace.lidb / "docs").mkdir()
    git(workplace.lidb, "mv", "src/a.c", "docs/a.c")
    head = commit(workplace.lidb, "two", when=1_700_000_100)

    assert workplace.since(head)["run"] == "true"


def test_what_the_base_got_meanwhile_is_not_the_head_s(workplace: Workplace) -> None:
    git(workplace.lidb, "checkout", "--quiet", "-b", "topic")
    head = commit(workplace.lidb, "docs", when=1_700_000_100, docs__a_md="y")
    git(workplace.lidb, "checkout", "--quiet", "main")
    base = commit(workplace.lidb, "code", when=1_700_000_200, src__a_c="y")

    assert workplace.since(head, base)["run"] == "false"


def test_many_paths_are_counted_and_not_all_named(workplace: Workplace) -> None:
    head = commit(workplace.lidb, "many", when=1_700_000_100, **{f"docs__{number}_md": "x" for number in range(60)})
    said = Unaffected.model_validate_json(workplace.since(head)["unaffected"])

    assert (len(said.paths), said.more) == (50, 10)


def test_run_without_a_base_is_always_needed(workplace: Workplace) -> None:
    commit(workplace.lidb, "two", when=1_700_000_100, docs__a_md="y")

    assert workplace.plan("--repo", "lidb=main", "--since", "lidb=")["run"] == "true"
    assert workplace.plan("--repo", "lidb=main", "--since", "")["run"] == "true"


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("lidbb={base}", "a repo of the matrix and a full commit id"),
        ("lidb=main", "a repo of the matrix and a full commit id"),
        ("lidb=HEAD~1", "a repo of the matrix and a full commit id"),
        ("lidb=--output=x", "a repo of the matrix and a full commit id"),
        ("lidb=" + "bad0" * 10, "is not in file://"),
        ("lidb={other}", "is not in file://"),
    ],
)
def test_base_that_cannot_be_is_refused_and_nothing_is_left(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], since: str, told: str
) -> None:
    text = since.format(base=workplace.base, other=workplace.other)
    assert main(["plan", "pr-gate", "--since", text, "--outputs", "outputs"]) == Exit.USAGE

    assert told in capsys.readouterr().err
    assert not (workplace.root / "outputs").exists()


def test_leg_of_the_runner_that_this_machine_was_told_to_be_is_planned(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workplace.base
    monkeypatch.setattr("phdb_ci.planning.inventory.os_family", lambda: "ubuntu")
    for runner, legs in (("", ["ubuntu-22.04"]), ("ubuntu-24.04", ["ubuntu-24.04"]), ("ubuntu-1", [])):
        monkeypatch.setenv("PHDB_CI_OS", runner)
        assert main(["plan", "pr-gate", "--json"]) == Exit.PASS
        assert [leg["os"] for leg in json.loads(capsys.readouterr().out)["legs"]] == legs


@pytest.mark.parametrize("runner", ["macos-15", "windows-2025", "ubuntu", "Ubuntu-24.04", "x\ny"])
def test_runner_that_this_machine_cannot_be_is_refused(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runner: str
) -> None:
    assert workplace.base
    monkeypatch.setattr("phdb_ci.planning.inventory.os_family", lambda: "ubuntu")
    monkeypatch.setenv("PHDB_CI_OS", runner)
    assert main(["plan", "pr-gate"]) == Exit.INCOMPLETE

    said = capsys.readouterr().err
    assert "error: PHDB_CI_OS says that this is " in said
    assert "unset PHDB_CI_OS" in said


# Which run it is


ON_GITHUB = {"GITHUB_RUN_ID": "4242", "GITHUB_RUN_ATTEMPT": "3", "GITHUB_REPOSITORY": "acme/lidb"}
PAGE = "https://github.com/acme/lidb/actions/runs/4242"


@pytest.mark.parametrize(
    ("changed", "run"),
    [
        pytest.param({}, Run("4242", 3, None, PAGE), id="GitHub's own variables"),
        pytest.param({"PHDB_CI_HEAD": "ab" * 20}, Run("4242", 3, "ab" * 20, PAGE), id="a head"),
        pytest.param({"GITHUB_RUN_ATTEMPT": "9" * 9}, Run("4242", 1, None, PAGE), id="no attempt"),
        pytest.param({"GITHUB_REPOSITORY": "a/b)[c](d"}, Run("4242", 3), id="no repository"),
        pytest.param({"GITHUB_RUN_ID": "4242/x"}, Run("4242/x", 3), id="no number"),
        pytest.param({"GITHUB_RUN_ID": ""}, Run(), id="outside of GitHub"),
    ],
)
def test_run_is_what_github_says_and_has_a_page_only_in_its_form(changed: dict[str, str], run: Run) -> None:
    assert run_here(ON_GITHUB | changed) == run


def test_head_that_is_no_full_commit_id_is_refused() -> None:
    with pytest.raises(UsageError, match="PHDB_CI_HEAD=main: expected a full commit id"):
        run_here({"PHDB_CI_HEAD": "main"})
