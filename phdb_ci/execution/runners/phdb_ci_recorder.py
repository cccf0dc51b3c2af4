"""The record of one pytest run: what it collected, ran and left out, and how it ended. A plugin of the harness's own.

phdb_ci_hook.py makes a Recorder and registers it when pytest makes its configuration. The record goes as JSON lines to
a file of its own below $PHDB_CI_RECORDS: one line at the start and one at the end, so that a run that never came to its
end shows. A run inside of a run (a test that starts pytest) is the test's own affair and leaves none. What the record
means is said elsewhere. pytest 7 and later; standard library alone.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time

import pytest

TYPING = False
if TYPING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

RECORDS, INSIDE, WORKER = "PHDB_CI_RECORDS", "PHDB_CI_INSIDE", "PYTEST_XDIST_WORKER"
MOST = 2_000  # names of one kind that are kept; every one is counted
LONGEST = 300  # characters of a name or a message


class Names:
    """Names, each once: all are counted, the first MOST are kept."""

    def __init__(self) -> None:
        self.all: dict[str, str] = {}

    def add(self, name: str, message: str = "") -> None:
        """One more; the first message of a name stays."""
        self.all.setdefault(name, message)

    def __contains__(self, name: str) -> bool:
        return name in self.all

    def __len__(self) -> int:
        return len(self.all)

    def dump(self) -> dict[str, Any]:
        """As the record has them."""
        pairs = list(self.all.items())[:MOST]
        return {"count": len(self.all), "names": [[name[:LONGEST], text[:LONGEST]] for name, text in pairs]}


KINDS = (
    "executed",
    "passed",
    "failed",
    "skipped",
    "rerun",
    "deselected",
    "dropped",
    "ignored",
    "hidden",
    "partly",
    "doubts",
)


class Recorder:
    """The plugin. It only looks: no hook of it returns or changes anything."""

    def __init__(self, args: Sequence[str]) -> None:
        self.args = [str(arg)[:LONGEST] for arg in args[:50]]
        self.pid = os.getpid()
        self.inside = os.environ.get(INSIDE)
        name = f"pytest-{time.time_ns()}-{self.pid}"
        self.path = os.path.join(os.environ[RECORDS], f"{name}.jsonl")
        self.names = {kind: Names() for kind in KINDS}
        self.collected: dict[str, None] = {}
        self.raised: dict[tuple[str, str], str] = {}
        self.subtests = {"passed": 0, "failed": 0, "skipped": 0}
        self.parts: dict[str, set[str]] = {}
        self.facts: dict[str, Any] = {"session": False, "report": None, "stopped": None}
        self.ended = False
        self._put({
            "runner": "pytest", "version": pytest.__version__, "args": self.args, "cwd": os.getcwd(),
            "optimize": sys.flags.optimize, "worker_of": self.inside, "name": name,
        })  # fmt: skip
        os.environ[INSIDE] = name
        atexit.register(self.finish, None)

    def finish(self, code: int | None) -> None:
        """Write the last line: the exit code as pytest's caller gets it, None where Python ended around it."""
        if self.ended or os.getpid() != self.pid:
            return
        self.ended = True
        if self.inside is None:
            os.environ.pop(INSIDE, None)
        else:
            os.environ[INSIDE] = self.inside
        names = {kind: names.dump() for kind, names in self.names.items()}
        whole = {"exit": None if code is None else int(code), "subtests": self.subtests, **self.facts, **names}
        self._put({"collected": len(self.collected), **whole})

    def _put(self, line: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(line) + "\n")

    # Before the tests

    def pytest_configure(self, config: Any) -> None:
        """Keep where the report goes, and whether asserts are executed at all."""
        report = getattr(config.option, "xmlpath", None)
        self.facts["report"] = (
            None if report is None else os.path.abspath(os.path.expanduser(os.path.expandvars(report)))
        )
        plain = getattr(config.option, "assertmode", "rewrite") == "plain"
        if not config.pluginmanager.hasplugin("warnings"):
            self.facts["unwarned"] = True
        if sys.flags.optimize:
            how = "and pytest was told not to rewrite them" if plain else "outside of the test modules"
            self.names["doubts"].add(f"AssertionsOff: python -O takes out the asserts, {how}")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path, config: Any) -> Iterator[None]:
        """Count the test files that pytest was told to leave out."""
        outcome: Any = yield
        patterns = config.getini("python_files")
        if outcome.excinfo is None and outcome.get_result() and any(collection_path.match(glob) for glob in patterns):
            self.names["ignored"].add(collection_path.name)

    def pytest_itemcollected(self, item: Any) -> None:
        """Keep every test that there is."""
        self.collected[item.nodeid] = None

    def pytest_deselected(self, items: Sequence[Any]) -> None:
        """Keep what was filtered and said so."""
        for item in items:
            self.names["deselected"].add(item.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """See what was filtered and did not say so."""
        self._drop({item.nodeid for item in session.items})

    def _drop(self, kept: set[str]) -> None:
        for nodeid in self.collected:
            if nodeid not in kept and nodeid not in self.names["deselected"]:
                self.names["dropped"].add(nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        """Keep what could not be collected."""
        if report.failed:
            self.names["failed"].add(report.nodeid or ".", _message(report))

    def pytest_sessionstart(self, session: Any) -> None:
        """Note that there was a session: `--help` and a wrong option have none."""
        self.facts["session"] = True
        self.facts["root"] = str(session.config.rootpath)

    # The tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Look at what threads raise; pytest itself only warns, and a filter hides that."""
        self._watch_threads()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """See pytest_runtest_setup: pytest puts its own hook in place for each phase."""
        self._watch_threads()

    def _watch_threads(self) -> None:
        inner = threading.excepthook
        if getattr(inner, "of_phdb_ci", None) is not self:
            threading.excepthook = _watching(self, inner)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        """Keep what a phase raised, whatever a plugin makes of it."""
        yield
        if call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception):
            self.raised[item.nodeid, call.when] = f"{call.excinfo.typename}: {call.excinfo.value}"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a phase of a test; a subtest has a report of its own, with the name of its test."""
        if type(report).__name__.lower() == "subtestreport":  # pytest 9, and pytest-subtests before it
            self._subtest(report)
            return
        raised = self.raised.pop((report.nodeid, report.when), None)
        if report.outcome == "rerun":
            self.names["rerun"].add(report.nodeid)
        elif report.failed:
            self.names["failed"].add(report.nodeid, _message(report))
        elif report.skipped:
            self.names["skipped"].add(report.nodeid)
        elif report.when == "call":
            self.names["passed"].add(report.nodeid)
        if report.failed or (report.when == "call" and (report.passed or hasattr(report, "wasxfail"))):
            self.names["executed"].add(report.nodeid)
        if raised is not None and report.passed and not hasattr(report, "wasxfail"):
            self.names["hidden"].add(report.nodeid, raised)

    def _subtest(self, report: Any) -> None:
        self.subtests[report.outcome] = self.subtests.get(report.outcome, 0) + 1
        parts = self.parts.setdefault(report.nodeid, set())
        parts.add(report.outcome)
        if {"passed", "skipped"} <= parts:
            self.names["partly"].add(report.nodeid)
        if report.failed:
            self.names["failed"].add(report.nodeid, _message(report))

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """Keep a warning by the name of its category."""
        name = warning_message.category.__name__
        self.names["doubts"].add(f"{name} {warning_message.message}"[:LONGEST], nodeid)

    # The end

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Keep why it stopped; pytest.exit() comes here, too."""
        self.facts["stopped"] = f"{excinfo.typename}: {excinfo.value}"[:LONGEST]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """Keep why the session itself stopped."""
        reason = session.shouldfail or session.shouldstop
        if reason:
            self.facts["stopped"] = str(reason)[:LONGEST]
        elif self.facts["stopped"] is None:
            self._drop({*self.names["executed"].all, *self.names["skipped"].all, *self.names["failed"].all})


def _message(report: Any) -> str:
    """The first line of why a phase failed."""
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    text = crash.message if crash is not None else str(getattr(report, "longrepr", ""))
    return next((line for line in text.splitlines() if line.strip()), "")


def _watching(recorder: Recorder, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def excepthook(args: Any) -> Any:
        if issubclass(args.exc_type, (AssertionError, pytest.fail.Exception)):
            recorder.names["doubts"].add(f"AssertionInThread: {args.exc_type.__name__}: {args.exc_value}"[:LONGEST])
        return inner(args)

    excepthook.of_phdb_ci = recorder  # type: ignore[attr-defined]
    return excepthook
