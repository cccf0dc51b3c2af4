"""Checkouts: what is placed, what counts as changed, what is made right again, and what a job cannot fool."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.errors import DiskError
from phdb_ci.sources.git.mirror import mirror_of, take
from phdb_ci.sources.git.place import Checkout, changed, checkout, discard, export, outside_links, same_content, unknown
from phdb_ci.sources.git.trees import import_directory
from tests.repositories import C0, C2, commit, git, init, listing

Tamper = Callable[[Path], object]


@pytest.fixture
def mirror(upstream: Path, cache: Path) -> Path:
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, C0)
    take(at, C2)
    return at.path


@pytest.fixture
def placed(mirror: Path, tmp_path: Path) -> Checkout:
    return checkout(mirror, C2, tmp_path / "ws" / "lidb")


def again(placed: Checkout) -> Checkout:
    return checkout(placed.mirror, placed.commit, placed.dest, again=True)


def shown(directory: Path) -> dict[str, tuple[int, str | bytes]]:
    """Everything below a directory but its `.git`: kind, owner's x-bit, content or target."""
    looks: dict[str, tuple[int, str | bytes]] = {}
    for path in directory.rglob("*"):
        name, mode = str(path.relative_to(directory)), path.lstat().st_mode
        if name.split("/", maxsplit=1)[0] != ".git":
            content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
            looks[name] = (mode & 0o170100, content)
    return looks


def as_fresh(placed: Checkout) -> bool:
    """Whether a checkout is what a new one of the commit is, nothing changed and nothing added."""
    if placed.dest.is_symlink():
        return False
    with tempfile.TemporaryDirectory() as folder:
        return shown(placed.dest) == shown(checkout(placed.mirror, placed.commit, Path(folder) / "x").dest)


def test_files_are_those_of_the_commit(placed: Checkout, upstream: Path) -> None:
    shutil.rmtree(upstream / ".git")
    shutil.rmtree(placed.dest / ".git")
    assert {k: (v[0], v[3]) for k, v in listing(placed.dest).items()} == {
        k: (v[0], v[3]) for k, v in listing(upstream).items()
    }


def test_one_git_process_places_a_tree_of_a_known_commit(
    mirror: Path, tmp_path: Path, git_calls: list[tuple[str, ...]]
) -> None:
    checkout(mirror, C2, tmp_path / "x")
    git_calls.clear()
    checkout(mirror, C2, tmp_path / "y")
    assert len(git_calls) == 1


def test_jobs_can_ask_git(placed: Checkout) -> None:
    assert git(placed.dest, "rev-parse", "HEAD") == C2
    assert git(placed.dest, "status", "--porcelain", "--ignored") == ""
    assert git(placed.dest, "log", "--format=%s").split() == ["c2", "c1", "c0"]
    git(placed.dest, "fsck", "--connectivity-only")


def test_job_that_commits_changes_neither_mirror_nor_answer(placed: Checkout, mirror: Path) -> None:
    before = listing(mirror)
    git(placed.dest, "commit", "--quiet", "--allow-empty", "-m", "by a job")
    assert listing(mirror) == before
    assert changed(placed) == []


def test_tree_is_compared_without_git_and_without_the_mirror(
    placed: Checkout, git_calls: list[tuple[str, ...]]
) -> None:
    """What the commit has is known before the job starts: the job may write into the mirror for all we care."""
    shutil.rmtree(placed.mirror)
    assert changed(placed) == []
    (placed.dest / "a.txt").write_text("x")
    assert changed(placed) == ["a.txt"]
    assert git_calls == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o655])
def test_touch_is_no_change(placed: Checkout, mode: int) -> None:
    (placed.dest / "a.txt").touch()
    (placed.dest / "a.txt").chmod(mode)
    assert changed(placed) == []
    assert as_fresh(placed)


