"""Do what a case says to a scenario, run its job through the command line, and gather what was said."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.models.results import Facts
from tests.fakegreen.corpus import Case, Change, text_of
from tests.fakegreen.plain import exit_sign, junit_sign
from tests.fakegreen.score import Result
from tests.integration.gate.bench import JUNK, OS, REPOS, STACK, Ran, Scenario

LIMIT = 300  # seconds for one case; a busy machine is slow, a case that hangs is a finding
GIT = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


class StageError(Exception):
    """The stand-in stack is not green by itself: nothing can be said of any case."""


@dataclass(frozen=True)
class Stage:
    """Where cases run: the stack as it is, a warm cache, a folder per case."""

    root: Path
    node: Path | None = None  # the folder of the node that is first on PATH
    pytest: str | None = None  # the version that rows install

    @property
    def pristine(self) -> Path:
        """The stack without what its own use leaves behind; nobody writes there."""
        return self.root / "pristine"

    @property
    def cache(self) -> Path:
        """The cache that all cases share."""
        return self.root / "cache"

    def warm_up(self, jobs: tuple[str, ...]) -> None:
        """Copy the stack and run these jobs on it, so that no case builds or downloads."""
        self.copy_stack()
        ran = self.scenario("warm-up").run(*jobs, timeout=4 * LIMIT) if jobs else None
        if ran and ran.code != 0:
            raise StageError(f"the stand-in stack itself is not green:\n{ran.told}")

    def copy_stack(self) -> None:
        """Take the stack as it is now."""
        shutil.rmtree(self.pristine, ignore_errors=True)
        for name in REPOS:
            shutil.copytree(STACK / name, self.pristine / name, ignore=JUNK)

    def scenario(self, name: str) -> Scenario:
        """A fresh scenario on the warm cache."""
        folder = self.root / "cases" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        env = {"PATH": f"{self.node.resolve()}:{os.environ['PATH']}"} if self.node else {}
        scenario = Scenario(folder, self.pristine, self.cache, env)
        if self.pytest:
            text = scenario.matrix.read_text()
            scenario.matrix.write_text(text.replace('"pytest"]', f'"pytest=={self.pytest}"]'))
        return scenario

    def play(self, case: Case) -> Result:
        """Arrange a case, run it, and gather; whatever goes wrong with it is its result."""
        started = time.monotonic()
        try:
            scenario = self.scenario(case.id)
            ran = scenario.run(case.job, env=arrange(case, scenario), timeout=LIMIT)
            return gather(case, ran, time.monotonic() - started)
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
            return Result(case, "broken", (reason,), green=False, seconds=time.monotonic() - started)


def arrange(case: Case, scenario: Scenario) -> dict[str, str]:
    """Change the stack and the matrix; gives the caller's environment."""
    env: dict[str, str] = {}
    for change in case.changes:
        for repo in change.history:
            _commit(scenario.repo(repo), "before")
        _change_stack(change, scenario)
        for repo in change.history:
            _commit(scenario.repo(repo), "a change")
        _change_job(case.job, change, scenario)
        env |= change.caller
        if change.programs:
            env["PATH"] = f"{_programs(change, scenario)}:{os.environ['PATH']}"
        if change.without:
            env["PATH"] = str(_links(change.without, scenario))
    return env


def gather(case: Case, ran: Ran, seconds: float) -> Result:
    """What phdb-ci, the exit codes and the reports say of one run."""
    if ran.code == 2:
        return Result(case, "refused", (ran.err,), green=False, seconds=seconds)
    if not (ran.folder / "verdict.json").is_file():
        return Result(case, "no verdict", (ran.told[-2000:],), green=False, seconds=seconds)
    legs = [leg.result for leg in ran.verdict.legs if leg.result.job == case.job]
    if not legs:
        return Result(case, "absent", (), green=ran.code == 0, seconds=seconds)
    facts: Facts = legs[0].facts
    return Result(
        case,
        legs[0].status,
        legs[0].reasons,
        green=ran.code == 0,
        exit_code=exit_sign(facts.commands),
        junit=junit_sign(ran.folder / f"{case.job}@{OS}" / "reports"),
        seconds=seconds,
    )


def _change_stack(change: Change, scenario: Scenario) -> None:
    for patch in change.patch:
        scenario.patch(patch.file, patch.old, patch.new)
    for file in change.delete:
        path = _path(file, scenario)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for file, text in change.write.items():
        body = text_of(text)
        scenario.write(file, body, 0o755 if body.startswith("#!") else 0o644)
    for file, target in change.link.items():
        path = _path(file, scenario)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def _change_job(job: str, change: Change, scenario: Scenario) -> None:
    for edit in change.matrix:
        scenario.edit(edit.old, edit.new, job=None if edit.everywhere else job)
    if change.run:
        scenario.set_run(job, *change.run)
    if change.setup:
        commands = json.dumps(list(change.setup), ensure_ascii=False)
        scenario.edit("\nrun = ", f"\nsetup = {commands}\nrun = ", job=job)
    if change.env:
        scenario.add_env(job, **change.env)


def _path(file: str, scenario: Scenario) -> Path:
    name, _, inside = file.partition("/")
    return scenario.repo(name) / inside


def _programs(change: Change, scenario: Scenario) -> Path:
    folder = scenario.root / "bin"
    folder.mkdir(exist_ok=True)
    for name, text in change.programs.items():
        (folder / name).write_text(text_of(text), encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def _links(without: tuple[str, ...], scenario: Scenario) -> Path:
    """A folder with a link to every program of this PATH but some."""
    folder = scenario.root / "bin"
    folder.mkdir(exist_ok=True)
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).glob("*") if place.startswith("/") else ():
            link = folder / program.name
            if program.name not in without and not link.is_symlink():
                link.symlink_to(program)
    return folder


def _commit(repo: Path, message: str) -> None:
    """Commit all that is there, in a repository of its own."""
    env = {"PATH": os.environ["PATH"], "HOME": str(repo), "GIT_CONFIG_NOSYSTEM": "1"}
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
        subprocess.run(["git", *GIT, *argv], cwd=repo, env=env, check=True, capture_output=True)
