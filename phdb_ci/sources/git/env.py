"""The environment that git gets, and what of git's words may be shown. Pure.

Two kinds of commands: those that talk to the world or read a user's repository (`clean_env`: the user's
configuration counts, as it holds proxies, credentials and `insteadOf`), and those on our own mirrors and
checkouts (`sealed_env`: nothing of the machine counts, so that the result is the same everywhere and no
filter or hook of anybody runs).
"""

import re
from collections.abc import Mapping

# Git exports GIT_DIR, GIT_INDEX_FILE and more to its hooks, and `git rebase --exec` to its commands: with
# them a run started from a hook would read and write the repository that is being committed to. So every
# GIT_* is dropped, but these, which say how to reach a remote and who we are there. GIT_CONFIG_COUNT and its
# pairs carry `insteadOf` and tokens on CI machines; GIT_CONFIG_PARAMETERS does not stay, as it is how `git
# -c` passes its own settings on to hooks.
_KEPT = re.compile(
    r"GIT_(ALLOW_PROTOCOL|ASKPASS|EXEC_PATH|PROXY_COMMAND|SSH|SSH_COMMAND|SSH_VARIANT"
    r"|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)"
    r"|(SSL|PROXY_SSL|HTTP|PYTHON)_\w+)"
)  # fmt: skip
_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",  # a CI machine must fail, not wait for a password
    "GIT_OPTIONAL_LOCKS": "0",  # reading a user's repository writes nothing there
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its id says
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",  # messages are matched
    "LANGUAGE": "C",
}
_PROTOCOLS = "file:git:http:https:ssh"  # never ext::, which runs any command
_SEALED = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_ATTR_NOSYSTEM": "1",
}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")


def clean_env(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the GIT_* variables that would redirect git, plus our fixed ones."""
    allowed = {name: value for name, value in environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    return {"GIT_ALLOW_PROTOCOL": _PROTOCOLS} | allowed | _FIXED


def sealed_env(environ: Mapping[str, str]) -> dict[str, str]:
    """`clean_env` without any configuration of this machine or user."""
    return clean_env(environ) | _SEALED


def mask(text: str) -> str:
    """`text` with the user and password of every URL hidden; a token in a URL is a secret."""
    return _CREDENTIALS.sub("***@", text)
