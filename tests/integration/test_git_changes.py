"""Which paths changed between two commits, in real repositories: all of them, and none of somebody else's."""

from pathlib import Path

import pytest

from phdb_ci.errors import SourceError
from phdb_ci.sources.git.content import changed_since
from phdb_ci.sources.git.mirror import Mirror, mirror_of, take_local
from tests.repositories import C0, C1, C2, F1, P1, T1, commit, fork_commit, git, init


def url_of(upstream: Path, local: bool) -> str:
    return str(upstream) if local else f"file://{upstream}"


@pytest.fixture(params=[True, False], ids=["directory", "url"])
def mirror(request: pytest.FixtureRequest, upstream: Path, cache: Path) -> Mirror:
    """The upstream's mirror, of its directory or its URL; it holds nothing yet."""
    return mirror_of(cache, "lidb", url_of(upstream, request.param))


def held(mirror: Mirror, head: str) -> Mirror:
    """The mirror with this commit in it, as planning leaves it."""
    assert changed_since(mirror, head, head) == ()
    return mirror


@pytest.fixture
def repo(upstream: Path, mirror: Mirror) -> Path:
    """The upstream, where a test commits what it is about."""
    assert mirror.repo == "lidb"
    return upstream


def head_of(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("base", "head", "paths"),
    [
        pytest.param(C1, C2, ("a.txt",), id="one commit"),
        pytest.param(C2, C2, (), id="none"),
        pytest.param(C0, C2, ("a.txt", "link", "run.sh"), id="several commits"),
        pytest.param(C2, T1, ("t.txt",), id="what the base got meanwhile is not the head's"),
        pytest.param(C2, P1, ("p.txt",), id="head on a pull request"),
        pytest.param(C2, C1, (), id="head that the base contains"),
    ],
)
def test_paths_are_those_that_the_head_changed_since_it_left(
    mirror: Mirror, base: str, head: str, paths: tuple[str, ...]
) -> None:
    assert changed_since(held(mirror, head), base, head) == paths


def test_rename_is_two_paths(repo: Path, mirror: Mirror) -> None:
    (repo / "docs").mkdir()
    git(repo, "mv", "src/deep/c.txt", "docs/c.txt")
    head = commit(repo, "move", when=1_700_001_000)

    assert changed_since(held(mirror, head), C2, head) == ("docs/c.txt", "src/deep/c.txt")


def test_copy_mode_and_kind_are_changes(repo: Path, mirror: Mirror) -> None:
    base = head_of(repo)
    (repo / "run.sh").chmod(0o644)
    (repo / "link").unlink()
    (repo / "link").write_text("a.txt")
    head = commit(repo, "kinds", when=1_700_001_000, docs__run_sh="#!/bin/sh\n")

    assert changed_since(held(mirror, head), base, head) == ("docs/run.sh", "link", "run.sh")


def test_removed_file_is_a_change(repo: Path, mirror: Mirror) -> None:
    base = head_of(repo)
    (repo / "src" / "b.txt").unlink()
    head = commit(repo, "remove", when=1_700_001_000)

    assert changed_since(held(mirror, head), base, head) == ("src/b.txt",)


@pytest.mark.parametrize("ignore", ["all", "dirty", "untracked"])
def test_submodule_that_moved_is_a_change_whatever_the_repository_wants_ignored(
    repo: Path, mirror: Mirror, ignore: str
) -> None:
    (repo / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = ./x\n\tignore = {ignore}\n')
    git(repo, "add", ".gitmodules")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{C0},sub")
    git(repo, "commit", "--quiet", "-m", "sub")
    base = head_of(repo)
    git(repo, "update-index", "--cacheinfo", f"160000,{C1},sub")
    git(repo, "commit", "--quiet", "-m", "moved")
    head = head_of(repo)

    assert changed_since(held(mirror, head), base, head) == ("sub",)


def test_attributes_and_settings_of_the_repository_hide_nothing(repo: Path, mirror: Mirror) -> None:
    (repo / ".gitattributes").write_text("* -diff\n*.c binary diff=none\n")
    commit(repo, "attributes", when=1_700_001_000)
    base = head_of(repo)
    head = commit(repo, "code", when=1_700_001_100, src__x_c="int x;\n")
    git(repo, "config", "diff.noprefix", "true")
    git(repo, "config", "diff.external", "/bin/true")

    assert changed_since(held(mirror, head), base, head) == ("src/x.c",)


NAMES = ["größe.md", "大小", "a b", 'quo"te', "back\\slash", "new\nline", "tab\t", "-option", "*", ":(exclude)x"]


@pytest.mark.parametrize("name", NAMES)
def test_name_is_told_as_it_is(repo: Path, mirror: Mirror, name: str) -> None:
    base = head_of(repo)
    (repo / name).write_text("x")
    head = commit(repo, "name", when=1_700_001_000)

    assert changed_since(held(mirror, head), base, head) == (name,)


def test_name_that_is_no_text_is_told_as_text(repo: Path, mirror: Mirror) -> None:
    base = head_of(repo)
    Path(str(repo) + "/docs").mkdir()
    Path(str(repo) + "/docs/\udcff.md").write_text("x")
    head = commit(repo, "name", when=1_700_001_000)

    assert changed_since(held(mirror, head), base, head) == ("docs/?.md",)


def test_no_path_is_left_out_however_many_there_are(repo: Path, mirror: Mirror) -> None:
    base = head_of(repo)
    entry = git(repo, "rev-parse", "HEAD:a.txt")
    lines = "".join(f"100644 {entry}\tdocs/{number:06}\n" for number in range(100_001))
    (repo.parent / "index").write_text(lines + f"100644 {entry}\tsrc/code.c\n")
    fed = f"git -C {repo} update-index --index-info < {repo.parent / 'index'}"
    git(repo, "-c", f"alias.fed=!{fed}", "fed")
    git(repo, "commit", "--quiet", "-m", "many")
    head = head_of(repo)
    found = changed_since(held(mirror, head), base, head)

    assert (len(found), found[-1]) == (100_002, "src/code.c")


def test_several_points_of_departure_are_all_looked_behind(repo: Path, mirror: Mirror) -> None:
    git(repo, "checkout", "--quiet", "-b", "side", C1)
    commit(repo, "side", when=1_700_001_000, side_txt="x")
    git(repo, "checkout", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "one", "side", when=1_700_001_100)
    one = head_of(repo)
    git(repo, "checkout", "--quiet", "side")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "two", C2, when=1_700_001_200)
    head = commit(repo, "own", when=1_700_001_300, own_txt="x")

    assert "own.txt" in changed_since(held(mirror, head), one, head)


