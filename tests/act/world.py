"""A world for a gate to run in: the stand-in stack as git repositories, phdb-ci at a commit, callers that pin it.

    world = World(folder, actions, python)      # phdb-ci's matrix pins the stand-in's commits; rendered anew
    head = world.pull_request("lis", {"a": "…"})  # a commit that a pull request proposes
    ran = world.gate(act, "lis", head)          # stage 1, from the caller in lis to the verdict

Only what cannot be had here differs from what is rendered for the public stack: the pins, and the macOS legs, which
act would run on this machine under another name.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phdb_ci.matrix.bump import edited
from phdb_ci.matrix.load import parse
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.workflows import files_of, workflow_files
from tests.act.runner import Act, Ran
from tests.integration.gate.bench import JUNK, REPOS, STACK
from tests.repositories import git, init

ROOT = Path(__file__).parents[2]
OWNER = "li-langverse"
TOOL = f"{OWNER}/phdb-ci"
SMALL = ("e2e-engine", "db-smoke", "bench-validate")
RUN = 4242


@dataclass
class World:
    """See above. `jobs` are the gate's, by default all; `edits` are made to the matrix before it is rendered."""

    root: Path
    stand_ins: Mapping[str, Path]
    jobs: Sequence[str] | None = None
    edits: Sequence[tuple[str, str]] = ()
    pins: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True)
        for name in REPOS:
            place = init(self.root / name)
            shutil.copytree(STACK / name, place, ignore=JUNK, dirs_exist_ok=True)
            git(place, "add", "--all")
            git(place, "commit", "--quiet", "-m", "the stand-in")
            git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
            self.pins[name] = git(place, "rev-parse", "HEAD")
        self.commit = self._tool()

    @property
    def repositories(self) -> dict[str, Path]:
        """What the addresses on GitHub lead to."""
        return {f"{OWNER}/{name}": self.root / name for name in (*REPOS, "phdb-ci")}

    def act(self, root: Path, env: Mapping[str, str]) -> Act:
        """A place to run in, whose called workflows are those of this world."""
        calls = {f"{TOOL}@{self.commit}": self.root / "phdb-ci"}
        return Act(root, {**self.stand_ins, **calls}, self.repositories, env)

    def pull_request(self, repo: str, files: Mapping[str, str]) -> str:
        """A commit on a branch of its own, on top of main."""
        place = self.root / repo
        branch = f"change-{len(git(place, 'branch', '--list').splitlines())}"
        git(place, "switch", "--quiet", "-c", branch, "main")
        head = self.push(repo, files)
        git(place, "switch", "--quiet", "main")
        return head

    def push(self, repo: str, files: Mapping[str, str]) -> str:
        """A commit on the branch that is checked out, by default main."""
        place = self.root / repo
        for name, text in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = path.stat().st_mode if path.exists() else 0o644
            path.write_text(text)
            path.chmod(mode)
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "-m", "a change", when=1_700_000_100)
        return git(place, "rev-parse", "HEAD")

    def event(self, repo: str, head: str, number: int = 17) -> dict[str, Any]:
        """What GitHub tells a workflow of a pull request."""
        own = {"full_name": f"{OWNER}/{repo}"}
        pull = {
            "number": number,
            "head": {"sha": head, "ref": "change", "repo": own},
            "base": {"sha": self.pins[repo], "ref": "main", "repo": own},
        }
        return {
            "action": "synchronize", "number": number, "pull_request": pull,
            "repository": {"full_name": f"{OWNER}/{repo}", "default_branch": "main"},
        }  # fmt: skip

    def gate(self, act: Act, repo: str, head: str, **options: Any) -> Ran:
        """Stage 1: the caller of a repo on a pull request."""
        told = {"repository": f"{OWNER}/{repo}", "run_id": RUN, "timeout": 600, "only": "phdb-gate.yml"}
        return act.run(self.callers(repo), "pull_request", self.event(repo, head), **{**told, **options})

    def callers(self, repo: str) -> Path:
        """A folder with the workflow files that a repo takes over."""
        return self.root / "callers" / repo

    def _tool(self) -> str:
        """phdb-ci as a repository, rendered for this world; its commit, which the callers pin."""
        place = init(self.root / "phdb-ci")
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in filter(None, listed):
            if (ROOT / name).is_file() and not name.startswith("tests/"):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, place / name)
        text = self._matrix((place / "matrix.toml").read_text(encoding="utf-8"))
        (place / "matrix.toml").write_text(text, encoding="utf-8")
        self._render(text, place)
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "-m", "a release")
        git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
        commit = git(place, "rev-parse", "HEAD")
        pinned = edited(text, "matrix.toml", {("self", "commit"): commit})
        files = workflow_files(parse(pinned, "matrix.toml"))
        for repo in (*REPOS, "lic"):
            for name, own in files_of(files, repo).items():
                path = self.callers(repo) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(own, encoding="utf-8")
        return commit

    def _matrix(self, text: str) -> str:
        text = edited(text, "matrix.toml", {("repos", name, "pin"): self.pins[name] for name in REPOS})
        text = text.replace('os = ["ubuntu-24.04", "macos-15"]\n', "")
        if self.jobs is not None:
            start = text.index("[gates.pr-gate]")
            begin = text.index("jobs = [", start)
            text = text[:begin] + f"jobs = {json.dumps(list(self.jobs))}" + text[text.index("]", begin) + 1 :]
        for old, new in self.edits:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the matrix"
            text = text.replace(old, new)
        return text

    def _render(self, text: str, place: Path) -> None:
        shutil.rmtree(place / ".github" / "workflows", ignore_errors=True)
        for name, own in workflow_files(parse(text, "matrix.toml")).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(own, encoding="utf-8")


def verdict(ran: Ran, attempt: int = 1) -> Verdict:
    """The verdict that an attempt of a run kept."""
    return Verdict.model_validate_json(ran.read(f"verdict@{attempt}", "verdict.json"))


def base_python(place: Path) -> None:
    """An environment with all that requirements.lock names: what a job's own one stands on."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    lock = ("--require-hashes", "-r", str(ROOT / "requirements.lock"))
    subprocess.run([python, "-m", "pip", "install", "--quiet", *lock], check=True)
