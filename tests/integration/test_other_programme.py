"""A programme that is nobody's: an artifact that needs another one, a library, and a check beside the matrix.

tools     gen.sh             → artifact gen, a program
protocol  words.txt          → artifact words (built in protocol with gen; from tools, too), a library
checks/read                  a folder beside matrix.toml, with a lock: the job that reads both
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from phdb_ci.models.proofs import Proofs
from phdb_ci.models.results import LegResult
from phdb_ci.models.verdict import Verdict
from tests.integration.gate.bench import ALIEN
from tests.repositories import git

LOCK = """\
iniconfig==2.1.0 \\
    --hash=sha256:9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760
"""
MATRIX = """\
schema = 1

[repos.tools]
url = "{tools}"
pin = "{tools_pin}"

[repos.protocol]
url = "{protocol}"
pin = "{protocol_pin}"

[artifacts.gen]
repo = "tools"
inputs = ["gen.sh"]
build = ["cp gen.sh {{build}}/gen", "chmod +x {{build}}/gen"]
outputs = ["gen"]

[artifacts.words]
repo = "protocol"
with = ["tools"]
needs = ["gen"]
inputs = ["words.txt", "tools:header.txt"]
build = ["cat ../tools/header.txt > {{build}}/words.lib", "{{gen.gen}} words.txt >> {{build}}/words.lib"]
outputs = ["words.lib"]
program = false

[jobs.read]
summary = "the library holds the words, and the check runs in its own environment"
repo = "./checks/read"
with = ["protocol"]
artifacts = ["words", "gen"]
lock = "requirements.lock"
tools = ["python3"]
env = {{ WORDS = "{{words.words.lib}}", GEN = "{{gen.gen}}", PROTOCOL = "{{repos.protocol}}" }}
run = ["python3 read.py"]
reports = [{{ kind = "exit", min_tests = 0 }}]
evidence = {{ witness = {{ artifact = "gen", min_calls = 1 }} }}

