"""Everything that phdb-ci does with git; the only package that imports GitPython.

    env.py       what of the caller's environment git may see; credentials masked
    command.py   run one git command
    refs.py      which commit a branch, tag, pull request or id stands for
    remote.py    commands that ask a remote; what its branches and tags stand for now
    mirror.py    bare mirrors in the cache, fetched under a lock, their commits kept by refs of ours
    trees.py     a local directory as a commit
    content.py   what a commit holds, and what changed since another one
    place.py     check a commit out, and say later whether it is still so

Nothing in it knows of jobs, gates or the matrix.
"""
