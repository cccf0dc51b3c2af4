"""What a person sees while a run goes on: a live region on a terminal, plain lines elsewhere, folded groups on GitHub.

All of it goes to standard error. The region is the foot of the screen: a line per running node and one with the counts,
each as wide as the terminal at most, drawn by rich a few times per second and gone at the end; what has ended stands
above it. Text from repositories is made harmless before it is shown, and rich gets it as text, never as markup.
"""

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from phdb_ci.base.files import open_regular
from phdb_ci.base.page import Page, columns
from phdb_ci.base.text import duration, harmless
from phdb_ci.models.statuses import STATUSES, AnyStatus, Colour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

TAIL = 25  # lines of a log that are shown for a leg that is not green
PER_SECOND = 4  # how often the region is drawn
LAST_BYTES = 4096  # of a log, in which its last line is looked for
MARKS: Mapping[Colour, str] = {"green": "✓", "red": "✗", "yellow": "!", "dim": "-"}
OS = re.compile(r"@[^ ]+")  # of a leg's name; a machine runs a job on one system alone
PHASE, ELAPSED, REMAINING, NAME, OUTPUT = 8, 6, 10, 8, 12  # columns; the last two at least


def page_of(stream: TextIO, environ: Mapping[str, str]) -> Page:
    """What a stream can show: on a terminal its width, and colour unless NO_COLOR or TERM=dumb."""
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    colour = _clever(stream, environ) and not environ.get("NO_COLOR")
    return Page(width, stream.encoding or "utf-8", colour)


