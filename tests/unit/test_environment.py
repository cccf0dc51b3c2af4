"""What comes in from the caller's environment, and what must not show."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.execution.workspace.environment import ALLOWED, QUIET, clean_path, downloads, outside, secrets

HARMFUL = (
    "LI_LIDB_MOCK",
    "LI_DATA_DIR",
    "LIDB_EMBED",
    "LIDB_REPO",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "CC",
    "CXX",
    "MAKEFLAGS",
    "CMAKE_GENERATOR",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "BASH_ENV",
    "ENV",
    "IFS",
    "GIT_DIR",
    "GIT_CONFIG",
    "VIRTUAL_ENV",
    "HOME",
    "TMPDIR",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "NPM_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "SSH_AUTH_SOCK",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "DOCKER_HOST",
    "SHELLOPTS",
    "PS4",
    "npm_config_ignore_scripts",
)


@pytest.mark.parametrize("name", HARMFUL)
def test_variable_that_would_falsify_a_job_or_leak_never_passes(name: str) -> None:
    assert name not in outside({name: "x", "PATH": "/bin"})


def test_only_the_allowed_pass() -> None:
    caller = {name: f"value of {name}" for name in (*ALLOWED, *HARMFUL, "LC_CTYPE", "PHDB_CI_CACHE")}
    caller["PATH"] = "/usr/bin:/bin"
    assert set(outside(caller)) == {*ALLOWED, "LC_CTYPE"}
    assert outside(caller)["PATH"] == "/usr/bin:/bin"


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_nothing_passes_that_is_not_on_the_list(caller: dict[str, str]) -> None:
    assert all(name in ALLOWED or name.startswith("LC_") for name in outside(caller))


def test_path_loses_the_harness_and_what_a_checkout_could_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    assert clean_path("/venv/bin:/usr/bin::.:node_modules/.bin:/bin") == "/usr/bin:/bin"
    assert clean_path("") == "/usr/local/bin:/usr/bin:/bin"
    assert clean_path(".:/venv/bin") == "/usr/local/bin:/usr/bin:/bin"


def test_path_of_a_system_interpreter_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    folder = str(Path(sys.executable).parent)
    assert clean_path(f"{folder}:/bin") == f"{folder}:/bin"


def test_settings_of_ours_carry_nothing_of_a_stack() -> None:
    assert not any(name.startswith(("LI_", "LIDB", "BENCH")) for name in (*QUIET, *downloads(Path("/cache"))))
    assert all(value.startswith("/cache/downloads/") for value in downloads(Path("/cache")).values())


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        pytest.param("GITHUB_TOKEN", "ghp_abcdef", ("ghp_abcdef",), id="token"),
        pytest.param("my_api_key", "abcdef", ("abcdef",), id="any case"),
        pytest.param("AWS_SECRET_ACCESS_KEY", "abcdef", ("abcdef",), id="secret"),
        pytest.param("AWS_ACCESS_KEY_ID", "AKIAABCDEF", ("AKIAABCDEF",), id="access key"),
        pytest.param("GH_PAT", "abcdef", ("abcdef",), id="personal access token"),
        pytest.param("PGPASSWORD", "hunter22", ("hunter22",), id="password"),
        pytest.param("SIGNING_PRIVATE", "-----BEGIN\nabc", ("-----BEGIN\nabc",), id="several lines"),
        pytest.param("GITHUB_TOKEN", "short", (), id="too short to tell from text"),
        pytest.param("PATH", "/usr/bin", (), id="no secret"),
        pytest.param("POSTGRES_URL", "postgres://me:pa55@db/x", ("pa55",), id="password in a URL"),
        pytest.param("PIP_INDEX_URL", "https://me:p%40ss%2F1@h/", ("p%40ss%2F1", "p@ss/1"), id="also as it is meant"),
        pytest.param("POSTGRES_URL", "postgresql://u@h/db?password=s3cret", ("s3cret",), id="password behind the ?"),
        pytest.param(
            "POSTGRES_URL",
            "postgresql:///db?host=/run&sslpassword=a%2Fb%2Bc&application_name=other",
            ("a%2Fb%2Bc", "a/b+c"),
            id="password of a client key",
        ),
        pytest.param("URLS", "https://a:onee@h https://b:twoo@h", ("onee", "twoo"), id="two URLs"),
        pytest.param(
            "REMOTE", "https://ghp_0123456789abcdef@github.com/", ("ghp_0123456789abcdef",), id="user is a token"
        ),
        pytest.param("REMOTE", "ssh://git@github.com/x", (), id="user is a name"),
        pytest.param("ODD", "https://[broken@://", (), id="no URL"),
    ],
)
def test_secrets_are_found(name: str, value: str, found: tuple[str, ...]) -> None:
    assert secrets({name: value}) == tuple(sorted(found))


@given(st.dictionaries(st.text(), st.text()))
def test_no_environment_breaks_the_search_for_secrets(caller: dict[str, str]) -> None:
    assert all(secrets(caller))
