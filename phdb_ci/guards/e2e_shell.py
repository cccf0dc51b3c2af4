"""Where a shell text drops the exit code of a command, and where it sets LI_LIDB_MOCK. Pure.

Read line by line, continuation lines joined. A fallback (`||`) is honest when it ends red, or when it is the command
once more. What it holds back from: a code that is kept (`code=$?`) and given back (`exit $code`) is honest, whatever
`set +e` stands around it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from phdb_ci.guards.code import without_hash_comment
from phdb_ci.guards.sequence import Piece, fallbacks, follows, head, holder, opened, pieces, place, rest

KEPT = re.compile(r"[\s{(]*+([A-Za-z_]\w*+)(\+?=|\+\+)")
# `exit` alone gives the last exit code back: right behind `||` that is the failed one.
RED = re.compile(r"\b(?:exit|return)\s+[\"']?(?:[1-9]|\$\{?[A-Za-z_]|\$\(\()")
RED_AT_ONCE = re.compile(r"[\s{(]*+(?:exit|return)\b(?!\s+[\"']?[\w$])|[\s{(]*+(?:exit|return)\s+[\"']?\$\?")
FALSE = re.compile(r"(?:^|[\s;&({])false[\s;)}]*+$")
NAMED_RED = re.compile(r"[\s{(]*+(die|fail|fatal|abort|bail)\b")
GIVEN_BACK = re.compile(
    r"\b(exit|return)\s+\"?\$\{?\w+|\bexit\s+[1-9]|\(\(\s*\w+\s*\)\)|\[\s*\"?\$\{?\w+[^\[\]]*-(eq|ne|gt)\s+0"
)
SET = re.compile(r"[\s{]*+(?:(?:then|do|else)\s+)?set\s")
WORDS = re.compile(r"[\s{]*+(?:then\s+|do\s+|else\s+)?(?:echo|printf|:|grep|rg|jq|sed|awk|cat)(?:\s|$)")
BARE = re.compile(r"\s*+(?:[A-Za-z_]\w*+=)?\s*+")
ONLY_SETS = re.compile(r"\s*+(?:export\s++)?(?:[A-Za-z_]\w*+=(?:\"[^\"]*+\"|'[^']*+'|[^\s\"']*+)\s*+)+")
CLOSES = re.compile(r"\s*+(?:\)|\}|fi\b|done\b|esac\b)")
OPENS = re.compile(r"(?:^|\s)[({]\s*+$|^\s*+(?:if|for|while|until|case)\b(?!.*\b(?:fi|done|esac)\b)")
FUNCTION = re.compile(r"\s*+(?:function\s++)?([A-Za-z_][\w-]*+)\s*+\(\s*+\)\s*+\{(?:[^{}]*+\}\s*+)?$")
IGNORES = re.compile(r"\b(?:make|just)\s(?:[^\n]{0,200}?\s)?(?:-[A-Za-z]*i[A-Za-z]*|--ignore-errors)(?:\s|$)")
MOCK_SET = re.compile(
    r"\bLI_LIDB_MOCK=[\"']?(?!0\b|false\b|[\"'\s;]|$)[^\s\"';]|\bLI_LIDB_MOCK\s+1\b|\$\{LI_LIDB_MOCK:?[-=]1"
)
SWITCHED_ON = re.compile(r"\bLI_E2E_LIDB_ENGINE=[\"']?1")
# What runs tests; it runs the engine's where the switch is on.
RUNNER = re.compile(
    r"\bnode\s+(?:-[^\s|;&]+\s+){0,9}--test\b|\b(?:npm|pnpm|yarn)\s+(?:run\s+|-\S+\s+){0,9}test(?::e2e[\w:.-]*+)?(?![\w:-])"
    r"|\b(?:npx|pnpm exec|yarn)\s+(?:vitest|jest|playwright|mocha|ava)\b"
)
MAX_CALLS = 50  # of the suite in one text
DROPPED = "the exit code of engine e2e is dropped"


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


@dataclass(frozen=True)
class Options:
    """What `set` has set, and which functions end green although their names say otherwise."""

    strict: bool
    pipefail: bool
    green: frozenset[str] = frozenset()

    def after(self, texts: Sequence[str]) -> "Options":
        """With the `set` commands among these pieces obeyed."""
        strict, pipefail = self.strict, self.pipefail
        for text in texts:
            if SET.match(text):
                on = re.search(r"\s-\w*e|-o\s+errexit", text) is not None
                strict = (strict or on) and re.search(r"\s\+\w*e|\+o\s+errexit", text) is None
                pipefail = (pipefail or "pipefail" in text) and "+o pipefail" not in text
        return Options(strict, pipefail, self.green)


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
    command, green = _functions(lines, command)
    options = Options(strict, pipefail, green)
    calls = 0
    yield from _traps(lines, text, command)
    for index, (number, line) in enumerate(lines):
        found = [match.end() - 1 for match in command.finditer(line)][: MAX_CALLS + 1]
        parts = pieces(line) if found or "set" in line else []
        done = 0
        for at in found:
            whole = opened(line, at)
            parts_here = parts if whole == line else pieces(whole)
            here = place(parts_here, at)
            if here < done or WORDS.match(parts_here[here].text):
                continue
            if ONLY_SETS.fullmatch(parts_here[here].text):
                command = re.compile(f"{command.pattern}|{RUNNER.pattern}", command.flags)
                continue
            calls += 1
            if calls > MAX_CALLS:
                yield number, f"cannot tell: this is more than {MAX_CALLS} calls of engine e2e in one text"
                return
            done = here + 1
            now = options.after([piece.text for piece in parts_here[:here]])
            below = _below(lines, index)
            why = _lost(parts_here, here, below, now, command)
            if why:
                yield number, why
        options = options.after([piece.text for piece in parts])


def _below(lines: Sequence[tuple[int, str]], index: int) -> list[str]:
    """What stands below a line, up to the end of the function that it is in."""
    above = next(
        (i for i in range(index, -1, -1) if lines[i][1].startswith("}") or FUNCTION.match(lines[i][1])), -1
    )
    inside = above >= 0 and FUNCTION.match(lines[above][1]) is not None
    found = []
    for _, line in lines[index + 1 :]:
        if inside and line.startswith("}"):
            break
        found += [line] if line.strip() else []
    return found


def _traps(
    lines: Sequence[tuple[int, str]], text: str, command: re.Pattern[str]
) -> Iterator[tuple[int, str]]:
    """`trap 'exit 0' EXIT` in a text that runs the command."""
    for number, line in lines:
        green = re.match(r"\s*trap\b", line) and re.search(r"\bexit\s+0\b", line)
        if green and re.search(r"\b(EXIT|ERR)\b", line) and command.search(text):
            yield number, "a trap ends this text green, whatever engine e2e said"


def _functions(
    lines: Sequence[tuple[int, str]], command: re.Pattern[str]
) -> tuple[re.Pattern[str], frozenset[str]]:
    """The command, or a function of this text that runs it; and the functions that end nothing red."""
    name, names, red, every = "", set(), set(), set()
    for _, line in lines:
        begins = FUNCTION.match(line)
        name = begins[1] if begins else "" if line.startswith("}") else name
        every |= {name}
        if name and command.search(line):
            names.add(name)
        if name and RED.search(line):
            red.add(name)
        if begins and line.rstrip().endswith("}"):
            name = ""
    if names and len(names) <= MAX_CALLS:
        calls = "|".join(sorted(map(re.escape, names)))
        command = re.compile(rf"{command.pattern}|(?<![\w./-])(?:{calls})(?![\w./-]|\s*+\()", command.flags)
    return command, frozenset(every - red)


@lru_cache(maxsize=65536)
def _gives_back(line: str) -> bool:
    """Whether something is made of an exit code here; asked for each call above it."""
    return GIVEN_BACK.search(line) is not None


def _lost(
    parts: list[Piece], here: int, below: list[str], options: Options, command: re.Pattern[str]
) -> str | None:
    behind = " ".join(piece.text for piece in parts[here + 1 :])
    sides = _whole(fallbacks(parts, here), below) or _fallback_below(below)
    kept = next((found for side in sides if (found := KEPT.match(side))), None)
    if kept and not any(map(_red, sides)):
        given = any(_gives_back(after) for after in [behind, *below])
        return None if given else "the exit code of engine e2e is kept and never given back"
    if sides:
        named = NAMED_RED.match(sides[-1])
        red = _red(sides[-1]) or command.search(sides[-1]) or any(map(RED.search, sides))
        return None if red and not (named and named[1] in options.green) else DROPPED
    following = rest(parts, here) + below
    inside = holder(parts, here)
    asked = re.match(r"\s*((then|do|else)\s+)?(if|elif|while|until|!)\s", head(parts, here)) is not None
    piped = follows(parts, here, "|") and not options.pipefail
    last = _last_or_given_back(following)
    reasons = (
        (IGNORES.search(parts[here].text), DROPPED),
        (
            piped and not any("PIPESTATUS" in after for after in [behind, *following[:2]]),
            "the exit code of engine e2e is lost in a pipe without pipefail",
        ),
        (
            follows(parts, here, "&") and not any(re.match(r"\s*wait\s+\S", after) for after in following),
            "engine e2e runs in the background, nobody waits for its exit code",
        ),
        (inside is not None and not BARE.fullmatch(inside), "the exit code of engine e2e is lost in a word"),
        (
            asked and not _branch_fails(behind, below),
            "the exit code of engine e2e is asked for and then dropped",
        ),
        (
            not asked and follows(parts, here, "&&") and not last and not piped,
            "a failing engine e2e does not end this text: behind && set -e does not see it",
        ),
        (
            not asked and not options.strict and not last,
            "a failing engine e2e does not end this script: there is no set -e",
        ),
    )
    return next((why for holds, why in reasons if holds), None)


def _red(side: str) -> bool:
    """Whether the right side of `||` ends red."""
    return any(kind.search(side) for kind in (RED, FALSE)) or any(
        kind.match(side) is not None for kind in (RED_AT_ONCE, NAMED_RED)
    )


def _whole(sides: list[str], below: list[str]) -> list[str]:
    """A last side that is left open (`|| {`) with the lines below it, up to the one that closes it."""
    if not sides or not sides[-1].rstrip().endswith(("{", "(")):
        return sides
    inside: list[str] = []
    for line in below:
        if re.match(r"\s*[)}]", line):
            break
        inside.append(line)
    return [*sides[:-1], ";".join([sides[-1], *inside]).replace("{;", "{", 1)]


def _fallback_below(below: list[str]) -> list[str]:
    """`||` behind the lines that close the groups around the command."""
    depth = 0
    for line in below:
        if CLOSES.match(line):
            if depth == 0 and (sides := fallbacks(pieces(line.lstrip()[1:]), 0)):
                return sides
            depth = max(0, depth - 1)
        elif OPENS.search(line):
            depth += 1
    return []


def _branch_fails(behind: str, below: list[str]) -> bool:
    """Whether the `if` around the command has a branch that ends red, or notes a failure that later does."""
    end = next((i for i, after in enumerate(below) if re.match(r"\s*(fi|done)\b", after)), len(below))
    inside = [behind, *below[:end]]
    noted = any(re.search(r"\b\w+=(1\b|\"?\$\?|fail|true)", after) for after in inside)
    return any(_gives_back(after) for after in (inside + below[end:] if noted else inside))


def _last_or_given_back(following: list[str]) -> bool:
    """It is the last command of the text, or the very next thing looks at `$?` and something exits by it."""
    if all(CLOSES.fullmatch(after) for after in following):
        return True
    looks = "$?" in following[0] or "PIPESTATUS" in following[0]
    return looks and any(_gives_back(after) for after in following)


def mocked(text: str) -> list[int]:
    """The lines that set LI_LIDB_MOCK to something that counts as on."""
    if "LI_LIDB_MOCK" not in text:
        return []
    return [
        number
        for number, line in logical_lines(text)
        if MOCK_SET.search(line) and not re.search(r"\bunset\b", line)
    ]