def _clever(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return stream.isatty() and environ.get("TERM") not in ("dumb", "unknown")


@dataclass
class Running:
    """A node while it runs: when it began (monotonic), what it is doing, how long it took before, its log."""

    began: float
    expected: float | None
    log: Path
    phase: str = ""


class Board:
    """A Progress on a stream.

    Our lock is never held while something is printed: rich holds its own when it asks for the region's lines.
    """

    def __init__(self, stream: TextIO, page: Page, *, live: bool, github: bool = False) -> None:
        self.stream, self.page, self.live, self.github = stream, page, live, github
        self._running: dict[str, Running] = {}
        self._total = self._done = self._bad = 0
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._console: Console | None = None  # while there is a region

    @classmethod
    def for_terminal(cls, environ: Mapping[str, str]) -> "Board":
        """The region and colour on a terminal unless NO_COLOR or TERM=dumb; groups on GitHub."""
        live, github = _clever(sys.stderr, environ), environ.get("GITHUB_ACTIONS") == "true"
        return cls(sys.stderr, page_of(sys.stderr, environ), live=live, github=github)

    @contextmanager
    def region(self, total: int) -> Iterator[None]:
        """A run of `total` nodes; its region is gone when the block ends."""
        self._total = total
        if not self.live:
            yield
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(
            file=self.stream, force_terminal=True, color_system="standard" if self.page.colour else None,
            markup=False, emoji=False, highlight=False,
        )  # fmt: skip

        def text() -> Text:
            lines = self.lines(console.width - 1, console.height - 1, time.monotonic())
            return Text("\n".join(lines), no_wrap=True, overflow="crop")

        live = Live(
            console=console, get_renderable=text, refresh_per_second=PER_SECOND, transient=True, redirect_stdout=False,
            redirect_stderr=False, vertical_overflow="crop",
        )  # fmt: skip
        with live:
            self._console = console
            try:
                yield
            finally:
                self._console = None

    def started(self, name: str, expected: float | None, log: Path) -> None:
        """A node begins."""
        with self._lock:
            self._running[name] = Running(time.monotonic(), expected, log)
        if not self._console:
            self._line(f"  {'start':>10}  {name}")

    def phase(self, name: str, phase: str) -> None:
        """A running node does something else now; only the region shows it."""
        with self._lock:
            if name in self._running:
                self._running[name].phase = phase

    def finished(self, name: str, status: AnyStatus, seconds: float, reasons: Sequence[str]) -> None:
        """A node has ended."""
        with self._lock:
            self._running.pop(name, None)
            self._done += 1
            self._bad += STATUSES[status].colour != "green"
        reason = harmless(reasons[0]) if reasons else ""
        if self._console:
            text = self._ended(name, status, seconds, reason, self._console.width - 1)
            self._console.print(text, no_wrap=True, overflow="crop")
        else:
            word = self.page.paint(f"{status:>10}", STATUSES[status].colour)
            self._line(f"  {word}  {name:<28} {duration(seconds):>8}  {reason}".rstrip())

    def _ended(self, name: str, status: AnyStatus, seconds: float, reason: str, width: int) -> "Text":
        """The line of a node that has ended, in at most `width` columns."""
        from rich.text import Text

        colour = STATUSES[status].colour
        mark = self.page.fit(MARKS[colour])
        room = max(NAME, min(28, width - 22))
        line = f"{mark} {status:<9}  {self.page.cut(name, room):<{room}} {duration(seconds):>7}"
        space = width - columns(line) - 2
        line += f"  {self.page.cut(reason, space)}" if space >= OUTPUT else ""
        text = Text(line)
        text.stylize(colour, 0, len(f"{mark} {status}"))
        return text

    def note(self, text: str) -> None:
        """Something a person should know now."""
        if self._console:
            self._console.print(self.page.fit(f"note: {harmless(text, 1000)}"), width=self._console.width - 1)
        else:
            self._line(f"  {'note':>10}  {harmless(text, 1000)}")

    def log_tail(self, leg: str, path: Path) -> None:
        """On GitHub, where nobody has the file, the last lines of a log in a group that is folded.

        Each stands behind a bar: no line can start a workflow command.
        """
        lines = read_end(path, 64 * 1024)[-TAIL:]
        if not lines or not self.github:
            return
        self._line(f"::group::{leg}: end of its log")
        for line in lines:
            self._line(f"    | {harmless(line)}")
        self._line("::endgroup::")

    def _line(self, text: str) -> None:
        with self._lock:
            self.stream.write(self.page.fit(text) + "\n")
            self.stream.flush()

    def lines(self, width: int, height: int, now: float) -> list[str]:
        """The region as it is to be now: at most `height` lines of at most `width` columns."""
        with self._lock:
            nodes = dict(self._running)
            bad = f", {self._bad} not green" if self._bad else ""
            counts = f"{self._done}/{self._total} done{bad}, {len(nodes)} running, {duration(now - self._began, 0)}"
        shown = dict(list(nodes.items())[: max(0, height - 1)])
        names = {name: self.page.fit(OS.sub("", name)) for name in shown}
        room = min(max(map(columns, names.values()), default=0), width - PHASE - ELAPSED - REMAINING - 3)
        rows = [_row(names[name], node, self.page, width, max(NAME, room), now) for name, node in shown.items()]
        return [*rows, self.page.cut(counts, width)]


def _row(name: str, node: Running, page: Page, width: int, room: int, now: float) -> str:
    """One running node: name, phase, time so far, time that is left, the last line of its output."""
    elapsed = now - node.began
    remaining = ""
    if node.expected is not None:
        remaining = f"~{duration(node.expected - elapsed, 0)} left" if elapsed < node.expected else "overdue"
    times = f"{duration(elapsed, 0):>{ELAPSED}} {remaining:>{REMAINING}}"
    head = f"{page.cut(name, room):<{room}} {node.phase:<{PHASE}} {times}"
    space = width - columns(head) - 2
    if space < OUTPUT:
        return page.cut(head.rstrip(), width)
    return f"{head}  {page.cut(_last_line(node.log), space)}".rstrip()


def _last_line(path: Path) -> str:
    """The last line of a log that says something, without what takes no column: terminals differ in that."""
    lines = (harmless(line).strip() for line in reversed(read_end(path, LAST_BYTES)))
    return "".join(sign for sign in next(filter(None, lines), "") if columns(sign))


def read_end(path: Path, size: int) -> list[str]:
    """The lines in the last bytes of a file; none when there is no such file."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read(size).decode(errors="replace").splitlines()
    except OSError:
        return []
