"""The verbs: one record each, from which help, usage and dispatch are made. A verb's work is in the file of its name.

The standard library alone is imported here, so that `phdb-ci --help` is quick.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import UsageError

RUN, RESULTS, MATRIX, MACHINE = "run jobs", "results", "the matrix", "this machine"


class Verb(NamedTuple):
    """One verb. `example` is a command line without `phdb-ci`; `options` adds what the verb takes to its parser."""

    name: str
    group: str
    summary: str
    example: str
    options: Callable[["Parser"], None] | None = None


class Parser(ArgumentParser):
    """The parser of one verb; a fault of the command line is a UsageError that ends in the verb's usage."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(
            prog=f"phdb-ci {verb.name}", formatter_class=RawDescriptionHelpFormatter, add_help=False,
            description=f"{verb.summary[0].upper()}{verb.summary[1:]}.", epilog=f"example\n  phdb-ci {verb.example}\n",
        )  # fmt: skip
        self._section = self.add_argument_group("arguments")
        if verb.options:
            verb.options(self)
        self.section("general")
        self.add("--matrix", type=Path, metavar="FILE", help="default: matrix.toml here or in a folder above")
        self.add("--json", action="store_true", help="print the record as JSON")
        self.add("-h", "--help", action="help", help="show this text")

    def section(self, title: str) -> None:
        """What is added from here on stands below this title."""
        self._section = self.add_argument_group(title)

    def add(self, *names: str, **how: Any) -> None:
        """Add an argument or an option."""
        self._section.add_argument(*names, **how)

    def parse(self, words: Sequence[str]) -> Namespace:
        """The arguments. Raises UsageError."""
        arguments, unknown = self.parse_known_intermixed_args(words)
        if unknown:
            word = next((word for word in unknown if word.startswith("-")), unknown[0])
            kind = "option" if word.startswith("-") else "argument"
            near = perhaps(word.partition("=")[0], self._option_string_actions)
            self.error(f"{self.prog} has no {kind} {word}.{near}")
        return arguments

    def error(self, message: str) -> NoReturn:
        """Say what argparse has found wrong."""
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}", tries=[f"{self.prog} --help"])


def _run_options(verb: Parser, names: str) -> None:
    verb.add("names", nargs="*", metavar="GATE|JOB", help=names)
    verb.section("commits and artifacts")
    verb.add("--stack", type=Path, metavar="DIR", help="take every repo from DIR/NAME")
    text = "take a repo from a directory (./DIR, /DIR, DIR@REF) or a ref of its URL (branch, tag, commit, pull/N)"
    verb.add("--repo", action="append", default=[], metavar="NAME=SPEC", help=text)
    text = "test the commit of a repo as merged into this ref of it: what a pull request would give"
    verb.add("--merge", action="append", default=[], metavar="NAME=REF", help=text)
    text = "take every commit from a bundle that `plan --bundle` wrote; no remote is asked"
    verb.add("--sources", type=Path, metavar="FILE", help=text)
    text = "a built artifact, its manifest beside it, or NAME.tar of a run; FILE#sha256=HEX names its digest, too"
    verb.add("--artifact", action="append", default=[], metavar="NAME=FILE", help=text)
    verb.section("how to run")
    verb.add("--jobs", type=int, metavar="N", help="how many nodes run at once (default: the processors)")
    verb.add("--out", type=Path, metavar="DIR", help="the run directory (default: .phdb-ci/runs/TIME-GATE)")


def _gate_options(verb: Parser) -> None:
    text = "compare with an earlier verdict.json, or with github:BRANCH, the newest run there"
    verb.add("--baseline", metavar="FILE", help=text)
    verb.add("--outputs", type=Path, metavar="FILE", help="append NAME=VALUE lines, for $GITHUB_OUTPUT")


def _plan(verb: Parser) -> None:
    _run_options(verb, "gates, jobs or artifacts; without one, they are listed")
    _gate_options(verb)
    text = "whether the changes of a repo since a commit could affect a job at all"
    verb.add("--since", metavar="NAME=COMMIT", help=text)
    text = "write the commits of the sources as one git bundle, for `run --sources` on other machines"
    verb.add("--bundle", type=Path, metavar="FILE", help=text)
    verb.section("what to print")
    verb.add("--mermaid", action="store_true", help="the graph as a mermaid flowchart")
    verb.add("--markdown", action="store_true", help="the CI matrix of these gates as a page; resolves no source")


