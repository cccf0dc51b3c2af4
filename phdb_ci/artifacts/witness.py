"""The witness: a small launcher in front of an artifact's binary that records each call and hands over to it.

It appends one line per call, a mark of its own and the first argument's leading word, with a single write,
and then becomes the real binary (exec), so exit codes, signals and output are the binary's own. An output
whose name has a dot (a library, a data file) is placed as it is. What the record says is only counted here;
what it must say is evidence.py's.
"""

import contextlib
import hashlib
import re
import secrets
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phdb_ci.artifacts.store import file_digest, joint_digest, measure, place
from phdb_ci.base.files import open_regular, write_whole
from phdb_ci.models.inventory import Stored

SCRIPT = """\
#!/bin/sh
# phdb-ci witness: records the call, then becomes the real binary
verb=${{1-}}
printf '{mark} %.32s\\n' "${{verb%%[!a-z-]*}}" >> {log}
exec {real} "$@"
"""
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
        script = SCRIPT.format(mark=self._mark, log=shlex.quote(str(self.log)), real=shlex.quote(str(real)))
        write_whole(path, script.encode(), mode=0o755)
        self._launchers[path] = hashlib.sha256(script.encode()).hexdigest()

    def start(self) -> None:
        """From now on calls count: those of the set-up do not."""
        with contextlib.suppress(FileNotFoundError):
            self._start = self.log.stat().st_size

    def calls(self) -> Counter[str]:
        """Calls since start(), by first word. A record that is gone, or is no file any more, shows none."""
        try:
            with open_regular(self.log) as file:
                file.seek(self._start)
                lines = file.read(LOG_LIMIT).split(b"\n")
        except OSError:
            return Counter()
        mark = f"{self._mark} ".encode()
        verbs = [line.removeprefix(mark) for line in lines if line.startswith(mark)]
        return Counter(verb.decode() for verb in verbs if VERB.fullmatch(verb))

    def after(self) -> str:
        """The digest of the real outputs now, or `launcher replaced`."""
        if not all(_still(path, digest) for path, digest in self._launchers.items()):
            return "launcher replaced"
        return joint_digest(measure(self.folder / "real", tuple(self.stored.digests)))

    def replaced(self, path: Path) -> bool:
        """Whether the launcher that was put at path is there no longer; it is not watched after that."""
        return not _still(path, self._launchers.pop(path))


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
