"""Pins are moved to what real repositories say, every other byte of matrix.toml stays, and a lie is told as one.

The repositories stand where https://github.com/ leads to, by `insteadOf`; no network is reached.
"""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from phdb_ci.commands import bump
from phdb_ci.errors import DiskError, Exit, MatrixError, NetworkError, SourceError, UsageError
from phdb_ci.matrix import load
from phdb_ci.matrix.bump import TAGS, edited, newest
from phdb_ci.matrix.locate import Path as Keys
from phdb_ci.sources.git.remote import remote_refs
from tests.repositories import commit, git, init

OLD = "c0ffee" + "0" * 34
OURS = Path(__file__).parents[2] / "matrix.toml"
MATRIX = f"""\
# Comments, order and quoting stay.
schema = 1

[repos.lidb]   # pin = "not this one"
url = "https://github.com/acme/lidb.git"
pin   =   "{OLD}" # {OLD} was good
track = "main"

[repos."lis"]
track = 'dev'
pin = '{OLD}'	# single quotes, and a tab
url = "https://github.com/acme/lis.git"
ci = [{{ job = "pin", on = "push", shows = "pin = '{OLD}'", gap = "none" }}]

[jobs.smoke]
summary = "pin = \\"{OLD}\\" in a text"
repo = "lidb"
run = ['''
echo commit = "{OLD}"
''']
reports = [{{ kind = "pytest", min_tests = 1 }}]

[gates.quick]
jobs = ["smoke"]

[self]
commit = "{OLD}"
repository = "acme/home"

[actions]
"acme/checkout" = {{ commit = "{OLD}", version = "v7.0.1" }} # the first
"acme/cache/save" = {{ version = 'v1.2.3',commit = '{OLD}'}}
"acme/cache/restore".commit = "{OLD}"
"acme/cache/restore".version = "v1.2.3"
"""


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All repositories of the matrix, built once: one commit each, on main and dev."""
    root = tmp_path_factory.mktemp("repositories") / "acme"
    for number, name in enumerate(("lidb", "lis", "home", "checkout", "cache")):
        repo = init(root / f"{name}.git")
        commit(repo, "first", when=1_700_000_000 + number, a_txt=name)
        git(repo, "branch", "dev")
    return root


@pytest.fixture
def github(repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's own copy of them, in the folder that https://github.com/ leads to."""
    root = tmp_path / "github"
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{root}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    shutil.copytree(repositories, root / "acme")
    return root / "acme"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The matrix, in a folder of its own that is the working directory."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("matrix.toml").write_bytes(MATRIX.encode())
    return Path("matrix.toml")


def call(*names: str, **options: object) -> int:
    told = {"matrix": Path("matrix.toml"), "json": False, "actions": False, "check": False}
    return bump.main(argparse.Namespace(names=list(names), **told | options))


def head(repo: Path, ref: str = "main") -> str:
    return git(repo, "rev-parse", f"{ref}^{{commit}}")


def release(repo: Path, tag: str, *, light: bool = False) -> str:
    """A new commit with this tag; the commit's id."""
    found = commit(repo, tag, when=1_700_001_000, version_txt=tag)
    git(repo, "tag", tag) if light else git(repo, "tag", "-a", tag, "-m", tag)
    return found


