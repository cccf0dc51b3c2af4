"""The engine as seen from Python: finds the binary (or builds it), calls it, checks its answers."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import Any

from .errors import EngineError

_CHECKOUT = Path(__file__).resolve().parent.parent

Row = dict[str, Any]


def find_binary() -> Path | None:
    """`LIDB_EMBED` where it names a file, else what was built in this checkout."""
    given = os.environ.get("LIDB_EMBED", "")
    built = [_CHECKOUT / "build" / "smoke" / "lidb_embed", _CHECKOUT / "build" / "lidb_embed"]
    return next((path for path in [*([Path(given)] if given else []), *built] if path.is_file()), None)


def build_binary() -> Path:
    """Build the engine in build/smoke."""
    target = _CHECKOUT / "build" / "smoke"
    for command in (
        ["cmake", "-S", str(_CHECKOUT), "-B", str(target), "-DCMAKE_BUILD_TYPE=Release"],
        ["cmake", "--build", str(target), "--target", "lidb_embed", "-j", str(os.cpu_count() or 1)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise EngineError(f"no lidb_embed, and it cannot be built: {error}") from error
        if done.returncode:
            raise EngineError(f"no lidb_embed, and {' '.join(command)} failed:\n{done.stderr}")
    return target / "lidb_embed"


def _answer(text: str) -> list[Row]:
    """Take the rows out of an answer; an engine that says nothing has not done what it was asked."""
    try:
        answer = json.loads(text)
        if "error" not in answer:
            rows: list[Row] = answer["rows"]
            return rows
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"lidb_embed gave no proper answer: {text[:200]!r}") from None
    raise EngineError(str(answer["error"]))


class Engine:
    """One data directory. A statement is a call of the binary, or a line to one that stays (`session`)."""

    def __init__(self, data_dir: Path, *, session: bool = False) -> None:
        self.data_dir = data_dir
        self.binary = find_binary() or build_binary()
        self._keep_session = session
        self._session: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def open_and_migrate(self) -> None:
        """Make the data directory ready; doing it again changes nothing."""
        if not self._call("open").startswith("open ok "):
            raise EngineError("lidb_embed did not say that the data directory is open")
        if self._call("migrate").strip() != "migrate ok":
            raise EngineError("lidb_embed did not say that the schema is current")

    def execute_sql(self, sql: str, params: list[Any] | None = None) -> list[Row]:
        """Run one statement and give its rows."""
        if self._keep_session:
            return _answer(self._ask(json.dumps({"sql": sql, "params": params or []})))
        return _answer(self._call("exec-json", sql, stdin=json.dumps(params or [])))

    def close(self) -> None:
        """End the session, if there is one."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.communicate()  # its input ends, so it does

    def _call(self, command: str, *args: str, stdin: str = "") -> str:
        argv = [str(self.binary), command, str(self.data_dir), *args]
        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, encoding="utf-8", check=False)
        except (OSError, ValueError) as error:
            raise EngineError(f"cannot run {self.binary}: {error}") from error
        if done.returncode:
            raise EngineError(done.stderr.strip() or f"lidb_embed {command}: exit code {done.returncode}")
        return done.stdout

    def _ask(self, request: str) -> str:
        with self._lock:
            if self._session is None:
                self._session = self._start_session()
            assert self._session.stdin is not None
            assert self._session.stdout is not None
            try:
                self._session.stdin.write(request + "\n")
                self._session.stdin.flush()
                return self._session.stdout.readline()
            except OSError as error:
                raise EngineError(f"the session of lidb_embed ended: {error}") from error

    def _start_session(self) -> subprocess.Popen[str]:
        argv = [str(self.binary), "session", str(self.data_dir)]
        try:
            return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        except OSError as error:
            raise EngineError(f"cannot run {self.binary}: {error}") from error


@cache
def engine_for(data_dir: Path) -> Engine:
    """Give the engine of a data directory, opened and migrated on first use in this process."""
    engine = Engine(data_dir)
    engine.open_and_migrate()
    return engine
