"""`phdb-ci doctor`: whether this machine has what the matrix needs, and what it cannot enforce."""

import argparse
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from phdb_ci.base.page import table
from phdb_ci.commands._options import cache_dir
from phdb_ci.errors import Exit
from phdb_ci.execution.process import Canceller, Log, Request, run
from phdb_ci.execution.workspace.environment import clean_path
from phdb_ci.matrix import load
from phdb_ci.models.inventory import Tool
from phdb_ci.planning.inventory import cpus, platform_name, tool_version
from phdb_ci.planning.plan import hint

BROKEN = re.compile(r"broken: |exit [1-9-]")  # what tool_version says of a tool that does not run
OLDEST_GIT = (2, 34)


def main(arguments: argparse.Namespace) -> int:
    """Print one row per tool, then isolation and the cache; 3 when a tool or the cache cannot be used."""
    matrix = load(arguments.matrix)
    path = clean_path(os.environ.get("PATH", ""))
    named = [*(job.tools for job in matrix.jobs.values()), *(built.tools for built in matrix.artifacts.values())]
    tools = [Tool(name=name, path=shutil.which(name, path=path)) for name in sorted({"git"}.union(*named))]
    cache = cache_dir(os.environ)
    refused = unwritable(cache)
    facts = {
        "platform": platform_name(),
        "cpus": cpus(),
        "network isolation": "enforced" if isolates() else "not available here: jobs with network = false say so",
    }
    rows = [_row(tool, path) for tool in tools]
    missing = [name for state, name, _ in rows if state != "ok"]
    if arguments.json:
        versions = {name: text for _, name, text in rows}
        report = {"cache": str(cache), "cache_problem": refused, "tools": versions, "missing": missing}
        print(json.dumps(facts | report))
    else:
        rows += [("", name, str(value)) for name, value in facts.items()]
        rows.append(("broken", "cache", f"{cache}: {refused}") if refused else ("", "cache", str(cache)))
        print("\n".join(table(rows)))
    return Exit.INCOMPLETE if missing or refused else Exit.PASS


def _row(tool: Tool, path: str) -> tuple[str, str, str]:
    if tool.path is None:
        return "missing", tool.name, hint(tool.name)
    version = tool_version(tool.name, path)
    if BROKEN.match(version):
        return "broken", tool.name, f"{tool.path} --version: {version.removeprefix('broken: ')}"
    if tool.name == "git":
        numbers = re.match(r"git version (\d+)\.(\d+)", version)
        if not numbers or tuple(map(int, numbers.groups())) < OLDEST_GIT:
            return "broken", tool.name, f"{version}: {'.'.join(map(str, OLDEST_GIT))} or newer is needed"
    return "ok", tool.name, version


def unwritable(cache: Path) -> str | None:
    """Why the cache cannot be written or made; None when it can. Leaves nothing behind."""
    place = next(folder for folder in (cache, *cache.parents) if os.path.lexists(folder))
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"phdb-ci")
    except OSError as error:
        return f"cannot be written ({error.strerror}); let PHDB_CI_CACHE name a directory that can"
    return None


def isolates() -> bool:
    """Whether this system can limit a command's network to loopback: tried, not guessed."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "log")
        done = run(Request(["true"], Path(folder), dict(os.environ), 10, isolate=True), log=log, cancel=Canceller())
        log.close()
    return done.network == "isolated"
