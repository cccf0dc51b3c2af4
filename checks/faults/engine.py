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
import subprocess
import sys
import time
from typing import NoReturn

FAULTS = ("control", "dead", "null", "drops-writes", "empty-reads", "foreign-rows", "corrupt-value", "hang")
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "UPSERT")
FOREIGN = "somebody-else"
CALL = "--call"


def main(arguments: list[str]) -> int:
    """Write an engine, or be one."""
    if arguments[:1] == [CALL]:
        return Engine(arguments[1], arguments[2]).call(arguments[3:])
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
    Path(out).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    Path(out).chmod(0o755)


class Engine:
    """One call of an engine that has a fault."""

    def __init__(self, fault: str, real: str) -> None:
        self.fault, self.real, self.name = fault, real, real.rpartition("/")[2]

    def call(self, arguments: list[str]) -> int:
        """Answer as lidb_embed does, but for the fault."""
        verb = arguments[0] if arguments else ""
        if self.fault == "dead":
            sys.stderr.write(f"{self.name}: cannot open the catalog\n")
            return 1
        if self.fault == "null":
            return 0
        while self.fault == "hang":
            time.sleep(3600)
        if self.fault != "control" and verb == "session":
            return self.session(arguments)
        if self.fault != "control" and verb in ("exec", "exec-json") and len(arguments) > 2:
            return self.statement(verb, arguments)
        return self.hand_over(arguments)

    def hand_over(self, arguments: list[str]) -> NoReturn:
        """Become the sound engine."""
        os.execv(self.real, [self.name, *arguments])  # noqa: S606

    def statement(self, verb: str, arguments: list[str]) -> int:
        """One statement that is a call of its own."""
        sql = arguments[2]
        if self.fault == "drops-writes" and is_write(sql):
            if verb == "exec-json":
                sys.stdin.read()
                sys.stdout.write('{"rows":[],"affected":1}\n')
            return 0
        if self.fault == "drops-writes" or not is_read(sql):
            self.hand_over(arguments)
        done = subprocess.run([self.real, *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            spoil = spoil_json if verb == "exec-json" else spoil_lines
            sys.stdout.write(spoil(self.fault, done.stdout))
        return done.returncode

    def session(self, arguments: list[str]) -> int:
        """Many statements, a line each, with the sound engine's own session behind."""
        engine = subprocess.Popen([self.real, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert engine.stdin is not None
        assert engine.stdout is not None
        for line in sys.stdin:
            sql = statement_of(line)
            if self.fault == "drops-writes" and is_write(sql):
                answer = '{"rows":[],"affected":1}\n'
            else:
                engine.stdin.write(line)
                engine.stdin.flush()
                answer = engine.stdout.readline()
                if is_read(sql):
                    answer = spoil_json(self.fault, answer)
            sys.stdout.write(answer)
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
        rows = answer["rows"]
    except (ValueError, KeyError, TypeError):
        return text
    if fault == "empty-reads":
        rows = []
    elif fault == "foreign-rows":
        rows = [{name: foreign(value) for name, value in row.items()} for row in rows]
    elif fault == "corrupt-value" and rows:
        first = dict(rows[0])
        name = max(first, key=lambda key: len(str(first[key])), default=None)
        if name is not None:
            first[name] = corrupt(first[name])
        rows = [first, *rows[1:]]
    return json.dumps(answer | {"rows": rows}, separators=(",", ":"), ensure_ascii=False) + "\n"


def spoil_lines(fault: str, text: str) -> str:
    """The output of `exec`: a row a line, its values between bars."""
    if fault == "empty-reads":
        return ""
    lines = text.splitlines()
    if fault == "foreign-rows":
        lines = ["|".join(str(foreign(plain(value))) for value in line.split("|")) for line in lines]
    elif fault == "corrupt-value" and lines:
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
    sys.exit(main(sys.argv[1:]))
