"""How the programs are called: lidb_embed, lis, the bridge, liorm. One class each, over one data directory.

Each program gets the job's environment and the variables of the agents' contract; the mock is never among them.
"""

import json
import secrets
import shlex
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from checks.contracts.answers import answer, parse
from checks.contracts.programs import TIMEOUT, Done, Program

HIDDEN = ("LI_LIDB_MOCK", "LI_LIDB_URL", "PYTHONPATH", "PYTHONSTARTUP", "PYTEST_", "CONTRACTS_")
# What an installed script does, without an installation.
START = (
    "import sys; from importlib import import_module; "
    "m, f = sys.argv.pop(1).split(':'); sys.exit(getattr(import_module(m), f)())"
)
# Engines that do not do what they should. None is called lidb_embed: it is not the engine under test.
ENGINES = {
    "dead": "echo 'no engine here' >&2\nexit 1",
    "silent": "exit 0",
    "babbling": "echo ok",
    "hanging": "exec sleep 600",
    "full-disk": "trap '' XFSZ\nulimit -f 0\nexec {engine} \"$@\"",
}
INSERT = "INSERT INTO packages (id, name, description) VALUES (?, ?, ?)"
READ = "SELECT id, name FROM packages WHERE id = ?"
INSERT_RUN = "INSERT INTO agent_runs (id, run_id, agent_id, status, started_at) VALUES (?, ?, ?, ?, ?)"
READ_RUNS = "read agent_runs { id, agent_id, status }"
LOCK_WAIT = "50"  # milliseconds after which an engine that waits for a lock gives up, where it knows this variable
Row = dict[str, str]


@dataclass(frozen=True)
class Stack:
    """The checkouts, and the environment of every program, which names the engine and the data directory.

    Attributes:
        repos: lidb, lis, agents, benchmarks: those that were named.
        folder: what the case needs lies below it.
    """

    repos: Mapping[str, Path]
    folder: Path
    env: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.env["LI_DATA_DIR"])

    def repo(self, name: str) -> Path:
        """A checkout; the case is skipped where it was not named."""
        if name not in self.repos:
            pytest.skip(f"CONTRACTS_{name.upper()} is not set")
        return self.repos[name]

    def with_env(self, **variables: str | None) -> "Stack":
        """The same stack with these variables, or without those that are None."""
        merged = {**self.env, **variables}
        return replace(self, env={name: value for name, value in merged.items() if value is not None})

    def copy(self, name: str) -> "Stack":
        """The same stack on a copy of its data directory, without patience for locks."""
        data = self.folder / name
        copytree(self.data, data)
        return self.with_env(LI_DATA_DIR=str(data), LIDB_DATA_DIR=str(data), LIDB_LOCK_WAIT_MS=LOCK_WAIT)

    def with_engine(self, name: str) -> "Stack":
        """The same stack with one of ENGINES for its engine."""
        path = self.folder / f"{name}-engine"
        script = ENGINES[name].replace("{engine}", shlex.quote(self.env["LIDB_EMBED"]))
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return self.with_env(LIDB_EMBED=str(path))


@dataclass(frozen=True)
class Client:
    """One program of the stack."""

    stack: Stack

    def command(self, *arguments: str) -> list[str]:
        """Its command line."""
        raise NotImplementedError

    def start(self, *arguments: str, stdin: str = "") -> Program:
        """One call, left running."""
        return Program(self.command(*arguments), env=self.stack.env, cwd=self.stack.folder, stdin=stdin)

    def run(self, *arguments: str, stdin: str = "", timeout: float = TIMEOUT) -> Done:
        """One call, to its end."""
        return self.start(*arguments, stdin=stdin).finish(timeout)


