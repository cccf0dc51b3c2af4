"""Which paths changed between two commits of a mirror."""

import os
from pathlib import Path

from phdb_ci.errors import SourceError
from phdb_ci.sources.git.command import git, git_ok
from phdb_ci.sources.git.mirror import Mirror, take, take_local


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
    forks = git(*own, "merge-base", "--all", base, head).text.split()
    if not forks:
        raise SourceError(f"{at.repo}: {base[:7]} and {head[:7]} have no common history")
    # What head did since it left; what base got meanwhile is not its change. Where the two have met before and parted
    # again there are several places to leave from, and what differs from any of them counts: head may undo a merge.
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    found: dict[bytes, None] = {}
    for fork in forks:
        found |= dict.fromkeys(git_ok(*own, "diff", *options, fork, head).out.split(b"\0"))
    # All of them: one that was left out could be the one that matters.
    return tuple(os.fsdecode(path).encode(errors="replace").decode() for path in found if path)
