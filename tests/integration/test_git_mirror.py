"""Mirrors over real repositories: pins live on, the network is asked seldom, a failure says what it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from phdb_ci.errors import Exit, NetworkError, PhdbError, SourceError, UsageError
from phdb_ci.sources.git.command import Done
from phdb_ci.sources.git.mirror import Mirror, mirror_of, pinned, take, take_local
from tests.repositories import C0, C1, C2, F1, P1, T1, X1, commit, force_push, fork_commit, git, listing

NOWHERE = "1" * 40


@pytest.fixture
def at(upstream: Path, cache: Path) -> Mirror:
    """The upstream's mirror, by URL; nothing is fetched yet."""
    return mirror_of(cache, "lidb", f"file://{upstream}")


def refs(at: Mirror) -> list[str]:
    return git(at.path, "for-each-ref", "--format=%(refname)").splitlines()


def test_pin_is_fetched_and_kept(at: Mirror) -> None:
    assert take(at, C1).commit == C1
    assert set(refs(at)) == {
        "refs/heads/main", "refs/heads/topic", "refs/tags/v1", "refs/tags/v2", "refs/pull/7/head",
        f"refs/pins/{C1}",
    }  # fmt: skip


def test_present_pin_needs_no_git_at_all(at: Mirror, git_calls: list[tuple[str, ...]]) -> None:
    take(at, C1)
    git_calls.clear()
    assert take(at, C1) == pinned(at, C1)
    assert git_calls == []


def test_present_pin_needs_no_remote(at: Mirror, upstream: Path) -> None:
    take(at, C1)
    upstream.rename(upstream.with_name("gone"))
    assert take(at, C1).reachable
    assert take(at, C0).reachable


def test_pin_survives_force_push_upstream(at: Mirror, upstream: Path) -> None:
    take(at, C2)
    assert force_push(upstream) == X1
    assert take(at, "main").commit == X1
    found = take(at, C2)
    assert (found.commit, found.reachable) == (C2, False)
    assert "force-pushed away" in found.notes[0]
    git(at.path, "fsck", "--connectivity-only")
    assert git(at.path, "show", f"{C2}:a.txt") == "three"


def test_fetch_prunes_but_keeps_pins(at: Mirror, upstream: Path) -> None:
    take(at, T1)
    force_push(upstream)
    take(at, "main")
    assert set(refs(at)) == {"refs/heads/main", "refs/tags/v1", f"refs/pins/{T1}", f"refs/pins/{X1}"}


def test_commit_of_a_fork_is_reported(at: Mirror, upstream: Path) -> None:
    assert fork_commit(upstream) == F1
    found = take(at, F1)
    assert (found.commit, found.reachable) == (F1, False)
    assert "on no branch, tag or pull request" in found.notes[0]
    assert "force-pushed" not in found.notes[0]


def test_fork_commit_that_is_merged_later_is_reachable(at: Mirror, upstream: Path) -> None:
    fork_commit(upstream)
    take(at, F1)
    git(upstream, "update-ref", "refs/heads/main", F1)
    assert take(at, "main").reachable
    assert take(at, F1).reachable


def test_commit_that_nobody_has_is_a_source_error(at: Mirror) -> None:
    with pytest.raises(SourceError, match=f"commit {NOWHERE} is not in file://"):
        take(at, NOWHERE)


@pytest.mark.parametrize("what", ["refs/tags/v2", "main^{tree}", "main:a.txt"])
def test_pin_of_something_else_than_a_commit_is_a_source_error(at: Mirror, upstream: Path, what: str) -> None:
    with pytest.raises(SourceError, match="is not a commit"):
        take(at, git(upstream, "rev-parse", what))


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("main", C2), ("topic", T1), ("v1", C0), ("v2", C1), ("refs/heads/topic", T1), ("refs/tags/v2", C1),
        ("pull/7", P1), (C0, C0), (C1[:7], C1), (P1[:12], P1),
    ],
)  # fmt: skip
def test_ref_is_resolved(at: Mirror, ref: str, expected: str) -> None:
    assert take(at, ref).commit == expected


@pytest.mark.parametrize(
    ("ref", "tries"),
    [
        ("topik", 'Perhaps you meant "topic"?'), ("v3", 'Perhaps you meant "v'),
        ("pull/8", "pull request is pull/N"),
        ("abcdef0", "at least 7"), (C1[:6], "at least 7"), ("pull/007", "at least 7"),
    ],
)  # fmt: skip
def test_unknown_ref_says_what_is_near(at: Mirror, ref: str, tries: str) -> None:
    with pytest.raises(SourceError, match="is no branch, tag, commit or pull request") as caught:
        take(at, ref)
    assert tries in caught.value.render()


@pytest.mark.parametrize(
    "ref",
    ["-x", "--upload-pack=touch x", "", "a b", "a..b", "a^", "a~1", "a:b", "@{u}", "a*", "a?", "a[b",
        "a\\b", "a\nb",
     "a\x7f", "/a", "a/", "a//b", ".a", "a.lock", "@"],
)  # fmt: skip
def test_what_cannot_be_a_ref_is_refused(at: Mirror, ref: str) -> None:
    with pytest.raises(UsageError, match="cannot be a ref"):
        take(at, ref)


def test_branch_and_tag_of_one_name_are_ambiguous(at: Mirror, upstream: Path) -> None:
    git(upstream, "branch", "v1", C2)
    with pytest.raises(SourceError, match="more than one thing") as caught:
        take(at, "v1")
    assert caught.value.tries == ("say refs/heads/v1", "say refs/tags/v1")
    assert take(at, "refs/tags/v1").commit == C0


