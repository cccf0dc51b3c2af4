"""An engine with a fault: what stands behind the witness in `phdb-ci prove`. A program of its own, not a module.

It speaks lidb_embed's command line (`open`, `migrate`, `exec`, `exec-json`, `session`), hands what its fault does not
concern to the sound engine, and knows no schema: a statement that begins with INSERT, UPDATE or DELETE writes, one that
begins with SELECT reads. Only the standard library is imported, and little of it: a job starts it hundreds of times.

`faults.py` writes it into a file with the three names below filled in.
"""

import json
import os
import subprocess
import sys
import time
from typing import NoReturn

REAL = "lidb_embed"
FAULT = "none"
PROGRAM = "lidb_embed"

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "UPSERT")
FOREIGN = "somebody-else"


def main() -> int:
    """One call of the engine."""
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else ""
    if FAULT == "dead":
        sys.stderr.write(f"{PROGRAM}: cannot open the catalog\n")
        return 1
    if FAULT == "null":
        return 0
    if FAULT == "hang":
        while True:
            time.sleep(3600)
    if command == "session" and FAULT != "none":
        return session(arguments)
    if command in ("exec", "exec-json") and FAULT != "none" and len(arguments) > 2:
        return statement(command, arguments)
    return hand_over(arguments)


def hand_over(arguments: list[str]) -> NoReturn:
    """Become the sound engine."""
    os.execv(REAL, [PROGRAM, *arguments])  # noqa: S606


def statement(command: str, arguments: list[str]) -> int:
    """One statement that is a call of its own."""
    sql = arguments[2]
    if FAULT == "drops-writes" and is_write(sql):
        if command == "exec-json":
            sys.stdin.read()
            sys.stdout.write('{"rows":[],"affected":1}\n')
        return 0
    if is_write(sql) or not is_read(sql) or FAULT == "drops-writes":
        hand_over(arguments)
    done = subprocess.run([REAL, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        spoilt = spoil_json(done.stdout) if command == "exec-json" else spoil_lines(done.stdout)
        sys.stdout.write(spoilt)
    return done.returncode


def session(arguments: list[str]) -> int:
    """Many statements, a line each, with the sound engine's own session behind."""
    engine = subprocess.Popen([REAL, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert engine.stdin is not None  # noqa: S101
    assert engine.stdout is not None  # noqa: S101
    for line in sys.stdin:
        try:
            sql = str(json.loads(line)["sql"])
        except (ValueError, KeyError, TypeError):
            sql = ""
        if FAULT == "drops-writes" and is_write(sql):
            answer = '{"rows":[],"affected":1}\n'
        else:
            engine.stdin.write(line)
            engine.stdin.flush()
            answer = engine.stdout.readline()
            if is_read(sql):
                answer = spoil_json(answer)
        sys.stdout.write(answer)
        sys.stdout.flush()
    engine.stdin.close()
    return engine.wait()


def is_write(sql: str) -> bool:
    """Whether a statement writes rows."""
    return sql.lstrip(" \t\r\n(;").upper().startswith(WRITES)


def is_read(sql: str) -> bool:
    """Whether a statement reads rows."""
    return sql.lstrip(" \t\r\n(;").upper().startswith("SELECT")


def spoil_json(text: str) -> str:
    """An answer of `exec-json` or `session` with this fault in its rows; what is no such answer stays."""
    try:
        answer = json.loads(text)
        rows = answer["rows"]
    except (ValueError, KeyError, TypeError):
        return text
    if FAULT == "empty-reads":
        rows = []
    elif FAULT == "foreign-rows":
        rows = [{name: foreign(value) for name, value in row.items()} for row in rows]
    elif FAULT == "corrupt-value" and rows:
        first = dict(rows[0])
        name = max(first, key=lambda key: len(str(first[key])), default=None)
        if name is not None:
            first[name] = corrupt(first[name])
        rows = [first, *rows[1:]]
    return json.dumps(answer | {"rows": rows}, separators=(",", ":"), ensure_ascii=False) + "\n"


def spoil_lines(text: str) -> str:
    """The output of `exec`: a row a line, its values between bars."""
    if FAULT == "empty-reads":
        return ""
    lines = text.splitlines()
    if FAULT == "foreign-rows":
        lines = ["|".join(str(foreign(plain(value))) for value in line.split("|")) for line in lines]
    elif FAULT == "corrupt-value" and lines:
        head, bar, last = lines[0].rpartition("|")
        lines[0] = head + bar + str(corrupt(plain(last)))
    return "".join(f"{line}\n" for line in lines)


def plain(text: str) -> object:
    """A value as `exec` prints it: a number where it is one."""
    return int(text) if text.lstrip("-").isdecimal() else text


def foreign(value: object) -> object:
    """A value that another row would have: of the same type, and never the same."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1000
    return f"{FOREIGN}-{len(str(value))}" if isinstance(value, str) else value


def corrupt(value: object) -> object:
    """A value that is almost the same."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    text = str(value)
    return text[:-1] + ("x" if text[-1:] != "x" else "y")


if __name__ == "__main__":
    sys.exit(main())
