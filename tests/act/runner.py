"""Workflows run for real, without GitHub and without containers: act in host mode, in a folder of its own.

    act = Act(tmp_path, actions=pinned(), repositories={"acme/lidb": some_git_repository})
    ran = act.run(folder, "pull_request", payload, repository="acme/lidb", run_id=7)
    assert ran.job("verdict").result == "success"
    assert ran.read("verdict", "verdict.json")

Everything that act and the jobs write is below that folder: home, temporary files, workspaces, artifacts. The
artifacts of a run id outlive the attempt. Whatever still runs at the end is killed and named in `Ran.left`.

What this cannot show: macOS (its label means this machine), services, permissions, concurrency, limits of time on
jobs, `continue-on-error` of a job, a need that was cancelled. act knows none of these, and says nothing of it.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.act.actions import downloads
from tests.act.log import Job, jobs_of
from tests.act.proxy import proxy
from tests.integration.gate.bench import processes_of, wait_for

SHA = "5ba" + "e" * 37  # github.sha, unless told otherwise
LABELS = ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025")
IMAGES = ("ubuntu-latest", "ubuntu-22.04", "ubuntu-20.04", "ubuntu-18.04")  # act would pull an image for these
USES = re.compile(r"^\s*(?:-\s*)?uses:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
CONTAINER = re.compile(r"^ {4}container:", re.MULTILINE)
# What jobs see of the caller's environment. No http_proxy: the artifact clients would ask it for 127.0.0.1.
KEPT = (
    "PATH",
    "LANG",
    "LC_",
    "TZ",
    "SSL_CERT_",
    "NODE_EXTRA_CA_",
    "PIP_",
    "UV_",
    "npm_config_",
    "https_proxy",
    "HTTPS_PROXY",
)

# act closes the terminal of a step that fails at once, and with it goes what it has not read yet.
PATIENT = """\
#!/bin/sh
case "$*" in
  */act/workflow/*) ;;
  *) exec {real} "$@" ;;
esac
{real} "$@"
code=$?
[ "$code" -eq 0 ] || sleep 0.3
exit "$code"
"""


class PortTakenError(Exception):
    """Somebody took the port between our look and act's start."""


@dataclass(frozen=True)
class Ran:
    """How one attempt of one run ended."""

    code: int
    jobs: dict[str, Job] = field(repr=False)
    told: str = field(repr=False)
    artifacts: dict[str, Path]
    left: dict[int, str]
    seconds: float

    def job(self, name: str) -> Job:
        """A job by its id or its label."""
        found = [job for job in self.jobs.values() if name in (job.id, job.label)]
        assert len(found) == 1, f"{name!r} names {len(found)} of the jobs {list(self.jobs)}\n{self.log}"
        return found[0]

    @property
    def results(self) -> dict[str, str]:
        """Job id → success, failure or skipped."""
        return {job.id: job.result for job in self.jobs.values()}

    @property
    def log(self) -> str:
        """For a failing test's message."""
        return "\n".join(f"[{job.label}] {line}" for job in self.jobs.values() for line in job.lines)

    def files(self, artifact: str) -> list[str]:
        with zipfile.ZipFile(self.artifacts[artifact]) as archive:
            return sorted(archive.namelist())

    def read(self, artifact: str, file: str) -> bytes:
        with zipfile.ZipFile(self.artifacts[artifact]) as archive:
            return archive.read(file)


@dataclass
class Act:
    """A place where workflows run. `actions` maps `owner/name@ref` to a folder, for actions and called workflows."""

    root: Path
    actions: Mapping[str, Path]
    repositories: Mapping[str, Path] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    backwards: bool = False  # whether later artifacts have smaller ids
    _runs: int = 0

    def __post_init__(self) -> None:
        for name in ("home", "tmp", "artifacts"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def run(
        self, workflows: Path, event: str, payload: Mapping[str, Any], *, timeout: float = 120, **options: Any
    ) -> Ran:
        """One attempt to its end; the options are those of `started`. TimeoutError when it takes longer."""
        for _ in range(3):
            with contextlib.suppress(PortTakenError), self.started(workflows, event, payload, **options) as one:
                return one.finish(timeout)
        raise AssertionError("no port for act's artifact server in three attempts")

    @contextlib.contextmanager
    def started(
        self,
        workflows: Path,
        event: str,
        payload: Mapping[str, Any],
        *,
        only: str | None = None,
        job: str | None = None,
        repository: str = "acme/lidb",
        sha: str = SHA,
        run_id: int = 1,
        attempt: int = 1,
        env: Mapping[str, str] | None = None,
    ) -> Iterator["Started"]:
        """One attempt, left running; ended by force with the block.

        Args:
            workflows: holds `.github/workflows/*.yml`; nothing else of it is seen by act
            event: its name; every workflow that has it under `on` runs
            payload: `github.event`
            only: one file of `.github/workflows`
            job: this job and all that it needs (no part of a called workflow can be named)
            repository: `github.repository`
            sha: `github.sha`
            run_id: `github.run_id`; its artifacts of earlier attempts are still there
            attempt: `github.run_attempt`
            env: what the runner's environment has; of weaker right than a workflow's `env`, but for GITHUB_*
        """
        self._runs += 1
        folder = self.root / f"run-{self._runs}"
        self._project(workflows, folder / "project", only)
        (folder / "event.json").write_text(json.dumps(payload))
        self._git_config()
        environment = self._with_patience(self._environment() | dict(self.env) | dict(env or {}))
        facts = {
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_RUN_NUMBER": str(run_id),
            "GITHUB_REPOSITORY": repository,
            "GITHUB_REF": _ref(payload),  # without it, act looks for a repository and complains at each step
            "SHA_REF": sha,  # the name under which act looks for it
        } | {name: value for name, value in environment.items() if name.startswith("GITHUB_")}
        (self.root / "artifacts" / str(run_id)).mkdir(exist_ok=True)  # without it, act panics when asked for a list
        port = _free_port()
        argv = [_act(), event, *self._flags(folder, port), *(["--job", job] if job else [])]
        argv += [part for name, value in facts.items() for part in ("--env", f"{name}={value}")]
        catalogue = self.root / f"catalogue-{run_id}.json"
        between = proxy(port, catalogue, run_id, attempt, backwards=self.backwards)
        with between as server, (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environment | {"ACTIONS_RUNTIME_URL": server.url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            one = Started(process, folder, self.root / "artifacts" / str(run_id), time.monotonic())
            try:
                yield one
            finally:
                one.end()

    def _flags(self, folder: Path, port: int) -> list[str]:
        flags = ["-C", str(folder / "project"), "-W", ".github/workflows", "-e", str(folder / "event.json")]
        flags += ["--json", "--verbose", "--rm", "--no-cache-server", "--no-skip-checkout"]
        flags += ["--artifact-server-addr", "127.0.0.1", "--artifact-server-port", str(port)]
        flags += ["--artifact-server-path", str(self.root / "artifacts")]
        flags += ["--action-cache-path", str(folder / "work"), "--secret", "GITHUB_TOKEN=token-of-this-run"]
        platforms = [f"{label}=-self-hosted" for label in LABELS] + [f"{label}=" for label in IMAGES]
        flags += [part for platform in platforms for part in ("--platform", platform)]
        return flags + [
            part for use in self.actions.items() for part in ("--local-repository", "=".join(map(str, use)))
        ]

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's but where programs and packages come from; packages are kept between runs."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        home = {"HOME": str(self.root / "home"), "TMPDIR": str(self.root / "tmp")}
        caches = {
            name: str(downloads() / name.lower()) for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR", "npm_config_cache")
        }
        return caches | kept | home | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def _with_patience(self, environment: dict[str, str]) -> dict[str, str]:
        """A `bash` before all others for the steps of a workflow, which lets act read what a failing one has said."""
        real = shutil.which("bash", path=environment["PATH"])
        (self.root / "bin").mkdir(exist_ok=True)
        (self.root / "bin" / "bash").write_text(PATIENT.format(real=real))
        (self.root / "bin" / "bash").chmod(0o755)
        return environment | {"PATH": f"{self.root / 'bin'}:{environment['PATH']}"}

    def _git_config(self) -> None:
        """Lead the addresses of repositories on GitHub to folders: of two that fit, git takes the longer."""
        lines = ["[safe]", "\tdirectory = *"]
        for name, path in self.repositories.items():
            lines.append(f'[url "file://{path.absolute()}"]')
            lines += [f"\tinsteadOf = https://github.com/{name}{end}" for end in ("", ".git")]
        (self.root / "home" / ".gitconfig").write_text("\n".join(lines) + "\n")

    def _project(self, workflows: Path, project: Path, only: str | None) -> None:
        (project / ".github" / "workflows").mkdir(parents=True)
        files = sorted((workflows / ".github" / "workflows").glob(only or "*.y*ml"))
        assert files, f"no workflow {only or ''} in {workflows}"
        for file in files:
            self._assert_runs_here(file)
            shutil.copy(file, project / ".github" / "workflows")

    def _assert_runs_here(self, file: Path) -> None:
        """In a workflow and those that it calls: no `uses:` of GitHub's, and no container (act would go and look)."""
        text = file.read_text(encoding="utf-8")
        assert not CONTAINER.search(text), f"{file.name} has a job in a container, and there are none here"
        for uses in USES.findall(text):
            name, _, ref = uses.partition("@")
            owner, _, rest = name.partition("/")
            repository, _, inside = rest.partition("/")
            key = f"{owner}/{repository}@{ref}"
            if uses.startswith("./"):
                continue
            assert key in self.actions, f"{file.name} uses {uses}, for which there is no folder"
            if inside.startswith(".github/workflows/"):
                self._assert_runs_here(self.actions[key] / inside)


@dataclass
class Started:
    """An act that runs, in a session of its own."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    artifacts: Path
    began: float

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Until this text stands in the log; the run must not be over before that."""
        wait_for(lambda: text in self._told() or self.process.poll() is not None, seconds)
        assert text in self._told(), f"it never came so far\n{self._told()[-4000:]}"

    def interrupt(self) -> None:
        """As Ctrl-C does: act ends the steps that are no `always()`."""
        self.process.send_signal(signal.SIGINT)

    def finish(self, timeout: float = 120) -> Ran:
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise TimeoutError(f"act ran for more than {timeout} s:\n{self._told()[-4000:]}") from None
        seconds = time.monotonic() - self.began
        left = self.end()
        told = self._told()
        if any('"fatal"' in line and "address already in use" in line for line in told.splitlines()):
            raise PortTakenError
        assert "Skipping unsupported platform" not in told, f"a label is none of {LABELS}: the job was left out"
        jobs = jobs_of(told.splitlines())
        assert jobs or code == 0, f"act itself failed:\n{told[-4000:]}"
        zips = {file.parent.name: file for file in sorted(self.artifacts.glob("*/*.zip"))}
        return Ran(code, jobs, told, zips, left, seconds)

    def end(self) -> dict[int, str]:
        """Kill all that still runs of this attempt; which that was."""
        found: dict[int, str] = {}
        for _ in range(500):
            alive = processes_of(self.folder)
            if not alive:
                break
            found |= alive
            for number in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.02)
        self.process.wait(10)
        return found

    def _told(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def _act() -> str:
    """The one of this environment, else any; a test without it is no test."""
    found = shutil.which("act", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found, "act is not installed: `nox -s act` installs it"
    return found


def _ref(payload: Mapping[str, Any]) -> str:
    """`github.ref` of an event: a pull request's merge, what was pushed or chosen, else the default branch."""
    if "pull_request" in payload:
        return f"refs/pull/{payload['number']}/merge"
    branch = payload.get("repository", {}).get("default_branch", "main")
    return str(payload.get("ref") or f"refs/heads/{branch}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
