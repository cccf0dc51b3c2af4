"""What a person sees while a run goes on and at its end.

Words only; colour on the status word, and only on a terminal.
Lines go to standard error as things happen (a live line on a terminal, plain lines elsewhere, folded groups
on GitHub); the table at the end goes to standard output. Text from repositories is stripped of control
characters.
"""

import re
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from phdb_ci.base.text import counted, cut
from phdb_ci.models.plan import JobNode, Plan
from phdb_ci.models.statuses import STATUSES, AnyStatus, Colour

if TYPE_CHECKING:
    from phdb_ci.models.results import ArtifactUse, LegResult
    from phdb_ci.models.verdict import Verdict, VerdictLeg  # a plan is shown without them

COLOURS: Mapping[Colour, str] = {"green": "32", "red": "31", "yellow": "33", "dim": "2"}
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)")
TAIL = 25  # lines of a log that are shown for a leg that is not green
VERBS = 5  # verbs of an artifact that a row of the table names


def plain(text: str, limit: int = 300) -> str:
    """One line without anything that a terminal or GitHub would obey (`##[` is a command anywhere)."""
    line = UNSAFE.sub(" ", ESCAPE.sub("", text)).replace("##[", "## [")
    return cut(line, limit)


def duration(seconds: float) -> str:
    """Seconds as `3.2 s` or `2:05`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether colour is wanted on a stream: on a terminal unless NO_COLOR or TERM=dumb."""
    return _terminal(stream, environ) and not environ.get("NO_COLOR")


def _terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM") != "dumb"


