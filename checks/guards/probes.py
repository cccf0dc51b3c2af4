"""Runs the stack's programs once and records what they load and open: lis, liorm, the agents' bridge, the engine.

Three witnesses: `watch/` in every Python program, the loader's own record of the libraries that any program maps, and
the sockets of the processes that are still there after `lis db start`. No program is believed that says that all is
well; one that says of itself that it listens is.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .rules import checkout, settings

TIMEOUT = 60.0  # seconds for one program
LISTEN = "0A"  # the state of a listening socket in /proc/net/tcp
# What LD_DEBUG=files writes of each library.
LOADED = re.compile(r"file=(\S+) \[\d+\];\s+(?:needed|dynamically loaded) by (\S+)")
# Stands in every copy of sqlite, and at the head of every file that it writes.
SQLITE = b"SQLite format 3\0"
PASSED_ON = ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV")
WATCH = Path(__file__).with_name("watch")


@dataclass
class Work:
    """What was seen. `untold` says why it is not all; nothing may pass on it then."""

    sqlite: list[str] = field(default_factory=list)
    listeners: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


def work(scratch: Path) -> Work:
    """Start a database, write and read a run through the bridge, import every module, stop."""
    seen, env = Work(), _environment(scratch)
    lis, agents, output = checkout("lis"), checkout("li-cursor-agents"), scratch / "output.txt"
    bridge = [sys.executable, str(agents / "scripts" / "lidb-liorm-bridge.py")]
    database = [sys.executable, "-m", "lis.cli", "db"]
    insert = ["exec_sql", "INSERT INTO packages (id, name) VALUES (?, ?)", '["guards", "guards"]']
    try:
        for folder, argv in [
            (lis, [*database, "start", "--profile", "registry-min", "--json"]),
            (agents, [*bridge, "probe"]),
            (agents, [*bridge, *insert]),
            (agents, [*bridge, "read_liq", "read agent_runs { id, status }"]),
            (scratch, [sys.executable, str(WATCH / "import_all.py"), str(checkout("lidb")), str(lis)]),
        ]:
            if problem := _call(argv, folder, env, output):
                seen.untold.append(problem)
            elif "start" in argv:
                seen.listeners += _announced(output)
            seen.listeners += [line for line in _listening(env) if line not in seen.listeners]
        _call([*database, "stop"], lis, env, output)
    finally:
        for pid in _processes(env):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _read_reports(seen, Path(env["GUARDS_LOG"]))
    seen.sqlite += _libraries(seen, scratch)
    data = [path for path in Path(env["LI_DATA_DIR"]).rglob("*") if path.is_file()]
    engine = Path(os.environ["GUARDS_EMBED_BINARY"])
    seen.sqlite += [f"{path.name} holds sqlite" for path in (engine, *data) if SQLITE in path.read_bytes()]
    return seen


def default_store(*, production: bool) -> str:
    """The store that the agents' own code takes where LI_CONTROL_PLANE_STORE is not set, or why none is known."""
    root = checkout("li-cursor-agents")
    module, function = settings()["store"]["module"], settings()["store"]["function"]
    if not (root / module).is_file():
        return f"cannot tell, there is no {module}"
    env = {"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1", "NODE_ENV": "production" if production else ""}
    argv = ["node", str(Path(__file__).with_name("store.mjs")), str(root / module), function]
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode == 0:
        return done.stdout.strip()
    errors = [line for line in done.stderr.splitlines() if re.match(r"\w*Error", line)]
    return f"cannot tell, {module} does not run: {(errors or [done.stderr])[0][:200]}"


def _environment(scratch: Path) -> dict[str, str]:
    lidb, roots = str(checkout("lidb")), [str(checkout(repo)) for repo in ("lidb", "lis", "li-cursor-agents")]
    data = scratch / "data"
    data.mkdir()
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed_on | {
        "HOME": str(scratch), "LIDB_REPO": lidb, "LI_LIDB_REPO": lidb, "LIDB_EMBED": os.environ["GUARDS_EMBED"],
        "LI_DATA_DIR": str(data), "LIDB_DATA_DIR": str(data),
        "PYTHONPATH": str(WATCH), "PYTHONDONTWRITEBYTECODE": "1",
        "GUARDS_LOG": str(scratch / "watch.jsonl"), "GUARDS_ROOTS": os.pathsep.join(roots),
        "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(scratch / "loader"),
    }  # fmt: skip


def _call(argv: Sequence[str], folder: Path, env: Mapping[str, str], output: Path) -> str:
    """Run a program to its end; returns why it failed, or nothing. What it starts may go on and hold the output."""
    name = " ".join(Path(word).name for word in argv[1:4])
    with output.open("w") as file:
        try:
            code = subprocess.run(
                argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=TIMEOUT,
                check=False,
            ).returncode  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"cannot tell, {name}: {error}"
    lines = output.read_text(errors="replace").strip().splitlines() or [""]
    return f"cannot tell, {name}: exit {code}: {lines[-1][:200]}" if code else ""


def _announced(output: Path) -> Iterator[str]:
    """The answer of `lis db start` does not say, in a word, that it listens on no port."""
    try:
        text = output.read_text(errors="replace")
        answer, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        word = answer["checks"]["tcp_listen"]
    except (ValueError, KeyError, TypeError):
        word = None
    if word != "off":
        yield f"lis db start --json: checks.tcp_listen is {word if word is None else str(word)[:40]!r}, expected 'off'"


def _read_reports(seen: Work, log: Path) -> None:
    for line in log.read_text().splitlines() if log.exists() else ():
        report = json.loads(line)
        place = report["place"] or report["program"]
        for repo in ("lidb", "lis", "li-cursor-agents"):
            place = place.replace(str(checkout(repo)), repo)
        text = f"{place}: {report['verb']} {report['what']}"
        breaches = seen.listeners if report["verb"] == "binds" else seen.sqlite
        if text not in breaches:
            breaches.append(text)


def _libraries(seen: Work, scratch: Path) -> list[str]:
    """Every library of sqlite that the loader mapped, for whom."""
    records = list(scratch.glob("loader.*"))
    if not records:
        seen.untold.append("cannot tell, the loader left no record of the libraries that it mapped")
    text = "".join(file.read_text(errors="replace") for file in records)
    return sorted({f"{program} maps {library}" for library, program in LOADED.findall(text) if "sqlite" in library})


def _listening(env: Mapping[str, str]) -> Iterator[str]:
    """The processes of this run that listen on a TCP port."""
    for pid in _processes(env):
        process = Path("/proc") / str(pid)
        with suppress(OSError):
            sockets = {str(link.readlink()) for link in (process / "fd").iterdir()}
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            for table in ("tcp", "tcp6"):
                for row in (process / "net" / table).read_text().splitlines()[1:]:
                    cells = row.split()
                    if cells[3] == LISTEN and f"socket:[{cells[9]}]" in sockets:
                        yield f"{command.strip()[:120]}: listens on port {int(cells[1].rpartition(':')[2], 16)}"


def _processes(env: Mapping[str, str]) -> Iterator[int]:
    """The processes that have this run's environment, wherever they have gone."""
    mark = f"GUARDS_LOG={env['GUARDS_LOG']}\0".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                yield int(entry.name)
