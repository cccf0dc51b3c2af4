"""`phdb-ci render`: what it writes, what `--check` says, and whose files `--to` puts where."""

import json
import os
import shutil
from pathlib import Path

import pytest

from phdb_ci.cli import main
from phdb_ci.errors import Exit
from phdb_ci.matrix import load
from phdb_ci.rendering.workflows import workflow_files
from tests.repositories import git, init, listing

ROOT = Path(__file__).parents[2]
PR_GATE = ".github/workflows/pr-gate.yml"
GATE, VERDICT, EMBED = (f".github/workflows/phdb-{name}.yml" for name in ("gate", "verdict", "embed"))
AGGREGATE = ".github/workflows/phdb-aggregate.yml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of our matrix, in which the verb is called."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(ROOT / "matrix.toml", folder / "matrix.toml")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def rendered(home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The same with every file rendered."""
    assert main(["render"]) == Exit.PASS
    capsys.readouterr()
    return home


def edit(home: Path, old: str, new: str) -> None:
    text = (home / "matrix.toml").read_text()
    assert text.count(old) == 1
    (home / "matrix.toml").write_text(text.replace(old, new))


def files(home: Path) -> set[str]:
    found = {path.relative_to(home) for path in home.rglob("*") if not path.is_dir()}
    return {path.as_posix() for path in found if ".git" not in path.parts}


# Writing


def test_every_file_is_written_beside_the_matrix(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = workflow_files(load(home / "matrix.toml"))
    assert main(["render"]) == Exit.PASS

    assert files(home) == {"matrix.toml", *wanted}
    assert all((home / path).read_text() == text for path, text in wanted.items())
    said = capsys.readouterr().out.splitlines()
    assert said == [*(f"wrote {path}" for path in wanted), f"{len(wanted)} files, {len(wanted)} written"]


def test_place_of_the_matrix_decides_and_not_where_one_stands(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", "--matrix", "home/matrix.toml"]) == Exit.PASS

    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert (home / PR_GATE).is_file()


def test_second_time_writes_nothing(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = listing(rendered)
    assert main(["render"]) == Exit.PASS

    assert capsys.readouterr().out.endswith(" files, 0 written\n")
    assert listing(rendered) == before


def test_only_what_differs_is_written(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rendered / PR_GATE).write_text("mine\n")
    before = listing(rendered)
    assert main(["render", "--json"]) == Exit.PASS

    assert json.loads(capsys.readouterr().out) == {"written": [PR_GATE]}
    assert {path for path, facts in listing(rendered).items() if facts != before[path]} - {".github/workflows"} == {
        PR_GATE
    }


@pytest.mark.parametrize("path", ["workflows/lis/old.yml", "workflows/README.md", ".github/workflows/own.yml"])
def test_file_that_no_template_makes_is_an_error_and_nothing_is_written(
    home: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    (home / path).parent.mkdir(parents=True)
    (home / path).write_text("x")
    before = listing(home)
    assert main(["render"]) == Exit.USAGE

    said = capsys.readouterr().err
    assert said.startswith(f"error: no template makes {path}: nothing would keep it current\n")
    assert f"rm {path}" in said
    assert listing(home) == before


@pytest.mark.parametrize("to", ["nowhere", "elsewhere"])
def test_link_at_the_place_of_a_file_is_replaced_and_not_followed(rendered: Path, tmp_path: Path, to: str) -> None:
    (tmp_path / "elsewhere").write_text("mine\n")
    (rendered / PR_GATE).unlink()
    (rendered / PR_GATE).symlink_to(tmp_path / to)
    assert main(["render", "--check"]) == Exit.FAIL
    assert main(["render"]) == Exit.PASS

    assert not (rendered / PR_GATE).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "mine\n"
    assert not (tmp_path / "nowhere").exists()
    assert main(["render", "--check"]) == Exit.PASS


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_place_of_a_file_that_holds_something_else_is_told(
    rendered: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (rendered / PR_GATE).unlink()
    if kind == "folder":
        (rendered / PR_GATE).mkdir()
    else:
        os.mkfifo(rendered / PR_GATE)
    for options in ([], ["--check"]):
        assert main(["render", *options]) == Exit.INCOMPLETE
        assert f"error: {rendered / PR_GATE} cannot be " in capsys.readouterr().err


# Checking


def test_check_of_current_files_is_a_pass(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = listing(rendered)
    assert main(["render", "--check"]) == Exit.PASS

    assert capsys.readouterr().out == f"{len(workflow_files(load(Path('matrix.toml'))))} files are current\n"
    assert main(["render", "--check", "--json"]) == Exit.PASS
    said = json.loads(capsys.readouterr().out)
    assert (said["changed"], said["unknown"]) == ([], [])
    assert listing(rendered) == before


def test_our_own_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--check", "--matrix", str(ROOT / "matrix.toml")]) == Exit.PASS, capsys.readouterr()


def test_check_after_an_edit_of_the_matrix_shows_file_difference_and_command(
    rendered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(rendered, 'timeout = "45m"', 'timeout = "56m"')
    before = listing(rendered)
    assert main(["render", "--check"]) == Exit.FAIL

    said = capsys.readouterr().out
    nightly = ".github/workflows/nightly.yml"
    assert said.startswith(f"{nightly}: is not what the matrix renders\n")
    assert f"--- {nightly} (on disk)\n+++ {nightly} (rendered)\n@@" in said
    assert "-    timeout-minutes: 60\n+    timeout-minutes: 71\n" in said
    assert said.count("\n@@ ") == 1
    count = len(workflow_files(load(Path("matrix.toml"))))
    assert said.endswith(f"1 of {count} files differ. Repair: phdb-ci render\n")
    assert listing(rendered) == before
    assert main(["render"]) == Exit.PASS
    assert main(["render", "--check"]) == Exit.PASS


def test_check_names_what_is_missing_and_what_is_unknown(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rendered / PR_GATE).unlink()
    (rendered / "workflows" / "lic" / "more.yml").write_text("x")
    assert main(["render", "--check"]) == Exit.FAIL

    said = capsys.readouterr().out
    assert f"{PR_GATE}: is not there\n" in said
    assert "workflows/lic/more.yml: no template makes it" in said
    assert main(["render", "--check", "--json"]) == Exit.FAIL
    told = json.loads(capsys.readouterr().out)
    assert (told["changed"], told["unknown"]) == ([PR_GATE], ["workflows/lic/more.yml"])


def test_unknown_file_alone_is_a_difference(rendered: Path) -> None:
    (rendered / "workflows" / "more.yml").write_text("x")

    assert main(["render", "--check"]) == Exit.FAIL


@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"\r\n", "größe".encode("latin-1")])
def test_file_of_other_bytes_differs(rendered: Path, data: bytes) -> None:
    path = rendered / PR_GATE
    path.write_bytes(path.read_bytes() + data)
    assert main(["render", "--check"]) == (Exit.FAIL if data else Exit.PASS)
    assert main(["render"]) == Exit.PASS

    assert main(["render", "--check"]) == Exit.PASS


def test_line_ends_of_another_system_differ(rendered: Path) -> None:
    path = rendered / PR_GATE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert main(["render", "--check"]) == Exit.FAIL


def test_repair_names_the_matrix_that_was_named(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (rendered / PR_GATE).unlink()
    monkeypatch.chdir(tmp_path)
    init(tmp_path / "my lis")
    assert main(["render", "--check", "--matrix", "home/matrix.toml"]) == Exit.FAIL
    assert capsys.readouterr().out.endswith("Repair: phdb-ci render --matrix home/matrix.toml\n")
    assert main(["render", "--check", "--matrix", "home/matrix.toml", "--to", "lis=my lis"]) == Exit.FAIL

    assert capsys.readouterr().out.endswith("--matrix home/matrix.toml --to 'lis=my lis'\n")


# Into a checkout


@pytest.mark.parametrize(
    ("repo", "wanted"),
    [
        ("lis", {GATE, VERDICT}),
        ("benchmarks", {GATE, VERDICT}),
        ("li-cursor-agents", {GATE, VERDICT}),
        ("lidb", {GATE, VERDICT, EMBED}),
        ("lic", {AGGREGATE}),
    ],
)
def test_checkout_gets_its_own_files_and_no_other(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], repo: str, wanted: set[str]
) -> None:
    target = tmp_path / "checkout"
    (init(target) / ".github" / "workflows").mkdir(parents=True)
    (target / ".github" / "workflows" / "ci.yml").write_text("theirs\n")
    assert main(["render", "--check", "--to", f"{repo}={target}"]) == Exit.FAIL
    assert f"Repair: phdb-ci render --to {repo}={target}\n" in capsys.readouterr().out
    assert main(["render", "--to", f"{repo}={target}"]) == Exit.PASS

    assert files(target) == {".github/workflows/ci.yml", *wanted}
    assert (target / ".github" / "workflows" / "ci.yml").read_text() == "theirs\n"
    assert files(home) == {"matrix.toml"}
    assert main(["render", "--check", "--to", f"{repo}={target}"]) == Exit.PASS


def test_files_in_a_checkout_are_those_that_lie_here(rendered: Path, tmp_path: Path) -> None:
    targets = {name: tmp_path / name for name in ("lis", "lidb")}
    for target in targets.values():
        init(target)
    assert main(["render", *(f"--to={name}={path}" for name, path in targets.items())]) == Exit.PASS

    for name, target in targets.items():
        for path in files(target):
            here = rendered / "workflows" / name / Path(path).name
            assert (target / path).read_bytes() == here.read_bytes()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("lids=there", 'no file is rendered for lids. Perhaps you meant "lis"?'),
        ("zzz=there", "no file is rendered for zzz.\nThings to try:\n  - one of benchmarks, li-cursor-agents, lic"),
        ("lis=nowhere", "--to lis=nowhere: there is no such directory"),
        ("lis=matrix.toml", "there is no such directory"),
        ("lis", "--to lis: expected REPO=DIR"),
        ("lis=", "expected REPO=DIR"),
        ("=there", "expected REPO=DIR"),
        ("../lis=there", "no file is rendered for ../lis."),
    ],
)
def test_target_that_cannot_be_is_refused_and_nothing_is_written(
    home: Path, capsys: pytest.CaptureFixture[str], option: str, told: str
) -> None:
    init(home / "there")
    for options in ([], ["--check"]):
        assert main(["render", *options, "--to", option]) == Exit.USAGE
        assert told in capsys.readouterr().err
    assert files(home) == {"matrix.toml"}


def test_folder_that_is_no_checkout_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(home / "there" / "lis")
    (home / "there" / "lis" / "inside").mkdir()
    for place in ("there", "there/lis/inside"):
        assert main(["render", "--to", f"lis={place}"]) == Exit.USAGE
        assert f"--to lis={place}: this is not a checkout of a git repository" in capsys.readouterr().err
    assert files(home) == {"matrix.toml"}


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("https://github.com/li-langverse/lis.git", Exit.PASS),
        ("git@github.com:somebody/LIS", Exit.PASS),
        ("../lis/", Exit.PASS),
        ("https://user:secret@github.com/li-langverse/lidb.git", Exit.USAGE),
        ("https://github.com/lis/dotfiles", Exit.USAGE),
    ],
)
def test_checkout_of_another_repository_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], origin: str, code: Exit
) -> None:
    git(init(home / "there"), "remote", "add", "origin", origin)
    assert main(["render", "--to", "lis=there"]) == code
    told = capsys.readouterr().err
    assert "secret" not in told
    assert ("--to lis=there: this is a checkout of " in told) == (code != Exit.PASS)


def test_one_target_that_cannot_be_keeps_all_from_being_written(home: Path) -> None:
    init(home / "there")

    assert main(["render", "--to", "lis=there", "--to", "lidb=nowhere"]) == Exit.USAGE
    assert files(home) == {"matrix.toml"}


def test_what_was_put_into_a_checkout_is_told_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(home / "there")
    assert main(["render", "--json", "--to", "lis=there"]) == Exit.PASS

    assert set(json.loads(capsys.readouterr().out)["written"]) == {f"there/{GATE}", f"there/{VERDICT}"}


def test_matrix_that_cannot_be_rendered_leaves_all_as_it_was(
    rendered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(rendered, '"actions/setup-node" = ', '"actions/setup-nodes" = ')
    before = listing(rendered)
    for options in ([], ["--check"], ["--to", "lis=workflows"]):
        assert main(["render", *options]) == Exit.USAGE
        assert "the workflows use actions/setup-node, and the matrix does not pin it" in capsys.readouterr().err
    assert listing(rendered) == before