class LidbEmbed(Client):
    """`lidb_embed`, by its command line."""

    def command(self, *arguments: str) -> list[str]:
        """The data directory stands behind the verb."""
        verb, *values = arguments
        return [self.stack.env["LIDB_EMBED"], verb, str(self.stack.data), *values]

    def open_and_migrate(self) -> "LidbEmbed":
        """Make the data directory ready."""
        for verb in ("open", "migrate"):
            done = self.run(verb)
            assert done.code == 0, f"{verb}: exit 0 expected, got {done.ending}"
        return self

    def exec_json(self, sql: str, *parameters: Any) -> Done:
        """One statement through `exec-json`."""
        return self.run("exec-json", sql, stdin=json.dumps(parameters))

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """The rows of a statement that succeeds."""
        rows: list[Any] = answer("exec-json", self.exec_json(sql, *parameters))["rows"]
        return rows


class Lis(Client):
    """`lis`, by the entry point that the checkout declares."""

    def command(self, *arguments: str) -> list[str]:
        """Python with that entry point, or with `-m lis` where nothing is declared."""
        checkout = self.stack.repo("lis")
        try:
            project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
            module, function = project["project"]["scripts"]["lis"].split(":")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return [sys.executable, "-m", "lis", *arguments]
        return [sys.executable, "-c", START, f"{module}:{function}", *arguments]

    def db(self, command: str, timeout: float = TIMEOUT) -> Done:
        """`lis db COMMAND --json`."""
        env = {**self.stack.env, "PYTHONPATH": str(self.stack.repo("lis"))}
        argv = self.command("db", command, "--json")
        return Program(argv, env=env, cwd=self.stack.repo("lis"), stdin="").finish(timeout)

    def answer(self, command: str, code: int | None = 0) -> dict[str, Any]:
        """The answer of a command."""
        value: dict[str, Any] = answer(f"lis-{command}", self.db(command), code=code)
        return value


class Bridge(Client):
    """The bridge as Node spawns it."""

    def command(self, *arguments: str) -> list[str]:
        """The bridge's script in Python."""
        return [sys.executable, str(self.stack.repo("agents") / "scripts" / "lidb-liorm-bridge.py"), *arguments]

    def upsert(self, run: Row) -> None:
        """Write a run, and see it named."""
        done = self.run("upsert_agent_run", json.dumps(run))
        assert answer("bridge-upsert_agent_run", done, one_line=True)["run_id"] == run["run_id"]

    def rows(self, command: str, *arguments: str) -> list[Any]:
        """The rows of `read_liq` or `exec_sql`."""
        return counted(answer(f"bridge-{command}", self.run(command, *arguments), one_line=True))


class Liorm(Client):
    """liorm's Python, by `probe.py` in a process with lidb's packages."""

    def command(self, *arguments: str) -> list[str]:
        """The probe of the data directory."""
        verb, *values = arguments
        return [sys.executable, str(Path(__file__).parent / "probe.py"), str(self.stack.repo("lidb")), verb,
                str(self.stack.data), *values]  # fmt: skip

    def ask(self, *arguments: str) -> Any:
        """What the probe has found."""
        done = self.run(*arguments)
        assert (done.code, done.problem) == (0, ""), f"liorm: {done.ending}"
        return parse(done.out)


def counted(value: Mapping[str, Any]) -> list[Any]:
    """The rows of an answer of the bridge, as many as it says."""
    rows: list[Any] = value["rows"]
    count = value.get("row_count", len(rows))
    assert count == len(rows), f"$.row_count: {len(rows)} expected, got {count}"
    return rows


def new_run(**values: str) -> Row:
    """An agent run that no other answer could hold, as the bridge takes it."""
    run = {"run_id": f"run-{secrets.token_hex(8)}", "agent_id": "contracts", "status": "running"}
    return run | {"started_at": "2026-01-01T00:00:00Z"} | values


def as_read(run: Row) -> Row:
    """The row of a run that READ_RUNS gives."""
    return {"id": run["run_id"], "agent_id": run["agent_id"], "status": run["status"]}


def as_columns(run: Row) -> list[str]:
    """The parameters of INSERT_RUN."""
    return [run[name] for name in ("run_id", "run_id", "agent_id", "status", "started_at")]
