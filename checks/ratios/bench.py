"""Runs the benchmark round by round in a copy of its checkout, and gathers what each round left.

The benchmark rewrites tracked files: the checkout itself is never run in.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .answers import Recorder
from .manifest import RefusedError, Round, Written, read
from .server import Server
from .watch import Opened

NAME = "tier-db-registry.json"
ENGINE, PROFILE, SERVER = "LIDB_EMBED", "BENCH_DB_REGISTRY_PROFILE", "POSTGRES_URL"  # what the benchmark is told
SHORT = "ci"  # the profile of the witnessed round, whose times do not count
LIMIT = 8 * 1024 * 1024  # bytes; a manifest is a page or two
LAST = 4  # lines of a benchmark that failed


@dataclass(frozen=True)
class Span:
    """How many rounds are timed: `least`, and up to `most` as long as they end within so many seconds."""

    least: int
    most: int
    seconds: float

    def ends(self, done: int, spent: float) -> bool:
        """Whether these rounds, which took so many seconds, are enough: one more would take as long as their mean."""
        return done >= self.most or (done >= self.least and spent / max(done, 1) * (done + 1) > self.seconds)


@dataclass(frozen=True)
class Bench:
    """What is run: the command in a checkout, with one engine under the witness and one for the times."""

    checkout: Path
    command: Sequence[str]
    recorder: Recorder
    launcher: Path
    engine: Path
    scratch: Path

    def rounds(self, span: Span, say: Callable[[str], None]) -> Iterator[Round]:
        """The witnessed round, then the timed ones. One that is refused is the last: more would say nothing else."""
        before = dict(_digests(self.checkout.parent))
        top = self.scratch / self.checkout.name
        shutil.copytree(self.checkout, top, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        server, engine, launcher = Server(os.environ[SERVER]), Opened(self.engine), Opened(self.launcher)
        server.moved()
        began = time.monotonic()
        for number in range(span.most + 1):
            say(f"round {number} of {span.most}, timed" if number else "witnessed round")
            for path in _manifests(top):
                path.unlink()
            engine.count()
            launcher.count()
            one = self._round(number, top, before)
            one.opened, one.launched = engine.count(), launcher.count()
            one.written, one.read = server.moved() or (None, None)
            yield one
            if not one.is_whole or span.ends(number, time.monotonic() - began):
                return

    def _round(self, number: int, top: Path, before: Mapping[str, str]) -> Round:
        """Run the benchmark once and read what it has written; `before`: the files that were there, by digest."""
        profile = os.environ.get(PROFILE, SHORT) if number else SHORT
        engine = self.engine if number else self.recorder.program
        began = time.time()
        code, last = _run(self.command, top, os.environ | {ENGINE: str(engine), PROFILE: profile})
        if code:
            return Round(number, problems=[": ".join([f"exit {code}", " ".join(self.command), " / ".join(last)])])
        try:
            found = _found(top, began)
            one = read(number, profile, found)
        except RefusedError as error:
            return Round(number, problems=[str(error)])
        if copied := before.get(hashlib.sha256(found.text).hexdigest()):
            one.problems.insert(0, f"{found.shown} is a copy of {copied}: the benchmark did not write it")
        return one


def _run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, Sequence[str]]:
    """Run it and pass its output on as it comes; gives its exit code and its last lines."""
    last: deque[str] = deque(maxlen=LAST)
    with subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.strip():
                last.append(line.strip()[:200])
    return process.returncode, last


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