class Console:
    """A Progress that writes to a stream. On a terminal the last line shows what runs right now."""

    def __init__(self, stream: TextIO, *, colour: bool, live: bool, github: bool = False) -> None:
        self.stream, self.colour, self.live, self.github = stream, colour, live, github
        self._running: dict[str, float] = {}
        self._done = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._total = 0

    @classmethod
    def for_terminal(cls, environ: Mapping[str, str]) -> "Console":
        """Colour and the live line on a terminal unless NO_COLOR or TERM=dumb; groups on GitHub."""
        github = environ.get("GITHUB_ACTIONS") == "true"
        colour, live = coloured(sys.stderr, environ), _terminal(sys.stderr, environ)
        return cls(sys.stderr, colour=colour, live=live, github=github)

    def begin(self, total: int) -> None:
        """A run of `total` nodes starts."""
        self._total = total
        if self.live:
            threading.Thread(target=self._tick, daemon=True).start()

    def end(self) -> None:
        """The run is over; the live line goes away."""
        self._stop.set()
        with self._lock:
            self._clear()

    def started(self, name: str) -> None:
        """A node begins."""
        with self._lock:
            self._running[name] = time.monotonic()
            if not self.live:
                self._line(f"  {'start':>10}  {name}")

    def finished(self, name: str, status: AnyStatus, seconds: float, reasons: Sequence[str]) -> None:
        """A node has ended."""
        with self._lock:
            self._running.pop(name, None)
            self._done += 1
            why = f"  {plain(reasons[0])}" if reasons else ""
            self._line(f"  {self.paint(status, width=10)}  {name:<28} {duration(seconds):>8}{why}")

    def note(self, text: str) -> None:
        """Something a person should know now."""
        with self._lock:
            self._line(f"  {'note':>10}  {plain(text, 1000)}")

    def log_tail(self, leg: str, path: Path) -> None:
        """The last lines of a log, each behind a bar: no line can start a workflow command on GitHub."""
        lines = _tail(path)
        if not lines:
            return
        self._line(f"::group::{leg}: end of its log" if self.github else f"\n  end of {path}")
        for line in lines:
            self._line(f"    | {plain(line)}")
        if self.github:
            self._line("::endgroup::")

    def paint(self, status: AnyStatus, width: int = 0) -> str:
        """A status word, coloured where that is wanted."""
        word = f"{status:>{width}}"
        return f"\x1b[{COLOURS[STATUSES[status].colour]}m{word}\x1b[0m" if self.colour else word

    def _line(self, text: str) -> None:
        self._clear()
        self.stream.write(text + "\n")
        self.stream.flush()

    def _clear(self) -> None:
        if self.live:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()

    def _tick(self) -> None:
        while not self._stop.wait(0.5):
            with self._lock:
                now = time.monotonic()
                parts = [f"{name} {now - since:.0f}s" for name, since in self._running.items()]
                line = f"  {self._done}/{self._total} done · {', '.join(parts)}"[:100]
                self.stream.write(f"\r\x1b[2K{line}")
                self.stream.flush()


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            return file.read().decode(errors="replace").splitlines()[-TAIL:]
    except OSError:
        return []


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last column is left as long as it is."""
    rows = [list(row) for row in rows]
    widths = [
        max((len(row[index]) for row in rows), default=0) for index in range(len(rows[0]) if rows else 0)
    ]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def plan_text(plan: Plan) -> str:
    """The plan for a terminal: sources, artifacts and why, legs and what they wait for."""
    here = f"{counted(len(plan.legs), 'leg')} here, {plan.platform}, {counted(plan.cpus, 'cpu')}"
    lines = [f"{plan.gate}: {here}", "", "sources"]
    for source in plan.sources.repos.values():
        extra = "".join(f"\n      {plain(note)}" for note in source.notes)
        dirty = " + uncommitted changes" if source.dirty else ""
        lines.append(
            f"  {source.repo:<18} {source.id[:12]}  {source.origin:<4} {plain(source.via)}{dirty}{extra}"
        )
    for node in plan.artifacts:
        lines += ["", f"artifact {node.name}  {node.action}  key {node.key[:12]}"]
        lines += [
            f"  {plain(why)}"
            for why in (*node.why, *(f"missing tool: {tool}" for tool in node.missing_tools))
        ]
    lines += ["", "legs"]
    rows = [
        (f"  {leg.leg}", " + ".join(leg.needs) or "-", _seconds(leg.expected), _must(leg))
        for leg in plan.legs
    ]
    head, *told = table([("  leg", "needs", "last took", "must show"), *rows])
    lines.append(head)
    for leg, line in zip(plan.legs, told, strict=True):
        lines += [line, *(f"    missing tool: {tool}" for tool in leg.missing_tools)]
    lines += [f"  {leg.job}@{leg.os}  {leg.kind}: {leg.reason}" for leg in plan.idle]
    lines += [f"note: {plain(note, 1000)}" for note in plan.notes]
    return "\n".join(lines)


def _must(leg: JobNode) -> str:
    return "; ".join([*leg.evidence, *([leg.claimed] if leg.claims else [])])


def _seconds(value: float | None) -> str:
    return "-" if value is None else duration(value)


def verdict_text(verdict: "Verdict", console: Console) -> str:
    """The verdict for a terminal: one row per leg with its evidence, and one sentence at the end."""
    legs = sorted(
        verdict.legs, key=lambda leg: (leg.result.job != verdict.lead, leg.result.status == "passed")
    )
    rows = [_row(leg) for leg in legs]
    lines = table([("status", "leg", "passed", "failed", "skipped", "time", "evidence"), *rows])
    painted = [_coloured(line, leg.result.status, console) for line, leg in zip(lines[1:], legs, strict=True)]
    lines = [lines[0], *painted]
    lines += [f"missing    {item.job}@{item.os}  {item.reason}" for item in verdict.missing]
    lines += [f"{item.kind:<9}  {item.job}@{item.os}  {item.reason}" for item in verdict.idle]
    lines.append("")
    for artifact in verdict.artifacts:
        digest = f"sha256:{artifact.digest[:16]}" if artifact.digest else "; ".join(artifact.reasons)
        jobs = ""
        if artifact.used_by:
            calls = f", called {counted(artifact.calls, 'time')}" if artifact.calls else ""
            jobs = f", used by {counted(len(artifact.used_by), 'job')}{calls}"
        lines.append(f"{artifact.name}: {artifact.status}, {plain(digest)}{jobs}")
    sources = ", ".join(f"{source.repo} {source.commit[:7]} ({source.origin})" for source in verdict.sources)
    lines += [f"{verdict.stack} stack: {sources}"]
    lines += [f"{source.repo}: {plain(note)}" for source in verdict.sources for note in source.notes]
    lines += [f"note: {plain(note, 1000)}" for note in verdict.notes]
    took = duration(verdict.seconds)
    lines += [
        "",
        f"verdict {console.paint(verdict.outcome)}: {verdict.gate}: {verdict.headline} in {took}",
    ]
    return "\n".join(lines)


def _coloured(line: str, status: AnyStatus, console: Console) -> str:
    return console.paint(status) + line[len(status) :]


def _row(leg: "VerdictLeg") -> tuple[str, ...]:
    result = leg.result
    suites = result.facts.suites
    passed = sum(suite.counts.passed for suite in suites)
    bad = sum(suite.counts.failed + suite.counts.error for suite in suites)
    skipped = sum(suite.counts.skipped + suite.counts.todo for suite in suites)
    counts = ("-", "-", "-") if not result.facts.counted_suites else (str(passed), str(bad), str(skipped))
    said = [plain(reason) for reason in result.reasons]
    said += [f"{counted(leg.fewer_tests, 'test')} fewer than the baseline"] if leg.fewer_tests else []
    said += [
        *_figures(result),
        *(_called(use) for use in result.facts.artifacts if use.calls),
        *(plain(note) for note in result.notes),
    ]
    if not leg.decides and result.quarantine:
        said.insert(
            0,
            f"quarantined until {result.quarantine.until}, does not decide: {plain(result.quarantine.issue)}",
        )
    return (result.status, result.leg, *counts, duration(result.seconds), "; ".join(said))


def _figures(result: "LegResult") -> list[str]:
    """What was measured, in a few words; nothing for a job that measures nothing."""
    if not result.facts.figures:
        return []
    from phdb_ci.rendering.figures import in_words

    return [told for told in [plain(in_words(result))] if told]


def _called(use: "ArtifactUse") -> str:
    """How often an artifact was called, in all and by verb, the most frequent verbs first."""
    verbs = sorted(((verb, times) for verb, times in use.verbs.items() if times), key=lambda item: -item[1])
    told = [f"{plain(verb, 20)} {times}" for verb, times in verbs[:VERBS]] + ["…"] * (len(verbs) > VERBS)
    return f"{use.name} called {use.calls}×" + (f" ({', '.join(told)})" if told else "")  # noqa: RUF001 - a sign for people