def test_branch_that_became_a_folder_is_fetched(at: Mirror, upstream: Path) -> None:
    take(at, "topic")
    git(upstream, "branch", "-m", "topic", "topic/two")
    assert take(at, "topic/two").commit == T1


def test_missing_repository_is_a_source_error(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"does not (exist|appear)"):
        take(mirror_of(cache, "lidb", f"file://{tmp_path}/nowhere"), C0)


def test_forbidden_protocol_is_a_network_error(cache: Path) -> None:
    with pytest.raises(NetworkError, match=r"https://\*\*\*@host\.invalid/x: .*not allowed") as caught:
        take(mirror_of(cache, "lidb", "https://me:secret@host.invalid/x"), C0)
    assert "secret" not in caught.value.render()
    assert "--repo lidb=DIR" in caught.value.render()


def test_ext_command_never_runs(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_ALLOW_PROTOCOL")
    with pytest.raises(NetworkError, match="'ext' not allowed"):
        take(mirror_of(cache, "lidb", f"ext::sh -c 'touch {tmp_path}/ran'"), C0)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", Exit.INCOMPLETE),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", Exit.INCOMPLETE),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", Exit.INCOMPLETE),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 403", Exit.INCOMPLETE),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", Exit.USAGE),
        ("fatal: detected dubious ownership in repository at '/x'", Exit.USAGE),
    ],
)
def test_failed_fetch_is_of_its_kind(cache: Path, said: str, code: Exit) -> None:
    error: PhdbError = mirror_of(cache, "lidb", "https://u:p@h/x").unreachable(Done(128, b"", said))
    assert error.exit_code == code
    assert error.message.startswith("lidb: https://***@h/x: ")
    assert error.tries


def test_credentials_are_not_written_to_the_mirror(
    upstream: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{upstream}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://me:secret@host.invalid/x")
    at = mirror_of(cache, "lidb", "https://me:secret@host.invalid/x")
    assert take(at, C0).commit == C0
    assert at.where == "https://***@host.invalid/x"
    assert not [path for path in cache.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_lock_files_of_a_killed_fetch_do_not_matter(at: Mirror, upstream: Path) -> None:
    take(at, C0)
    (at.path / "refs" / "heads" / "main.lock").touch()
    (at.path / "packed-refs.lock").touch()
    new = commit(upstream, "c3", when=1_700_000_700, a_txt="four\n")
    assert take(at, "main").commit == new


def test_half_made_mirror_is_made_anew(at: Mirror) -> None:
    at.path.with_suffix(".new").mkdir(parents=True)
    (at.path.with_suffix(".new") / "HEAD").write_text("garbage")
    assert take(at, C0).commit == C0


def test_damaged_note_is_looked_up_again(at: Mirror) -> None:
    take(at, C1)
    (at.path / "taken" / C1).write_text("{")
    assert take(at, C1).reachable


def test_hook_environment_changes_nothing(at: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    git(victim, "init", "--quiet")
    before = listing(victim)
    monkeypatch.setenv("GIT_DIR", str(victim / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(victim))
    monkeypatch.setenv("GIT_INDEX_FILE", str(victim / ".git" / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(victim / ".git" / "objects"))
    assert take(at, C1).commit == C1
    assert listing(victim) == before


def test_two_processes_at_once_on_one_cache(at: Mirror, cache: Path, upstream: Path) -> None:
    code = (
        "import sys, pathlib; from phdb_ci.sources.git.mirror import mirror_of, take\n"
        "at = mirror_of(pathlib.Path(sys.argv[1]), 'lidb', sys.argv[2])\n"
        "print(take(at, sys.argv[3]).commit, take(at, 'main').commit)"
    )
    command = [sys.executable, "-c", code, str(cache), f"file://{upstream}", C1]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(run.communicate()[0].strip(), run.returncode) for run in runs] == [(f"{C1} {C2}", 0)] * 4
    git(at.path, "fsck", "--connectivity-only")


@pytest.mark.parametrize(
    ("ref", "expected"), [("main", C2), (C0[:8], C0), ("HEAD", C2), ("v2", C1), ("origin/main", C2), (P1, P1)]
)
def test_local_ref_is_taken(upstream: Path, cache: Path, ref: str, expected: str) -> None:
    git(upstream, "update-ref", "refs/remotes/origin/main", C2)
    assert take_local(mirror_of(cache, "lidb", str(upstream)), ref).commit == expected


def test_only_the_wanted_commit_is_copied(upstream: Path, cache: Path) -> None:
    at = mirror_of(cache, "lidb", str(upstream))
    take_local(at, "v1")
    assert refs(at) == [f"refs/pins/{C0}"]
    assert subprocess.run(["git", "-C", at.path, "cat-file", "-e", C2], check=False, capture_output=True).returncode


def test_local_bare_repository_by_abbreviated_id(upstream: Path, cache: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream), "bare")
    (tmp_path / "bare" / "config").unlink()
    before = listing(tmp_path / "bare")
    assert take_local(mirror_of(cache, "lidb", str(tmp_path / "bare")), C1[:7]).commit == C1
    assert listing(tmp_path / "bare") == before


def test_local_commit_on_no_ref_is_reported(upstream: Path, cache: Path) -> None:
    fork_commit(upstream)
    assert not take_local(mirror_of(cache, "lidb", str(upstream)), F1).reachable


def test_shallow_local_repository_is_taken(upstream: Path, cache: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{upstream}", "shallow")
    at = mirror_of(cache, "lidb", str(tmp_path / "shallow"))
    assert take_local(at, "main").commit == C2
    assert git(at.path, "rev-list", C2) == C2
