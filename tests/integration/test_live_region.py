"""The live region on a real pseudo-terminal, read by a terminal in memory: nothing scrolls, nothing wraps."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

ROOT = Path(__file__).parents[2]
ROWS = 24
WIDTHS = (40, 60, 80, 200)
SCREENS = Path(__file__).parents[1] / "data" / "screens"  # what a person sees; durations of seconds made equal


class Screen(pyte.HistoryScreen):
    """A terminal that counts the lines that it has begun by itself, because text reached its edge."""

    def __init__(self, width: int) -> None:
        super().__init__(width, ROWS, history=10_000)
        self.lines_begun = 0

    def linefeed(self) -> None:
        self.lines_begun += 1
        super().linefeed()

    @property
    def scrolled(self) -> int:
        return len(self.history.top)


class Terminal:
    """The program on its terminal; `screen` is what a person would see."""

    def __init__(self, master: int, width: int, folder: Path) -> None:
        self._master, self.folder = master, folder
        self.screen = Screen(width)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._ended = False

    def read_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Take what comes until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.shown)
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    data = os.read(self._master, 65536)
                except OSError:  # Linux: the program has ended
                    data = b""
                if not data:
                    self._ended = True
                    assert condition(), "\n".join(self.shown)
                    return
                self.raw += data
                self._stream.feed(data)

    def read_to_its_end(self) -> None:
        """Take what comes until the program has closed its terminal."""
        self.read_until(lambda: self._ended)

    def watch(self, seconds: float) -> None:
        """Take what comes for some time."""
        end = time.monotonic() + seconds
        self.read_until(lambda: time.monotonic() > end)

    def shows(self, end: str) -> bool:
        """Whether a line ends like this."""
        return any(line.endswith(end) for line in self.shown)

    @property
    def shown(self) -> list[str]:
        """The screen, durations of seconds made equal, without the empty lines at its end."""
        text = "\n".join(line.rstrip() for line in self.screen.display).rstrip()
        text = re.sub(r"~\d:\d\d left", "~N:NN left", text)
        return re.sub(r"\d+ s(?!\w)", lambda found: "N s".rjust(len(found[0])), text).split("\n")

    @property
    def wrapped(self) -> int:
        return self.screen.lines_begun - self.raw.count(b"\n")


@contextmanager
def opened(width: int, folder: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    quiet = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")} | {
        "TERM": "xterm",
        "GITHUB_ACTIONS": "",
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.board_program", str(folder)],
        cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, env=quiet | dict(env),
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(master, width, folder)
    finally:
        program.kill()
        program.wait()
        os.close(master)


def is_running(terminal: Terminal, number: int) -> bool:
    return any(f"{number} running" in line for line in terminal.shown)


def run_to_its_end(
    width: int, folder: Path, env: Mapping[str, str] | None = None, seconds: float = 0.0
) -> tuple[Terminal, list[str], list[str]]:
    """The terminal at the end, and what stood on it while four nodes ran (for some seconds) and while two did."""
    with opened(width, folder, env or {}) as terminal:
        terminal.read_until(lambda: is_running(terminal, 4))
        scrolled = terminal.screen.scrolled
        terminal.watch(seconds)
        assert terminal.screen.scrolled == scrolled, "the region is drawn over itself"
        terminal.read_until(lambda: is_running(terminal, 4))  # not in the middle of a frame
        four = terminal.shown
        (folder / "finish").touch()
        terminal.read_until(lambda: is_running(terminal, 2) and terminal.shows(".lock"))
        two = terminal.shown
        (folder / "end").touch()
        terminal.read_to_its_end()
        return terminal, four, two


def captured(four: list[str], two: list[str], terminal: Terminal) -> str:
    line = "-" * terminal.screen.columns
    return "\n".join([*four[-7:], line, *two[-8:], line, *terminal.shown, ""])


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_and_nothing_wraps(width: int, tmp_path: Path) -> None:
    terminal, four, two = run_to_its_end(width, tmp_path, seconds=1.5)

    assert terminal.wrapped == 0
    assert captured(four, two, terminal) == (SCREENS / f"{width}.txt").read_text(encoding="utf-8")


def test_region_is_gone_at_the_end(tmp_path: Path) -> None:
    terminal, _, _ = run_to_its_end(80, tmp_path)

    assert not any("running" in line for line in terminal.shown)
    assert not terminal.screen.cursor.hidden


@pytest.mark.parametrize(
    ("env", "colours"),
    [
        pytest.param({}, {"green", "red", "default"}, id="colour on the status alone"),
        pytest.param({"NO_COLOR": "1"}, {"default"}, id="NO_COLOR"),
    ],
)
def test_colour_is_wanted_or_not(tmp_path: Path, env: dict[str, str], colours: set[str]) -> None:
    terminal, _, _ = run_to_its_end(80, tmp_path, env)

    cells = [cell for row in terminal.screen.buffer.values() for cell in row.values() if cell.data.strip()]
    assert {cell.fg for cell in cells} == colours
    assert not any(cell.bold or cell.reverse for cell in cells), "no markup of a job's output"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_few_signs_are_enough(tmp_path: Path, encoding: str) -> None:
    terminal, four, two = run_to_its_end(60, tmp_path, {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})

    assert terminal.wrapped == 0
    assert any(line.startswith("x failed") for line in two)
    terminal.raw.decode("ascii" if encoding == "ascii" else "latin-1")
    assert "verdict fail" in terminal.shown[-1]
    assert "Traceback" not in "\n".join([*four, *two, *terminal.shown])


def test_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    with opened(80, tmp_path, {"TERM": "dumb"}) as terminal:
        (tmp_path / "finish").touch()
        (tmp_path / "end").touch()
        terminal.read_to_its_end()
    assert b"\x1b" not in terminal.raw
    assert b"       start  smoke@ubuntu-24.04" in terminal.raw
