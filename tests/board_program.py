"""A program for a pseudo-terminal: a board with four running nodes, two that end, and a verdict. Driven by files.

`python -m tests.board_program DIR`: it waits for DIR/finish before two nodes end, and for DIR/end before the rest does.
"""

import os
import sys
import time
from pathlib import Path

from phdb_ci.rendering.verdict_text import verdict_text
from phdb_ci.terminal import Board, page_of
from tests.builders import artifact, leg, use, verdict

OUTPUT = {
    "smoke@ubuntu-24.04": "compiling engine.cpp\n",
    "lidb-tests@ubuntu-24.04": "x" * 500 + "\r" + "[bold red]61 %[/] \x1b[31m" + "日本語" * 90,
    "db-smoke@ubuntu-24.04": "\x1b[2J\x1b[10;10H##[error]\x1b]0;title\x07 e\u0301 🎉 done\n\n",
    "e2e-engine@ubuntu-24.04": "",
}
REASON = "test_persist: " + "a very long reason with wide 日本語 characters " * 6


def main(folder: Path) -> None:
    """Draw until the end."""
    sys.stderr.writelines(f"what stood there before, {number}\n" for number in range(30))
    board = Board.for_terminal(os.environ)
    with board.region(12):
        draw(board, folder)
    legs = [
        leg("smoke", "passed", artifacts=(use(9, verbs={"exec": 7, "open": 1, "migrate": 1}),)),
        leg("lidb-tests", "failed", reasons=(REASON,)),
    ]
    text = verdict_text(verdict(*legs, artifacts=(artifact(),)), page_of(sys.stdout, os.environ))
    sys.stdout.write(f"{text}\n")


def draw(board: Board, folder: Path) -> None:
    """Four nodes, of which two end."""
    for number, (name, text) in enumerate(OUTPUT.items()):
        log = folder / f"{number}.log"
        log.write_text(text, encoding="utf-8", newline="")
        board.started(name, 90.0 if number % 2 else None, log)
        board.phase(name, ("checkout", "install", "run", "run")[number])
    wait(folder / "finish")
    board.finished("smoke@ubuntu-24.04", "passed", 0.24, ())
    board.finished("lidb-tests@ubuntu-24.04", "failed", 75.0, (REASON, "more"))
    board.note("waiting for another job or run that holds /a/long/path/of/a/lock/file/in/the/cache.lock")
    wait(folder / "end")


def wait(file: Path) -> None:
    """Until a file is there."""
    while not file.exists():
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
