"""Broken engines: `engine.py FAULT REAL OUT` writes one to OUT that has this fault and the sound engine REAL behind it.

    control        the sound engine, behind the same program
    dead           fails at every call
    null           answers nothing and says that all went well
    drops-writes   says that it wrote, and did not
    empty-reads    finds no row, ever
    foreign-rows   answers with the rows of somebody else
    corrupt-value  changes one value of an answer
    hang           never answers

A broken engine speaks lidb_embed's command line (`open`, `migrate`, `exec`, `exec-json`, `session`) and knows no
schema: a statement that begins with INSERT, UPDATE or DELETE writes, one that begins with SELECT reads. Only the
standard library is imported, and little of it: a job starts it hundreds of times.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

# What never reaches the sound engine, as lines of a shell.
SIMPLE = {
    "dead": "echo 'lidb_embed: cannot open the catalog' >&2; exit 1",
    "null": "exit 0",
    "hang": "exec sleep 2000000",
}
SPOILS = ("empty-reads", "foreign-rows", "corrupt-value")
FAULTS = ("control", *SIMPLE, "drops-writes", *SPOILS)
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "UPSERT")
WRITTEN = '{"rows":[],"affected":1}\n'
CALL = "--call"
NUMBER = re.compile("0|-?[1-9][0-9]*")
Row = dict[Any, Any]


def main(arguments: list[str]) -> int:
    """Write an engine, or be one."""
    if arguments[:1] == [CALL]:
        return call(arguments[1], arguments[2], arguments[3:])
    if len(arguments) != 3 or arguments[0] not in FAULTS:
        sys.stderr.write(f"usage: engine.py {'|'.join(FAULTS)} REAL OUT\n")
        return 2
    write(*arguments)
    return 0


def write(fault: str, real: str, out: str) -> None:
    """Write the program that is the engine with this fault."""
    import shlex  # noqa: PLC0415 - these two are not for the engine's own start
    from pathlib import Path  # noqa: PLC0415

    # A shebang line is cut at 127 bytes and takes one argument: a shell finds any interpreter.
    words = [sys.executable, "-IS", str(Path(__file__).resolve()), CALL, fault, str(Path(real).resolve())]
    script = SIMPLE.get(fault, f'exec {shlex.join(words)} "$@"')
    Path(out).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    Path(out).chmod(0o755)


def call(fault: str, real: str, arguments: list[str]) -> int:
    """Answer as lidb_embed does, but for the fault."""
    verb, _, sql = [*arguments, "", "", ""][:3]
    if verb == "session" and fault != "control":
        return session(fault, [real, *arguments])
    if verb in ("exec", "exec-json") and fault == "drops-writes" and is_write(sql):
        return drop(verb)
    if verb in ("exec", "exec-json") and fault in SPOILS and is_read(sql):
        return read(fault, verb, [real, *arguments])
    return os.execv(real, [real.rpartition("/")[2], *arguments])  # noqa: S606 - the sound engine


def drop(verb: str) -> int:
    """Confirm a write that is a call of its own, and do nothing."""
    if verb == "exec-json":
        sys.stdin.read()
        sys.stdout.write(WRITTEN)
    return 0


def read(fault: str, verb: str, argv: list[str]) -> int:
    """Spoil a read that is a call of its own."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        spoil = spoil_json if verb == "exec-json" else spoil_lines
        sys.stdout.write(spoil(fault, done.stdout))
    return done.returncode


def session(fault: str, argv: list[str]) -> int:
    """Many statements, a line each, with the sound engine's own session behind."""
    engine = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert engine.stdin and engine.stdout
    for line in sys.stdin:
        sql = statement_of(line)
        if fault == "drops-writes" and is_write(sql):
            answer = WRITTEN
        else:
            engine.stdin.write(line)
            engine.stdin.flush()
            answer = engine.stdout.readline()
        sys.stdout.write(spoil_json(fault, answer) if is_read(sql) else answer)
        sys.stdout.flush()
    engine.stdin.close()
    return engine.wait()


def statement_of(line: str) -> str:
    """The SQL of a session's line; nothing where it has none."""
    try:
        return str(json.loads(line)["sql"])
    except (ValueError, KeyError, TypeError):
        return ""


def is_write(sql: str) -> bool:
    """Whether a statement writes rows."""
    return sql.lstrip(" \t\r\n(;").upper().startswith(WRITES)


def is_read(sql: str) -> bool:
    """Whether a statement reads rows."""
    return sql.lstrip(" \t\r\n(;").upper().startswith("SELECT")


def spoil_json(fault: str, text: str) -> str:
    """An answer of `exec-json` or `session` with this fault in its rows; what is no such answer stays."""
    try:
        answer = json.loads(text)
        rows = spoiled(fault, answer["rows"], lambda row: max(row, key=lambda name: len(str(row[name]))))
    except (ValueError, KeyError, TypeError, AttributeError):
        return text
    return json.dumps(answer | {"rows": rows}, separators=(",", ":"), ensure_ascii=False) + "\n"


def spoil_lines(fault: str, text: str) -> str:
    """The output of `exec`: a row a line, its values between blanks, a number where one stands."""
    rows = [
        {place: int(word) if NUMBER.fullmatch(word) else word for place, word in enumerate(line.split(" "))}
        for line in text.splitlines()
    ]
    return "".join(" ".join(map(str, row.values())) + "\n" for row in spoiled(fault, rows, max))


def spoiled(fault: str, rows: list[Row], column: Callable[[Row], Any]) -> list[Row]:
    """Rows with this fault; `column` chooses whose value is corrupt."""
    if fault == "empty-reads":
        return []
    if fault == "foreign-rows":
        return [{name: foreign(value) for name, value in row.items()} for row in rows]
    if fault == "corrupt-value" and rows:
        first, *others = rows
        name = column(first)
        return [first | {name: corrupt(first[name])}, *others]
    return rows


def foreign(value: object) -> object:
    """A value that another row would have: of the same type, and never the same."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1000
    return f"somebody-else-{len(value)}" if isinstance(value, str) else value


def corrupt(value: object) -> object:
    """A value that is almost the same."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    text = str(value)
    return text[:-1] + ("x" if text[-1:] != "x" else "y")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
