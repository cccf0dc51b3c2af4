"""Directories as commits: exact, the same everywhere, whole in the mirror, and nothing written to them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phdb_ci.errors import DiskError, SourceError
from phdb_ci.sources.git.content import tree_ids
from phdb_ci.sources.git.mirror import Mirror, Taken, mirror_of
from phdb_ci.sources.git.place import checkout
from phdb_ci.sources.git.trees import import_directory, import_folder, import_worktree
from tests.repositories import C0, C1, C2, build_upstream, commit, git, init, listing

Change = Callable[[Path], object]

PLAIN = "8d828490d20b0c44de4a39c06be2b5ee85390020"
DIRTY = "d733604a27b455b151dcdaf7f651ba31235b3db9"


def plain(directory: Path) -> Path:
    """A directory with what makes ids differ between machines: ignore rules, line ends, modes, a link."""
    (directory / "src").mkdir(parents=True)
    (directory / "a.txt").write_bytes(b"one\r\n")
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "src" / "b.txt").write_text("b\n")
    (directory / "src" / "ignored.o").write_text("o\n")
    (directory / ".gitignore").write_text("*.o\n")
    (directory / "link").symlink_to("src/b.txt")
    return directory


def at(cache: Path, directory: Path) -> Mirror:
    return mirror_of(cache, "lidb", str(directory.resolve()))


def taken(cache: Path, directory: Path) -> Taken:
    return import_worktree(at(cache, directory))


def facts(found: Taken) -> tuple[str, bool, tuple[str, ...]]:
    return found.commit, found.dirty, found.notes


def files(mirror: Mirror, of: str) -> list[str]:
    return git(mirror.path, "ls-tree", "-r", "--name-only", of).splitlines()


def test_plain_directory_is_one_fixed_commit(cache: Path, tmp_path: Path) -> None:
    mirror = at(cache, plain(tmp_path / "d"))
    assert facts(import_directory(mirror)) == (PLAIN, False, ())
    assert files(mirror, PLAIN) == [".gitignore", "a.txt", "link", "run.sh", "src/b.txt"]
    assert git(mirror.path, "rev-list", "--count", PLAIN) == "1"
    git(mirror.path, "fsck", "--strict")


def test_machine_and_user_do_not_change_the_id(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".gitconfig").write_text("[user]\nname=X\n[core]\nautocrlf=input\nfileMode=false\nexcludesFile=~/ignore\n")
    (home / "ignore").write_text("*.txt\n")
    (home / ".config" / "git" / "ignore").write_text("*.sh\n")
    (home / ".config" / "git" / "attributes").write_text("* text eol=lf\n")
    for name, value in {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "TZ": "Asia/Tokyo",
                        "GIT_AUTHOR_NAME": "Y", "GIT_COMMITTER_DATE": "@1 +0100", "GIT_CONFIG_COUNT": "1",
                        "GIT_CONFIG_KEY_0": "core.autocrlf",
                        "GIT_CONFIG_VALUE_0": "input"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    directory = plain(tmp_path / "d")
    for path in [directory, *directory.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
            os.utime(path, (1, 1))
    assert import_directory(at(cache, directory)).commit == PLAIN


def test_plain_directory_inside_another_repository(cache: Path, upstream: Path) -> None:
    directory = plain(upstream / "tests" / "stack" / "lidb")
    (upstream / ".gitignore").write_text("*\n")
    before = listing(upstream)
    assert import_directory(at(cache, directory)).commit == PLAIN
    assert listing(upstream) == before


def test_plain_directory_taken_again_starts_two_processes(
    cache: Path, tmp_path: Path, git_calls: list[tuple[str, ...]]
) -> None:
    mirror = at(cache, plain(tmp_path / "d"))
    import_directory(mirror)
    git_calls.clear()
    assert import_directory(mirror).commit == PLAIN
    assert len(git_calls) == 2


def test_linked_directory_is_the_same(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "to").symlink_to(plain(tmp_path / "d"))
    assert import_directory(at(cache, tmp_path / "to")).commit == PLAIN


def test_import_follows_every_change(cache: Path, tmp_path: Path) -> None:
    mirror = at(cache, plain(tmp_path / "d"))
    seen = {import_directory(mirror).commit}
    (tmp_path / "d" / ".gitignore").write_text("*.o\n*.txt\n")
    seen.add(import_directory(mirror).commit)
    assert files(mirror, import_directory(mirror).commit) == [".gitignore", "link", "run.sh"]
    (tmp_path / "d" / ".gitattributes").write_text("* text=auto\n")
    (tmp_path / "d" / ".gitignore").write_text("*.o\n")
    seen.add(import_directory(mirror).commit)
    (tmp_path / "d" / ".gitattributes").unlink()
    assert import_directory(mirror).commit == PLAIN
    assert len(seen) == 3


def edit_with_the_same_size_and_times(directory: Path) -> None:
    noted = (directory / "src" / "b.txt").stat()
    with (directory / "src" / "b.txt").open("r+") as file:
        file.write("B")
    os.utime(directory / "src" / "b.txt", ns=(noted.st_atime_ns, noted.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: (d / "a.txt").write_text("two"), id="edit"),
        pytest.param(edit_with_the_same_size_and_times, id="edit with the same size and times"),
        pytest.param(lambda d: (d / "c").touch(), id="new file"),
        pytest.param(lambda d: (d / "src" / "c").touch(), id="new file below"),
        pytest.param(lambda d: (d / "a.txt").unlink(), id="removed"),
        pytest.param(lambda d: (d / "a.txt").rename(d / "c.txt"), id="renamed"),
        pytest.param(lambda d: (d / "a.txt").chmod(0o755), id="x-bit"),
        pytest.param(lambda d: ((d / "link").unlink(), (d / "link").symlink_to("a.txt")), id="link"),
        pytest.param(lambda d: (d / ".gitattributes").write_text("* text eol=crlf\n"), id="attributes"),
        pytest.param(lambda d: (d / ".gitignore").write_text("#.o\n"), id="ignore rules"),
    ],
)
def test_any_change_of_a_plain_directory_gives_another_commit(cache: Path, tmp_path: Path, change: Change) -> None:
    mirror = at(cache, plain(tmp_path / "d"))
    assert import_directory(mirror).commit == PLAIN
    change(tmp_path / "d")
    assert import_directory(mirror).commit != PLAIN


def test_caches_of_tools_are_left_out_of_a_folder_and_taken_of_a_repo(cache: Path, tmp_path: Path) -> None:
    directory = plain(tmp_path / "d")
    for name in (".phdb-ci/runs", ".nox/tests", ".venv/bin", "src/__pycache__", ".mypy_cache"):
        (directory / name).mkdir(parents=True)
        (directory / name / "x").touch()
    assert import_folder(at(cache, directory)).commit == PLAIN
    mirror = at(cache, directory)
    assert ".venv/bin/x" in files(mirror, import_directory(mirror).commit)


def test_ignore_rules_of_a_folder_can_take_a_cache_in(cache: Path, tmp_path: Path) -> None:
    directory = plain(tmp_path / "d")
    (directory / ".nox").mkdir()
    (directory / ".nox" / "x").touch()
    (directory / ".gitignore").write_text("!.nox/\n")
    mirror = at(cache, directory)
    assert ".nox/x" in files(mirror, import_folder(mirror).commit)


def test_cache_inside_the_directory_is_not_imported(tmp_path: Path) -> None:
    directory = plain(tmp_path / "d")
    assert import_directory(at(directory / "cache", directory)).commit == PLAIN


def test_empty_directory_is_a_source_error(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "d" / "empty").mkdir(parents=True)
    with pytest.raises(SourceError, match="is neither a git repository nor a folder with files"):
        import_directory(at(cache, tmp_path / "d"))


def test_nested_repository_in_a_plain_directory_is_refused(cache: Path, tmp_path: Path) -> None:
    inner = init(plain(tmp_path / "d") / "inner")
    commit(inner, "x", when=1_700_000_000, x_txt="x")
    with pytest.raises(SourceError, match="holds another git repository: inner"):
        import_directory(at(cache, tmp_path / "d"))


def test_nested_repository_without_a_commit_is_refused_by_name(cache: Path, tmp_path: Path) -> None:
    init(plain(tmp_path / "d") / "src" / "new's")
    with pytest.raises(SourceError, match=r"holds another git repository: src/new's$"):
        import_directory(at(cache, tmp_path / "d"))


def nested_without_a_good_name(top: Path) -> Path:
    """A repository without a commit below a directory, in a folder whose name is no line of text."""
    return init(Path(os.fsdecode(os.fsencode(top) + b"/in\xff\x1b[31m\n::error::y")))


def test_nested_repository_is_refused_in_one_line_whatever_its_name(cache: Path, tmp_path: Path) -> None:
    nested_without_a_good_name(plain(tmp_path / "d"))
    with pytest.raises(SourceError, match="holds another git repository: in") as error:
        import_directory(at(cache, tmp_path / "d"))
    assert error.value.message.isprintable()


def test_nested_repository_is_named_in_one_line_whatever_its_name(cache: Path, upstream: Path) -> None:
    commit(nested_without_a_good_name(upstream), "x", when=1_700_000_000, x_txt="x")
    assert taken(cache, upstream).notes == ("lidb: submodule in ::error::y is not checked out",)


def test_clean_tree_is_its_head(cache: Path, upstream: Path) -> None:
    before = listing(upstream)
    assert facts(taken(cache, upstream)) == (C2, False, ())
    assert listing(upstream) == before


def test_touched_tree_is_clean(cache: Path, upstream: Path) -> None:
    (upstream / "a.txt").touch()
    assert facts(taken(cache, upstream)) == (C2, False, ())


def dirty(directory: Path) -> Path:
    """Staged, edited, deleted, untracked, ignored, an x-bit: all at once."""
    (directory / "a.txt").write_text("edited\n")
    (directory / "staged.txt").write_text("staged\n")
    git(directory, "add", "staged.txt")
    (directory / "src" / "b.txt").unlink()
    (directory / "src" / "deep" / "c.txt").chmod(0o755)
    (directory / "new.txt").write_text("untracked\n")
    (directory / ".gitignore").write_text("*.o\n")
    (directory / "x.o").write_text("ignored\n")
    (directory / "forced.o").write_text("tracked although ignored\n")
    git(directory, "add", "--force", "forced.o")
    return directory


def test_dirty_tree_is_exact_and_repeatable(cache: Path, upstream: Path, tmp_path: Path) -> None:
    before = listing(dirty(upstream))
    first = taken(cache, upstream)
    assert facts(first) == (DIRTY, True, ())
    assert first.head == C2
    assert first.tree == git(at(cache, upstream).path, "rev-parse", f"{DIRTY}^{{tree}}")
    assert listing(upstream) == before
    mirror = at(cache, upstream)
    expected = [".gitignore", "a.txt", "forced.o", "link", "new.txt", "run.sh", "src/deep/c.txt", "staged.txt"]
    assert files(mirror, DIRTY) == expected
    assert git(mirror.path, "rev-parse", f"{DIRTY}^") == C2
    other = dirty(build_upstream(tmp_path / "elsewhere"))
    assert taken(cache, other).commit == taken(cache, upstream).commit == DIRTY


def test_mirror_is_whole_when_the_tree_is_gone(cache: Path, upstream: Path) -> None:
    found = taken(cache, dirty(upstream))
    shutil.rmtree(upstream)
    mirror = at(cache, upstream)
    git(mirror.path, "fsck", "--strict")
    assert len(git(mirror.path, "rev-list", "--objects", found.commit).splitlines()) > 10


def test_each_state_of_a_tree_has_its_commit(cache: Path, upstream: Path) -> None:
    (upstream / "n.txt").write_text("1")
    one = taken(cache, upstream)
    (upstream / "n.txt").write_text("2")
    two = taken(cache, upstream)
    (upstream / "n.txt").unlink()
    assert one.commit != two.commit
    assert facts(taken(cache, upstream)) == (C2, False, ())


@pytest.mark.parametrize("staged", [False, True], ids=["edited", "staged"])
def test_edits_in_a_row_are_each_taken_whole(cache: Path, upstream: Path, tmp_path: Path, staged: bool) -> None:
    """What an earlier edit left uncommitted is still in the mirror, and in every later commit."""
    mirror, commits = at(cache, upstream), []
    for number, name in enumerate(("a.txt", "src/b.txt", "src/deep/c.txt", "new.txt", "a.txt")):
        (upstream / name).write_text(f"edit {number}\n")
        if staged:
            git(upstream, "add", name)
        found = taken(cache, upstream)
        assert found.dirty
        placed = checkout(mirror.path, found.commit, tmp_path / str(number))
        assert (placed.dest / name).read_text() == f"edit {number}\n"
        commits.append(found.commit)
    shutil.rmtree(upstream)
    assert len(set(commits)) == 5
    git(mirror.path, "fsck", "--strict")
    assert len(git(mirror.path, "for-each-ref", "refs/pins").splitlines()) == 6


def test_conflict_is_taken_as_it_stands(cache: Path, upstream: Path) -> None:
    git(upstream, "checkout", "--quiet", "-b", "other", C1)
    commit(upstream, "other", when=1_700_000_900, a_txt="other\n")
    with pytest.raises(subprocess.CalledProcessError):
        git(upstream, "merge", "--quiet", "main")
    before = listing(upstream)
    found = taken(cache, upstream)
    assert listing(upstream) == before
    assert "<<<<<<<" in git(at(cache, upstream).path, "show", f"{found.commit}:a.txt")


def test_excludes_of_the_repository_are_honoured(cache: Path, upstream: Path) -> None:
    (upstream / ".git" / "info").mkdir(exist_ok=True)
    (upstream / ".git" / "info" / "exclude").write_text("*.log\n")
    (upstream / "x.log").touch()
    assert facts(taken(cache, upstream)) == (C2, False, ())


def test_file_that_became_a_link_or_a_folder_is_taken(cache: Path, upstream: Path) -> None:
    (upstream / "a.txt").unlink()
    (upstream / "a.txt").symlink_to("run.sh")
    (upstream / "run.sh").unlink()
    (upstream / "run.sh").mkdir()
    (upstream / "run.sh" / "x").touch()
    mirror, found = at(cache, upstream), taken(cache, upstream)
    told = git(mirror.path, "ls-tree", "-r", found.commit, "a.txt", "run.sh/").splitlines()
    assert [line.split()[0] for line in told] == ["120000", "100644"]


def test_nested_repository_is_named(cache: Path, upstream: Path) -> None:
    commit(init(upstream / "inner"), "x", when=1_700_000_000, x_txt="x")
    found = taken(cache, upstream)
    assert found.notes == ("lidb: submodule inner is not checked out",)


def test_nested_repository_without_a_commit_is_named(cache: Path, upstream: Path) -> None:
    init(upstream / "inner")
    with pytest.raises(SourceError, match=r"holds another git repository: inner$"):
        taken(cache, upstream)


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_files_that_git_was_told_to_overlook_count(cache: Path, upstream: Path, mark: str) -> None:
    git(upstream, "update-index", mark, "a.txt")
    (upstream / "a.txt").write_text("hidden change\n")
    assert git(upstream, "status", "--porcelain") == ""
    before = listing(upstream)
    found = taken(cache, upstream)
    assert found.dirty
    assert git(at(cache, upstream).path, "show", f"{found.commit}:a.txt") == "hidden change"
    assert listing(upstream) == before


def test_change_in_the_tick_of_the_index_is_seen(cache: Path, upstream: Path) -> None:
    git(upstream, "config", "core.trustctime", "false")
    noted = (upstream / "a.txt").stat().st_mtime_ns
    with (upstream / "a.txt").open("r+") as file:
        file.write("THREE\n")
    os.utime(upstream / "a.txt", ns=(noted, noted))
    os.utime(upstream / ".git" / "index", ns=(noted, noted))
    assert taken(cache, upstream).dirty


def test_deleted_file_that_is_assumed_unchanged_counts(cache: Path, upstream: Path) -> None:
    git(upstream, "update-index", "--assume-unchanged", "a.txt")
    (upstream / "a.txt").unlink()
    assert "a.txt" not in files(at(cache, upstream), taken(cache, upstream).commit)


def test_sparse_checkout_is_refused(cache: Path, upstream: Path) -> None:
    git(upstream, "sparse-checkout", "set", "--no-cone", "/a.txt")
    with pytest.raises(SourceError, match=r"is sparse: \d files are not there"):
        taken(cache, upstream)


def test_index_of_version_four_is_read(cache: Path, upstream: Path) -> None:
    git(upstream, "update-index", "--index-version=4")
    git(upstream, "update-index", "--assume-unchanged", "src/b.txt")
    (upstream / "src" / "b.txt").write_text("hidden\n")
    assert git(at(cache, upstream).path, "show", f"{taken(cache, upstream).commit}:src/b.txt") == "hidden"


def test_repository_without_a_commit_is_taken(cache: Path, tmp_path: Path) -> None:
    init(tmp_path / "r")
    (tmp_path / "r" / "x.txt").write_text("x")
    found = taken(cache, tmp_path / "r")
    assert found.dirty
    assert git(at(cache, tmp_path / "r").path, "show", f"{found.commit}:x.txt") == "x"


def test_linked_worktree_is_taken(cache: Path, upstream: Path, tmp_path: Path) -> None:
    git(upstream, "worktree", "add", "--quiet", "--detach", str(tmp_path / "w"), C1)
    assert facts(taken(cache, tmp_path / "w")) == (C1, False, ())
    (tmp_path / "w" / "n.txt").write_text("n")
    before = listing(upstream)
    found = taken(cache, tmp_path / "w")
    assert git(at(cache, tmp_path / "w").path, "rev-parse", f"{found.commit}^") == C1
    assert listing(upstream) == before


def test_shallow_clone_is_taken(cache: Path, upstream: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{upstream}", "s")
    (tmp_path / "s" / "n.txt").write_text("n")
    assert taken(cache, tmp_path / "s").dirty
    git(at(cache, tmp_path / "s").path, "fsck", "--connectivity-only")


def test_submodule_is_told(cache: Path, upstream: Path, tmp_path: Path) -> None:
    inner = init(tmp_path / "inner")
    commit(inner, "x", when=1_700_000_000, x_txt="x")
    git(upstream, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(inner), "sub")
    found = taken(cache, upstream)
    assert found.notes == ("lidb: submodule sub is not checked out",)


def test_hooks_and_monitors_of_the_tree_do_not_run(cache: Path, upstream: Path, tmp_path: Path) -> None:
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    (upstream / ".git" / "hooks").mkdir()
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        (upstream / ".git" / "hooks" / name).symlink_to(script)
    git(upstream, "config", "core.fsmonitor", str(script))
    (upstream / "n.txt").write_text("n")
    (tmp_path / "ran").unlink(missing_ok=True)
    taken(cache, upstream)
    assert not (tmp_path / "ran").exists()


def test_broken_repository_does_not_fall_back_to_the_one_around(cache: Path, upstream: Path) -> None:
    broken = upstream / "inner"
    (broken / ".git").mkdir(parents=True)
    with pytest.raises(SourceError, match="not a git repository"):
        taken(cache, broken)


def test_damaged_index_is_a_source_error(cache: Path, upstream: Path) -> None:
    (upstream / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\0\7short")
    with pytest.raises(SourceError, match="index"):
        taken(cache, upstream)


def test_path_with_colon_and_quote_is_taken(cache: Path, template: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'a:b "c" \\d'
    shutil.copytree(template, odd, symlinks=True)
    (odd / "n.txt").write_text("n")
    git(odd, "add", "n.txt")
    assert taken(cache, odd).dirty
    git(at(cache, odd).path, "fsck", "--connectivity-only")


def subfolder(cache: Path, directory: Path) -> Taken:
    return import_folder(mirror_of(cache, "matrix-folder", str(directory)))


@pytest.mark.parametrize("folder", ["src", "src/deep", "."])
def test_subfolder_is_a_commit_of_its_tree(cache: Path, upstream: Path, folder: str) -> None:
    before = listing(upstream)
    found = subfolder(cache, upstream / folder)
    assert found.tree == git(upstream, "rev-parse", f"{C2}:{folder.removeprefix('.')}")
    assert (found.head, found.dirty, found.notes) == (C2, False, ())
    mirror = mirror_of(cache, "matrix-folder", str(upstream / folder)).path
    assert git(mirror, "log", "--format=%T %p", found.commit) == found.tree
    git(mirror, "fsck", "--strict")
    assert listing(upstream) == before


def test_subfolder_follows_its_files_and_no_others(cache: Path, upstream: Path) -> None:
    clean = subfolder(cache, upstream / "src")
    (upstream / "a.txt").write_text("elsewhere\n")
    assert subfolder(cache, upstream / "src") == clean
    commit(upstream, "elsewhere", when=1_700_000_900)
    assert subfolder(cache, upstream / "src").commit == clean.commit
    dirty(upstream)
    edited = subfolder(cache, upstream / "src")
    assert edited.dirty
    assert edited.tree != clean.tree
    mirror = mirror_of(cache, "matrix-folder", str(upstream / "src"))
    assert files(mirror, edited.commit) == ["deep/c.txt"]


def test_subfolder_has_the_same_id_wherever_it_is(cache: Path, upstream: Path, tmp_path: Path) -> None:
    shutil.copytree(upstream / "src", tmp_path / "plain")
    outside, inside = subfolder(cache, tmp_path / "plain"), subfolder(cache, upstream / "src")
    assert outside.commit == inside.commit == import_directory(at(cache, tmp_path / "plain")).commit
    assert (outside.head, outside.dirty) == (None, False)


def test_subfolder_that_is_not_committed_yet_is_dirty(cache: Path, upstream: Path) -> None:
    (upstream / "checks").mkdir()
    (upstream / "checks" / "x.py").touch()
    (upstream / "checks" / "x.o").touch()
    (upstream / ".gitignore").write_text("*.o\n")
    found = subfolder(cache, upstream / "checks")
    assert (found.head, found.dirty) == (C2, True)
    assert files(mirror_of(cache, "matrix-folder", str(upstream / "checks")), found.commit) == ["x.py"]


def test_subfolder_that_the_repository_ignores_is_plain(cache: Path, upstream: Path) -> None:
    plain(upstream / "out" / "d")
    (upstream / ".git" / "info").mkdir(exist_ok=True)
    (upstream / ".git" / "info" / "exclude").write_text("/out/\n")
    found = subfolder(cache, upstream / "out" / "d")
    assert (found.commit, found.head, found.dirty) == (PLAIN, None, False)


def test_subfolder_that_is_tracked_although_ignored_is_taken(cache: Path, upstream: Path) -> None:
    plain(upstream / "out" / "d")
    (upstream / ".git" / "info").mkdir(exist_ok=True)
    (upstream / ".git" / "info" / "exclude").write_text("/out/\n")
    git(upstream, "add", "--force", "out/d/a.txt")
    (upstream / "out" / "d" / "a.txt").write_text("edited\n")
    found = subfolder(cache, upstream / "out" / "d")
    mirror = mirror_of(cache, "matrix-folder", str(upstream / "out" / "d"))
    assert (found.head, found.dirty) == (C2, True)
    assert files(mirror, found.commit) == ["a.txt"]
    assert git(mirror.path, "show", f"{found.commit}:a.txt") == "edited"


def test_subfolder_of_a_repository_without_a_commit_has_no_base(cache: Path, tmp_path: Path) -> None:
    init(tmp_path / "r")
    (tmp_path / "r" / "x").mkdir()
    (tmp_path / "r" / "x" / "f.txt").touch()
    found = subfolder(cache, tmp_path / "r" / "x")
    assert (found.head, found.dirty) == (None, True)


def test_subfolder_of_a_sparse_checkout_is_refused(cache: Path, upstream: Path) -> None:
    git(upstream, "sparse-checkout", "set", "--no-cone", "/src/b.txt")
    with pytest.raises(SourceError, match="is sparse: 1 files are not there"):
        subfolder(cache, upstream / "src")


def test_subfolder_without_a_file_is_a_source_error(cache: Path, upstream: Path) -> None:
    (upstream / "empty").mkdir()
    with pytest.raises(SourceError, match="neither a git repository nor a folder with files"):
        subfolder(cache, upstream / "empty")


def test_tree_ids_of_files_folders_and_nothing(cache: Path, upstream: Path) -> None:
    taken(cache, upstream)
    found = tree_ids(at(cache, upstream).path, C2, ["src", "src/deep", "src/b.txt", "nope", ".", "a\nb", "link/x"])
    assert found == {
        "src": git(upstream, "rev-parse", f"{C2}:src"),
        "src/deep": git(upstream, "rev-parse", f"{C2}:src/deep"),
        "src/b.txt": git(upstream, "rev-parse", f"{C2}:src/b.txt"),
        "nope": None,
        ".": git(upstream, "rev-parse", f"{C2}^{{tree}}"),
        "a\nb": None,
        "link/x": None,
    }


def test_tree_ids_of_a_missing_commit_is_an_error(cache: Path, upstream: Path) -> None:
    taken(cache, upstream)
    with pytest.raises(DiskError, match="cannot read commit 1111"):
        tree_ids(at(cache, upstream).path, "1" * 40, ["src"])
    assert C0 != C1
