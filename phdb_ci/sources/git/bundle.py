"""The commits of a run as one git bundle: written by the job that resolved them, read by those that need no network.

A bundle has one ref per repo and commit, `refs/sources/<repo>/<commit>`. What it holds needs no trust: git checks every
object by its id, and the ids come from elsewhere.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from phdb_ci.base.locks import locked
from phdb_ci.errors import DiskError, SourceError
from phdb_ci.models.sources import Source
from phdb_ci.sources.git.command import git, git_ok
from phdb_ci.sources.git.mirror import Mirror, Taken, keep, pinned, prepare
from phdb_ci.sources.git.refs import FULL


def write_bundle(file: Path, sources: Iterable[Source]) -> int:
    """Write the commits of these sources with their history; returns the bundle's size in bytes.

    Raises DiskError when a mirror cannot be read or the file not be written.
    """
    with tempfile.TemporaryDirectory(prefix="phdb-ci-bundle-") as folder:
        bare = ("--git-dir", folder)
        git_ok("init", "--quiet", "--bare", "--template=", folder)
        wanted = [source for source in sources if source.origin != "folder"]
        mirrors = dict.fromkeys(str(source.objects / "objects") for source in wanted)
        alternates = Path(folder, "objects", "info", "alternates")
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text("".join(f"{path}\n" for path in mirrors), encoding="utf-8")
        for source in wanted:
            git_ok(*bare, "update-ref", f"refs/sources/{source.repo}/{source.commit}", source.commit)
        file.parent.mkdir(parents=True, exist_ok=True)
        done = git(*bare, "bundle", "create", "--quiet", str(file.absolute()), "--all")
        if done.code != 0:
            raise DiskError(f"the bundle {file} cannot be written: {done.line}")
    return file.stat().st_size


def take_bundled(at: Mirror, file: Path, ref: str) -> Taken:
    """The commit from a bundle, kept in the mirror as if it had been fetched.

    Raises SourceError for anything but a full id, for a bundle that cannot be read, and for one that lacks the commit.
    """
    if not FULL.fullmatch(ref):
        raise SourceError(f"{at.repo}: {ref!r} is no full commit id, and a bundle has no branches")
    with locked(at.lock, at.on_wait):
        prepare(at)
        if known := pinned(at, ref):
            return known
        names = ("bundle", "list-heads", str(file.absolute()))
        heads = git(*names)
        if heads.code != 0:
            raise SourceError(f"the bundle {file} cannot be read: {heads.line}")
        name = f"refs/sources/{at.repo}/{ref}"
        if name not in heads.text.split():
            raise SourceError(f"the bundle {file} lacks {at.repo} at {ref}")
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        done = git("--git-dir", str(at.path), "fetch", *options, "--", str(file.absolute()), f"+{name}:refs/pins/{ref}")
        if done.code != 0:
            raise SourceError(f"the bundle {file} does not give {at.repo} at {ref}: {done.line}")
        return keep(at, ref)
