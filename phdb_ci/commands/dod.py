"""`phdb-ci dod`: the programme's definition of done, each condition met, not met or unknown, and what that rests on."""

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from phdb_ci.commands._common import read_verdict
from phdb_ci.commands._verdict import RUNS
from phdb_ci.console import plain, table
from phdb_ci.done import judge
from phdb_ci.errors import Exit, ResultsError
from phdb_ci.matrix import load
from phdb_ci.models.done import Done, Seen
from phdb_ci.models.verdict import Verdict


def main(arguments: argparse.Namespace) -> int:
    """Print the conditions; 0 whatever they are: it is an overview, and no gate."""
    matrix = load(arguments.matrix)
    done = judge(matrix, _verdicts(arguments.verdicts), datetime.now(UTC))
    if arguments.json:
        print(done.model_dump_json(indent=1))
    elif arguments.markdown:
        from phdb_ci.render.done_page import done_page

        print(done_page(done), end="")
    else:
        print(_text(done))
    return Exit.PASS


def _verdicts(given: list[Path]) -> list[Verdict]:
    """Those that were named; else those of the runs in this folder, where one that cannot be read is passed over."""
    if given:
        return [verdict for path in given if (verdict := read_verdict(path))]
    found = []
    for path in sorted(RUNS.glob("*/verdict.json")):
        if not path.parent.is_symlink():
            try:
                verdict = read_verdict(path)
            except ResultsError:
                continue  # an older version's
            found += [verdict] if verdict else []
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
        commits = " + ".join(f"{repo} {commit[:7]}" for repo, commit in one.commits.items())
        age = f"{one.days} days old" if one.days < 10_000 else "of no known age"
        counts = "counts" if one.counts else f"does not count: {one.why_not}"
        yield f"{one.job}@{one.os}", one.status, f"{one.stack} stack", commits, age, plain(counts)
