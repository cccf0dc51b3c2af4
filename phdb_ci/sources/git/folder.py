"""A subfolder of a directory as a commit of its own: its tree is exactly that folder, as it stands.

The commit's id depends on the tree alone (no parent, a fixed author and date), so that two machines with the same files
name the same commit.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.locks import locked
from phdb_ci.errors import SourceError
from phdb_ci.sources.git.command import git, git_ok
from phdb_ci.sources.git.mirror import Mirror, keep, prepare
from phdb_ci.sources.git.trees import write_commit

_EPOCH = 946_684_800  # 2000-01-01
# What a folder that is no repository does not count: caches, and what this tool and nox write beside a matrix.
_CACHES = (".phdb-ci/", ".nox/", ".venv/", "__pycache__/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/")


@dataclass(frozen=True)
class Folder:
    """A folder that was taken.

    Attributes:
        commit: the commit that holds it.
        tree: the id of its tree, which is what it is known by.
        head: the commit of the repository around it; None where there is none.
        dirty: it differs from what that commit has.
    """

    commit: str
    tree: str
    head: str | None
    dirty: bool


def import_folder(at: Mirror) -> Folder:
    """Take the mirror's directory, which may lie inside a repository, with every file that git does not ignore.

    The repository around it gets no object and no lock. Raises SourceError for a folder without a file, or one that
    git cannot read.
    """
    with locked(at.lock, at.on_wait):
        prepare(at)
        index = at.path / "folder-index"
        index.unlink(missing_ok=True)
        env = {"GIT_INDEX_FILE": str(index), "GIT_OBJECT_DIRECTORY": str(at.path / "objects")}
        inside = git("-C", at.url, "rev-parse", "--show-prefix", sealed=False)
        prefix = inside.text if inside.code == 0 else ""
        where: tuple[str, ...] = ("-C", at.url)
        if inside.code != 0:
            (at.path / "info").mkdir(exist_ok=True)
            (at.path / "info" / "exclude").write_text("\n".join(_CACHES) + "\n", encoding="utf-8")
            where = ("-C", at.url, "--git-dir", str(at.path), "--work-tree", at.url)
        done = git(*where, "add", "--all", "--", ".", env=env, sealed=False)
        if done.code != 0:
            raise SourceError(f"{at.repo}: {at.where} cannot be read: {done.line}")
        options = [f"--prefix={prefix}"] if prefix else []
        tree = git(*where, "write-tree", *options, env=env, sealed=False)
        if tree.code != 0 or not git_ok("--git-dir", str(at.path), "ls-tree", tree.text).out:
            raise SourceError(f"{at.repo}: {at.where} holds no file")
        commit = write_commit(at.path / "objects", tree.text, parent=None, when=_EPOCH, message="A folder")
        keep(at, commit, reachable=True)
        head = git("-C", at.url, "rev-parse", "HEAD", sealed=False) if prefix else None
        if head is None or head.code != 0:
            return Folder(commit, tree.text, None, dirty=False)
        known = git("-C", at.url, "rev-parse", f"HEAD:{os.fspath(Path(prefix))}", sealed=False)
        return Folder(commit, tree.text, head.text, dirty=known.text != tree.text)
