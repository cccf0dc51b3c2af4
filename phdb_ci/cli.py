"""Arguments in, exit code out. The one place where an exception becomes a message; no work is done here.

Only the standard library's argparse is imported up front, so that `phdb-ci --help` is quick; each verb imports its own.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.errors import Exit, PhdbError

VERBS = {
    "plan": "what would run, on which commits, and why",
    "run": "run a gate or jobs and give the verdict",
    "verdict": "the verdict over results that were gathered elsewhere",
    "render": "the workflow files from the matrix; --check compares, --to REPO=DIR puts them into a checkout",
    "publish": "publish a gate's verdict on GitHub: the pull request's one comment and a commit status",
    "prove": "what does each job notice? run it with broken artifacts and repos",
    "bump": "move pins to the branches they track; --check only says what would move",
    "cache": "what the cache holds; --prune to shrink it",
    "doctor": "whether this machine has what the matrix needs",
}


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="phdb-ci",
        description="Do these exact commits work together, and what evidence supports the answer?",
        epilog="Exit codes: 0 pass, 1 fail, 2 usage or matrix error, 3 incomplete or this machine cannot run it, "
        "130 interrupted. More: README.md",
    )
    top.add_argument("--version", action="version", version=f"phdb-ci {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.add_argument(
            "--matrix", type=Path, default=Path("matrix.toml"), metavar="FILE", help="default: ./matrix.toml"
        )
        verb.add_argument("--json", action="store_true", help="print the record as JSON")
        ARGUMENTS[name](verb)
    return top


def _names(verb: argparse.ArgumentParser, nargs: str, told: str) -> None:
    """What to run, on which commits, and how."""
    verb.add_argument("names", nargs=nargs, metavar="GATE|JOB", help=told)
    verb.add_argument("--stack", type=Path, metavar="DIR", help="take every repo from DIR/NAME")
    verb.add_argument(
        "--repo", action="append", default=[], metavar="NAME=SPEC",
        help="take a repo from a directory (./DIR, /DIR, DIR@REF) or a ref of its URL (branch, tag, commit, pull/N)",
    )  # fmt: skip
    verb.add_argument(
        "--artifact",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a built artifact, its manifest beside it, or NAME.tar of a run; FILE#sha256=HEX names its digest, too",
    )
    verb.add_argument(
        "--jobs", type=int, metavar="N", help="how many nodes run at once (default: the processors)"
    )
    verb.add_argument(
        "--out", type=Path, metavar="DIR", help="the run directory (default: .phdb-ci/runs/TIME-GATE)"
    )


def _gate(verb: argparse.ArgumentParser) -> None:
    _names(verb, "+", "a gate, jobs, or an artifact to build")
    _baseline(verb)
    verb.add_argument(
        "--outputs", type=Path, metavar="FILE", help="append NAME=VALUE lines, for $GITHUB_OUTPUT"
    )


def _baseline(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--baseline", metavar="FILE",
        help="an earlier verdict.json to compare with, or github:BRANCH for the newest green run there",
    )  # fmt: skip


def _run(verb: argparse.ArgumentParser) -> None:
    _gate(verb)
    verb.add_argument(
        "--published", action="store_true",
        help="before an artifact is built, look for one of the same key that its repository has published on GitHub",
    )  # fmt: skip


def _verdict(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "results", type=Path, metavar="RESULTS_DIR", help="one folder per leg, JOB@OS/result.json"
    )
    verb.add_argument("--gate", required=True, metavar="GATE", help="the gate whose legs are expected")
    verb.add_argument(
        "--needs", type=Path, metavar="FILE", help="toJSON(needs) of the workflow that ran the legs"
    )
    verb.add_argument(
        "--run-id", metavar="ID", help="the run that counts (default: $GITHUB_RUN_ID, else the only one)"
    )
    _baseline(verb)
    verb.add_argument("--out", type=Path, metavar="DIR", help="where verdict.json and its texts go")
    verb.add_argument("--outputs", type=Path, metavar="FILE", help="append outcome=VALUE, for $GITHUB_OUTPUT")


def _plan(verb: argparse.ArgumentParser) -> None:
    _gate(verb)
    verb.add_argument(
        "--since",
        metavar="NAME=COMMIT",
        help="whether the changes of a repo since a commit could affect a job at all",
    )
    verb.add_argument("--mermaid", action="store_true", help="print the graph as a mermaid flowchart")
    verb.add_argument(
        "--markdown",
        action="store_true",
        help="the CI matrix of these gates as a Markdown page; resolves no source",
    )


def _render(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and a diff when a file differs"
    )
    verb.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="REPO=DIR",
        help="put a repo's files into a checkout of it",
    )


def _publish(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "verdict",
        nargs="?",
        type=Path,
        metavar="VERDICT.json",
        help="with --dry-run (default: the latest run's)",
    )
    verb.add_argument("--dry-run", action="store_true", help="show what would be published; contact nobody")
    verb.add_argument("--repository", metavar="OWNER/NAME", help="default: $GITHUB_REPOSITORY")
    verb.add_argument("--run-id", metavar="ID", help="the gate's run that has ended")
    verb.add_argument(
        "--workflow", metavar="FILE", help="the gate's workflow (.github/workflows/phdb-gate.yml)"
    )
    verb.add_argument(
        "--as", dest="author", metavar="LOGIN", help="whose comments are ours (default: the token's owner)"
    )


def _prove(verb: argparse.ArgumentParser) -> None:
    _names(verb, "*", "a gate or jobs (default: every job that a fault of the matrix can apply to)")
    verb.add_argument(
        "--check", action="store_true", help="exit 1 where a claim (`notices`) was not measured true"
    )
    verb.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="put the new table into this file (proofs.json beside the matrix)",
    )
    verb.add_argument("--page", type=Path, metavar="FILE", help="write all tables as a Markdown page, too")


def _bump(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("names", nargs="*", metavar="REPO|self", help="repos, or self (default: every repo)")
    verb.add_argument("--actions", action="store_true", help="the GitHub actions, each to its newest vX.Y.Z")
    verb.add_argument(
        "--check", action="store_true",
        help="write nothing; exit 1 when something would move or an action's tag does not name its commit",
    )  # fmt: skip


def _cache(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--prune", action="store_true", help="remove what no recent run needs")
    verb.add_argument(
        "--keep", type=int, default=3, metavar="N", help="artifacts of each kind that stay (default: 3)"
    )


def _nothing(_verb: argparse.ArgumentParser) -> None:
    """A verb with no arguments of its own."""


ARGUMENTS = {
    "plan": _plan,
    "run": _run,
    "verdict": _verdict,
    "render": _render,
    "publish": _publish,
    "prove": _prove,
    "bump": _bump,
    "cache": _cache,
    "doctor": _nothing,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit code. Users see an error's message and what to try, never a traceback."""
    arguments = parser().parse_args(argv)
    try:
        verb = import_module(f"phdb_ci.commands.{arguments.verb}")
        code = int(verb.main(arguments))
        sys.stdout.flush()  # here, where a reader that is gone or a full disk still gets its answer
    except PhdbError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our output is gone, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAIL
    except OSError as error:
        print(f"error: this machine refused: {error}", file=sys.stderr)
        return Exit.INCOMPLETE
    except Exception as error:  # noqa: BLE001 - anything else is a bug of ours, told as one
        return _bug(error)
    return code


def entry() -> None:
    """The program: `main`, and then the end at once.

    Python's own tidying up takes 35 ms after a plan, a seventh of it all, and there is nothing to tidy.
    """
    gc.set_threshold(50_000)  # what is imported stays: looking through it again and again is slow
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _bug(error: Exception) -> int:
    """Keep the traceback in a file that is ready for a bug report; say where."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="phdb-ci-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"phdb-ci {__version__}, Python {sys.version}, {sys.platform}\n\n")
        file.write("".join(traceback.format_exception(error)))
    print(
        f"error: phdb-ci itself failed: {type(error).__name__}: {error}\nThe details are in {file.name}",
        file=sys.stderr,
    )
    return Exit.INCOMPLETE


if __name__ == "__main__":
    entry()
