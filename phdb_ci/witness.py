"""The witness: a small launcher put in front of an artifact's binary that records each call and hands over to it.

It appends one line per call, the first argument's leading word, with a single write, and then becomes the real binary
(exec), so exit codes, signals and output are the binary's own. An output whose name has a dot (a library, a data file)
is placed as it is. What the record says is only counted here; what it must say is evidence.py's.
"""

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.models.inventory import Stored
from phdb_ci.store import file_digest, joint_digest, measure, place

SCRIPT = """\
#!/bin/sh
# phdb-ci witness: records the call, then becomes the real binary
verb=${{1-}}
printf '%s\\n' "${{verb%%[!a-z-]*}}" >> {log}
exec {real} "$@"
"""
VERB = re.compile(rb"^[a-z-]{0,32}$")


@dataclass
class Placed:
    """An artifact in one job's hands: launchers in `folder`, the real outputs in `folder/real`, the record beside them."""

    stored: Stored
    folder: Path
    before: str
    _start: int = 0
    _launchers: tuple[tuple[Path, str], ...] = ()

    @property
    def log(self) -> Path:
        """Where the launchers record their calls."""
        return self.folder / "calls.log"

    def launcher(self, output: str) -> str:
        """The text of the launcher for one output."""
        return SCRIPT.format(log=shlex.quote(str(self.log)), real=shlex.quote(str(self.folder / "real" / output)))

    def put_launcher(self, output: str, path: Path) -> None:
        """Write the launcher for `output` at path (replacing what is there) and remember that it must stay."""
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(self.launcher(output), encoding="utf-8")
        temporary.chmod(0o755)
        digest = file_digest(temporary)
        temporary.replace(path)
        self._launchers = (*self._launchers, (path, digest))

    def start(self) -> None:
        """From now on calls count: those of the set-up do not."""
        self._start = self.log.stat().st_size

    def calls(self) -> Counter[str]:
        """Calls since start(), by first word."""
        with self.log.open("rb") as file:
            file.seek(self._start)
            return Counter(line.decode() for line in file.read().splitlines() if VERB.match(line))

    def after(self) -> str:
        """The digest of the real outputs now, or `launcher replaced`."""
        for path, digest in self._launchers:
            if not _still(path, digest):
                return "launcher replaced"
        return joint_digest(measure(self.folder / "real", tuple(self.stored.digests)))

    def replaced(self, path: Path) -> bool:
        """Whether the launcher that was put at path is there no longer; it is not watched any more after that."""
        mine = [digest for known, digest in self._launchers if known == path]
        self._launchers = tuple(item for item in self._launchers if item[0] != path)
        return not all(_still(path, digest) for digest in mine)


def _still(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False


def put(stored: Stored, folder: Path) -> Placed:
    """Copy an artifact into a job's folder and put the launchers in front of its programs."""
    placed = Placed(stored=stored, folder=folder, before=joint_digest(place(stored, folder / "real")))
    placed.log.touch()
    for output in stored.digests:
        target = folder / output
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_program(output):
            placed.put_launcher(output, target)
        else:
            target.write_bytes((folder / "real" / output).read_bytes())
    return placed


def is_program(output: str) -> bool:
    """Whether an output is started by name, and so can be witnessed."""
    return "." not in output.rsplit("/", 1)[-1]
