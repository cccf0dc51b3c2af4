"""Everything that phdb-ci does with git; the only package that imports GitPython.

    env.py       what of the caller's environment git may see; credentials masked
    command.py   run one git command
    refs.py      which commit a branch, tag, pull request or id stands for
    mirror.py    bare mirrors in the cache, fetched under a lock, their commits kept by refs of ours
    trees.py     a local directory as a commit
    content.py   what a commit holds; tree ids
    remote.py    what a remote's branches and tags stand for now
    changes.py   which paths changed between two commits
    place.py     check a commit out, and say later whether it is still so

Here stands what other modules may use. Nothing in it knows of jobs, gates or the matrix.
"""

from phdb_ci.sources.git.changes import changed_since
from phdb_ci.sources.git.content import tree_ids
from phdb_ci.sources.git.env import clean_env, mask
from phdb_ci.sources.git.mirror import Mirror, Taken, mirror_of, pinned, take, take_local, take_ref
from phdb_ci.sources.git.place import Checkout, changed, checkout, discard, outside_links, same_content, unknown
from phdb_ci.sources.git.refs import FULL, check_ref
from phdb_ci.sources.git.remote import origin_of, remote_refs
from phdb_ci.sources.git.trees import Imported, import_directory, import_folder, import_worktree, is_bare, is_repository

__all__ = [
    "FULL",
    "Checkout",
    "Imported",
    "Mirror",
    "Taken",
    "changed",
    "changed_since",
    "check_ref",
    "checkout",
    "clean_env",
    "discard",
    "import_directory",
    "import_folder",
    "import_worktree",
    "is_bare",
    "is_repository",
    "mask",
    "mirror_of",
    "origin_of",
    "outside_links",
    "pinned",
    "remote_refs",
    "same_content",
    "take",
    "take_local",
    "take_ref",
    "tree_ids",
    "unknown",
]
