"""How the programs of the stack are called: lis, the bridge, liorm's Python, lidb_embed.

Each gets the job's own environment and the variables of the agents' contract; the mock is never among them.
"""

import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phdb_ci.contracts.drive import Done, Program, call
from phdb_ci.errors import ToolError, UsageError

TIMEOUT = 60.0  # seconds for one call; a busy machine is slow, a hanging program is worse
BRIDGE = Path("scripts") / "lidb-liorm-bridge.py"
JSON_COMMANDS = ("start", "status")
PROBES = Path(__file__).parent / "probes"
FORBIDDEN = ("LI_LIDB_MOCK", "LI_LIDB_URL", "PYTHONPATH", "PYTHONSTARTUP")
ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
# What an installed script does, without an installation.
START = (
    "import sys; from importlib import import_module; "
    "m, f = sys.argv.pop(1).split(':'); sys.exit(getattr(import_module(m), f)())"
)


@dataclass(frozen=True)
class Stack:
    """The checkouts, the engine and the data directory; a checkout that was not given is None.

    Attributes:
        env: what every program gets.
        scratch: a folder for what the checks need beside the data directory.
    """

    lidb: Path
    lis: Path | None
    agents: Path | None
    benchmarks: Path | None
    embed: Path
    data: Path
    scratch: Path
    env: Mapping[str, str]

    def at(self, data: Path) -> "Stack":
        """The same stack on another data directory."""
        return replace(
            self, data=data, env={**self.env, "LI_DATA_DIR": str(data), "LIDB_DATA_DIR": str(data)}
        )

    def with_engine(self, binary: Path) -> "Stack":
        """The same stack with another program for its engine."""
        return replace(self, embed=binary, env={**self.env, "LIDB_EMBED": str(binary)})

    def with_env(self, **variables: str) -> "Stack":
        """The same stack with more variables."""
        return replace(self, env={**self.env, **variables})

    def without(self, *names: str) -> "Stack":
        """The same stack without these variables."""
        return replace(self, env={name: value for name, value in self.env.items() if name not in names})

    def db(self, command: str, timeout: float = TIMEOUT) -> Done:
        """`lis db COMMAND`, by the entry point that the checkout declares; with --json where that is the contract."""
        lis = _there(self.lis)
        env = {**self.env, "PYTHONPATH": str(lis)}
        argv = [*self.lis_program(), "db", command, *(["--json"] if command in JSON_COMMANDS else [])]
        return call(argv, env=env, cwd=lis, timeout=timeout)

    def lis_program(self) -> list[str]:
        """The command line of `lis` without an installation; `python3 -m lis` where nothing is declared."""
        try:
            project = tomllib.loads((_there(self.lis) / "pyproject.toml").read_text(encoding="utf-8"))
            entry = project["project"]["scripts"]["lis"]
        except (OSError, ValueError, KeyError, TypeError):
            entry = None
        if isinstance(entry, str) and ENTRY.fullmatch(entry):
            return [self.python, "-c", START, entry]
        return [self.python, "-m", "lis"]

    def bridge(self, *arguments: str) -> Done:
        """One command of the bridge, in a process of its own."""
        return call(self.bridge_program(*arguments), env=self.env, cwd=_there(self.agents), timeout=TIMEOUT)

    def bridge_session(self) -> Program:
        """The bridge as it answers many requests: {"cmd", "args"} per line."""
        argv = self.bridge_program("serve")
        return Program(argv, env=self.env, cwd=_there(self.agents), keep_open=True)

    def bridge_program(self, *arguments: str) -> list[str]:
        """The command line of the bridge, as Node spawns it."""
        return [self.python, str(_there(self.agents) / BRIDGE), *arguments]

    def engine(self, *arguments: str, stdin: str = "") -> Done:
        """`lidb_embed`, with the data directory behind its first argument."""
        return call(
            self.engine_program(*arguments), env=self.env, cwd=self.scratch, stdin=stdin, timeout=TIMEOUT
        )

    def engine_program(self, verb: str, *arguments: str) -> list[str]:
        """The command line of the engine on this data directory."""
        return [str(self.embed), verb, str(self.data), *arguments]

    def exec_json(self, sql: str, *parameters: Any) -> Done:
        """One statement through `exec-json`."""
        return self.engine("exec-json", sql, stdin=json.dumps(parameters))

    def start_exec_json(self, sql: str, *parameters: Any, hold_input: bool = False) -> Program:
        """One statement, left running; with hold_input its parameters are still to be sent."""
        argv = self.engine_program("exec-json", sql)
        text = "" if hold_input else json.dumps(parameters)
        return Program(argv, env=self.env, cwd=self.scratch, stdin=text, keep_open=hold_input)

    def engine_session(self) -> Program:
        """`lidb_embed session`: {"sql", "params"} per line, where the engine has it; else it ends with exit 2."""
        return Program(self.engine_program("session"), env=self.env, cwd=self.scratch, keep_open=True)

    def probe(self, script: str, *arguments: str) -> Done:
        """One of our scripts in `probes/`, in the job's Python, with lidb's packages."""
        env = {**self.env, "PYTHONPATH": str(self.lidb)}
        argv = [self.python, str(PROBES / script), str(self.data), *arguments]
        return call(argv, env=env, cwd=self.scratch, timeout=TIMEOUT)

    @property
    def python(self) -> str:
        """The job's own python3."""
        return shutil.which("python3", path=self.env.get("PATH")) or "python3"


def make_stack(
    *, lidb: Path, lis: Path | None, agents: Path | None, benchmarks: Path | None, embed: Path, data: Path,
    scratch: Path, environ: Mapping[str, str],
) -> Stack:  # fmt: skip
    """A stack from what the command line names.

    Raises UsageError for a path that is not there or a data directory that holds something, ToolError for an engine
    that is no program.
    """
    for option, folder in (
        ("--lidb", lidb),
        ("--lis", lis),
        ("--agents", agents),
        ("--benchmarks", benchmarks),
    ):
        if folder is not None and not folder.is_dir():
            raise UsageError(f"{option} {folder}: there is no such directory")
    if not embed.is_file() or not embed.stat().st_mode & 0o111:
        raise ToolError(f"--embed {embed}: not a program", tries=["phdb-ci run embed --out DIR"])
    data.mkdir(parents=True, exist_ok=True)
    if any(data.iterdir()):
        raise UsageError(f"--data {data}: is not empty; what the checks read must have been written by them")
    env = {name: value for name, value in environ.items() if name not in FORBIDDEN}
    env |= {
        "LIDB_REPO": str(lidb), "LI_LIDB_REPO": str(lidb), "LIDB_ROOT": str(lidb), "LIDB_EMBED": str(embed),
        "LI_CONTROL_PLANE_STORE": "lidb",
    }  # fmt: skip
    return Stack(lidb, lis, agents, benchmarks, embed, data, scratch, env).at(data)


def _there(folder: Path | None) -> Path:
    assert folder is not None  # noqa: S101 - a check that needs a checkout says so
    return folder
