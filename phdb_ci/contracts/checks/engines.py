"""Engines that do not do what they should: lis and the bridge must not take them for a good one."""

import shlex
from pathlib import Path

from phdb_ci.contracts.stage import Stage


def dead(stage: Stage) -> Path:
    """It can be started and says that it cannot work, so that nobody builds an engine of their own instead."""
    return _program(stage, "no-engine", "echo 'no engine here' >&2\nexit 1")


def null(stage: Stage) -> Path:
    """It answers nothing, and that is exit 0."""
    return _program(stage, "null-engine", "exit 0")


def babbling(stage: Stage) -> Path:
    """It answers everything with a word that is no answer, and that is exit 0."""
    return _program(stage, "babbling-engine", "echo ok")


def hanging(stage: Stage) -> Path:
    """It never answers."""
    return _program(stage, "hanging-engine", "exec sleep 600")


def full_disk(stage: Stage) -> Path:
    """The real one, on a disk that takes no byte more: each write of it fails."""
    return _program(stage, "full-disk", f"trap '' XFSZ\nulimit -f 0\nexec {_real(stage)} \"$@\"")


def counting(stage: Stage, log: Path) -> Path:
    """The real one, behind a launcher that notes each start; not called like it, so that it is no stray."""
    note = shlex.quote(str(log))
    return _program(stage, "counted-engine", f'echo start >> {note}\nexec {_real(stage)} "$@"')


def _real(stage: Stage) -> str:
    return shlex.quote(str(stage.stack.embed))


def _program(stage: Stage, name: str, script: str) -> Path:
    path = stage.stack.scratch / name
    if not path.exists():
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return path
