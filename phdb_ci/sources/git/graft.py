"""Other commits than the one that is tested: its ancestors, and one like it but for a file (`phdb-ci prove`)."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phdb_ci.sources.git.command import git_ok
from phdb_ci.sources.git.trees import write_commit

_EPOCH = 946_684_800  # 2000-01-01, the date of every commit that has no date of its own


def ancestors(mirror: Path, commit: str, paths: Sequence[str], most: int) -> list[str]:
    """Ancestors in which one of the paths changed, newest first, the commit itself left out."""
    own = ("--git-dir", str(mirror))
    told = git_ok(*own, "rev-list", f"--max-count={most + 1}", commit, "--", *paths).text.split()
    # The newest that changed a path may be the commit itself or its like: what counts lies before it.
    return [f for f in told if f != commit][:most] if told[:1] == [commit] else told[1 : most + 1]


def files_of(mirror: Path, commit: str, paths: Sequence[str]) -> list[str]:
    """The files below these paths at a commit."""
    out = git_ok("--git-dir", str(mirror), "ls-tree", "-r", "-z", "--name-only", commit, "--", *paths).out
    return [os.fsdecode(name) for name in out.split(b"\0") if name]


def commit_with(mirror: Path, commit: str, path: str, added: bytes) -> str:
    """A commit of the same tree with `added` at the end of one file; kept by nothing, as it is for one build alone."""
    own = ("--git-dir", str(mirror))
    data = git_ok(*own, "cat-file", "blob", f"{commit}:{path}").out + added
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git_ok(*own, "read-tree", commit, env=env)
        blob = git_ok(*own, "hash-object", "-w", "--stdin", stdin=data).text
        git_ok(*own, "update-index", "--cacheinfo", f"100644,{blob},{path}", env=env)
        tree = git_ok(*own, "write-tree", env=env).text
    message = f"Not {commit}: {path} has a line more"
    return write_commit(mirror / "objects", tree, parent=commit, when=_EPOCH, message=message)
