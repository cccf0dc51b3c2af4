"""What git gets to see of the caller's environment, and what of git's words is shown."""

from pathlib import Path

import pytest

from phdb_ci.errors import ToolError
from phdb_ci.sources.git.command import Done, git
from phdb_ci.sources.git.env import clean_env, mask, sealed_env


@pytest.mark.parametrize(
    "name",
    [
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_CONFIG_PARAMETERS",
        "GIT_TRACE", "GIT_EXTERNAL_DIFF", "GIT_TEMPLATE_DIR", "GIT_AUTHOR_NAME",
    ],
)  # fmt: skip
def test_what_hooks_set_is_dropped(name: str) -> None:
    assert name not in clean_env({name: "x"})


@pytest.mark.parametrize(
    "name",
    [
        "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY", "GIT_ALLOW_PROTOCOL",
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_12",
        "GIT_HTTP_PROXY_AUTHMETHOD", "HTTPS_PROXY", "SSH_AUTH_SOCK", "HOME",
    ],
)  # fmt: skip
def test_what_reaches_a_remote_is_kept(name: str) -> None:
    assert clean_env({name: "x"})[name] == "x"


def test_prompts_and_foreign_words_are_off() -> None:
    made = clean_env({"LC_ALL": "de_DE.UTF-8", "GIT_TERMINAL_PROMPT": "1"})
    assert (made["GIT_TERMINAL_PROMPT"], made["LC_ALL"], made["GIT_OPTIONAL_LOCKS"]) == ("0", "C", "0")


def test_ext_protocol_is_never_allowed_by_default() -> None:
    assert "ext" not in clean_env({})["GIT_ALLOW_PROTOCOL"].split(":")


def test_sealed_commands_see_no_configuration() -> None:
    made = sealed_env({"GIT_CONFIG_GLOBAL": "/x", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.editor"})
    assert (made["GIT_CONFIG_GLOBAL"], made["GIT_CONFIG_COUNT"], made["GIT_CONFIG_NOSYSTEM"]) == ("/dev/null", "0", "1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:token@host/x.git", "https://***@host/x.git"),
        ("fatal: 'https://ghp_abc@host/x'", "fatal: 'https://***@host/x'"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("https://host/a@b", "https://host/a@b"),
    ],
)
def test_credentials_in_urls_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("warning: w\nfatal: one\n", "fatal: one"),
        (("git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
         "Please make sure you have the correct access rights\nand the repository exists.\n"),
         "git@host: Permission denied (publickey)."),
        ("fatal: could not read Password for 'https://u:secret@host'",
        "fatal: could not read Password for 'https://***@host'"),
        ("", "no message"),
    ],
)  # fmt: skip
def test_the_telling_line_is_found(said: str, line: str) -> None:
    assert Done(1, b"", said).line == line


def test_inherited_git_dir_changes_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert git("-C", str(tmp_path), "rev-parse", "--git-dir").err.startswith("fatal: not a git repository (or any")


def test_missing_git_is_a_tool_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git("version")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="git is not installed"):
        git("version")
