"""The stand-ins for the actions that rendered workflows use: bundled once, outside the source tree.

The sources are shims/*.js. `npm ci` and esbuild make one folder per action of them, with an action.yml; the packages
go again. A bundle is kept under the digest of all that it was made of, and made anew when a byte of that changes.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIMS = Path(__file__).parent / "shims"
# Packages that call require() inside a module of the new kind, where there is none.
BANNER = 'import { createRequire as _cr } from "module"; const require = _cr(import.meta.url);'


def downloads() -> Path:
    """Where tests keep what was downloaded, from one session to the next."""
    place = Path(os.environ.get("PHDB_CI_TEST_DOWNLOADS") or ROOT / ".nox" / "downloads").absolute()
    place.mkdir(parents=True, exist_ok=True)
    return place


def bundled() -> dict[str, Path]:
    """Action name → its stand-in's folder (action.yml, index.mjs); made unless an earlier test has made it."""
    sources = sorted(SHIMS.glob("*.js*"))
    digest = hashlib.sha256(b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in sources))
    digest.update(BANNER.encode())
    place = downloads() / f"act-shims-{digest.hexdigest()[:16]}"
    with (downloads() / "act-shims.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _make(place, sources)
    return {f"actions/{name}": place / name for name in _inputs()}


def pinned() -> dict[str, Path]:
    """Each `uses:` of the matrix's own table of actions → its stand-in."""
    table = tomllib.loads((ROOT / "matrix.toml").read_text(encoding="utf-8"))["actions"]
    made = bundled()
    return {f"{name}@{pin['commit']}": made[name] for name, pin in table.items()}


def _inputs() -> dict[str, list[str]]:
    inputs: dict[str, list[str]] = json.loads((SHIMS / "inputs.json").read_bytes())
    return inputs


def _make(place: Path, sources: list[Path]) -> None:
    work = place.with_name(f"{place.name}.making")
    shutil.rmtree(work, ignore_errors=True)
    (work / "made").mkdir(parents=True)
    for file in sources:
        shutil.copyfile(file, work / file.name)
    _npm(work, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(work / "npm"))
    for name, inputs in _inputs().items():
        _npm(
            work,
            *("node", "node_modules/esbuild/bin/esbuild", f"{name}.js", f"--outfile=made/{name}/index.mjs"),
            *("--bundle", "--platform=node", "--format=esm", "--log-level=warning", f"--banner:js={BANNER}"),
        )
        action = {
            "name": f"stand-in for actions/{name}",
            "description": "what the tests need of it",
            "inputs": {name: {"description": name} for name in inputs},
            "runs": {"using": "node24", "main": "index.mjs"},
        }
        (work / "made" / name / "action.yml").write_text(json.dumps(action, indent=2))
    (work / "made").rename(place)
    shutil.rmtree(work)


def _npm(work: Path, *argv: str) -> None:
    done = subprocess.run(argv, cwd=work, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
