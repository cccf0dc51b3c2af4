"""Real git repositories with forced identities and dates: commit ids are the same on every machine.

build_upstream(dir)    main: c0 - c1 - c2   tags v1 (light, c0) and v2 (annotated, c1)
                       topic: c1 - t1       refs/pull/7/head: c1 - p1 (on no branch)
fork_commit(dir)       adds f1 on c2, on no ref at all, like a fork's commit under its parent's URL
force_push(dir)        main: c0 - x1, so that c1 and c2 are on no branch any more
"""

import os
import shutil
import subprocess
from pathlib import Path

C0 = "60e78d94114fe79ddb97196f3f37e75bf7606b45"
C1 = "1522dade9d1a84b61af56f262aaa60b3a74d1ccf"
C2 = "0d0a576b290e78ce6da650bf7f7c9f7769a14404"
T1 = "8b4a1749091ded9a12c7a2ab31f0571f04e0ccab"
P1 = "4699504e04f50c3c78581c48a79aa927bdca4a35"
F1 = "684c8e36993a7d691a844a78dbc2a53c40736775"
X1 = "e257b8d74d46814f4b66e50b4d07351a315cee01"

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A Person"), ("EMAIL", "a@example.com"))
}
_TIDY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


def git(directory: Path, *args: str, when: int = 1_700_000_000, **env: str) -> str:
    """Run git as a fixed person at a fixed time; what it prints."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    dates = {"GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000"}
    done = subprocess.run(
        ["git", "-c", "core.fsync=none", "-C", str(directory), *args],
        env=outside | _WHO | _TIDY | dates | env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(directory: Path, message: str, *, when: int, **files: str) -> str:
    """Write files (`a__b_txt` is a/b.txt) and commit everything; the commit's id."""
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "-m", message, when=when)
    return git(directory, "rev-parse", "HEAD")


def init(directory: Path) -> Path:
    """An empty repository on main."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main", "--template=")
    return directory


def build_upstream(directory: Path) -> Path:
    """The repository drawn above."""
    init(directory)
    commit(directory, "c0", when=1_700_000_000, a_txt="one\n", src__b_txt="b\n", src__deep__c_txt="c\n")
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "link").symlink_to("a.txt")
    git(directory, "tag", "v1")
    commit(directory, "c1", when=1_700_000_100, a_txt="two\n")
    git(directory, "tag", "-a", "v2", "-m", "second", when=1_700_000_150)
    git(directory, "checkout", "--quiet", "-b", "topic")
    commit(directory, "t1", when=1_700_000_200, t_txt="topic\n")
    git(directory, "checkout", "--quiet", "--detach", "main")
    pull = commit(directory, "p1", when=1_700_000_300, p_txt="pull\n")
    git(directory, "update-ref", "refs/pull/7/head", pull)
    git(directory, "checkout", "--quiet", "main")
    commit(directory, "c2", when=1_700_000_400, a_txt="three\n")
    return directory


def fork_commit(directory: Path) -> str:
    """A commit that the repository has and no ref of it leads to."""
    tree = git(directory, "rev-parse", "main^{tree}")
    return git(directory, "commit-tree", tree, "-p", "main", "-m", "f1", when=1_700_000_500)


def force_push(directory: Path) -> str:
    """Rewrite main, drop what else led to c1 and c2, and collect them: now they are gone."""
    git(directory, "checkout", "--quiet", "-B", "main", C0)
    new = commit(directory, "x1", when=1_700_000_600, a_txt="rewritten\n")
    for ref in ("refs/heads/topic", "refs/tags/v2", "refs/pull/7/head"):
        git(directory, "update-ref", "-d", ref)
    git(directory, "reflog", "expire", "--expire=now", "--all")
    git(directory, "gc", "--quiet", "--prune=now")
    return new


def copy_of(template: Path, to: Path) -> Path:
    """A test's own copy of a repository, its index still in step with its files."""
    shutil.copytree(template, to, symlinks=True)
    git(to, "update-index", "-q", "--refresh")
    return to


def listing(directory: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a directory: mode, size, time and content, to show that nothing was written."""
    found = {}
    for path in sorted(directory.rglob("*")):
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(directory))] = (facts.st_mode, facts.st_size, facts.st_mtime_ns, content)
    return found