[gates.all]
jobs = ["read"]
"""
READ = """\
import os, pathlib, subprocess, iniconfig
assert iniconfig.__file__.startswith(os.environ["VIRTUAL_ENV"])
assert pathlib.Path(os.environ["PROTOCOL"]).samefile(pathlib.Path.cwd().parents[1] / "protocol")
subprocess.run([os.environ["GEN"], "read.py"], check=True, stdout=subprocess.DEVNULL)
assert pathlib.Path(os.environ["WORDS"]).read_text() == "HEAD\\nONE\\nTWO\\n"
"""


class Programme:
    def __init__(self, root: Path) -> None:
        self.root, self.cache = root, root / "cache"
        files = {
            "tools": {"gen.sh": '#!/bin/sh\ntr a-z A-Z < "$1"\n', "header.txt": "HEAD\n"},
            "protocol": {"words.txt": "one\ntwo\n"},
        }
        names: dict[str, str] = {}
        for repo, texts in files.items():
            path = root / "up" / repo
            path.mkdir(parents=True)
            git(path, "init", "-q", "-b", "main")
            for name, text in texts.items():
                (path / name).write_text(text)
            git(path, "add", "-A")
            git(path, "commit", "-qm", "first")
            names |= {repo: f"file://{path}", f"{repo}_pin": git(path, "rev-parse", "HEAD").strip()}
        self.home = root / "home"
        (self.home / "checks/read").mkdir(parents=True)
        (self.home / "matrix.toml").write_text(MATRIX.format(**names))
        (self.home / "checks/read/read.py").write_text(READ)
        (self.home / "checks/read/requirements.lock").write_text(LOCK)

    def run(self, *arguments: str, verb: str = "run") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "phdb_ci", verb, *arguments]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ALIEN)}
        env = kept | {"PHDB_CI_CACHE": str(self.cache), "HOME": str(self.root)}
        return subprocess.run(command, cwd=self.home, env=env, capture_output=True, text=True, check=False)

    def verdict(self, *arguments: str) -> Verdict:
        done = self.run("all", *arguments)
        path = self.home / ".phdb-ci/runs/latest/verdict.json"
        assert path.exists(), done.stdout + done.stderr
        return Verdict.model_validate_json(path.read_bytes())

    def leg(self) -> LegResult:
        return self.verdict().legs[0].result


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return Programme(tmp_path)


def test_artifact_that_needs_another_and_a_check_beside_the_matrix_pass(programme: Programme) -> None:
    verdict = programme.verdict()
    leg = verdict.legs[0].result
    assert (verdict.outcome, leg.reasons) == ("pass", ())
    assert {source.repo for source in leg.sources} == {"./checks/read", "protocol", "tools"}
    assert [artifact.status for artifact in verdict.artifacts] == ["built", "built"]
    text = programme.run("all").stdout
    assert "called 0" not in text + (programme.home / ".phdb-ci/runs/latest/comment.md").read_text()


def test_second_run_takes_both_from_the_store(programme: Programme) -> None:
    programme.verdict()
    assert {artifact.status for artifact in programme.verdict().artifacts} == {"reused"}


def test_check_is_known_by_its_tree_with_or_without_a_repository_around_it(programme: Programme) -> None:
    (programme.home / "checks/read/__pycache__").mkdir()
    (programme.home / "checks/read/__pycache__/x.pyc").write_text("cache")
    plain = programme.verdict().sources[-1]
    git(programme.home, "init", "-q", "-b", "main")
    (programme.home / ".gitignore").write_text("__pycache__/\n.phdb-ci/\n")
    git(programme.home, "add", "-A")
    git(programme.home, "commit", "-qm", "checks")
    committed = programme.verdict().sources[-1]
    tree = git(programme.home, "rev-parse", "HEAD:checks/read").strip()
    assert (plain.repo, plain.commit, committed.commit) == ("./checks/read", tree, tree)
    assert (plain.origin, committed.dirty) == ("folder", False)
    assert "in no repository" in plain.via
    assert "as in " in committed.via
    (programme.home / "checks/read/read.py").write_text(READ + "\n")
    edited = programme.verdict().sources[-1]
    assert edited.dirty
    assert edited.commit != tree
    assert git(programme.home, "status", "--porcelain").split() == ["M", "checks/read/read.py"]


def test_job_that_changes_its_own_check_is_unproven(programme: Programme) -> None:
    (programme.home / "checks/read/read.py").write_text(READ + "open('read.py', 'a').write('#')\n")
    leg = programme.leg()
    assert leg.status == "unproven"
    assert leg.reasons == ("the job changed files of its checkout: ./checks/read/read.py",)


def test_lock_with_another_hash_installs_nothing(programme: Programme) -> None:
    (programme.home / "checks/read/requirements.lock").write_text(LOCK.replace("9deba", "00000"))
    leg = programme.leg()
    assert leg.status == "error"
    assert "requirements.lock" in leg.reasons[0]


def test_artifact_is_built_again_when_what_it_needs_has_changed(programme: Programme) -> None:
    programme.verdict()
    tools = programme.root / "up/tools"
    (tools / "gen.sh").write_text('#!/bin/sh\ncat "$1" | tr a-z A-Z\n')
    git(tools, "commit", "-qam", "another way")
    done = programme.run("all", "--repo", "tools=main", "--json", verb="plan")
    reasons = {node["name"]: node["why"] for node in json.loads(done.stdout)["artifacts"]}
    assert reasons["gen"][0].startswith("input gen.sh changed")
    assert reasons["words"] == ["artifact gen, which it needs, changed"]


def test_artifact_whose_need_does_not_build_blocks_the_job(programme: Programme) -> None:
    text = (programme.home / "matrix.toml").read_text()
    (programme.home / "matrix.toml").write_text(text.replace("cp gen.sh {build}/gen", "false"))
    verdict = programme.verdict()
    assert {artifact.name: artifact.status for artifact in verdict.artifacts} == {"gen": "failed", "words": "failed"}
    assert verdict.legs[0].result.status == "blocked"


FAULTS = """\
[artifacts.words.faults]
blank = "echo > {out.words.lib}"

[artifacts.gen.faults]
mute = "cp /bin/true {out.gen}"

[repos.protocol.faults]
no-words = "rm {tree}/words.txt && touch {tree}/README"

[gates.all]
"""


def test_library_that_is_broken_is_noticed_and_what_is_built_from_a_broken_repo_is_sound(programme: Programme) -> None:
    text = (programme.home / "matrix.toml").read_text()
    (programme.home / "matrix.toml").write_text(text.replace("[gates.all]\n", FAULTS))
    done = programme.run("--json", verb="prove")
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = Proofs.model_validate_json(done.stdout).jobs
    assert {proof.fault: proof.word for proof in job.faults} == {
        "blank": "noticed", "mute": "MISSED", "no-words": "MISSED",
    }  # fmt: skip


def test_folder_that_is_not_there_is_named(programme: Programme) -> None:
    text = (programme.home / "matrix.toml").read_text()
    (programme.home / "matrix.toml").write_text(text.replace("./checks/read", "./checks/write"))
    done = programme.run("all")
    assert done.returncode == 2
    assert "./checks/write: there is no folder" in done.stderr
