"""Run the rounds and write the document of figures; exit 1 when a scenario was not measured."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from .answers import Answers, Recorder
from .bench import Bench, Span
from .document import document, line, printable
from .manifest import Round
from .rules import problems


def main() -> int:
    """Measure, judge, write."""
    options = _options()
    if options.launcher.resolve() == options.engine.resolve():
        _say("--launcher and --engine are one program: timed through the witness")
        return 1
    with tempfile.TemporaryDirectory(prefix="ratios-") as name:
        rounds, answers = _measure(options, Path(name))
    found = problems(rounds, options.least, answers)
    options.to.write_text(json.dumps(document(rounds, found, answers), indent=1) + "\n", encoding="utf-8")
    for text in dict.fromkeys(text for texts in found.values() for text in texts):
        _say(text)
    return int(any(found.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ratios", description=__doc__)
    for name, words in (
        ("--benchmarks", "the checkout of the benchmark; the command runs in a copy of it"),
        ("--launcher", "the engine behind the harness's witness, for the first round"),
        ("--engine", "the engine itself, for the timed rounds"),
        ("--to", "where the document of figures is written"),
    ):
        parser.add_argument(name, type=_absolute, required=True, help=words)
    parser.add_argument("--least", type=int, default=6, help="how many rounds are timed at the least")
    parser.add_argument("--most", type=int, default=9, help="how many rounds are timed where there is time")
    parser.add_argument(
        "--within", type=float, default=20, help="minutes; past --least, no round starts that ends later"
    )
    parser.add_argument("command", nargs="+", help="the benchmark's own command line, behind --")
    return parser.parse_args()


def _absolute(path: str) -> Path:
    """The command runs in another folder."""
    return Path(path).absolute()


def _measure(options: argparse.Namespace, scratch: Path) -> tuple[list[Round], Answers]:
    """All rounds, each with a line in the log, and what the engine answered in the witnessed one."""
    recorder = Recorder(options.launcher, scratch)
    bench = Bench(options.benchmarks, options.command, recorder, options.launcher, options.engine, scratch)
    rounds = []
    for one in bench.rounds(Span(options.least, options.most, options.within * 60), _say):
        rounds.append(one)
        _say(line(one))
    return rounds, recorder.answers()


def _say(text: str) -> None:
    sys.stdout.write(f"ratios: {printable(text)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
