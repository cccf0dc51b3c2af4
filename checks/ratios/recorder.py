"""Stands in the engine's place in the witnessed round: hands every call over and notes what the engine answered.

What it answers and how it exits are the engine's own. As a program it is `recorder.py NOTES ENGINE ARGUMENT…`; only the
standard library is imported, and little of it: the benchmark starts it hundreds of times.
"""

import json
import os
import subprocess
import sys

LONGEST = 500  # characters of a statement that are noted


def main(notes: str, engine: str, *arguments: str) -> int:
    """Be the engine, for one call or for a session; returns its exit code."""
    verb, _, sql = [*arguments, "", "", ""][:3]
    if verb == "session":
        return _session(notes, [engine, *arguments])
    done = subprocess.run([engine, *arguments], stdout=subprocess.PIPE, check=False)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    _note(notes, verb, sql, done.stdout if done.returncode == 0 else b"")
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _session(notes: str, argv: list[str]) -> int:
    """A line of JSON for each statement, a line for each answer."""
    _note(notes, "session", "", b"")
    engine = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert engine.stdin is not None and engine.stdout is not None
    for line in sys.stdin.buffer:
        engine.stdin.write(line)
        engine.stdin.flush()
        answer = engine.stdout.readline()
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()
        _note(notes, "", _statement(line), answer)
    engine.stdin.close()
    return engine.wait()


def _statement(line: bytes) -> str:
    """The SQL of a session's line; nothing where it has none."""
    try:
        return str(json.loads(line)["sql"])
    except (ValueError, KeyError, TypeError):
        return ""


def _note(notes: str, verb: str, sql: str, answer: bytes) -> None:
    """One line per statement, by a single write: `verb` is empty within a session."""
    rows: int | None = None
    affected: int | None = None
    try:
        said = json.loads(answer)
        rows, affected = len(said["rows"]), int(said["affected"])
    except (ValueError, KeyError, TypeError):
        pass
    line = json.dumps({"verb": verb, "sql": sql[:LONGEST], "rows": rows, "affected": affected}) + "\n"
    handle = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, line.encode())
    os.close(handle)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
