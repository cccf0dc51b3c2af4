"""Which paths changed between two commits of a mirror."""

import os
from pathlib import Path

from phdb_ci.errors import SourceError
from phdb_ci.git.command import git, git_ok
from phdb_ci.git.mirror import Mirror, take, take_local


def changed_since(at: Mirror, base: str, head: str) -> tuple[str, ...]:
    """The paths that differ between head and where it left base's history, renames as two paths.

    Args:
        at: the mirror that holds head; base is fetched into it where it is missing.
        base: a full commit id.
        head: a full commit id.

    Raises:
        SourceError: base is not to be had, or the two have no common history.
        NetworkError: the remote could not be asked.
    """
    (take_local if Path(at.url).is_absolute() else take)(at, base)
    own = ("--git-dir", str(at.path))
    if git(*own, "merge-base", base, head).code != 0:
        raise SourceError(f"{at.repo}: {base[:7]} and {head[:7]} have no common history")
    # Three dots: what head did since it left; what base got meanwhile is not head's change.
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    out = git_ok(*own, "diff", *options, f"{base}...{head}").out
    # All of them: one that was left out could be the one that matters.
    return tuple(os.fsdecode(path).encode(errors="replace").decode() for path in out.split(b"\0") if path)
