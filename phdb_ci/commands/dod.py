"""`phdb-ci dod`: the programme's definition of done, each condition met, not met or unknown, and what that rests on."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from phdb_ci.commands._common import read_verdict
from phdb_ci.commands._verdict import RUNS
from phdb_ci.errors import Exit, ResultsError, UsageError
from phdb_ci.judging.done import judge
from phdb_ci.matrix import load
from phdb_ci.models.done import Done, Seen
from phdb_ci.models.verdict import Verdict
from phdb_ci.models.wording import commits_told
from phdb_ci.terminal import plain, table


def main(arguments: argparse.Namespace) -> int:
    """Print the conditions; 0 whatever they are: it is an overview, and no gate."""
    if arguments.json and arguments.markdown:
        raise UsageError("--json and --markdown: one of them")
    matrix = load(arguments.matrix)
    done = judge(matrix, _verdicts(arguments.verdicts), datetime.now(UTC))
    if arguments.json:
        print(done.model_dump_json(indent=1))
    elif arguments.markdown:
        from phdb_ci.rendering.done_page import done_page

        print(done_page(done), end="")
    else:
        print(_text(done))
    return Exit.PASS


def _verdicts(given: list[Path]) -> list[Verdict]:
    """Those that were named; else those of the runs in this folder, where one that cannot be read is told."""
    if given:
        return [read_verdict(path / "verdict.json" if path.is_dir() else path) for path in given]
    found = []
    for path in sorted(RUNS.glob("*/verdict.json")):
        if not path.parent.is_symlink():
            try:
                found.append(read_verdict(path))
            except ResultsError as error:
                print(f"passed over: {plain(error.message)}", file=sys.stderr)
    return found


def _text(done: Done) -> str:
    lines = []
    for number, one in enumerate(done.conditions, 1):
        lines.append(f"{number}. {one.state:<8} {one.text}")
        lines += [f"     {plain(reason)}" for reason in one.why]
        lines += [f"     {row}" for row in table(_rows(one.seen))] if one.seen else []
    return "\n".join([*lines, "", f"{done.met} of {len(done.conditions)} conditions met"])


def _rows(seen: Iterable[Seen]) -> Iterator[tuple[str, ...]]:
    for one in seen:
        age = "of no known age" if one.days is None else f"{one.days} days old"
        counts = "counts" if one.counts else f"does not count: {one.why_not}"
        run = f"{one.gate} {one.run}"
        commits = commits_told(one.commits)
        yield (
            f"{one.job}@{one.os}",
            one.status,
            f"{one.stack} stack",
            commits,
            plain(run, 80),
            age,
            plain(counts),
        )
