"""`phdb-ci publish` as a command: what it refuses before it contacts anybody, and what it shows dry."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from phdb_ci.commands import publish
from phdb_ci.errors import ResultsError, UsageError
from tests.integration.github.world import TOKEN, World, failing

NONE = {
    "verdict": None, "dry_run": False, "repository": None, "run_id": None, "workflow": None,
    "author": None, "json": False, "matrix": Path("matrix.toml"),
}  # fmt: skip


def arguments(**told: object) -> Namespace:
    return Namespace(**NONE | told)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No GitHub, an empty directory."""
    for name in ("TOKEN", "REPOSITORY", "API_URL", "SERVER_URL", "STEP_SUMMARY"):
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_dry_run_shows_body_and_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(failing().model_dump_json())
    assert publish.main(arguments(verdict=file, dry_run=True)) == 0
    out = capsys.readouterr().out
    assert "## ❌ phdb-ci: 1 of 2 jobs failed" in out
    assert out.endswith(
        "phdb-ci / verdict: failure, 1 of 2 jobs failed\nphdb-ci / regressions: error, unknown: no baseline\n"
    )


def test_dry_run_takes_the_newest_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / ".phdb-ci/runs/latest"
    place.mkdir(parents=True)
    (place / "verdict.json").write_text(failing().model_dump_json())
    assert publish.main(arguments(dry_run=True, json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"]["state"] == "failure"
    assert told["body"].startswith("<!-- phdb-ci:verdict:v1 ")


def test_dry_run_without_a_run_says_what_to_do() -> None:
    with pytest.raises(ResultsError, match="there is no file"):
        publish.main(arguments(dry_run=True))


@pytest.mark.parametrize(
    ("told", "environment", "message"),
    [
        pytest.param({"verdict": Path("v.json")}, {}, "is shown and not published", id="local file"),
        pytest.param({"run_id": "1"}, {}, "set --repository OWNER/NAME or", id="no repository"),
        pytest.param({"repository": "a/b/c", "run_id": "1"}, {}, "a/b/c is not OWNER/NAME: set", id="repository"),
        pytest.param({"repository": "a/b"}, {}, "--run-id: expected the number", id="no run"),
        pytest.param({"repository": "a/b", "run_id": "0"}, {}, "--run-id", id="run 0"),
        pytest.param({"repository": "a/b", "run_id": "1; x"}, {}, "--run-id", id="run"),
        pytest.param({"repository": "a/b", "run_id": 1, "author": "a b"}, {}, "--as a b", id="login"),
        pytest.param({"repository": "a/b", "run_id": 1}, {}, "$GITHUB_TOKEN is not set", id="no token"),
        pytest.param(
            {"repository": "a/b", "run_id": 1}, {"TOKEN": TOKEN, "API_URL": "http://api.github.com"},
            "$GITHUB_API_URL=http://api.github.com", id="token in the clear",
        ),
        pytest.param(
            {"repository": "a/b", "run_id": 1}, {"TOKEN": TOKEN, "SERVER_URL": "https://x/)[y](https://z"},
            "$GITHUB_SERVER_URL=", id="server",
        ),
    ],
)  # fmt: skip
def test_wrong_use_is_said_before_anybody_is_contacted(
    told: dict[str, object], environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    with pytest.raises(UsageError) as caught:
        publish.main(arguments(**told))
    assert message in caught.value.message
    assert TOKEN not in caught.value.render()


def test_summary_of_the_job_says_what_was_done(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    world.gate()
    world.fake.pulls.clear()
    world.publish()
    assert "- `note: no open pull request has the head" in (tmp_path / "summary.md").read_text()


def test_repository_comes_from_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/lis")
    world.gate()
    assert world.publish(repository=None).code == 0
    assert world.states == ["success"]
