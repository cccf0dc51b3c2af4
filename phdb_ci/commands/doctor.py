"""`phdb-ci doctor`: whether this machine has what the matrix needs, and what it cannot enforce."""

import argparse
import json
import os
import tempfile
from pathlib import Path

from phdb_ci.commands._common import cache_dir
from phdb_ci.console import table
from phdb_ci.environment import clean_path
from phdb_ci.errors import Exit
from phdb_ci.inventory import cpus, find_tools, platform_name, tool_version
from phdb_ci.matrix import load
from phdb_ci.plan import hint
from phdb_ci.process import Canceller, Log, Request, run


def main(arguments: argparse.Namespace) -> int:
    """Print one row per tool, then isolation and the cache; 3 when a tool is missing."""
    matrix = load(arguments.matrix)
    path = clean_path(os.environ.get("PATH", ""))
    names = {
        "git",
        *(tool for job in matrix.jobs.values() for tool in job.tools),
        *(tool for artifact in matrix.artifacts.values() for tool in artifact.tools),
    }
    tools = find_tools(sorted(names), path)
    facts = {
        "platform": platform_name(),
        "cpus": cpus(),
        "cache": str(cache_dir(os.environ)),
        "network isolation": "enforced"
        if isolates()
        else "not to be had here: jobs with network = false say so",
    }
    versions = {name: tool_version(name, path) if tool.path else hint(name) for name, tool in tools.items()}
    missing = [name for name, tool in tools.items() if tool.path is None]
    if arguments.json:
        print(json.dumps(facts | {"tools": versions, "missing": missing}))
    else:
        rows = [("missing" if name in missing else "ok", name, text) for name, text in versions.items()]
        print("\n".join(table([*rows, *(("", name, str(value)) for name, value in facts.items())])))
    return Exit.INCOMPLETE if missing else Exit.PASS


def isolates() -> bool:
    """Whether a command can be given a network of loopback alone on this system: tried, not guessed."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "log")
        done = run(
            Request(["true"], Path(folder), dict(os.environ), 10, isolate=True), log=log, cancel=Canceller()
        )
        log.close()
    return done.network == "isolated"