def _run(verb: Parser) -> None:
    _run_options(verb, "gates, jobs or artifacts; without one, they are listed")
    _gate_options(verb)
    text = "before an artifact is built, look for one of the same key that its repository has published on GitHub"
    verb.add("--published", action="store_true", help=text)


def _prove(verb: Parser) -> None:
    _run_options(verb, "gates or jobs (default: every job that a fault of the matrix can apply to)")
    text = "put the new table into this file (proofs.json beside the matrix)"
    verb.add("--write", type=Path, metavar="FILE", help=text)
    verb.add("--page", type=Path, metavar="FILE", help="write all tables as a Markdown page, too")
    verb.add("--check", action="store_true", help="exit 1 where a claim (`notices`) was not measured true")


def _verdict(verb: Parser) -> None:
    verb.add("results", type=Path, metavar="RESULTS_DIR", help="one folder per leg, JOB@OS/result.json")
    verb.add("--gate", required=True, metavar="GATE", help="the gate whose legs are expected")
    verb.add("--needs", type=Path, metavar="FILE", help="toJSON(needs) of the workflow that ran the legs")
    verb.add("--run-id", metavar="ID", help="the run that counts (default: $GITHUB_RUN_ID, else the only one)")
    _gate_options(verb)
    verb.add("--out", type=Path, metavar="DIR", help="where verdict.json and its texts go")


def _publish(verb: Parser) -> None:
    verb.add("verdict", nargs="?", type=Path, metavar="VERDICT.json", help="with --dry-run (default: the latest run's)")
    verb.add("--dry-run", action="store_true", help="show what would be published; contact nobody")
    verb.add("--repository", metavar="OWNER/NAME", help="default: $GITHUB_REPOSITORY")
    verb.add("--run-id", metavar="ID", help="the gate's run that has ended")
    verb.add("--workflow", metavar="FILE", help="the gate's workflow (.github/workflows/phdb-gate.yml)")
    verb.add("--as", dest="author", metavar="LOGIN", help="whose comments are ours (default: the token's owner)")


def _issue(verb: Parser) -> None:
    verb.add("job", metavar="JOB", help="a job that is not green, or one of its legs: JOB@OS")
    verb.add("case", nargs="?", metavar="CASE", help="the failing cases that it names, `*` is any text (default: all)")
    verb.add("--run", type=Path, metavar="RUN", help="a run directory or verdict.json (default: the latest run)")


def _render(verb: Parser) -> None:
    verb.add("--check", action="store_true", help="write nothing; exit 1 and a diff when a file differs")
    verb.add("--to", action="append", default=[], metavar="REPO=DIR", help="put a repo's files into a checkout of it")


def _bump(verb: Parser) -> None:
    verb.add("names", nargs="*", metavar="REPO|self", help="repos, or self (default: every repo)")
    verb.add("--actions", action="store_true", help="the GitHub actions, each to its newest vX.Y.Z")
    text = "write nothing; exit 1 when something would move or an action's tag does not name its commit"
    verb.add("--check", action="store_true", help=text)


def _cache(verb: Parser) -> None:
    verb.add("--prune", action="store_true", help="remove what no recent run needs")
    verb.add("--keep", type=int, default=3, metavar="N", help="artifacts of each kind that stay (default: 3)")


_ROWS = (
    Verb("plan", RUN, "show what would run, on which commits, and why", "plan GATE --repo NAME=../CHECKOUT", _plan),
    Verb("run", RUN, "run a gate or jobs and give the verdict", "run GATE --repo NAME=../CHECKOUT", _run),
    Verb("prove", RUN, "run jobs with faults put in and see what each notices", "prove JOB --check", _prove),
    Verb("verdict", RESULTS, "give the verdict over results of other machines", "verdict DIR --gate GATE", _verdict),
    Verb("issue", RESULTS, "print a report about a red job, ready to be filed", "issue JOB 'test_replay*'", _issue),
    Verb("publish", RESULTS, "put a verdict on GitHub: a comment and two statuses", "publish --dry-run", _publish),
    Verb("render", MATRIX, "write the workflow files that the matrix describes", "render --check", _render),
    Verb("bump", MATRIX, "move pins to the branches that they track", "bump NAME --check", _bump),
    Verb("doctor", MACHINE, "check whether this machine has what the matrix needs", "doctor"),
    Verb("cache", MACHINE, "show what the cache holds, and shrink it", "cache --prune", _cache),
)
VERBS = {verb.name: verb for verb in _ROWS}
