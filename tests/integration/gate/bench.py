"""What the gate's tests share: a scenario (own stack and matrix), the command line as a process, /proc."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.execution.services.postgres import wheel
from phdb_ci.execution.services.postgres.address import Address
from phdb_ci.execution.services.postgres.database import Database
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import LegResult
from phdb_ci.models.verdict import Verdict, VerdictArtifact

ROOT = Path(__file__).parents[3]
STACK = ROOT / "tests" / "stack"
REPOS = ("lidb", "lis", "li-cursor-agents", "benchmarks")
SLOW_PATH = os.environ["PATH"]  # of before the tests' compiler (tests/conftest.py): a build takes its time
JUNK = shutil.ignore_patterns("__pycache__", "build", ".venv", "node_modules", "dist", "*-harness.json", "*.egg-info")
OS = "ubuntu-24.04"
# What a caller might have set and that has nothing to do with the gate; CI machines set some of it.
ALIEN = ("GIT_", "GITHUB_", "PHDB_", "LI_", "LIDB_", "LIS_", "BENCH", "PYTEST", "NODE_", "PYTHON", "COV_")


@dataclass(frozen=True)
class Ran:
    """How `phdb-ci run` ended, and its run directory."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def verdict(self) -> Verdict:
        return Verdict.model_validate_json((self.folder / "verdict.json").read_bytes())

    @property
    def embed(self) -> VerdictArtifact:
        """The artifact of this run."""
        return next(artifact for artifact in self.verdict.artifacts if artifact.name == "embed")

    @property
    def told(self) -> str:
        """All that the user saw, for a failing test's message."""
        return f"exit {self.code}\n{self.out}\n{self.err}"

    def leg(self, job: str) -> LegResult:
        """A job's result in the verdict; its own result.json says the same."""
        result = next(leg.result for leg in self.verdict.legs if leg.result.job == job)
        written = LegResult.model_validate_json((self.folder / result.leg / "result.json").read_bytes())
        assert written == result
        return result

    def log(self, job: str) -> str:
        return (self.folder / f"{job}@{OS}" / "log.txt").read_text(errors="replace")

    def assert_green(self) -> None:
        assert self.code == 0, self.told
        assert self.verdict.outcome == "pass"
        assert {leg.result.status for leg in self.verdict.legs} == {"passed"}

    def assert_not_green(self, job: str, status: str, *reasons: str) -> None:
        """The job has this status, each text stands in one of its reasons, and the exit code is 1."""
        result = self.leg(job)
        assert (result.status, self.verdict.outcome, self.code) == (status, "fail", 1), self.told
        for reason in reasons:
            assert any(reason in line for line in result.reasons), (reason, result.reasons)


