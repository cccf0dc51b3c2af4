"""The command line: one record of verbs, help and usage made of it, where the matrix is looked for, plain messages."""

import io
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from phdb_ci import cli
from phdb_ci.base.files import usual_matrix
from phdb_ci.cli import main
from phdb_ci.commands._verbs import VERBS, Parser
from phdb_ci.errors import Exit, UsageError

ROOT = Path(__file__).parents[2]
MATRIX = """
schema = 1
[repos.lidb]
url = "https://github.com/acme/lidb.git"
pin = "c0ffee0000000000000000000000000000000000"
[artifacts.engine]
repo = "lidb"
inputs = ["src", "CMakeLists.txt"]
build = ["make"]
outputs = ["engine"]
[jobs.style]
summary = "the style of every file"
repo = "lidb"
artifacts = ["engine"]
run = ["make"]
reports = [{ kind = "pytest", min_tests = 2 }]
[gates.quick]
summary = "is it good?"
jobs = ["style"]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a matrix, in which the verbs are called; a cache beside it; no network."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "matrix.toml").write_text(MATRIX)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str, code: Exit = Exit.USAGE) -> str:
    """The error that this command line gives; nothing on standard output could be taken for an answer."""
    assert main(words) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    return shown.err


# One record of verbs


def test_every_verb_has_its_own_file_and_every_file_is_a_verb() -> None:
    files = {path.stem for path in (ROOT / "phdb_ci" / "commands").glob("*.py") if path.stem[0] != "_"}
    assert files == set(VERBS)


def test_verb_is_said_once_and_in_one_shape() -> None:
    assert list(VERBS) == [verb.name for verb in VERBS.values()]
    for verb in VERBS.values():
        assert verb.summary[0].islower(), verb.name
        assert verb.summary[-1].isalpha(), verb.name
        assert len(f"  {verb.name:<10}  {verb.summary}") <= 80


@pytest.mark.parametrize("name", VERBS)
def test_example_of_a_verb_is_one_that_it_takes(name: str) -> None:
    first, *words = VERBS[name].example.split(" > ")[0].split()
    assert first == name
    assert Parser(VERBS[name]).parse(words).json is False


def test_help_names_every_verb_below_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.PASS
    lines = capsys.readouterr().out.splitlines()

    for verb in VERBS.values():
        assert lines.index(verb.group) < next(
            number for number, line in enumerate(lines) if line.split() == [verb.name, *verb.summary.split()]
        )
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 50, "one screen"


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_explains_every_option_and_ends_in_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    text = capsys.readouterr().out

    assert caught.value.code == 0
    assert text.endswith(f"example\n  phdb-ci {VERBS[verb].example}\n")
    actions = Parser(VERBS[verb])._actions
    assert [action.option_strings or action.dest for action in actions if not action.help] == []


def test_modules_of_verbs_are_where_dispatch_looks() -> None:
    assert all(find_spec(f"phdb_ci.commands.{name}") for name in VERBS)


# Usage


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        pytest.param(["run", "--verbos"], ["phdb-ci run has no option --verbos.", "usage: phdb-ci run "], id="unknown"),
        pytest.param(
            ["run", "x", "--stak=y"], ['no option --stak=y. Perhaps you meant "--stack"?'], id="near, a value"
        ),
        pytest.param(["cache", "--prunee"], ['Perhaps you meant "--prune"?', "usage: phdb-ci cache "], id="near"),
        pytest.param(
            ["doctor", "now"], ["phdb-ci doctor has no argument now.", "usage: phdb-ci doctor"], id="argument"
        ),
        pytest.param(["run", "--jobs", "x"], ["--jobs: invalid int value", "usage: phdb-ci run "], id="value"),
        pytest.param(["verdict"], ["required: ", "usage: phdb-ci verdict "], id="missing"),
        pytest.param(["rnu"], ['there is no verb rnu. Perhaps you meant "run"?', "verbs: plan, run, "], id="verb"),
        pytest.param(["--versoin"], ['Perhaps you meant "--version"?'], id="option without a verb"),
        pytest.param([], ["which verb?", "phdb-ci --help"], id="nothing"),
    ],
)
def test_wrong_usage_says_what_is_right(capsys: pytest.CaptureFixture[str], words: list[str], texts: list[str]) -> None:
    shown = told(capsys, *words)
    assert shown.count("error: ") == 1
    for text in texts:
        assert text in shown


@pytest.mark.parametrize("words", [["a", "b", "--stack", "s"], ["--stack", "s", "a", "b"], ["a", "--stack", "s", "b"]])
def test_names_may_stand_before_and_behind_options(words: list[str]) -> None:
    arguments = Parser(VERBS["run"]).parse(words)
    assert (arguments.names, arguments.stack) == (["a", "b"], Path("s"))


@pytest.mark.parametrize("words", [["run"], ["plan"], ["plan", "--markdown"], ["run", "--json"]])
def test_bare_run_and_plan_list_what_there_is(home: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert home.is_dir()
    assert told(capsys, *words) == (
        "error: what to run? Name gates, jobs or artifacts.\n\n"
        "gates\n  quick  is it good?\n\n"
        "jobs\n  style  the style of every file\n\n"
        "artifacts\n  engine  built from lidb\n"
    )


def test_unknown_gate_of_a_verdict_is_told_with_the_nearest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.is_dir()
    assert 'no gate of the matrix. Perhaps you meant "quick"?' in told(capsys, "verdict", ".", "--gate", "quik")


# Where the matrix is looked for


def test_matrix_is_found_in_a_folder_above(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = home / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert usual_matrix() == Path("../../matrix.toml")
    arguments = cli.parsed(["doctor"])
    assert arguments is not None
    assert arguments.matrix == Path("../../matrix.toml")
    (home / "a" / "matrix.toml").mkdir()
    assert usual_matrix() == Path("../../matrix.toml"), "a folder of that name is no matrix"
    (deep / "matrix.toml").touch()
    assert usual_matrix() == Path("matrix.toml"), "the nearest one"


def test_matrix_that_is_nowhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = told(capsys, "plan", "quick")
    assert "there is no file matrix.toml" in shown
    assert "--matrix FILE" in shown


def test_what_belongs_to_the_matrix_stays_beside_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from phdb_ci.commands._options import matrix_option, runs_of

    (home / "below").mkdir()
    monkeypatch.chdir(home / "below")
    above = usual_matrix()
    assert runs_of(above).resolve() == home / ".phdb-ci" / "runs"
    assert matrix_option(above) == [], "a command need not name what is found without"
    told(capsys, "publish", "--dry-run")
    assert main(["cache"]) == Exit.PASS
    assert not (home / "below" / ".phdb-ci").exists()
    monkeypatch.chdir(tmp_path)
    named = Path("home/matrix.toml")
    assert runs_of(named) == Path(".phdb-ci/runs"), "one that was named leaves its runs here"
    assert matrix_option(named) == ["--matrix", "home/matrix.toml"]


# Plain messages


@pytest.mark.parametrize("form", [["--repo", "lidb=./stray"], ["--stack", "."]])
def test_folder_without_the_inputs_of_an_artifact_is_not_taken_for_its_repo(
    home: Path, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    for name in ("stray", "lidb"):
        (home / name).mkdir()
        (home / name / "notes.txt").write_text("hello\n")
    shown = told(capsys, "plan", "quick", *form)
    assert "holds none of the inputs of engine: src, CMakeLists.txt" in shown
    assert f"({form[0]} " in shown


def test_cache_that_cannot_be_written_is_named_with_its_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "lidb" / "src").mkdir(parents=True)
    (home / "lidb" / "src" / "a").touch()
    monkeypatch.setenv("PHDB_CI_CACHE", "/proc/nope")
    shown = told(capsys, "plan", "quick", "--stack", ".", code=Exit.INCOMPLETE)
    assert "the cache cannot be written: its lock /proc/nope/" in shown
    assert "PHDB_CI_CACHE" in shown


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"schema_version": 1, "outcome": "green"}', "tool: Field required (and "),
        ("[]", "Input should be an object"),
        ("{", "Invalid JSON: "),
    ],
)
def test_file_that_is_no_verdict_is_named_with_its_key(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    (home / "v.json").write_text(text)
    shown = told(capsys, "publish", "--dry-run", "v.json")
    assert f"error: v.json: not a verdict of schema version 1: {fault}" in shown
    assert "validation error" not in shown


def test_older_python_is_told_by_the_noxfile() -> None:
    stand_in = "sys.modules |= {'nox': sys, 'nox.command': types.SimpleNamespace(CommandFailed=None), 'tomllib': None}"
    code = f"import sys, types; {stand_in}; exec(open('noxfile.py').read())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("phdb-ci needs Python 3.11 or newer, and nox runs on ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_no_encoding_is_an_error(home: Path, encoding: str) -> None:
    (home / "matrix.toml").write_text(MATRIX.replace("is it good?", "ist es schön? ✓ 日"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "phdb_ci", "run"],
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "ist es sch" in done.stderr.decode(encoding)
    assert "+ \\u65e5" in done.stderr.decode(encoding)


def test_stream_that_cannot_be_set_up_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert main(["--version"]) == Exit.PASS
    assert main(["--help"]) == Exit.PASS


def test_error_of_a_parser_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        Parser(VERBS["cache"]).parse(["--keep", "many"])
