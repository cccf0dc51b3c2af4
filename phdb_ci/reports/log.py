"""A job's log as the few lines of it that a reader looks for.

A log is scanned in blocks for a few signs, and only a block that holds one is read line by line. A sign is best a
literal or begins with one: several of those are found many times faster than an alternation of them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from phdb_ci.reports.source import Refused
from phdb_ci.reports.text import plain

LIMIT = 256 * 1024 * 1024  # bytes of a log; a command's output is cut long before
BLOCK = 1024 * 1024
MAX_LINE = 8 * 1024  # bytes of a line that are looked at


def lines_with(log: Path, start: int, signs: Sequence[re.Pattern[bytes]]) -> Iterator[str]:
    """The lines that hold a sign, cleaned, as far as MAX_LINE; a lone carriage return ends a line too.

    Args:
        log: the job's log.
        start: the byte at which the run commands' output begins; what the set-up printed is before it.
        signs: one of them must be in a line.

    Raises:
        Refused: the output is too large to be looked through.
        OSError: it cannot be read.
    """
    fresh = True
    with log.open("rb") as file:
        if log.stat().st_size - start > LIMIT:
            raise Refused(f"is larger than {LIMIT // 1024**2} MiB")
        file.seek(start)
        while block := file.read(BLOCK):
            block += file.readline(BLOCK)
            if any(sign.search(block) for sign in signs):
                lines = block.splitlines()
                for raw in lines if fresh else lines[1:]:
                    line = raw[:MAX_LINE]
                    if any(sign.search(line) for sign in signs):
                        yield plain(line.decode("utf-8", "replace")).rstrip()
            fresh = block.endswith(b"\n")