@dataclass
class Scenario:
    """A stack, a matrix and a cache. A repo is shared with all tests; one that is patched is a copy."""

    root: Path
    pristine: Path
    cache: Path
    env: dict[str, str] = field(default_factory=dict)
    _runs: int = 0

    def __post_init__(self) -> None:
        self.stack.mkdir()
        for name in REPOS:
            (self.stack / name).symlink_to(self.pristine / name)
        shutil.copyfile(ROOT / "matrix.toml", self.matrix)
        (self.root / "checks").symlink_to(ROOT / "checks")  # the matrix names folders beside it

    @property
    def stack(self) -> Path:
        return self.root / "stack"

    @property
    def matrix(self) -> Path:
        return self.root / "matrix.toml"

    # The matrix

    def edit(self, old: str, new: str, *, job: str | None = None) -> None:
        """Replace a text that stands exactly once in the matrix, or in one job's rows of it."""
        text = self.matrix.read_text()
        start, end = (0, len(text)) if job is None else _section(text, f"[jobs.{job}]")
        part = text[start:end]
        assert part.count(old) == 1, f"{old!r} stands {part.count(old)} times in {job or 'the matrix'}"
        self.matrix.write_text(text[:start] + part.replace(old, new) + text[end:])

    def set_run(self, job: str, *commands: str) -> None:
        """Give a job other run commands."""
        text = self.matrix.read_text()
        start, end = _section(text, f"[jobs.{job}]")
        old = next(line for line in text[start:end].splitlines() if line.startswith("run = "))
        self.edit(old, f"run = {json.dumps(list(commands), ensure_ascii=False)}", job=job)

    def add_env(self, job: str, **variables: str) -> None:
        """Put variables into a job's environment; one without a row `env` gets it."""
        pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in variables.items())
        text = self.matrix.read_text()
        start, end = _section(text, f"[jobs.{job}]")
        if "\nenv = { " in text[start:end]:
            self.edit("\nenv = { ", f"\nenv = {{ {pairs}, ", job=job)
        else:
            self.edit("\nrun = ", f"\nenv = {{ {pairs} }}\nrun = ", job=job)

    # The stack

    def repo(self, name: str) -> Path:
        """This scenario's own copy of a repo."""
        path = self.stack / name
        if path.is_symlink():
            path.unlink()
            shutil.copytree(self.pristine / name, path, symlinks=True)
        return path

    def patch(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file of the stack (`lidb/src/main.cpp`)."""
        name, _, inside = file.partition("/")
        path = self.repo(name) / inside
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))

    def write(self, file: str, text: str, mode: int = 0o644) -> Path:
        """Write a whole file of the stack."""
        name, _, inside = file.partition("/")
        path = self.repo(name) / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    # The command line

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ALIEN)}
        return kept | {"PHDB_CI_CACHE": str(self.cache), "PYTHONPATH": str(ROOT)} | self.env | dict(env or {})

    def argv(self, verb: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "phdb_ci", verb, "--matrix", "matrix.toml", *arguments]

    def out(self) -> Path:
        """A run directory that no run has used."""
        self._runs += 1
        return self.root / f"run-{self._runs}"

    def run(self, *jobs: str, env: Mapping[str, str] | None = None, stack: bool = True, timeout: float = 240) -> Ran:
        """`phdb-ci run JOB…` to its end, on this scenario's stack."""
        out = self.out()
        chosen = ["--stack", "stack"] if stack else []
        done = self.cli("run", *jobs, *chosen, "--out", str(out), env=env, timeout=timeout)
        return Ran(done.returncode, done.stdout, done.stderr, out)

    def cli(
        self, verb: str, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 240
    ) -> "subprocess.CompletedProcess[str]":
        """Any verb, to its end; whatever happens, the user sees no traceback."""
        done = subprocess.run(
            self.argv(verb, *arguments),
            cwd=self.root,
            env=self.environment(env),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "\nTraceback" not in f"\n{done.stderr}", done.stderr
        assert "phdb-ci itself failed" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def plan(self, *names: str) -> Plan:
        """`phdb-ci plan --json`."""
        done = self.cli("plan", *names, "--stack", "stack", "--json")
        assert done.returncode == 0, done.stderr
        return Plan.model_validate_json(done.stdout)

    def start(self, *jobs: str, out: Path | None = None, verb: str = "run") -> "Started":
        """`phdb-ci run JOB…`, or another verb, left running."""
        folder = out or self.out()
        log = (self.root / f"{folder.name}.log").open("wb")
        with log:
            process = subprocess.Popen(
                self.argv(verb, *jobs, "--stack", "stack", "--out", str(folder)),
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Started(process, folder, self.cache)


@dataclass
class Started:
    """A harness that runs in a session of its own."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    cache: Path

    def wait_for(self, job: str, text: str, seconds: float = 60) -> None:
        """Until this text stands in a node's log; the run must not be over before that."""
        log = self.folder / job / "log.txt"
        assert wait_for(lambda: self.process.poll() is not None or _holds(log, text), seconds), "it never came so far"
        assert self.process.poll() is None, "the run was over too early"

    def send(self, number: signal.Signals) -> None:
        """To the harness alone, as `kill` and a CI runner do."""
        os.kill(self.process.pid, number)

    def finish(self, seconds: float = 60) -> Ran:
        code = self.process.wait(seconds)
        told = self.folder.with_name(f"{self.folder.name}.log").read_text(errors="replace")
        assert "\nTraceback" not in f"\n{told}", told
        return Ran(code, told, "", self.folder)

    def left(self) -> dict[int, str]:
        """Processes of this run that still live: all that have its cache in their environment."""
        return processes_of(self.cache)


def processes_of(place: Path) -> dict[int, str]:
    """Live processes that name a path in their environment or arguments, or work below it: pid → program."""
    found = {}
    mark = os.fsencode(place)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, name = _state(folder)
            about = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            about += os.fsencode((folder / "cwd").readlink())
        except OSError:
            continue
        if state not in "ZX" and mark in about and int(folder.name) != os.getpid():
            found[int(folder.name)] = name
    return found


def _state(folder: Path) -> tuple[str, str]:
    name, _, rest = (folder / "stat").read_bytes().partition(b" (")[2].rpartition(b") ")
    return rest[:1].decode(), name.decode(errors="replace")


def ask(url: str, statement: str, cache: Path) -> str:
    """The answer of a Postgres server, by the client that a run has put into its cache. Raises OSError."""
    programs = cache / "services" / wheel.WHEEL.replace("==", "-") / wheel.BIN
    one = Database(Address.of(url, "URL"), "", programs / "psql", {})
    done = subprocess.run(one.command(statement), env=one.env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr)
    return done.stdout.strip()


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def _holds(file: Path, text: str) -> bool:
    try:
        return text in file.read_text(errors="replace")
    except OSError:
        return False


def _section(text: str, header: str) -> tuple[int, int]:
    """From a table's header to the next table that is not below it."""
    start = text.index(header + "\n")
    below = header.replace("[", "[[").removesuffix("]") + "."
    at = start
    while (at := text.find("\n[", at + 1)) != -1:
        if not text.startswith(below, at + 1):
            return start, at
    return start, len(text)


def once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is made by one worker of a test session and used by all."""
    place = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".made").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make(place)
            (place / ".made").touch()
    return place


COUNTING = """\
#!/bin/sh
for word in "$@"; do
  case "$word" in
    */lidb/engine/*.cpp|*/lidb/sql/*.cpp|*/lidb/src/*.cpp) printf '%s\\n' "$word" >> {log} ;;
  esac
done
exec {real} "$@"
"""


def counting_compiler(folder: Path, path: str | None = None) -> tuple[str, Path]:
    """A PATH whose `c++` notes every source of lidb that it compiles, else the one of `path`; and its notes."""
    real = shutil.which("c++", path=path)
    assert real is not None
    notes = folder / "compiled"
    notes.touch()
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "c++"
    wrapper.write_text(COUNTING.format(log=notes, real=real))
    wrapper.chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}", notes


def sources_of_lidb() -> list[str]:
    """What one build compiles, as the stack has it."""
    return sorted(path.name for path in (STACK / "lidb").rglob("*.cpp"))
