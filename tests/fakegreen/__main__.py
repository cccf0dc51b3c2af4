"""Run the corpus, or the cases asked for; the table goes to stdout, progress to stderr."""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from phdb_ci.planning.inventory import cpus
from tests.fakegreen import table
from tests.fakegreen.corpus import Case, CorpusError, chosen, load
from tests.fakegreen.score import Result, score
from tests.fakegreen.stage import Stage, StageError

# In that order; what the other jobs need, these have made.
WARM = ("e2e-engine", "db-smoke", "lis-tests", "smoke", "bench-validate")


def main(argv: Sequence[str] | None = None) -> int:
    """0: all caught, no false alarm. 1: not so. 2: nothing could be run."""
    arguments = parser().parse_args(argv)
    started = time.monotonic()
    try:
        cases = chosen(load(), arguments.only)
        with _place(arguments.keep) as folder:
            stage = Stage(folder, node=arguments.node, pytest=arguments.pytest)
            results = _play(stage, cases, arguments.jobs or cpus())
    except (CorpusError, StageError) as error:
        _say(f"error: {error}")
        return 2
    seconds = time.monotonic() - started
    show = table.as_json if arguments.json else table.text
    sys.stdout.write(show(results, seconds) + "\n")
    return 0 if score(results).clean else 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m tests.fakegreen",
        description="Ways to look green without having tested, and honest variants, on the stand-in stack.",
    )
    top.add_argument("--only", nargs="+", default=[], metavar="ID", help="these cases or themes alone")
    top.add_argument("--jobs", type=int, metavar="N", help="how many cases at once (default: one per processor)")
    top.add_argument(
        "--keep", type=Path, metavar="DIR", help="work there and leave it: cache, scenarios, run directories"
    )
    top.add_argument("--node", type=Path, metavar="DIR", help="the folder of the node that is first on PATH")
    top.add_argument("--pytest", metavar="VERSION", help="the version of pytest that the rows install, as 8.*")
    top.add_argument("--json", action="store_true", help="print the results as JSON")
    return top


def _play(stage: Stage, cases: tuple[Case, ...], jobs: int) -> list[Result]:
    """Every case, in the order of the corpus."""
    used = {case.job for case in cases}
    first = tuple(job for job in WARM if job in used)
    _say(f"{len(cases)} cases; first the stand-in stack as it is: {', '.join(first) or 'no job'}")
    stage.warm_up(first)
    found: dict[str, Result] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for done in as_completed([pool.submit(stage.play, case) for case in cases]):
                result = done.result()
                found[result.case.id] = result
                _say(f"[{len(found)}/{len(cases)}] {result.word:<11}  {result.case.id}  {result.seconds:.1f} s")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [found[case.id] for case in cases]


@contextlib.contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="phdb-ci-fakegreen-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