def overwrite_in_place(path: Path) -> None:
    """Same size, same inode, same modification time: only the change time and the content tell."""
    facts = path.stat()
    with path.open("r+b") as file:
        file.write(b"THREE\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def pretend_unchanged(dest: Path) -> None:
    git(dest, "update-index", "--assume-unchanged", "a.txt")
    (dest / "a.txt").write_text("x")


def pretend_sparse(dest: Path) -> None:
    git(dest, "update-index", "--skip-worktree", "a.txt")
    (dest / "a.txt").write_text("x")


def settings_that_hide(dest: Path) -> None:
    """Filters that give the committed content, attributes, a monitor and an index that says all is well."""
    (dest / "a.txt").write_text("x")
    inner = dest / ".git"
    (inner / "info").mkdir(exist_ok=True)
    (inner / "info" / "attributes").write_text("a.txt filter=hide\n")
    (inner / "info" / "exclude").write_text("*\n")
    git(dest, "config", "filter.hide.clean", "echo three")
    git(dest, "config", "core.fsmonitor", "/bin/true")
    git(dest, "config", "core.fileMode", "false")
    git(dest, "config", "core.ignoreStat", "true")
    git(dest, "add", "a.txt")
    assert git(dest, "status", "--porcelain") == ""


def other_work_tree(dest: Path) -> None:
    (dest / "a.txt").write_text("x")
    git(dest, "config", "core.worktree", str(dest.parent))


def huge_and_sparse(dest: Path) -> None:
    os.truncate(dest / "a.txt", 1 << 40)


def commit_it(dest: Path) -> None:
    (dest / "a.txt").write_text("x")
    git(dest, "commit", "--quiet", "-am", "covered up")


def file_to_pipe(dest: Path) -> None:
    (dest / "a.txt").unlink()
    os.mkfifo(dest / "a.txt")


def folder_to_link(dest: Path) -> None:
    shutil.copytree(dest / "src", dest.parent / "outside")
    shutil.rmtree(dest / "src")
    (dest / "src").symlink_to(dest.parent / "outside")


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (lambda d: (d / "a.txt").write_text("x"), ["a.txt"]),
        (lambda d: (d / "a.txt").unlink(), ["a.txt"]),
        (lambda d: overwrite_in_place(d / "a.txt"), ["a.txt"]),
        (lambda d: (d / "run.sh").chmod(0o644), ["run.sh"]),
        (lambda d: (d / "a.txt").chmod(0o755), ["a.txt"]),
        (lambda d: ((d / "link").unlink(), (d / "link").symlink_to("run.sh")), ["link"]),
        (lambda d: ((d / "link").unlink(), (d / "link").write_text("a.txt")), ["link"]),
        (lambda d: ((d / "a.txt").unlink(), (d / "a.txt").mkdir()), ["a.txt"]),
        (file_to_pipe, ["a.txt"]),
        (lambda d: shutil.rmtree(d / "src"), ["src/b.txt", "src/deep/c.txt"]),
        (folder_to_link, ["src/b.txt", "src/deep/c.txt"]),
        (pretend_unchanged, ["a.txt"]),
        (pretend_sparse, ["a.txt"]),
        (settings_that_hide, ["a.txt"]),
        (other_work_tree, ["a.txt"]),
        (huge_and_sparse, ["a.txt"]),
        (commit_it, ["a.txt"]),
        (lambda d: git(d, "checkout", "--quiet", C0), ["a.txt", "link", "run.sh"]),
        (lambda d: shutil.rmtree(d / ".git"), []),
        (shutil.rmtree, ["a.txt", "link", "run.sh", "src/b.txt", "src/deep/c.txt"]),
    ],
    ids=[
        "edit", "delete", "same size and time", "x-bit off", "x-bit on", "link elsewhere", "link to file",
        "file to folder",
        "file to pipe", "folder gone", "folder to link", "assume-unchanged", "skip-worktree",
        "settings", "other work tree", "huge", "committed", "other commit",
        "git gone", "all gone",
    ],
)  # fmt: skip
def test_tampering_is_seen_and_made_right(placed: Checkout, tamper: Tamper, expected: list[str]) -> None:
    tamper(placed.dest)
    assert changed(placed) == expected
    again(placed)
    assert changed(placed) == []
    assert as_fresh(placed)
    assert git(placed.dest, "rev-parse", "HEAD") == C2
    assert git(placed.dest, "status", "--porcelain", "--ignored") == ""


def ignore_all(dest: Path) -> None:
    (dest / ".git" / "info").mkdir(exist_ok=True)
    (dest / ".git" / "info" / "exclude").write_text("*\n")
    (dest / "left.o").write_text("x")


