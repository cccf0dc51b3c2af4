"""`phdb-ci cache`: what the cache holds and how large it is; with --prune, remove what no recent run needs."""

import argparse
import json
import os
from contextlib import suppress
from pathlib import Path

from phdb_ci.artifacts.store import Store
from phdb_ci.base.files import walk
from phdb_ci.base.page import table
from phdb_ci.commands._options import cache_dir
from phdb_ci.errors import Exit, UsageError
from phdb_ci.execution.housekeeping import empty_trash, sweep_work, throw_away

PARTS = {
    "mirrors": "bare mirrors of repositories",
    "store": "built artifacts",
    "builds": "build directories of artifacts",
    "work": "workspaces of runs that did not pass",
    "downloads": "what npm, pip and uv have downloaded",
    "trash": "waiting to be deleted",
}


def main(arguments: argparse.Namespace) -> int:
    """Show or prune; sizes are bytes on disk as the files say."""
    if arguments.keep < 0:
        raise UsageError(f"--keep {arguments.keep}: cannot be negative")
    cache = cache_dir(os.environ)
    before = {name: _size(cache / name) for name in PARTS}
    if arguments.prune:
        prune(cache, arguments.keep)
    after = {name: _size(cache / name) for name in PARTS}
    if arguments.json:
        print(json.dumps({"cache": str(cache), "bytes": after, "freed": sum(before.values()) - sum(after.values())}))
        return Exit.PASS
    rows = [(name, _human(after[name]), text) for name, text in PARTS.items()]
    print("\n".join([str(cache), *table(rows)]))
    if arguments.prune:
        print(f"freed {_human(sum(before.values()) - sum(after.values()))}")
    return Exit.PASS


def prune(cache: Path, keep: int) -> None:
    """Remove old artifacts, build directories without a stored artifact, workspaces of ended runs, the trash."""
    Store(cache / "store").prune(keep=keep)
    entries = [entry for entry in (cache / "store").glob("*/*") if len(entry.name) == 64]
    in_use = {f"{entry.parent.name}-{entry.name[:16]}" for entry in entries}
    for place in (cache / "builds").glob("*/"):
        if place.name not in in_use:
            throw_away(place, cache)
    sweep_work(cache, keep=0)
    empty_trash(cache)


def _size(path: Path) -> int:
    total = 0
    for folder, names in walk(path, without=frozenset()):
        for name in names:
            with suppress(OSError):  # gone by now, or its path is longer than the system takes
                total += os.lstat(f"{folder}/{name}").st_size
    return total


def _human(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    power = min(len(str(size)) - 1, 12) // 3
    return f"{size / 1000**power:.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"