def test_every_repo_moves_to_its_branch_and_all_else_stays(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(github / "lis.git", "checkout", "--quiet", "dev")
    lis = commit(github / "lis.git", "on dev", when=1_700_000_100, a_txt="dev")
    lidb = head(github / "lidb.git")
    assert call() == Exit.PASS
    expected = MATRIX.replace(f'pin   =   "{OLD}"', f'pin   =   "{lidb}"')
    expected = expected.replace(f"\npin = '{OLD}'", f"\npin = '{lis}'")
    assert at.read_bytes().decode() == expected
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == [
        "lidb", "c0ffee0", "→", lidb[:7], "main", f"https://github.com/acme/lidb/compare/{OLD}...{lidb}",
    ]  # fmt: skip
    assert "`phdb-ci render` and `phdb-ci plan quick`" in said
    assert [path.name for path in at.parent.iterdir()] == ["matrix.toml"]


def test_second_bump_moves_nothing_and_writes_nothing(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call()
    before = at.stat().st_ino, at.stat().st_mtime_ns
    capsys.readouterr()
    assert call() == Exit.PASS
    assert (at.stat().st_ino, at.stat().st_mtime_ns) == before
    said = capsys.readouterr().out
    assert f"{head(github / 'lidb.git')[:7]} unchanged" in said
    assert "nothing to move" in said


def test_named_repos_move_alone(github: Path, at: Path) -> None:
    assert call("lis") == Exit.PASS
    repos = load(at).repos
    assert (repos["lidb"].pin, repos["lis"].pin) == (OLD, head(github / "lis.git", "dev"))


@pytest.mark.usefixtures("github")
def test_check_writes_nothing_and_fails_when_something_would_move(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(check=True) == Exit.FAIL
    assert at.read_text() == MATRIX
    assert "2 of 2 would move: phdb-ci bump lidb lis\n" in capsys.readouterr().out
    call()
    assert call(check=True) == Exit.PASS
    assert capsys.readouterr().out.endswith("0 of 2 would move\n")


def test_json_gives_the_records(github: Path, at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("lidb", json=True) == Exit.PASS
    assert json.loads(capsys.readouterr().out) == {
        "written": True,
        "records": [
            {
                "kind": "repo", "name": "lidb", "url": "https://github.com/acme/lidb.git", "old": OLD,
                "new": head(github / "lidb.git"), "follows": "main", "version": "", "note": "", "moved": True,
            }
        ],
    }  # fmt: skip
    assert load(at).repos["lidb"].pin != OLD
    assert call("lis", json=True, check=True) == Exit.FAIL
    assert json.loads(capsys.readouterr().out)["written"] is False


@pytest.mark.usefixtures("at")
def test_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'"lidbb" is no repo of the matrix\. Perhaps you meant "lidb"'):
        call("lidbb")


def test_self_is_no_name_of_a_matrix_without_it(at: Path) -> None:
    at.write_text(MATRIX.replace(f'[self]\ncommit = "{OLD}"\nrepository = "acme/home"\n', ""))
    with pytest.raises(UsageError, match='"self" is no repo'):
        call("self")


def test_unknown_branch_tells_near_ones(github: Path, at: Path) -> None:
    git(github / "lis.git", "branch", "-m", "dev", "devel")
    with pytest.raises(SourceError, match=r'there is no branch "dev" \(repos.lis.track\)') as caught:
        call()
    assert caught.value.message.endswith(' Perhaps you meant "devel"?')
    assert at.read_text() == MATRIX


def test_branch_whose_name_ends_like_the_wanted_one_is_another(github: Path, at: Path) -> None:
    repo = github / "lidb.git"
    for name in ("refs/heads/x/refs/heads/main", "refs/heads/a/main", "refs/tags/main"):
        git(repo, "update-ref", name, commit(repo, name, when=1_700_002_000, a_txt=name))
    git(repo, "update-ref", "refs/heads/main", git(repo, "rev-list", "--max-parents=0", "HEAD"))
    call("lidb")
    assert load(at).repos["lidb"].pin == head(repo, "refs/heads/main")


def test_unreachable_remote_is_named_without_its_password(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    at.write_text(MATRIX.replace("https://github.com/acme/lidb", "https://me:secret@host.invalid/lidb"))
    with pytest.raises(NetworkError, match=r"https://\*\*\*@host.invalid/lidb.git cannot be asked") as caught:
        call("lidb")
    assert "secret" not in caught.value.render()


def test_missing_repository_is_a_source_error(github: Path) -> None:
    with pytest.raises(SourceError, match="nope cannot be asked for its refs"):
        remote_refs(f"file://{github}/nope", ["refs/heads/main"])


def test_refs_of_a_directory_are_read_whatever_protocols_are_shut(
    github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    found = remote_refs(str(github / "lidb.git"), ["refs/heads/*"])
    assert found == dict.fromkeys(("refs/heads/main", "refs/heads/dev"), head(github / "lidb.git"))


def test_exact_name_of_an_annotated_tag_gives_its_commit(github: Path) -> None:
    made = release(github / "lidb.git", "v1.0.0")
    assert remote_refs(f"file://{github}/lidb.git", ["refs/tags/v1.0.0"]) == {"refs/tags/v1.0.0": made}


def test_settings_of_the_repository_around_us_do_not_count(
    github: Path, at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(at.parent, "init", "--quiet")
    git(at.parent, "config", "url.file:///nowhere/.insteadOf", "https://github.com/acme/lidb")
    monkeypatch.setenv("GIT_DIR", str(at.parent / ".git"))
    call("lidb")
    assert load(at).repos["lidb"].pin == head(github / "lidb.git")


@pytest.mark.parametrize("light", [False, True])
def test_self_moves_to_the_newest_release(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str], light: bool
) -> None:
    home = github / "home.git"
    release(home, "v0.9.0")
    wanted = release(home, "v0.10.0", light=light)
    release(home, "v0.2.9")
    assert call("self") == Exit.PASS
    assert at.read_text() == MATRIX.replace(f'[self]\ncommit = "{OLD}"', f'[self]\ncommit = "{wanted}"')
    assert "v0.10.0" in capsys.readouterr().out


def test_self_without_a_release_is_an_error(github: Path, at: Path) -> None:
    git(github / "home.git", "tag", "v1.0.0-rc1")
    with pytest.raises(SourceError, match="acme/home has no release tag"):
        call("self")
    assert at.read_text() == MATRIX


def test_first_release_has_nothing_to_compare_with(github: Path, at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at.write_text(MATRIX.replace(f'[self]\ncommit = "{OLD}"', f'[self]\ncommit = "{"0" * 40}"'))
    wanted = release(github / "home.git", "v0.1.0")
    call("self")
    assert capsys.readouterr().out.splitlines()[0].split() == ["self", "0000000", "→", wanted[:7], "v0.1.0"]


def test_actions_move_to_their_newest_release(github: Path, at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pinned = release(github / "checkout.git", "v7.0.1")
    eight, two = (release(github / "checkout.git", "v8.0.0"), release(github / "cache.git", "v2.0.0", light=True))
    release(github / "cache.git", "v1.2.3")
    assert call(actions=True) == Exit.PASS
    expected = MATRIX.replace(
        f'{{ commit = "{OLD}", version = "v7.0.1" }}', f'{{ commit = "{eight}", version = "v8.0.0" }}'
    )
    expected = expected.replace(
        f"{{ version = 'v1.2.3',commit = '{OLD}'}}", f"{{ version = 'v2.0.0',commit = '{two}'}}"
    )
    expected = expected.replace(f'restore".commit = "{OLD}"', f'restore".commit = "{two}"')
    assert at.read_text() == expected.replace('"v1.2.3"', '"v2.0.0"')
    said = capsys.readouterr().out
    assert "v7.0.1 → v8.0.0" in said
    assert f"v7.0.1 is {OLD}, and the tag says {pinned}: was the pin wrong, or was the tag moved?" in said


def test_action_never_moves_back(github: Path, at: Path) -> None:
    release(github / "checkout.git", "v6.9.9")
    release(github / "cache.git", "v1.2.3")
    with pytest.raises(SourceError, match=r"newest release is v6.9.9, older than v7.0.1"):
        call(actions=True)
    assert at.read_text() == MATRIX


@pytest.mark.usefixtures("github")
def test_action_without_a_release_is_an_error(at: Path) -> None:
    with pytest.raises(SourceError, match="acme/checkout: it has no release tag"):
        call(actions=True)
    assert at.read_text() == MATRIX


def honest(github: Path, at: Path) -> tuple[str, str]:
    """Every action of the matrix at the commit that its tag names."""
    seven, one = release(github / "checkout.git", "v7.0.1"), release(github / "cache.git", "v1.2.3")
    lines = [
        line.replace(OLD, seven if "checkout" in line else one) if line.startswith('"acme/') else line
        for line in MATRIX.split("\n")
    ]
    at.write_text("\n".join(lines))
    return seven, one


def test_check_of_actions_passes_when_every_tag_names_its_commit(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    honest(github, at)
    release(github / "checkout.git", "v7.1.0")
    before = at.read_bytes()
    assert call(actions=True, check=True) == Exit.PASS
    said = capsys.readouterr().out
    assert "note: acme/checkout: v7.1.0 is newer than v7.0.1" in said
    assert said.endswith("3 of 3 actions are at the commit that their tag names\n")
    assert at.read_bytes() == before


def test_check_of_actions_tells_a_lie_with_both_commits(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seven, _ = honest(github, at)
    wrong = seven[:16] + "0" * 24
    at.write_text(at.read_text().replace(seven, wrong))
    assert call(actions=True, check=True) == Exit.FAIL
    said = capsys.readouterr().out
    assert f"wrong: acme/checkout: the matrix says that v7.0.1 is {wrong}, and the tag says {seven}" in said
    assert "2 of 3 actions are" in said
    assert call(actions=True, check=True, json=True) == Exit.FAIL
    records = json.loads(capsys.readouterr().out)["records"]
    assert [bool(record["fault"]) for record in records] == [True, False, False]


def test_check_of_actions_tells_the_tag_object_from_its_commit(github: Path, at: Path) -> None:
    seven, _ = honest(github, at)
    tag = git(github / "checkout.git", "rev-parse", "v7.0.1")
    at.write_text(at.read_text().replace(seven, tag))
    assert call(actions=True, check=True) == Exit.FAIL


def test_check_of_actions_tells_a_tag_that_is_not_there(
    github: Path, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seven, _ = honest(github, at)
    git(github / "checkout.git", "tag", "-d", "v7.0.1")
    assert call(actions=True, check=True) == Exit.FAIL
    assert f"v7.0.1 is {seven}, and there is no such tag" in capsys.readouterr().out


def test_actions_are_no_check_of_nothing(at: Path) -> None:
    at.write_text(MATRIX[: MATRIX.index("[actions]")])
    with pytest.raises(UsageError, match="has none"):
        call(actions=True, check=True)


def test_hostile_and_unfinished_tags_are_no_releases(github: Path, at: Path) -> None:
    repo = github / "home.git"
    wanted = release(repo, "v1.2.3")
    other = commit(repo, "other", when=1_700_003_000, a_txt="other")
    names = [
        "v9", "v9.9", "v9.9.9.9", "v9.9.9-rc.1", "v9.9.9+build", "vv9.9.9", "x/v9.9.9", "v9.9.9/x", "9.9.9",
        "v09.9.9", "v" + "9" * 30 + ".0.0", "v9.9.9;touch$IFS.x", "v\uff19.9.9", "v9.9.9\u202e", "v9.9.9`id`",
        "refs/tags/v9.9.9", "--upload-pack=x/v9.9.9",
    ]  # fmt: skip
    for name in names:
        git(repo, "update-ref", f"refs/tags/{name}", other)
    git(repo, "update-ref", "refs/heads/v9.9.9", other)
    call("self")
    home = load(at).self_
    assert home is not None
    assert home.commit == wanted


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["v1.0.0", "v1.0.10", "v1.0.9"], "v1.0.10", id="by number, not by letter"),
        pytest.param(["v2.0.0", "v10.0.0", "v9.9.9"], "v10.0.0", id="all majors"),
        pytest.param(["v1.0.0", "v1.0.1\n", "v1.0.2 "], "v1.0.0", id="nothing behind it"),
    ],
)
def test_newest_release(tags: list[str], found: str | None) -> None:
    assert newest({TAGS + tag: OLD for tag in tags}) == found


def test_link_is_followed_and_the_mode_kept(github: Path, at: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    at.rename(real)
    real.chmod(0o640)
    at.symlink_to(real)
    call("lidb")
    assert at.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert load(real).repos["lidb"].pin == head(github / "lidb.git")


@pytest.mark.usefixtures("github")
def test_folder_that_refuses_is_a_disk_error(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)  # root may write anywhere
    with pytest.raises(DiskError, match=r"matrix\.toml cannot be written"):
        call("lidb")
    assert at.read_text() == MATRIX


@pytest.mark.usefixtures("github")
def test_file_that_was_changed_meanwhile_is_left_alone(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = MATRIX.replace("the first", "").replace("'dev'", "'next'")

    def slow(url: str, patterns: list[str]) -> dict[str, str]:
        at.write_text(changed)
        return remote_refs(url, patterns)

    monkeypatch.setattr(bump, "remote_refs", slow)
    with pytest.raises(UsageError, match="was changed while the remotes were asked"):
        call("lidb")
    assert at.read_text() == changed


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("answer", ["c0ffee", OLD.upper(), f'{OLD}"\nurl = "x', "0" * 64])
def test_result_that_is_no_matrix_is_refused(at: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(bump, "remote_refs", lambda *_: {"refs/heads/main": answer})
    with pytest.raises(MatrixError):
        call("lidb")
    assert at.read_text() == MATRIX


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('pin = "\\u0063' + OLD[1:] + '"', id="escapes"),
        pytest.param('pin = """\n' + OLD + '"""', id="first line end of a long string"),
    ],
)
def test_value_that_is_written_oddly_is_written_anew(line: str) -> None:
    text = MATRIX.replace(f'pin   =   "{OLD}"', line)
    made = edited(text, "matrix.toml", {("repos", "lidb", "pin"): "1" * 40})
    quote = line.removeprefix("pin = ").partition("\n")[0].partition("\\")[0]
    assert made == text.replace(line, f"pin = {quote}{'1' * 40}{quote}")


def test_value_that_would_be_more_than_a_value_is_refused() -> None:
    """The one way to a sound matrix that is not the one meant: text that ends the string and goes on."""
    new = f'{"1" * 40}" # '
    with pytest.raises(MatrixError, match="without changing more than them"):
        edited(MATRIX, "matrix.toml", {("repos", "lidb", "pin"): new})


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_and_line_ends_stay(quote: str, end: str) -> None:
    text = MATRIX.replace(f'pin   =   "{OLD}"', f"pin={quote}{OLD}{quote}").replace("\n", end)
    made = edited(text, "matrix.toml", {("repos", "lidb", "pin"): "1" * 40})
    assert made == text.replace(f"pin={quote}{OLD}", f"pin={quote}{'1' * 40}")


@pytest.mark.parametrize(
    "table",
    [
        pytest.param('repos.lidb = { url = "https://x.org/x", pin = "PIN" }', id="inline"),
        pytest.param('repos.lidb.pin = "PIN"\nrepos.lidb.url = "https://x.org/x"', id="dotted"),
        pytest.param('[repos]\nlidb.url = "https://x.org/x"\n"lidb" . "pin" = "PIN"', id="quoted"),
    ],
)
def test_every_way_to_write_a_table_is_found(table: str) -> None:
    job = '[jobs.a]\nsummary = "s"\nrepo = "lidb"\nrun = ["a"]\nreports = [{ kind = "pytest", min_tests = 1 }]'
    text = f"schema = 1\n{table}\n{job}".replace("PIN", OLD)
    made = edited(text, "matrix.toml", {("repos", "lidb", "pin"): "1" * 40})
    assert made == text.replace(OLD, "1" * 40)


def test_our_own_matrix_can_be_moved_as_a_whole() -> None:
    text, ours = OURS.read_text(encoding="utf-8"), load(OURS)
    wanted: dict[Keys, str] = {("repos", name, "pin"): f"{number}" * 40 for number, name in enumerate(ours.repos, 1)}
    wanted |= {("actions", name, "version"): "v99.0.0" for name in ours.actions} | {("self", "commit"): "f" * 40}
    lines = zip(text.split("\n"), edited(text, "matrix.toml", wanted).split("\n"), strict=True)
    changed = [new for old, new in lines if old != new]
    assert len(changed) == len(wanted)
    assert all(line.startswith(("pin = ", "commit = ", '"actions/')) for line in changed)