@pytest.mark.parametrize(
    "leave",
    [
        lambda d: (d / "left.txt").write_text("x"),
        lambda d: (d / "empty").mkdir(),
        lambda d: (d / "src" / "left" / "deep").mkdir(parents=True),
        lambda d: (d / "src" / ".git").mkdir(),
        lambda d: (d / "dangling").symlink_to("/nowhere"),
        ignore_all,
    ],
    ids=["file", "empty folder", "deep folder", "inner git", "dangling link", "excluded"],
)
def test_leftovers_are_no_change_and_are_removed(placed: Checkout, leave: Tamper) -> None:
    leave(placed.dest)
    assert changed(placed) == []
    again(placed)
    assert as_fresh(placed)


def test_leftover_folder_goes_to_the_trash(placed: Checkout, tmp_path: Path) -> None:
    (placed.dest / "node_modules" / "x").mkdir(parents=True)
    checkout(placed.mirror, C2, placed.dest, again=True, trash=tmp_path / "trash")
    assert "x" in [path.name for path in (tmp_path / "trash").glob("*/*")]


def test_leftover_link_is_removed_not_followed(placed: Checkout, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (placed.dest / "link-out").symlink_to(tmp_path / "precious")
    again(placed)
    assert (tmp_path / "precious" / "file").exists()


def test_other_commit_touches_only_what_differs(placed: Checkout) -> None:
    before = (placed.dest / "src" / "b.txt").stat().st_mtime_ns
    now = checkout(placed.mirror, C0, placed.dest, again=True)
    assert (placed.dest / "src" / "b.txt").stat().st_mtime_ns == before
    assert sorted(path.name for path in placed.dest.iterdir()) == [".git", "a.txt", "src"]
    assert (as_fresh(now), changed(now)) == (True, [])
    assert git(placed.dest, "rev-parse", "HEAD") == C0


def test_settings_and_hooks_of_an_earlier_job_do_not_stay(placed: Checkout) -> None:
    git(placed.dest, "config", "core.fsmonitor", "evil")
    (placed.dest / ".git" / "hooks").mkdir()
    (placed.dest / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\n")
    again(placed)
    assert not (placed.dest / ".git" / "hooks").exists()
    assert "fsmonitor" not in (placed.dest / ".git" / "config").read_text()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_git_folder_turned_into_something_else_is_replaced(placed: Checkout, tmp_path: Path, kind: str) -> None:
    inner = placed.dest / ".git"
    inner.rename(tmp_path / "moved")
    before = listing(tmp_path / "moved")
    inner.symlink_to(tmp_path / "moved") if kind == "link" else inner.write_text(f"gitdir: {tmp_path}/moved\n")
    again(placed)
    assert inner.is_dir()
    assert not inner.is_symlink()
    assert listing(tmp_path / "moved") == before


def test_checkout_turned_into_a_link_is_replaced(placed: Checkout, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").touch()
    shutil.rmtree(placed.dest)
    placed.dest.symlink_to(tmp_path / "victim")
    assert len(changed(placed)) == 5
    again(placed)
    assert as_fresh(placed)
    assert [path.name for path in (tmp_path / "victim").iterdir()] == ["file"]


def test_interrupted_checkout_is_finished(placed: Checkout) -> None:
    (placed.dest / ".git" / "index.lock").touch()
    (placed.dest / ".git" / "index").unlink()
    (placed.dest / "a.txt").unlink()
    again(placed)
    assert as_fresh(placed)


@pytest.mark.parametrize("content", [b"", b"DIRC", b"garbage", b"DIRC\0\0\0\2\0\0\0\x09cut"])
def test_damaged_index_does_not_matter(placed: Checkout, content: bytes) -> None:
    (placed.dest / ".git" / "index").write_bytes(content)
    (placed.dest / "a.txt").unlink()
    assert changed(placed) == ["a.txt"]
    again(placed)
    assert as_fresh(placed)


def test_what_is_right_is_not_written_again(placed: Checkout) -> None:
    """The times of a build's sources say what has to be compiled again."""
    os.utime(placed.dest / "a.txt", (1, 1))
    (placed.dest / "run.sh").unlink()
    before = {path: facts[2] for path, facts in listing(placed.dest / "src").items()}
    again(placed)
    assert (placed.dest / "a.txt").stat().st_mtime == 1
    assert {path: facts[2] for path, facts in listing(placed.dest / "src").items()} == before
    assert git(placed.dest, "diff-index", "HEAD") == ""


def test_foreign_directory_is_left_alone(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DiskError, match="mine: File exists"):
        checkout(mirror, C2, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_missing_commit_says_what_to_do(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot read commit 111111111111 from") as caught:
        checkout(mirror, "1" * 40, tmp_path / "x")
    assert "fetched anew" in caught.value.render()


def test_moved_cache_is_followed(placed: Checkout, tmp_path: Path) -> None:
    moved = placed.mirror.rename(tmp_path / "moved.git")
    checkout(moved, C2, placed.dest, again=True)
    assert git(placed.dest, "log", "-1", "--format=%s") == "c2"


def test_attributes_are_honoured_and_compared(upstream: Path, cache: Path, tmp_path: Path) -> None:
    (upstream / ".gitattributes").write_text("*.txt text eol=crlf\n")
    sha = commit(upstream, "crlf", when=1_700_000_800)
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, sha)
    placed = checkout(at.path, sha, tmp_path / "ws")
    assert (placed.dest / "a.txt").read_bytes() == b"three\r\n"
    (placed.dest / "a.txt").touch()
    assert changed(placed) == []
    (placed.dest / "a.txt").write_bytes(b"three\n\r\n")
    assert changed(placed) == ["a.txt"]
    again(placed)
    assert as_fresh(placed)
    os.utime(placed.dest / "a.txt", (1, 1))
    again(placed)
    assert (placed.dest / "a.txt").stat().st_mtime == 1


def test_attributes_of_a_job_hide_nothing(placed: Checkout) -> None:
    (placed.dest / ".gitattributes").write_text("* text=auto eol=crlf\n")
    (placed.dest / "a.txt").write_bytes(b"three\r\n")
    assert changed(placed) == ["a.txt"]


def test_attributes_of_a_job_hide_nothing_beside_tracked_ones(upstream: Path, cache: Path, tmp_path: Path) -> None:
    (upstream / ".gitattributes").write_text("*.sh text eol=lf\n")
    sha = commit(upstream, "lf", when=1_700_000_800)
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, sha)
    placed = checkout(at.path, sha, tmp_path / "ws")
    (placed.dest / "src" / ".gitattributes").write_text("* text eol=crlf\n")
    (placed.dest / "src" / "b.txt").write_bytes(b"b\r\n")
    assert changed(placed) == ["src/b.txt"]


@pytest.fixture
def loose(cache: Path, tmp_path: Path) -> Checkout:
    """A plain directory with line ends of its own, each of its objects a file in the mirror."""
    plain = tmp_path / "plain"
    (plain / "tests").mkdir(parents=True)
    (plain / ".gitattributes").write_text("*.bat text eol=crlf\n")
    (plain / "tests" / "a.py").write_text("assert False\n")
    (plain / "run.bat").write_text("run\n")
    at = mirror_of(cache, "lis", str(plain))
    return checkout(at.path, import_directory(at).commit, tmp_path / "ws" / "lis")


def write_over(mirror: Path, old: bytes, new: bytes) -> None:
    """Put other content under the id of a blob, as a job can that writes into the mirror."""
    oid = hashlib.sha1(b"blob %d\0%s" % (len(old), old), usedforsecurity=False).hexdigest()
    path = mirror / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"blob %d\0%s" % (len(new), new)))


def test_folder_that_became_a_link_is_a_change_beside_attributes(loose: Checkout, tmp_path: Path) -> None:
    (loose.dest / "tests").rename(tmp_path / "elsewhere")
    (loose.dest / "tests").symlink_to(tmp_path / "elsewhere")
    assert changed(loose) == ["tests/a.py"]


def test_what_git_converts_is_compared_without_git_and_without_the_mirror(
    loose: Checkout, git_calls: list[tuple[str, ...]]
) -> None:
    git_calls.clear()
    shutil.rmtree(loose.mirror)
    assert (loose.dest / "run.bat").read_bytes() == b"run\r\n"
    assert changed(loose) == []
    (loose.dest / "run.bat").write_bytes(b"run\n")
    assert changed(loose) == ["run.bat"]
    assert git_calls == []


def test_object_that_a_job_writes_over_in_the_mirror_hides_no_change(loose: Checkout) -> None:
    write_over(loose.mirror, b"assert False\n", b"assert True\n")
    (loose.dest / "tests" / "a.py").write_text("assert True\n")
    assert changed(loose) == ["tests/a.py"]


@pytest.mark.parametrize("old", [b"assert False\n", b"*.bat text eol=crlf\n"], ids=["file", "attributes"])
def test_object_that_was_written_over_in_the_mirror_is_neither_placed_nor_built(
    loose: Checkout, tmp_path: Path, old: bytes
) -> None:
    write_over(loose.mirror, old, b"* text eol=crlf\n")
    with pytest.raises(DiskError, match="is damaged"):
        checkout(loose.mirror, loose.commit, tmp_path / "other")
    with pytest.raises(DiskError, match="is damaged"):
        export(loose.mirror, loose.commit, tmp_path / "build", ["tests"])


def test_settings_and_attributes_that_a_job_writes_into_the_mirror_do_not_count(
    loose: Checkout, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    (loose.mirror / "info").mkdir(exist_ok=True)
    (loose.mirror / "info" / "attributes").write_text("* filter=evil\n")
    with (loose.mirror / "config").open("a") as config:
        config.write(f'[filter "evil"]\nsmudge = touch {ran}; echo assert True\n')
    (loose.dest / "tests" / "a.py").write_text("assert True\n")
    assert changed(loose) == ["tests/a.py"]
    again(loose)
    export(loose.mirror, loose.commit, tmp_path / "build", ["tests"])
    assert (tmp_path / "build" / "tests" / "a.py").read_text() == "assert False\n"
    assert unknown(loose) == []
    assert not ran.exists()


@pytest.mark.parametrize(
    ("target", "leaves"),
    [("../../lidb/a.txt", False), ("e/../a.py", False), ("up/../../x", True), ("/etc", True), ("../../../x", True)],
)
def test_link_that_leaves_the_checkouts_is_told(cache: Path, tmp_path: Path, target: str, leaves: bool) -> None:
    """`up` leads to the checkout beside: with two folders less above it than above the link."""
    plain = tmp_path / "plain"
    (plain / "tests" / "e").mkdir(parents=True)
    (plain / "tests" / "e" / "a.py").write_text("x")
    (plain / "tests" / "up").symlink_to("../../lidb")
    (plain / "tests" / "link").symlink_to(target)
    at = mirror_of(cache, "lis", str(plain))
    (tmp_path / "ws" / "lidb").mkdir(parents=True)
    placed = checkout(at.path, import_directory(at).commit, tmp_path / "ws" / "lis")
    assert outside_links(placed) == (["tests/link"] if leaves else [])


@pytest.fixture
def ignoring(upstream: Path, cache: Path, tmp_path: Path) -> Checkout:
    """A commit that ignores `*.log`, and one of its text files with line ends of its own."""
    (upstream / ".gitignore").write_text("*.log\n")
    (upstream / ".gitattributes").write_text("a.txt text eol=crlf\n")
    sha = commit(upstream, "ignore", when=1_700_000_800)
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, sha)
    return checkout(at.path, sha, tmp_path / "ws" / "lidb")


def test_file_that_no_commit_has_is_unknown_and_an_ignored_one_is_not(ignoring: Checkout) -> None:
    assert unknown(ignoring) == []
    (ignoring.dest / "out.log").write_text("x")
    assert unknown(ignoring) == []
    (ignoring.dest / "src" / "new.py").write_text("x")
    assert unknown(ignoring) == ["src/new.py"]


def test_new_gitignore_that_hides_itself_is_unknown(ignoring: Checkout) -> None:
    (ignoring.dest / "src" / ".gitignore").write_text("*\n")
    (ignoring.dest / "src" / "new.py").write_text("x")
    assert unknown(ignoring) == ["src/.gitignore"]


def test_folder_that_ignores_itself_is_not_unknown(ignoring: Checkout) -> None:
    """`.venv` and the caches of tools do so."""
    (ignoring.dest / ".cache").mkdir()
    (ignoring.dest / ".cache" / ".gitignore").write_text("*\n")
    assert unknown(ignoring) == []


def test_settings_of_the_user_and_of_the_job_hide_no_unknown_file(
    ignoring: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "git" / "ignore").write_text("*\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (ignoring.dest / ".git" / "info").mkdir(exist_ok=True)
    (ignoring.dest / ".git" / "info" / "exclude").write_text("*\n")
    (ignoring.dest / "new.py").write_text("x")
    assert unknown(ignoring) == ["new.py"]


def test_mirror_that_is_gone_hides_no_unknown_file(ignoring: Checkout) -> None:
    discard(ignoring.mirror, None)
    (ignoring.dest / "new.py").write_text("x")
    assert unknown(ignoring) == ["new.py"]


def test_index_of_the_job_hides_no_unknown_file(ignoring: Checkout) -> None:
    (ignoring.dest / "new.py").write_text("x")
    git(ignoring.dest, "add", "new.py")
    git(ignoring.dest, "commit", "--quiet", "-m", "covered up")
    assert unknown(ignoring) == ["new.py"]


def test_copy_of_a_tracked_file_is_found_whatever_its_line_ends(ignoring: Checkout) -> None:
    assert (ignoring.dest / "a.txt").read_bytes() == b"three\r\n"
    for content in (b"three\n", b"three\r\n"):
        assert same_content(ignoring, content) == ["a.txt"]
    assert same_content(ignoring, b"three") == []


def test_filters_and_hooks_of_the_user_do_not_run(
    upstream: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "post-index-change"):
        (home / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (home / "hooks" / hook).chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\nhooksPath={home}/hooks\nautocrlf=true\n[filter "evil"]\nsmudge=touch {ran}\nrequired=true\n'
    )
    monkeypatch.setenv("HOME", str(home))
    (upstream / ".gitattributes").write_text("* filter=evil\n")
    sha = commit(upstream, "evil", when=1_700_000_800)
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    take(at, sha)
    placed = checkout(at.path, sha, tmp_path / "ws")
    assert (placed.dest / "a.txt").read_bytes() == b"three\n"
    assert not ran.exists()


def test_inherited_git_variables_change_nothing(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = init(tmp_path / "victim")
    commit(victim, "x", when=1_700_000_000, x_txt="x")
    before = listing(victim)
    for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": "", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(name, str(victim / value))
    placed = checkout(mirror, C2, tmp_path / "ws")
    assert changed(placed) == []
    assert listing(victim) == before


def hostile(at: Path, *paths: str) -> str:
    """A commit whose tree has paths that git itself would refuse to make."""
    oid = subprocess.run(
        ["git", "-C", at, "hash-object", "-w", "--stdin"], input=b"evil\n", capture_output=True, check=True
    ).stdout.strip()
    lines = b"".join(b"100644 blob %s\t%s\n" % (oid, path.encode()) for path in paths)
    tree = subprocess.run(["git", "-C", at, "mktree"], input=lines, capture_output=True, check=True).stdout
    return git(at, "commit-tree", tree.decode().strip(), "-m", "hostile")


@pytest.mark.parametrize("path", [".git", ".GIT", "git~1", ".g\u200cit", ".."])
def test_tree_that_reaches_for_git_is_refused(mirror: Path, tmp_path: Path, path: str) -> None:
    sha = hostile(mirror, path)
    with pytest.raises(DiskError, match=r"invalid path|cannot read commit"):
        checkout(mirror, sha, tmp_path / "ws" / "x")
    assert not (tmp_path / "ws" / "x" / ".git").exists()


def test_submodule_is_an_empty_folder(upstream: Path, cache: Path, tmp_path: Path) -> None:
    git(upstream, "update-index", "--add", "--cacheinfo", f"160000,{C0},sub")
    git(upstream, "commit", "--quiet", "-m", "sub")
    at = mirror_of(cache, "lidb", f"file://{upstream}")
    sha = take(at, git(upstream, "rev-parse", "HEAD")).commit
    placed = checkout(at.path, sha, tmp_path / "ws")
    assert as_fresh(placed)
    (placed.dest / "sub" / "x").touch()
    again(placed)
    assert as_fresh(placed)
    (placed.dest / "sub").rmdir()
    (placed.dest / "sub").touch()
    assert changed(placed) == ["sub"]
    again(placed)
    assert as_fresh(placed)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_closed_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    (tmp_path / "a" / "b").chmod(0o500)
    (tmp_path / "a").chmod(0o500)
    discard(tmp_path / "a", None)
    assert not (tmp_path / "a").exists()
