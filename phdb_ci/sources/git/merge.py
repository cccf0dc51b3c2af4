"""What two commits give when one is merged into the other, as a commit of our own.

Neither the machine's nor the user's configuration counts, and who, when and what are fixed: the same two commits give
the same merge everywhere.
"""

from phdb_ci.base.locks import locked
from phdb_ci.base.text import harmless
from phdb_ci.errors import ConflictError, SourceError
from phdb_ci.sources.git.command import git, git_ok
from phdb_ci.sources.git.mirror import Mirror, keep

SHOWN = 20  # paths that an error names
_WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "phdb-ci"), ("EMAIL", "phdb-ci@localhost"))
}


def merge(at: Mirror, base: str, head: str) -> str:
    """The commit of head merged into base; head itself where it holds base. Both are full ids that the mirror has.

    Raises ConflictError with the paths that conflict, SourceError when the two cannot be merged at all.
    """
    bare = ("--git-dir", str(at.path))
    if git(*bare, "merge-base", "--is-ancestor", base, head).code == 0:
        return head
    done = git(*bare, "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
    tree, *paths = done.text.strip("\0").split("\0")
    if done.code == 1 and paths:
        raise ConflictError(f"{at.repo}: {head[:12]} does not merge into {base[:12]}: conflicts in {_named(paths)}")
    if done.code != 0:
        raise SourceError(f"{at.repo}: {head[:12]} cannot be merged into {base[:12]}: {done.line}")
    when = git_ok(*bare, "show", "--no-patch", "--format=%ct", head).text
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{when} +0000")
    message = f"merge {head} into {base}"
    arguments = ("commit-tree", tree, "-p", base, "-p", head, "-m", message)
    commit = git_ok(*bare, *arguments, env=_WHO | dates).text
    with locked(at.lock, at.on_wait):
        keep(at, commit)
    return commit


def _named(paths: list[str]) -> str:
    names = [harmless(path, 200) for path in dict.fromkeys(paths)]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
