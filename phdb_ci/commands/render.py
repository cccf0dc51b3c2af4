"""`phdb-ci render`: the workflow files from the matrix; `--check` compares, `--to REPO=DIR` fills a checkout.

The files lie beside the matrix: `.github/workflows/` and `workflows/`. A file in `workflows/` that no template makes is
an error: nobody would keep it current.
"""

import difflib
import json
import re
import shlex
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from phdb_ci.base.files import open_regular, write_whole
from phdb_ci.base.nearest import perhaps
from phdb_ci.commands._options import matrix_option, pairs
from phdb_ci.errors import DiskError, Exit, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.rendering.workflows import files_of, workflow_files
from phdb_ci.sources.git.env import mask
from phdb_ci.sources.git.remote import origin_of


def main(arguments: Namespace) -> int:
    """Write or compare; 0, or 1 when `--check` finds a difference."""
    matrix = load(arguments.matrix)
    root, files = arguments.matrix.resolve().parent, workflow_files(matrix)
    unknown: list[str] = []
    if arguments.to:
        root, files = Path(), _in_checkouts(files, pairs(arguments.to, "--to", "REPO=DIR"), matrix)
    else:
        unknown = _unknown(root, files)
    changed = {path: old for path, text in files.items() if (old := _read(root / path)) != text}
    if arguments.check:
        return _check(files, changed, unknown, arguments)
    if unknown:
        raise UsageError(
            f"no template makes {', '.join(unknown)}: nothing would keep it current",
            tries=["remove it, or give it a place outside workflows/", *(f"rm {path}" for path in unknown)],
        )
    for path in changed:
        write_whole(root / path, files[path], parents=True)
    written = [*(f"wrote {path}" for path in changed), f"{len(files)} files, {len(changed)} written"]
    print(json.dumps({"written": list(changed)}) if arguments.json else "\n".join(written))
    return Exit.PASS


def _in_checkouts(files: Mapping[str, str], targets: Mapping[str, str], matrix: Matrix) -> dict[str, str]:
    """The files of some repos by their paths in checkouts of them. Raises UsageError."""
    if matrix.self_ is not None and set(matrix.self_.commit) == {"0"}:
        raise UsageError(
            "[self].commit names no release yet, so these files would call nothing",
            tries=["phdb-ci bump self, once there is a release", "or set [self].commit to a commit of phdb-ci by hand"],
        )
    known = sorted({path.split("/")[1] for path in files if path.startswith("workflows/")})
    placed: dict[str, str] = {}
    for repo, place in targets.items():
        of_repo = files_of(files, repo)
        if not of_repo:
            message = f"--to {repo}=…: no file is rendered for {repo}.{perhaps(repo, known)}"
            raise UsageError(message, tries=[f"one of {', '.join(known)}"])
        top = _checkout(repo, place, matrix.repos[repo].url if repo in matrix.repos else repo)
        placed |= {str(top / path): text for path, text in of_repo.items()}
    return placed


def _checkout(repo: str, place: str, url: str) -> Path:
    """The folder, which must be a checkout of the repo, a fork's included. Raises UsageError for any other."""
    top = Path(place).expanduser()
    if not top.is_dir():
        raise UsageError(f"--to {repo}={place}: there is no such directory")
    if not (top / ".git").exists():
        tries = [f"name the top folder of a clone of {repo}"]
        raise UsageError(f"--to {repo}={place}: this is not a checkout of a git repository", tries=tries)
    origin = origin_of(top)
    if origin and _last_part(origin) != _last_part(url):
        tries = [f"name a clone of {repo}, or of a fork that is called like it"]
        raise UsageError(f"--to {repo}={place}: this is a checkout of {mask(origin)}", tries=tries)
    return top


def _last_part(url: str) -> str:
    return re.split("[/:]", url.rstrip("/"))[-1].removesuffix(".git").lower()


def _check(
    files: Mapping[str, str], changed: Mapping[str, str | None], unknown: list[str], arguments: Namespace
) -> int:
    if arguments.json:
        print(json.dumps({"files": len(files), "changed": list(changed), "unknown": unknown}))
        return Exit.FAIL if changed or unknown else Exit.PASS
    for path, old in changed.items():
        print(f"{path}: {'is not there' if old is None else 'is not what the matrix renders'}")
        lines = difflib.unified_diff(
            (old or "").splitlines(), files[path].splitlines(), f"{path} (on disk)", f"{path} (rendered)", lineterm=""
        )
        print("\n".join(lines), end="\n\n")
    for path in unknown:
        print(f"{path}: no template makes it; remove it, or give it a place outside workflows/\n")
    if changed:
        to = [word for target in arguments.to for word in ("--to", target)]
        repair = shlex.join(["phdb-ci", "render", *matrix_option(arguments.matrix), *to])
        print(f"{len(changed)} of {len(files)} files differ. Repair: {repair}")
    elif not unknown:
        print(f"{len(files)} files are current")
    return Exit.FAIL if changed or unknown else Exit.PASS


def _unknown(root: Path, files: Mapping[str, str]) -> list[str]:
    """Files below `workflows/`, and workflows of our own, that no template makes."""
    paths = [path for top in ("workflows", ".github/workflows") for path in sorted((root / top).rglob("*"))]
    names = [path.relative_to(root).as_posix() for path in paths if not path.is_dir() or path.is_symlink()]
    return [name for name in names if name not in files]


def _read(path: Path) -> str | None:
    """The file as text; None for a link or no file; empty when it is not UTF-8."""
    try:
        if path.is_symlink():
            return None
        with open_regular(path) as file:
            return file.read().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror}") from error
