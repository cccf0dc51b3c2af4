"""`python -m phdb_ci.guards NAME=DIR …`: arguments in, lines out; exit 0, 1 when a guard fails, 2 on usage."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from phdb_ci.errors import Exit, PhdbError, UsageError
from phdb_ci.guards.checkout import Checkout
from phdb_ci.guards.report import lines, write_junit
from phdb_ci.guards.table import REPOS, judge


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the checkouts that are named; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        checkouts = _checkouts(args.repos)
        outcomes = tuple(judge(checkouts))
        if args.junit:
            write_junit(args.junit, outcomes)
    except PhdbError as error:
        sys.stderr.write(f"{error.render()}\n")
        return error.exit_code
    notes = [f"note: {note}" for checkout in checkouts.values() for note in checkout.notes]
    sys.stdout.write("\n".join([*notes, *lines(outcomes), ""]))
    return Exit.FAIL if any(outcome.findings for outcome in outcomes) else Exit.PASS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m phdb_ci.guards",
        description="What must never become true of the stack.",
        allow_abbrev=False,
    )
    parser.add_argument("repos", nargs="*", metavar="NAME=DIR", help=f"a checkout; names: {', '.join(REPOS)}")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report, a case per guard")
    return parser


def _checkouts(words: Sequence[str]) -> dict[str, Checkout]:
    found: dict[str, Checkout] = {}
    if not words:
        raise UsageError("no checkout is given", tries=["name some: lidb=DIR lis=DIR …"])
    for word in words:
        name, sign, folder = word.partition("=")
        if not sign or name not in REPOS:
            raise UsageError(f"{word[:80]!r} is no NAME=DIR; names: {', '.join(REPOS)}")
        if name in found:
            raise UsageError(f"{name} is given twice")
        root = Path(folder)
        if not folder or not root.is_dir():
            raise UsageError(f"{name}: {folder[:200]!r} is no directory")
        found[name] = Checkout(name, root)
    return found


if __name__ == "__main__":
    sys.exit(main())