def test_base_that_no_ref_leads_to_is_found_by_its_id(repo: Path, mirror: Mirror) -> None:
    assert fork_commit(repo) == F1
    head = commit(repo, "more", when=1_700_001_000, more_txt="x")
    held(mirror, head)

    assert changed_since(mirror, F1, head) == ("more.txt",)


def test_commits_without_a_common_history_are_refused(repo: Path, mirror: Mirror) -> None:
    git(repo, "checkout", "--quiet", "--orphan", "other")
    head = commit(repo, "other", when=1_700_001_000)
    held(mirror, head)

    with pytest.raises(SourceError, match=rf"lidb: {C2[:7]} and {head[:7]} have no common history"):
        changed_since(mirror, C2, head)


def test_base_that_is_nowhere_is_refused(mirror: Mirror) -> None:
    held(mirror, C2)

    with pytest.raises(SourceError, match="bad0"):
        changed_since(mirror, "bad0" * 10, C2)


def test_base_that_is_no_commit_is_refused(repo: Path, mirror: Mirror) -> None:
    held(mirror, C2)

    with pytest.raises(SourceError):
        changed_since(mirror, git(repo, "rev-parse", "HEAD:a.txt"), C2)


def test_base_of_another_repository_is_refused(tmp_path: Path, mirror: Mirror) -> None:
    stranger = commit(init(tmp_path / "stranger"), "x", when=1_700_001_000, a_txt="x")
    held(mirror, C2)

    with pytest.raises(SourceError):
        changed_since(mirror, stranger, C2)


def test_second_question_needs_no_network(repo: Path, mirror: Mirror) -> None:
    first = changed_since(held(mirror, C2), C1, C2)
    if not mirror.url.startswith("/"):
        repo.rename(repo.with_name("gone"))

    assert changed_since(mirror, C1, C2) == first


def test_merge_that_is_undone_is_a_change_whichever_way_the_histories_met(tmp_path: Path) -> None:
    """main merged M1 and M2; head merges the same two, and has M1's tree: what M2 brought is undone."""
    place = init(tmp_path / "repo")
    commit(place, "start", when=1_700_000_101, check_py="check = off\n", LICENSE="mit\n")
    git(place, "switch", "--quiet", "-c", "fix")
    second = commit(place, "the fix", when=1_700_000_102, check_py="check = ON\n")
    git(place, "switch", "--quiet", "main")
    first = commit(place, "other work", when=1_700_000_103, other_py="x\n")
    git(place, "merge", "--quiet", "--no-ff", "-m", "merge", "fix", when=1_700_000_104)
    base = git(place, "rev-parse", "HEAD")
    git(place, "switch", "--quiet", "--detach", first)
    tree_of = commit(place, "only the licence", when=1_700_000_105, LICENSE="mit, again\n")
    tree = git(place, "rev-parse", f"{tree_of}^{{tree}}")
    head = git(place, "commit-tree", tree, "-p", first, "-p", second, "-m", "looks harmless", when=1_700_000_106)
    git(place, "branch", "head", head)
    at = mirror_of(tmp_path / "cache", "repo", str(place))
    take_local(at, head)
    assert {"LICENSE", "check.py"} <= set(changed_since(at, base, head))
