"""`python -m phdb_ci.contracts run …`: the job. Exit 0 when every contract is kept, 1 when one is broken.

Start it with `-P`, so that a checkout in the working directory cannot put its own modules before ours.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phdb_ci.base.files import write_whole
from phdb_ci.contracts import drive, stage
from phdb_ci.contracts.checks import CHECKS
from phdb_ci.contracts.report import line, write_report
from phdb_ci.contracts.shapes import canonical
from phdb_ci.contracts.stack import Stack, make_stack
from phdb_ci.errors import Exit, PhdbError, UsageError

BAD = ("failed", "error")


def parser() -> argparse.ArgumentParser:
    """The command line of the job."""
    top = argparse.ArgumentParser(prog="python -P -m phdb_ci.contracts")
    verb = top.add_subparsers(dest="verb", required=True).add_parser("run", help="drive the real programs")
    verb.add_argument("--lidb", type=_absolute, required=True, metavar="DIR", help="the lidb checkout")
    for name in ("lis", "agents", "benchmarks"):
        verb.add_argument(
            f"--{name}", type=_absolute, metavar="DIR", help=f"the checkout of {name}; else no checks of it"
        )
    verb.add_argument("--embed", type=_absolute, required=True, metavar="FILE", help="the built lidb_embed")
    verb.add_argument("--data", type=_absolute, required=True, metavar="DIR", help="an empty data directory")
    verb.add_argument(
        "--junit", type=Path, required=True, metavar="FILE", help="the report, written at the end"
    )
    verb.add_argument("--record", type=Path, metavar="FILE", help="write the shapes that were seen")
    verb.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="checks of this name (`*`)"
    )
    verb.add_argument(
        "--except", action="append", default=[], dest="without", metavar="PATTERN", help="but these"
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the chosen checks; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="contracts-", ignore_cleanup_errors=True) as scratch:
            stack = make_stack(
                lidb=arguments.lidb, lis=arguments.lis, agents=arguments.agents, benchmarks=arguments.benchmarks,
                embed=arguments.embed, data=arguments.data, scratch=Path(scratch), environ=os.environ,
            )  # fmt: skip
            return _run(arguments, stack)
    except PhdbError as error:
        sys.stderr.write(error.render() + "\n")
        return error.exit_code


def _run(arguments: argparse.Namespace, stack: Stack) -> int:
    checks = stage.chosen(CHECKS, arguments.only, arguments.without)
    if not checks:
        raise UsageError("no check has a name that --only and --except leave")
    set_up = stage.Stage(stack)
    cases = []
    for case in stage.run(checks, set_up):
        cases.append(case)
        sys.stdout.write(line(case) + "\n")
        sys.stdout.flush()
    if arguments.record is not None:
        failed = [case.id for case in cases if case.outcome in BAD]
        write_whole(arguments.record, canonical(set_up.recorder.record(failed)).encode())
    write_report(arguments.junit, cases)
    return Exit.FAIL if any(case.outcome in BAD for case in cases) else Exit.PASS


def _absolute(text: str) -> Path:
    """A path that means the same to programs in other directories."""
    return Path(text).absolute()


if __name__ == "__main__":
    drive.adopt()
    sys.exit(main())
