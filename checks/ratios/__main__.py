"""Run the rounds and write the document of figures; exit 1 when a scenario cannot be believed."""

import argparse
import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .manifest import ENGINES, SCENARIOS, RefusedError, Round, Written, read
from .rules import problems
from .server import Server
from .watch import Opened

NAME = "tier-db-registry.json"
ENGINE, SERVER = "LIDB_EMBED", "POSTGRES_URL"  # the variables by which the benchmark finds both
LIMIT = 8 * 1024 * 1024  # bytes; a manifest is a page or two
LONGEST = 2000  # characters of a problem


def main() -> int:
    """Measure, judge, write."""
    options = _options()
    if options.launcher.resolve() == options.engine.resolve():
        _say("--launcher and --engine are one program: timed through the witness")
        return 1
    rounds = list(_rounds(options))
    for one in rounds:
        _say(_line(one))
    found = problems(rounds, options.rounds)
    options.to.write_text(json.dumps(_document(rounds, found), indent=1) + "\n", encoding="utf-8")
    for text in dict.fromkeys(text for texts in found.values() for text in texts):
        _say(text)
    return int(any(found.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ratios", description=__doc__)
    for name, words in (
        ("--benchmarks", "the checkout that the command runs in and writes its manifest into"),
        ("--launcher", "the engine behind the harness's witness, for the first round"),
        ("--engine", "the engine itself, for the timed rounds"),
        ("--to", "where the document of figures is written"),
    ):
        parser.add_argument(name, type=Path, required=True, help=words)
    parser.add_argument("--rounds", type=int, default=9, help="how many rounds are timed")
    parser.add_argument("command", nargs="+", help="the benchmark's own command line, behind --")
    return parser.parse_args()


def _rounds(options: argparse.Namespace) -> Iterator[Round]:
    """The witnessed round, then the timed ones. One that is refused is the last: more would say nothing else."""
    before = dict(_digests(options.benchmarks.parent))
    server, engine, launcher = Server(os.environ[SERVER]), Opened(options.engine), Opened(options.launcher)
    server.moved()
    for number in range(options.rounds + 1):
        _say(f"round {number} of {options.rounds}, timed" if number else "witnessed round")
        for path in _manifests(options.benchmarks):
            path.unlink()
        engine.count()
        launcher.count()
        one = _round(number, options, before)
        one.opened, one.launched = engine.count(), launcher.count()
        one.written, one.read = server.moved() or (None, None)
        yield one
        if not one.is_whole:
            return


def _round(number: int, options: argparse.Namespace, before: Mapping[str, str]) -> Round:
    """Run the benchmark once and read what it has written; `before`: the files that were there, by digest."""
    env = os.environ | {ENGINE: str(options.engine if number else options.launcher)}
    began = time.time()
    done = subprocess.run(options.command, cwd=options.benchmarks, env=env, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        return Round(number, problems=[f"exit {done.returncode}: {' '.join(options.command)}"])
    try:
        found = _found(options.benchmarks, began)
        one = read(number, found)
    except RefusedError as error:
        return Round(number, problems=[str(error)])
    if copied := before.get(hashlib.sha256(found.text).hexdigest()):
        one.problems.insert(0, f"{found.shown} is a copy of {copied}: the benchmark did not write it")
    return one


def _found(top: Path, began: float) -> Written:
    """The one manifest below a checkout. Raises RefusedError where there is none."""
    paths = list(_manifests(top))
    if len(paths) != 1:
        raise RefusedError(f"the benchmark wrote {len(paths) or 'no'} {NAME}")
    shown = f"{top.name}/{paths[0].relative_to(top)}"
    about = paths[0].lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > LIMIT:
        raise RefusedError(f"{shown} is a link, no regular file or too large")
    return Written(shown, paths[0].read_bytes(), about.st_mtime, began, time.time())


def _manifests(top: Path) -> Iterator[Path]:
    return (path for path in _files(top) if path.name == NAME)


def _digests(top: Path) -> Iterator[tuple[str, str]]:
    """Every file of the checkouts: its digest and its path."""
    for path in _files(top):
        about = path.lstat()
        if stat.S_ISREG(about.st_mode) and about.st_size <= LIMIT:
            yield hashlib.sha256(path.read_bytes()).hexdigest(), str(path.relative_to(top))


def _files(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != ".git"]
        yield from (Path(folder, name) for name in names)


def _document(rounds: Sequence[Round], found: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """The figures as the harness reads them: each scenario's ratios over the timed rounds, or why there are none."""
    figures = []
    for name in SCENARIOS:
        timed = [one.scenarios[name] for one in rounds if one.number and name in one.scenarios]
        ratios = [] if found[name] else [measured.quotient for measured in timed]
        problem = _printable("; ".join(found[name]))[:LONGEST] or None
        figures.append({"name": name, "compared": ENGINES, "values": ratios, "problem": problem})
    unseen = any(one.number and one.opened is None for one in rounds)
    notes = ["on this system nobody sees whether the timed rounds start the engine"] if unseen else []
    return {"schema_version": 1, "figures": figures, "notes": notes}


def _line(one: Round) -> str:
    """A round in one line of the log."""
    parts = [
        f"{name} {measured.quotient:.4g} ({' by '.join(f'{measured.p95_ms[engine]:.4g}' for engine in ENGINES)} ms)"
        for name, measured in one.scenarios.items()
        if measured.quotient
    ]
    parts += [f"engine opened {one.opened} times", f"{one.written} rows written, {one.read} read"]
    return f"{one.label}: {', '.join(parts)}"


def _printable(text: str) -> str:
    """A manifest's own words may hold what no record and no terminal can."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _say(text: str) -> None:
    sys.stdout.write(f"ratios: {_printable(text)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
