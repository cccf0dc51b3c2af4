"""What the tests of the run share: rows of a matrix, facts, inventories, and commands in real processes."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from phdb_ci.artifacts.store import key_of
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Canceller, Log, Outcome, Request, run, shell
from phdb_ci.models.inventory import Inventory, KeyInputs, Stored, Tool
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.sources import Source, Sources
from phdb_ci.planning.plan import make_plan
from phdb_ci.terminal import Board

PIN = "c0ffee" + "0" * 34
TREE = "7ee" + "0" * 37
PATH = {"PATH": os.environ["PATH"]}


def job(**fields: Any) -> Job:
    """A row of the matrix: one command, one pytest report, nothing else asked."""
    told = {
        "summary": "what it shows",
        "repo": "lidb",
        "run": ["make check"],
        "reports": [{"kind": "pytest", "min_tests": 2}],
    }
    return Job.model_validate(told | fields)


def matrix(jobs: Mapping[str, Job] | None = None, **fields: Any) -> Matrix:
    """Two repos, one artifact, the jobs given (or one that uses the artifact), all in the gate `pr-gate`."""
    rows = jobs or {"smoke": job(artifacts=["embed"])}
    repo = {"url": "https://github.com/acme/lidb.git", "pin": PIN}
    told = {
        "schema": 1,
        "repos": {"lidb": repo, "lis": repo},
        "artifacts": {
            "embed": {
                "repo": "lidb",
                "inputs": ["src"],
                "build": ["make"],
                "outputs": ["lidb_embed"],
                "tools": ["cmake"],
            }
        },
        "jobs": dict(rows),
        "gates": {"pr-gate": {"jobs": list(rows), "lead": next(iter(rows))}},
    }
    return Matrix.model_validate(told | fields)


def sources(**where: str) -> Sources:
    """Both repos at their pin."""
    return Sources(
        stack="public",
        repos={
            name: Source(
                repo=name,
                commit=PIN,
                origin="pin",
                via="matrix.toml",
                where=where.get(name, f"https://github.com/acme/{name}.git"),
                objects=Path("/mirror"),
                pin=PIN,
            )
            for name in ("lidb", "lis")
        },
    )


def key_inputs(**fields: Any) -> KeyInputs:
    """What `embed` is built from."""
    told = {
        "artifact": "embed",
        "trees": {"src": TREE},
        "build": ["make"],
        "outputs": ["lidb_embed"],
        "tools": {"cmake": "cmake version 3.31.6"},
        "platform": "linux x86_64 glibc-2.36",
    }
    return KeyInputs.model_validate(told | fields)


def stored(inputs: KeyInputs | None = None, **fields: Any) -> Stored:
    """An entry of the store, on paper alone."""
    inputs = inputs or key_inputs()
    told = {
        "artifact": "embed",
        "key": key_of(inputs),
        "inputs": inputs,
        "path": Path("/store/embed"),
        "digests": {"lidb_embed": "d" * 64},
        "digest": "d" * 64,
        "commit": PIN,
        "built": "2026-11-25T03:00:00Z",
    }
    return Stored.model_validate(told | fields)


def inventory(*missing: str, inputs: KeyInputs | None = None, **fields: Any) -> Inventory:
    """This machine: Linux, with every tool but those in `missing`."""
    inputs = inputs or key_inputs()
    tools = ("cmake", "node", "python3", "fancy")
    told = {
        "os_family": "ubuntu",
        "platform": "linux x86_64 glibc-2.36",
        "cpus": 4,
        "tools": {name: Tool(name=name, path=None if name in missing else f"/usr/bin/{name}") for name in tools},
        "inputs": {"embed": inputs},
        "keys": {"embed": key_of(inputs)},
    }
    return Inventory.model_validate(told | fields)


def run_context(cache: Path, caller: Mapping[str, str] = PATH) -> Context:
    """A run of the matrix above, with nobody who watches."""
    rows = matrix()
    return Context(
        matrix=rows, plan=make_plan(rows, "pr-gate", (), None, sources(), inventory()), cache=cache, out=cache / "out",
        work=cache / "work", caller=caller, run_id="1", progress=Board.for_terminal({}), cancel=Canceller(),
    )  # fmt: skip


@dataclasses.dataclass
class Bench:
    """Runs commands for a test, in a folder of its own, and reads their log."""

    folder: Path
    secrets: Iterable[str] = ()
    cancel: Canceller = dataclasses.field(default_factory=Canceller)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def request(
        self, command: str | list[str], *, env: Mapping[str, str] = PATH, timeout: float = 20, **more: Any
    ) -> Request:
        argv = shell(command) if isinstance(command, str) else command
        return Request(argv, self.folder, env, timeout, **more)

    def run(self, command: str | list[str], **more: Any) -> Outcome:
        log = Log(self.folder / "log", self.secrets)
        try:
            return run(self.request(command, **more), log=log, cancel=self.cancel)
        finally:
            log.close()


def wait_for(condition: Callable[[], object], seconds: float = 5) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def pids(*files: Path) -> Iterator[int]:
    """The process ids that commands wrote into these files."""
    for file in files:
        yield int(file.read_text())


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"
