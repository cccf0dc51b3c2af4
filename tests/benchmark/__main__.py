"""Measure the sections asked for, all by default; the table goes to stdout, progress to stderr."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmark import artifact, checkouts, gate, reports, startup, table
from tests.benchmark.measure import Row
from tests.benchmark.programs import ProgramError, machine, say

SECTIONS: dict[str, Callable[[Path, int], list[Row]]] = {
    "gate": gate.run,
    "checkouts": checkouts.run,
    "artifact": artifact.run,
    "start-up": startup.run,
    "junit": reports.run,
}
PROJECT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """0, also when a target is missed: that is a finding, not a failure. 2 when a section could not run."""
    arguments = parser().parse_args(argv)
    os.chdir(PROJECT)
    started = time.monotonic()
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="phdb-ci-benchmark-", ignore_cleanup_errors=True) as folder:
        for name in dict.fromkeys(arguments.sections or SECTIONS):
            root = Path(folder).resolve() / name
            root.mkdir()
            try:
                rows += SECTIONS[name](root, arguments.rounds)
            except ProgramError as error:
                failed = True
                say(f"error: {name}: {error}")
    seconds = time.monotonic() - started
    say(f"measured in {seconds:.0f} s")
    if arguments.json:
        print(table.as_json(rows, machine(), seconds))
    else:
        print((table.markdown if arguments.markdown else table.text)(rows, machine()))
    return 2 if failed else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    top.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION", help=", ".join(SECTIONS))
    top.add_argument(
        "--rounds",
        type=int,
        default=5,
        metavar="N",
        help="how often each contestant runs (default: 5; fewer where a round is long)",
    )
    form = top.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the results as JSON")
    form.add_argument("--markdown", action="store_true", help="print the table as Markdown, for the README")
    return top


if __name__ == "__main__":
    sys.exit(main())
