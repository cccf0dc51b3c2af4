"""Run one git command: no shell, no hooks, no prompt.

Commands that ask a remote run through GitPython, which is imported here alone and not before: its import takes as long
as all that a run on local trees does with git (135 ms).
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from phdb_ci.errors import DiskError, PhdbError, ToolError
from phdb_ci.sources.git.env import clean_env, mask, sealed_env

_ALWAYS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.untrackedCache=false",
    "-c", "core.splitIndex=false",  # a shared index would be written beside the user's
    "-c", "gc.auto=0",  # checkouts borrow objects from mirrors: nothing may be collected during a run
    "-c", "maintenance.auto=false",
    "-c", "protocol.ext.allow=never",
    "-c", "core.fsync=none",  # all of it can be fetched again
)  # fmt: skip
_SEALED = (
    "-c", "core.excludesFile=/dev/null",  # else ~/.config/git/ignore counts, set or not
    "-c", "core.attributesFile=/dev/null",
    "-c", "core.fileMode=true",
    "-c", "core.symlinks=true",
    "-c", "core.ignoreCase=false",
    "-c", "core.precomposeUnicode=true",
    "-c", "core.protectHFS=true",  # a tree must not reach `.git` on any file system
    "-c", "core.protectNTFS=true",
)  # fmt: skip
_INSTALL = ["install git 2.34 or newer"]
_DISK = ("No space left", "Read-only file system", "Permission denied", "Disk quota", "Input/output error")
# What git adds, whatever the reason.
_EMPTY_WORDS = ("fatal: Could not read from remote", "Please make sure you have", "and the repository exists")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed, as text without the last line's end."""
        return os.fsdecode(self.out).strip()

    @property
    def line(self) -> str:
        """The one line that says why it failed, credentials hidden."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith(_EMPTY_WORDS)]
        telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:", "remote: "))]
        return mask((telling or lines or ["no message"])[-1])


def git(
    *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"", sealed: bool = True, remote: bool = False
) -> Done:
    """Run `git *args` to its end, whatever its exit code; a caller puts user text behind `--end-of-options` or `--`.

    `env` comes on top of the clean environment. `sealed`: no configuration of the machine or user counts (see env.py).
    `remote`: it asks a remote, and gets no `stdin`.
    """
    cleaned = (sealed_env if sealed else clean_env)(os.environ) | dict(env or {})
    command = ["git", *_ALWAYS, *(_SEALED if sealed else ()), *args]
    return _ask(command, cleaned) if remote else _execute(command, cleaned, stdin)


def git_ok(*args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"", sealed: bool = True) -> Done:
    """`git`, for commands on our own files that have no reason to fail; a failure is the machine's."""
    done = git(*args, env=env, stdin=stdin, sealed=sealed)
    if done.code != 0:
        raise failure(done, args)
    return done


def failure(done: Done, args: tuple[str, ...]) -> PhdbError:
    """The error for a command of our own that failed."""
    verb = next((arg for arg in args if not arg.startswith(("-", "/"))), "command")
    kind = DiskError if any(sign in done.err for sign in _DISK) else ToolError
    return kind(f"git {verb} failed: {done.line}", tries=["phdb-ci doctor"])


def _execute(command: list[str], env: Mapping[str, str], stdin: bytes) -> Done:
    try:
        done = subprocess.run(command, env=env, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ToolError("git is not installed", tries=_INSTALL) from error
    return Done(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def _ask(command: list[str], env: dict[str, str]) -> Done:
    try:
        from git.cmd import Git
    except ImportError as error:  # it looks for git when it is imported
        raise ToolError("git is not installed", tries=_INSTALL) from error
    # GitPython adds to the process's environment and cannot take away: env(1) does.
    gone = [f"-u{name}" for name in os.environ if name.startswith("GIT_") and name not in env]
    return Done(*Git().execute(
        ["env", *gone, *command], env=env, with_extended_output=True, with_exceptions=False, stdout_as_string=False,
        strip_newline_in_stdout=False,
    ))  # fmt: skip
