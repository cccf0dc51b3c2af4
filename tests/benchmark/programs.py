"""Run a program and time it; which programs and machine these are."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent


class ProgramError(Exception):
    """A program of the benchmark failed: there is nothing to measure."""


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def timed(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> float:
    """Run to the end; wall seconds. Raises ProgramError when it fails: that is quick and would look good."""
    return timed_cpu(argv, cwd=cwd, env=env)[0]


def timed_cpu(
    argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Wall and processor seconds, those of waited-for descendants included."""
    before = os.times()
    started = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode != 0:
        tail = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise ProgramError(f"exit {done.returncode}: {' '.join(argv)}\n{tail}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def output(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> str:
    """What a program prints on standard output. Raises ProgramError when it fails."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, env=env)
    if done.returncode != 0:
        raise ProgramError(f"exit {done.returncode}: {' '.join(argv)}\n{done.stderr[-2000:]}")
    return done.stdout


def missing(*tools: str) -> list[str]:
    """Those programs that are neither on PATH nor in our environment."""
    return [tool for tool in tools if not shutil.which(tool) and not (BIN / tool).exists()]


def clean_env(**own: str) -> dict[str, str]:
    """The caller's environment without what redirects git or changes a peer; our programs first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PHDB_", "PRE_COMMIT"))}
    safe = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return kept | safe | {"PATH": f"{BIN}:{os.environ.get('PATH', os.defpath)}"} | own


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    compiler = _line("c++", "--version") if shutil.which("c++") else "none"
    return {
        "cpu": _cpu(), "cores": str(cores()), "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(), "git": _line("git", "--version").removeprefix("git version "),
        "compiler": compiler,
    }  # fmt: skip


def _line(*argv: str) -> str:
    return output(argv).splitlines()[0].strip()


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
