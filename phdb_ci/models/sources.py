"""Sources: every repo of a run resolved to one commit, and where that commit was taken from."""

from pathlib import Path
from typing import Literal

from phdb_ci.models.base import Record, RepoName, Sha

Origin = Literal["pin", "ref", "tree", "folder"]
StackKind = Literal["public", "stand-in", "local"]


class Merged(Record):
    """What a tested commit was made of: `head`, as it was proposed, merged into `base`. They may be one commit."""

    base: Sha
    head: Sha


class Source(Record):
    """One repo of this run.

    Attributes:
        origin: `pin` (the matrix), `ref` (an override), `tree` (a directory as it is), `folder` (beside the matrix).
        via: who asked, in the user's words: `matrix.toml`, `--repo engine=pull/3`, `$ENGINE_REF`, `--stack DIR`.
        where: the URL or directory that it came from.
        objects: the bare mirror that holds its objects (a path of this machine).
        pin: the matrix's pin, for comparison; a folder has none.
        tree: of a folder the id of its tree, which is what it is known by; its commit is one of ours.
        dirty: uncommitted or untracked changes are part of the commit.
        merged: of a commit that was made here, or found to hold its base already, what was merged into what.
        reachable: whether a branch, tag or pull request of `where` contains the commit: a fork's is in none.
    """

    repo: RepoName
    commit: Sha
    origin: Origin
    via: str
    where: str
    objects: Path
    pin: Sha | None
    tree: Sha | None = None
    dirty: bool = False
    merged: Merged | None = None
    reachable: bool = True
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What a person is shown: the tree of a folder, else the commit."""
        return self.tree or self.commit


class Sources(Record):
    """All repos of a run.

    `stack`: `public` when each is at its pin or a ref of its URL, `stand-in` when each is a directory of
    `--stack`, else `local`.
    """

    stack: StackKind
    repos: dict[RepoName, Source]
