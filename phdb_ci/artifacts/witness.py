"""The witness: a small launcher in front of an artifact's binary that records each call and how it ended.

It appends one line per call, a mark of its own and the first argument's leading word, with a single write, runs the
real binary, and appends the exit code. Streams, arguments, exit codes and signals are the binary's own; a launcher
that is killed takes the binary with it (setpriv(1), by prctl's parent-death signal). Where the system has no such way
the launcher becomes the binary (exec), and how calls ended is not known. An output whose name has a dot (a library, a
data file) is placed as it is. What the record says is only counted here; what it must say is evidence.py's.
"""

import contextlib
import functools
import hashlib
import re
import secrets
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.artifacts.store import file_digest, joint_digest, measure, place
from phdb_ci.base.files import open_regular, write_whole
from phdb_ci.models.inventory import Stored

START = """\
#!/bin/sh
# phdb-ci witness: records the call, then {what}
verb=${{1-}}; verb=${{verb%%[!a-z-]*}}
printf '{mark} %.32s\\n' "$verb" >> {log}
"""
BECOME = 'exec {real} "$@"\n'
# The shell's own words (`Segmentation fault`) are not the binary's.
WAIT = """\
exec 3>&2 2>/dev/null
(exec {keep} --pdeathsig KILL {real} "$@" 2>&3 3>&-)
code=$?
printf '{mark}:%d %.32s\\n' "$code" "$verb" >> {log}
[ "$code" -le 128 ] || kill -"$((code - 128))" $$
exit "$code"
"""
ENDED = re.compile(rb"([0-9]{1,3}) ([A-Za-z-]{0,32})")
VERB = re.compile(rb"[A-Za-z-]{0,32}")  # in some locales a-z holds capitals
LOG_LIMIT = 64 * 1024 * 1024  # bytes of the record that are counted: over a million calls


@dataclass
class Placed:
    """An artifact in one job's hands: launchers in `folder`, outputs in `folder/real`, the record beside.

    `behind` names files that are used in the place of the real outputs (`phdb-ci prove`).
    """

    stored: Stored
    folder: Path
    before: str
    behind: Mapping[str, Path] = field(default_factory=dict)
    _mark: str = field(default_factory=lambda: secrets.token_hex(8))
    _start: int = 0
    _launchers: dict[Path, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """Where the launchers record their calls."""
        return self.folder / "calls.log"

    def put_launcher(self, output: str, path: Path) -> None:
        """Write the launcher for `output` at path (replacing what is there) and remember that it must stay."""
        real = self.behind.get(output, self.folder / "real" / output)
        keep = _keeper()
        text = START + (WAIT if keep else BECOME)
        script = text.format(
            mark=self._mark, log=shlex.quote(str(self.log)), real=shlex.quote(str(real)), keep=keep,
            what="how it ended" if keep else "becomes the real binary",
        )  # fmt: skip
        write_whole(path, script.encode(), mode=0o755)
        self._launchers[path] = hashlib.sha256(script.encode()).hexdigest()

    def start(self) -> None:
        """From now on calls count: those of the set-up do not."""
        with contextlib.suppress(FileNotFoundError):
            self._start = self.log.stat().st_size

    def calls(self) -> Counter[str]:
        """Calls since start(), by first word. A record that is gone, or is no file any more, shows none."""
        mark = f"{self._mark} ".encode()
        verbs = [line.removeprefix(mark) for line in self._lines() if line.startswith(mark)]
        return Counter(verb.decode() for verb in verbs if VERB.fullmatch(verb))

    def failures(self) -> Counter[str]:
        """Calls since start() that ended with another exit code than 0, by first word; none where that is not known."""
        mark = f"{self._mark}:".encode()
        ends = (ENDED.fullmatch(line.removeprefix(mark)) for line in self._lines() if line.startswith(mark))
        return Counter(end[2].decode() for end in ends if end and int(end[1]))

    def _lines(self) -> list[bytes]:
        try:
            with open_regular(self.log) as file:
                file.seek(self._start)
                return file.read(LOG_LIMIT).split(b"\n")
        except OSError:
            return []

    def after(self) -> str:
        """The digest of the real outputs now, or `launcher replaced`."""
        if not all(_still(path, digest) for path, digest in self._launchers.items()):
            return "launcher replaced"
        return joint_digest(measure(self.folder / "real", tuple(self.stored.digests)))

    def replaced(self, path: Path) -> bool:
        """Whether the launcher that was put at path is there no longer; it is not watched after that."""
        return not _still(path, self._launchers.pop(path))


@functools.cache
def _keeper() -> str | None:
    """The program that ends a binary with its launcher; None where there is none."""
    return shutil.which("setpriv", path="/usr/bin:/bin") if sys.platform == "linux" else None


def _still(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False


def put(stored: Stored, folder: Path, behind: Mapping[str, Path] | None = None) -> Placed:
    """Copy an artifact into a job's folder and put the launchers in front of its programs."""
    before = joint_digest(place(stored, folder / "real"))
    placed = Placed(stored=stored, folder=folder, before=before, behind=behind or {})
    placed.log.touch()
    for output in stored.digests:
        target = folder / output
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_program(output):
            placed.put_launcher(output, target)
        else:
            target.write_bytes(placed.behind.get(output, folder / "real" / output).read_bytes())
    return placed


def is_program(output: str) -> bool:
    """Whether an output is started by name, and so can be witnessed."""
    return "." not in output.rsplit("/", 1)[-1]
