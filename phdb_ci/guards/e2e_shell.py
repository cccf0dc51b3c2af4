"""Where a shell text drops the exit code of a command, and where it sets LI_LIDB_MOCK. Pure.

Read line by line, continuation lines joined. What it holds back from: a code that is kept (`code=$?`) and given back
(`exit $code`) is honest, whatever `set +e` stands around it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from phdb_ci.guards.code import without_hash_comment

DROPPED = re.compile(
    r"\|\|\s*(\{\s*)?(true|:|/bin/true|exit\s+0|echo|printf|return\s+0|set\s|[A-Za-z_]\w*=)|;\s*(true|:|exit\s+0)\s*(;|$)"
)
KEPT = re.compile(r"\|\|\s*(\{\s*)?([A-Za-z_]\w*)=(\"?\$\?|1\b|fail)")
GIVEN_BACK = re.compile(
    r"\b(exit|return)\s+\"?\$\{?\w+|\bexit\s+[1-9]|\(\(\s*\w+\s*\)\)|\[\s*\"?\$\{?\w+[^\[\]]*-(eq|ne)\s+0"
)
PIPED = re.compile(r"(?<![|>])\|(?![|&])|\|&")
MOCK_SET = re.compile(
    r"\bLI_LIDB_MOCK=[\"']?(?!0\b|false\b|[\"'\s;]|$)[^\s\"';]|\bLI_LIDB_MOCK\s+1\b|\$\{LI_LIDB_MOCK:?[-=]1"
)
MAX_CALLS = 50  # of the suite in one text


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Line number and text, continued lines as one, comments as nothing."""
    found: list[tuple[int, str]] = []
    begin = 0
    parts: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = without_hash_comment(raw).rstrip()
        begin = begin if parts else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith(("\\", "||", "&&")):
            found.append((begin, " ".join(parts)))
            parts = []
    return [*found, (begin, " ".join(parts))] if parts else found


def lost_exit_codes(
    text: str, command: re.Pattern[str], *, strict: bool, pipefail: bool
) -> Iterator[tuple[int, str]]:
    """Line and reason for each call of `command` whose failure would not end the text red.

    Args:
        text: of a step or script.
        command: what is looked for.
        strict: whether it begins under `set -e`, as a step on GitHub does.
        pipefail: the same for `set -o pipefail`.
    """
    lines = logical_lines(text)
    calls = 0
    for index, (number, line) in enumerate(lines):
        if re.match(r"\s*set\s", line):
            strict = (strict or re.search(r"\s-\w*e|-o\s+errexit", line) is not None) and not re.search(
                r"\s\+\w*e|\+o\s+errexit", line
            )
            pipefail = pipefail or ("pipefail" in line and "+o pipefail" not in line)
            continue
        found = command.search(line)
        if not found or re.match(r"\s*(echo|printf|:)\s", line):
            continue
        calls += 1
        if calls > MAX_CALLS:
            yield number, f"cannot tell: this is more than {MAX_CALLS} calls of engine e2e in one text"
            return
        rest = [after for _, after in lines[index + 1 :] if after.strip()]
        why = _lost(line, found.end(), rest, strict=strict, pipefail=pipefail)
        if why:
            yield number, why


@lru_cache(maxsize=65536)
def _gives_back(line: str) -> bool:
    """Whether something is made of an exit code here; asked for each call above it."""
    return GIVEN_BACK.search(line) is not None


def _lost(line: str, end: int, rest: list[str], *, strict: bool, pipefail: bool) -> str | None:
    behind = line[end:]
    if KEPT.search(behind):
        kept = any(_gives_back(after) for after in [behind, *rest])
        return None if kept else "the exit code of engine e2e is kept and never given back"
    background = re.search(r"(?<![&>|])&\s*$", behind) and not any(
        re.match(r"\s*wait\s+\S", after) for after in rest
    )
    asked = re.match(r"\s*(if|elif|while|until|!)\s", line) is not None
    reasons = (
        (
            DROPPED.search(behind) and not re.search(r"\|\|[^|]*\bexit\s+[1-9]", behind),
            "the exit code of engine e2e is dropped",
        ),
        (
            PIPED.search(behind) and not pipefail,
            "the exit code of engine e2e is lost in a pipe without pipefail",
        ),
        (background, "engine e2e runs in the background, nobody waits for its exit code"),
        (
            asked and not _branch_fails(behind, rest),
            "the exit code of engine e2e is asked for and then dropped",
        ),
        (
            not asked and not strict and not _last_or_given_back(behind, rest),
            "a failing engine e2e does not end this script: there is no set -e",
        ),
    )
    return next((why for holds, why in reasons if holds), None)


def _branch_fails(behind: str, rest: list[str]) -> bool:
    """Whether the `if` around the command has a branch that ends red, or notes a failure that later does."""
    end = next((i for i, after in enumerate(rest) if re.match(r"\s*(fi|done)\b", after)), len(rest))
    inside = [behind, *rest[:end]]
    noted = any(re.search(r"\b\w+=(1\b|\"?\$\?|fail|true)", after) for after in inside)
    return any(_gives_back(after) for after in (inside + rest[end:] if noted else inside))


def _last_or_given_back(behind: str, rest: list[str]) -> bool:
    """Without `set -e`: it is the last command, or the very next thing looks at `$?` and something exits by it."""
    following = [piece for piece in behind.split(";")[1:] if piece.strip()] + rest
    if not following:
        return True
    return "$?" in following[0] and any(_gives_back(after) for after in following)


def mocked(text: str) -> list[int]:
    """The lines that set LI_LIDB_MOCK to something that counts as on."""
    if "LI_LIDB_MOCK" not in text:
        return []
    return [
        number
        for number, line in logical_lines(text)
        if MOCK_SET.search(line) and not re.search(r"\bunset\b", line)
    ]
