"""`phdb-ci render`: the workflow files from the matrix; `--check` compares, `--to REPO=DIR` fills a checkout.

The files lie beside the matrix: `.github/workflows/` and `workflows/`. A file in `workflows/` that no template makes is
an error: nobody would keep it current.
"""

import argparse
import difflib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from phdb_ci.base.files import open_regular, write_whole
from phdb_ci.base.nearest import perhaps
from phdb_ci.commands._common import matrix_option, pairs
from phdb_ci.errors import DiskError, Exit, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.rendering.workflows import files_of, workflow_files
from phdb_ci.sources.git import mask, origin_of


def main(arguments: argparse.Namespace) -> int:
    """Write, compare or copy; 0, or 1 when `--check` finds a difference."""
    matrix = load(arguments.matrix)
    files = workflow_files(matrix)
    root = arguments.matrix.resolve().parent
    if arguments.to:
        return _to(files, pairs(arguments.to, "--to", "REPO=DIR"), arguments, matrix)
    unknown = _unknown(root, files)
    changed = [path for path, text in files.items() if _read(root / path) != text]
    if arguments.check:
        return _check(root, files, changed, unknown, arguments)
    if unknown:
        raise UsageError(
            f"no template makes {', '.join(unknown)}: nothing would keep it current",
            tries=["remove it, or give it a place outside workflows/", *(f"rm {path}" for path in unknown)],
        )
    _write({str(root / path): files[path] for path in changed})
    _tell(arguments, changed, f"{len(files)} files, {len(changed)} written")
    return Exit.PASS


def _to(files: Mapping[str, str], targets: Mapping[str, str], arguments: argparse.Namespace, matrix: Matrix) -> int:
    """Put a repo's files into a checkout of it, or compare them there."""
    if matrix.self_ is not None and set(matrix.self_.commit) == {"0"}:
        raise UsageError(
            "[self].commit names no release yet, so these files would call nothing",
            tries=["phdb-ci bump self, once there is a release", "or set [self].commit to a commit of phdb-ci by hand"],
        )
    known = sorted({path.split("/")[1] for path in files if path.startswith("workflows/")})
    wanted: dict[str, str] = {}
    for repo, place in targets.items():
        own = files_of(files, repo)
        if not own:
            raise UsageError(
                f"--to {repo}=…: no file is rendered for {repo}.{perhaps(repo, known)}",
                tries=[f"one of {', '.join(known)}"],
            )
        top = _checkout(repo, place, matrix.repos[repo].url if repo in matrix.repos else repo)
        wanted |= {str(top / path): text for path, text in own.items()}
    changed = [path for path, text in wanted.items() if _read(Path(path)) != text]
    if arguments.check:
        return _check(Path(), wanted, changed, [], arguments)
    _write({path: wanted[path] for path in changed})
    _tell(arguments, changed, f"{len(wanted)} files, {len(changed)} written")
    return Exit.PASS


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
    """What a repository is called, by its URL."""
    return re.split("[/:]", url.rstrip("/"))[-1].removesuffix(".git").lower()


def _check(
    root: Path, files: Mapping[str, str], changed: list[str], unknown: list[str], arguments: argparse.Namespace
) -> int:
    """Print every difference and the command that repairs it; 1 when there is one."""
    if arguments.json:
        print(json.dumps({"files": len(files), "changed": changed, "unknown": unknown}))
        return Exit.FAIL if changed or unknown else Exit.PASS
    for path in changed:
        old = _read(root / path)
        print(f"{path}: {'is not there' if old is None else 'is not what the matrix renders'}")
        lines = difflib.unified_diff(
            (old or "").splitlines(), files[path].splitlines(), f"{path} (on disk)", f"{path} (rendered)", lineterm=""
        )
        print("\n".join(lines), end="\n\n")
    for path in unknown:
        print(f"{path}: no template makes it; remove it, or give it a place outside workflows/\n")
    if changed:
        print(f"{len(changed)} of {len(files)} files differ. Repair: {_repair(arguments)}")
    elif not unknown:
        print(f"{len(files)} files are current")
    return Exit.FAIL if changed or unknown else Exit.PASS


def _repair(arguments: argparse.Namespace) -> str:
    """The command that makes the files current."""
    words = ["phdb-ci", "render", *matrix_option(arguments.matrix)]
    return shlex.join([*words, *(word for target in arguments.to for word in ("--to", target))])


def _unknown(root: Path, files: Mapping[str, str]) -> list[str]:
    """Files below `workflows/`, and workflows of our own, that no template makes."""
    found = [
        path.relative_to(root).as_posix()
        for top in ("workflows", ".github/workflows")
        for path in sorted((root / top).rglob("*"))
        if not path.is_dir() or path.is_symlink()
    ]
    return [path for path in found if path not in files]


def _read(path: Path) -> str | None:
    """The file as text; None when it is not there, is a link, or is no text of ours."""
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


def _write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        write_whole(Path(name), text, parents=True)


def _tell(arguments: argparse.Namespace, changed: Iterable[str], text: str) -> None:
    if arguments.json:
        print(json.dumps({"written": list(changed)}))
        return
    for path in changed:
        print(f"wrote {path}")
    print(text)
