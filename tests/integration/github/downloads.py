"""What the tests fetch from npm, once for all workers and sessions: GitHub's API description, and node programs.

Nothing of it is committed. The folder is $PHDB_CI_TEST_DOWNLOADS, else `.nox/downloads`.
"""

import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
NODE = ROOT / "tests" / "node"
PACKAGE, VERSION = "@octokit/openapi", "23.0.2"
SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
MEMBER = "package/generated/api.github.com.json"


def folder() -> Path:
    """Where downloads are kept."""
    place = Path(os.environ.get("PHDB_CI_TEST_DOWNLOADS") or ROOT / ".nox" / "downloads").absolute()
    place.mkdir(parents=True, exist_ok=True)
    return place


def once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this name that one worker makes and all use; half a one is made again."""
    place = folder() / name
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".made").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make(place)
            (place / ".made").touch()
    return place


def npm(*arguments: str, cwd: Path) -> None:
    """Run npm. A test that needs it fails without it: a skipped one would show nothing."""
    if shutil.which("npm") is None:
        raise AssertionError("these tests need node and npm on PATH (node 20 or newer)")
    done = subprocess.run(["npm", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}"


def description(cut: Callable[[dict[str, Any]], dict[str, Any]], key: str) -> dict[str, Any]:
    """What `cut` leaves of GitHub's own description of its API; `key` names this cut."""

    def make(place: Path) -> None:
        npm("pack", "--silent", f"{PACKAGE}@{VERSION}", cwd=place)
        archive = next(place.glob("*.tgz"))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert digest == SHA512, f"{archive.name} is not the {PACKAGE} {VERSION} that these tests are for"
        with tarfile.open(archive) as opened:
            file = opened.extractfile(MEMBER)
            assert file is not None
            whole = json.load(file)
        archive.unlink()
        (place / "cut.json").write_text(json.dumps(cut(whole)))

    place = once(f"openapi-{VERSION}-{key}", make)
    found: dict[str, Any] = json.loads((place / "cut.json").read_bytes())
    return found


def node_folder() -> Path:
    """A folder with the packages of tests/node installed; programs run with it as their directory find them."""

    def make(place: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(NODE / name, place / name)
        npm("ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", cwd=place)

    key = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()[:16]
    return once(f"node-{key}", make)
