"""Who says where a repo comes from, and what becomes of it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from phdb_ci.base.locks import locked
from phdb_ci.errors import DiskError, Exit, NetworkError, PhdbError, SourceError, UsageError
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.sources import Source, Sources
from phdb_ci.sources.git.mirror import mirror_of
from phdb_ci.sources.resolve import resolve
from tests.repositories import C0, C1, C2, F1, P1, T1, commit, force_push, fork_commit, git, init, listing

PLAIN = "18460ed33affabc62876ac3e91d0363a16facfb4"


class Bench:
    """A matrix of two repos over one upstream, and a shorter way to resolve them."""

    def __init__(self, upstream: Path, cache: Path) -> None:
        self.upstream, self.cache = upstream, cache
        self.pins = {"lidb": C1, "lis": C2}

    def matrix(self) -> Matrix:
        override = {
            "lidb": {"path": ["LIDB_REPO", "LI_LIDB_REPO"], "ref": ["LIDB_CI_REF", "LIDB_REF"]},
            "lis": {"path": ["LIS_REPO"], "ref": ["LIS_CI_REF"]},
        }
        repos = {
            name: {"url": f"file://{self.upstream}", "pin": pin, "override": override[name]}
            for name, pin in self.pins.items()
        }
        job = {"summary": "s", "repo": "lidb", "run": ["true"], "reports": [{"kind": "exit", "min_tests": 0}]}
        return Matrix.model_validate({"schema": 1, "repos": repos, "jobs": {"j": job}})

    def all(self, *names: str, stack: Path | None = None, env: dict[str, str] | None = None, **specs: str) -> Sources:
        needed = names or ("lidb",)
        return resolve(self.matrix(), needed, cache=self.cache, specs=specs, stack=stack, environ=env or {})

    def one(self, *, stack: Path | None = None, env: dict[str, str] | None = None, **specs: str) -> Source:
        return self.all(stack=stack, env=env, **specs).repos["lidb"]


@pytest.fixture
def bench(upstream: Path, cache: Path) -> Bench:
    return Bench(upstream, cache)


def stack_of(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).mkdir(parents=True)
        (directory / name / "f.txt").write_text("f\n")
    return directory


def test_pin_is_the_default(bench: Bench) -> None:
    found = bench.all("lidb", "lis")
    assert found.stack == "public"
    assert {name: (s.commit, s.origin, s.via, s.reachable) for name, s in found.repos.items()} == {
        "lidb": (C1, "pin", "matrix.toml", True),
        "lis": (C2, "pin", "matrix.toml", True),
    }
    assert found.repos["lidb"].where == f"file://{bench.upstream}"
    assert found.repos["lidb"].objects.is_relative_to(bench.cache)
    assert Sources.model_validate_json(found.model_dump_json()) == found


def test_only_needed_repos_are_resolved(bench: Bench) -> None:
    bench.pins["lis"] = "1" * 40
    assert list(bench.all("lidb").repos) == ["lidb"]


def test_no_repo_needed_is_public(bench: Bench) -> None:
    found = resolve(bench.matrix(), [], cache=bench.cache, specs={}, stack=None, environ={})
    assert (found.stack, found.repos) == ("public", {})
    assert not bench.cache.exists()


def test_present_pins_start_no_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.all("lidb", "lis")
    monkeypatch.setattr("phdb_ci.sources.git.command._execute", lambda *_: pytest.fail("started a process"))
    assert bench.all("lidb", "lis") == first
    assert bench.one(lidb=C1).via == f"--repo lidb={C1}"


def test_present_pins_and_local_trees_never_import_gitpython(bench: Bench, tmp_path: Path) -> None:
    bench.all("lidb", "lis")
    stack = stack_of(tmp_path / "stack", "lidb", "lis")
    code = (
        "import sys, pathlib\nfrom phdb_ci.models.matrix import Matrix\nfrom phdb_ci.sources.resolve import resolve\n"
        "m = Matrix.model_validate_json(sys.stdin.read())\n"
        "for stack in (None, pathlib.Path(sys.argv[2])):\n"
        "    resolve(m, m.repos, cache=pathlib.Path(sys.argv[1]), specs={}, stack=stack, environ={})\n"
        "sys.exit('git.cmd' in sys.modules)"
    )
    argv, text = (
        [sys.executable, "-c", code, str(bench.cache), str(stack)],
        bench.matrix().model_dump_json(by_alias=True),
    )
    assert subprocess.run(argv, input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("spec", "sha"), [("main", C2), ("topic", T1), ("v1", C0), ("pull/7", P1), (C0, C0), (C0[:9], C0)]
)
def test_ref_of_the_url(bench: Bench, spec: str, sha: str) -> None:
    found = bench.all(lidb=spec)
    source = found.repos["lidb"]
    assert (source.commit, source.origin, source.via, source.pin) == (sha, "ref", f"--repo lidb={spec}", C1)
    assert found.stack == "public"


def test_fork_commit_is_told(bench: Bench) -> None:
    fork_commit(bench.upstream)
    bench.pins["lidb"] = F1
    found = bench.one()
    assert (found.commit, found.reachable) == (F1, False)
    assert "a fork's commit" in found.notes[0]


def test_pin_that_was_forced_away_is_told(bench: Bench) -> None:
    bench.one()
    force_push(bench.upstream)
    bench.one(lidb="main")
    assert "force-pushed away" in bench.one().notes[0]


def test_working_tree_as_it_stands(bench: Bench) -> None:
    clean = bench.all(lidb=str(bench.upstream))
    assert clean.stack == "local"
    assert clean.repos["lidb"].model_dump(include={"commit", "origin", "dirty", "where"}) == {
        "commit": C2, "origin": "tree", "dirty": False, "where": str(bench.upstream),
    }  # fmt: skip
    (bench.upstream / "new.txt").write_text("new")
    assert bench.one(lidb=str(bench.upstream)).dirty


@pytest.mark.parametrize(("ref", "sha"), [("v1", C0), (C0[:7], C0), ("topic", T1), ("HEAD", C2)])
def test_commit_of_a_directory(bench: Bench, ref: str, sha: str) -> None:
    (bench.upstream / "new.txt").write_text("not part of it")
    found = bench.all(lidb=f"{bench.upstream}@{ref}")
    assert (found.repos["lidb"].commit, found.repos["lidb"].origin, found.stack) == (sha, "ref", "local")
    assert found.repos["lidb"].where == str(bench.upstream)


def test_directory_with_an_at_sign(bench: Bench, tmp_path: Path) -> None:
    odd = bench.upstream.rename(tmp_path / "li@db")
    assert bench.one(lidb=str(odd)).commit == C2
    assert bench.one(lidb=f"{odd}@v1").commit == C0


def test_relative_and_home_directories(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.upstream / "src")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert {bench.one(lidb=spec).commit for spec in ("../", "../../upstream", "~/upstream")} == {C2}
    assert bench.one(lidb="../@v1").commit == C0
    with pytest.raises(SourceError, match="not a git repository, so it has no 'v1'"):
        bench.one(lidb="./@v1")


def test_bare_directory_needs_a_ref(bench: Bench, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(bench.upstream), "bare")
    with pytest.raises(SourceError, match="has no working tree") as caught:
        bench.one(lidb=str(tmp_path / "bare"))
    assert "bare@main" in caught.value.render()
    assert bench.one(lidb=f"{tmp_path}/bare@{C1[:7]}").commit == C1


def test_plain_directory_is_taken_whole(bench: Bench, tmp_path: Path) -> None:
    found = bench.all(lidb=str(stack_of(tmp_path / "s", "lidb") / "lidb"))
    assert (found.repos["lidb"].commit, found.repos["lidb"].origin, found.stack) == (PLAIN, "tree", "local")


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("/nowhere/at/all", SourceError, "no such directory: /nowhere/at/all"),
        ("{tmp}/empty", SourceError, "is neither a git repository"),
        ("{tmp}/upstream@nope", SourceError, "'nope' is no branch"),
        ("{tmp}/upstream@pull/8", SourceError, "'pull/8' is no branch"),
        ("{tmp}/upstream@", UsageError, "cannot be a ref"),
        ("{tmp}/upstream@--help", UsageError, "cannot be a ref"),
        ("{tmp}/upstream/a.txt", SourceError, "no such directory"),
        ("~nobody-of-that-name/x", UsageError, "home directory"),
        ("", UsageError, "neither a directory nor a ref"),
        ("-x", UsageError, "neither a directory nor a ref"),
        ("--upload-pack=x", UsageError, "neither a directory nor a ref"),
        ("main\nx", UsageError, "neither a directory nor a ref"),
        ("/a\x1b[31m", UsageError, "neither a directory nor a ref"),
        ("ma in", UsageError, "cannot be a ref"),
        ("main~1", UsageError, "cannot be a ref"),
        ("nope", SourceError, "is no branch, tag, commit or pull request"),
        ("pull/9", SourceError, "is no branch, tag, commit or pull request"),
        ("1" * 40, SourceError, "is not in file://"),
    ],
)
def test_bad_spec(bench: Bench, tmp_path: Path, spec: str, error: type[PhdbError], words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(error) as caught:
        bench.one(lidb=spec.format(tmp=tmp_path))
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize("spec", ["stack/lidb", "stack/lidb/"])
def test_ref_that_reads_like_a_directory_suggests_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    stack_of(tmp_path / "stack", "lidb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PhdbError) as caught:
        bench.one(lidb=spec)
    assert caught.value.tries[0] == f"--repo lidb=./{spec} for the directory of that name"


@pytest.mark.parametrize("spec", ["stack", "stack/nowhere", f"stack/{'x' * 300}"])
def test_ref_that_names_no_directory_suggests_none(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    stack_of(tmp_path / "stack", "lidb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as caught:
        bench.one(lidb=spec)
    assert "./" not in "".join(caught.value.tries)


def test_bad_spec_of_a_repo_that_is_not_needed_is_refused_too(bench: Bench) -> None:
    with pytest.raises(UsageError):
        bench.all("lidb", lis="--x")


def test_unknown_repo_suggests_the_nearest(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no repo is called 'lidbb'") as caught:
        bench.one(lidbb="main")
    assert 'Perhaps you meant "lidb"?' in caught.value.render()


def test_path_variable_names_a_directory(bench: Bench) -> None:
    found = bench.one(env={"LIDB_REPO": str(bench.upstream), "LI_LIDB_REPO": ""})
    assert (found.commit, found.origin, found.via) == (C2, "tree", "$LIDB_REPO")


def test_path_variable_may_be_relative(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.upstream.parent)
    assert bench.one(env={"LIDB_REPO": "upstream"}).commit == C2


def test_ref_variable_names_a_ref(bench: Bench) -> None:
    found = bench.all(env={"LIDB_CI_REF": "topic", "LIDB_REPO": ""})
    assert (found.repos["lidb"].commit, found.repos["lidb"].via, found.stack) == (T1, "$LIDB_CI_REF", "public")


def test_variables_that_agree_are_one(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(bench.upstream)
    paths = {"LIDB_REPO": str(bench.upstream), "LI_LIDB_REPO": str(tmp_path / "same")}
    assert bench.one(env=paths).via == "$LIDB_REPO"
    assert bench.one(env={"LIDB_CI_REF": "main", "LIDB_REF": "main"}).via == "$LIDB_CI_REF"


@pytest.mark.parametrize(
    ("env", "both"),
    [
        ({"LIDB_REPO": "/a", "LI_LIDB_REPO": "/b"}, "$LIDB_REPO and $LI_LIDB_REPO disagree"),
        ({"LIDB_CI_REF": "main", "LIDB_REF": "v1"}, "$LIDB_CI_REF and $LIDB_REF disagree"),
        ({"LIDB_REPO": "/a", "LIDB_CI_REF": "main"}, "$LIDB_REPO and $LIDB_CI_REF disagree"),
    ],
)
def test_variables_that_disagree_are_an_error(bench: Bench, env: dict[str, str], both: str) -> None:
    with pytest.raises(UsageError) as caught:
        bench.one(env=env)
    assert both in caught.value.message


@pytest.mark.parametrize("value", ["-x", "a\nb", "\x07"])
@pytest.mark.parametrize("name", ["LIDB_REPO", "LIDB_CI_REF"])
def test_bad_variable_is_named(bench: Bench, name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        bench.one(env={name: value})
    assert name in caught.value.message


def test_option_wins_over_contradicting_environment(bench: Bench) -> None:
    found = bench.one(env={"LIDB_REPO": "/a", "LI_LIDB_REPO": "/b"}, lidb="v1")
    assert (found.commit, found.via) == (C0, "--repo lidb=v1")


def test_stack_is_a_stand_in(bench: Bench, tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "stack", "lidb", "lis")
    before = listing(stack)
    found = bench.all("lidb", "lis", stack=stack, env={"LIDB_REPO": "/a", "LIS_CI_REF": "main"})
    assert found.stack == "stand-in"
    assert {(s.commit, s.origin, s.via, s.dirty) for s in found.repos.values()} == {
        (PLAIN, "tree", f"--stack {stack}", False)
    }
    assert found.repos["lidb"].objects != found.repos["lis"].objects
    assert listing(stack) == before


def test_stack_of_repositories_is_local(bench: Bench, tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "stack", "lidb")
    repository = init(stack / "lis")
    sha = commit(repository, "x", when=1_700_000_000, x_txt="x")
    found = bench.all("lidb", "lis", stack=stack)
    assert (found.stack, found.repos["lis"].commit) == ("local", sha)


def test_option_wins_over_stack(bench: Bench, tmp_path: Path) -> None:
    found = bench.all("lidb", "lis", stack=stack_of(tmp_path / "stack", "lis"), lidb="v1")
    assert (found.stack, found.repos["lidb"].commit, found.repos["lis"].commit) == ("local", C0, PLAIN)


def test_folder_beside_the_matrix_is_known_by_its_tree(bench: Bench) -> None:
    def taken() -> Source:
        names = ["./src/deep"]
        found = resolve(bench.matrix(), names, cache=bench.cache, specs={}, stack=None, environ={}, home=bench.upstream)
        return found.repos["./src/deep"]

    clean = taken()
    assert (clean.origin, clean.dirty) == ("folder", False)
    assert clean.tree == git(bench.upstream, "rev-parse", "HEAD:src/deep")
    (bench.upstream / "src" / "deep" / "c.txt").write_text("edited\n")
    assert taken().dirty
    assert taken().tree != clean.tree
    with pytest.raises(SourceError, match="there is no folder"):
        resolve(
            bench.matrix(), ["./src/nope"], cache=bench.cache, specs={}, stack=None, environ={}, home=bench.upstream
        )


@pytest.mark.parametrize("missing", ["stack", "stack/lis"])
def test_missing_part_of_a_stack_is_named(bench: Bench, tmp_path: Path, missing: str) -> None:
    stack = tmp_path / "stack"
    if missing != "stack":
        stack_of(stack, "lidb")
    with pytest.raises(SourceError) as caught:
        bench.all("lidb", "lis", stack=stack)
    assert str(tmp_path / missing) in caught.value.message


def test_every_failure_is_told_at_once(bench: Bench) -> None:
    bench.pins["lidb"] = "1" * 40
    with pytest.raises(SourceError) as caught:
        bench.all("lidb", "lis", lis="nope")
    assert "1" * 40 in caught.value.message
    assert "'nope'" in caught.value.message


def test_unreachable_remote_is_a_network_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "none")
    with pytest.raises(NetworkError, match=r"lidb: file://.*not allowed") as caught:
        bench.one()
    assert caught.value.exit_code == Exit.INCOMPLETE
    assert bench.one(lidb=str(bench.upstream)).commit == C2, "a local directory is no network"


def test_cache_that_cannot_be_written_is_a_disk_error(bench: Bench) -> None:
    bench.cache.write_text("a file where the folder should be")
    with pytest.raises(DiskError):
        bench.one()


def test_git_variables_of_a_hook_change_nothing(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = init(tmp_path / "victim")
    commit(victim, "x", when=1_700_000_000, x_txt="x")
    before = listing(victim)
    for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": "", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(name, str(victim / value))
    stack = stack_of(tmp_path / "stack", "lidb", "lis")
    (bench.upstream / "new.txt").write_text("new")
    assert bench.one().commit == C1
    assert bench.one(stack=stack).commit == PLAIN
    assert bench.one(lidb=str(bench.upstream)).dirty
    assert bench.one(lidb=f"{bench.upstream}@v1").commit == C0
    assert listing(victim) == before


def test_waiting_for_another_run_is_told(bench: Bench) -> None:
    at = mirror_of(bench.cache, "lidb", f"file://{bench.upstream}")
    held, waiting, heard = threading.Event(), threading.Event(), list[Path]()

    def other_run() -> None:
        with locked(at.lock):
            held.set()
            waiting.wait(10)

    def on_wait(path: Path) -> None:
        heard.append(path)
        waiting.set()

    thread = threading.Thread(target=other_run)
    thread.start()
    held.wait(10)
    resolve(bench.matrix(), ["lidb"], cache=bench.cache, specs={}, stack=None, environ={}, on_wait=on_wait)
    thread.join()
    assert heard == [at.lock]
