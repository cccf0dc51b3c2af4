"""The simple commands of a shell text, each with its line: enough of the grammar to tell a call from a word. Pure.

`grep 'import sqlite3|x' f | sqlite3 db` is two commands, `grep` and `sqlite3`. Quotes, command substitutions,
here-documents (their lines are read as commands of their own), continuation lines and comments are known; expansions
are left as they stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 8
_SUBSTITUTION = r"""\$\((?:[^()'"]|'[^']*+'|"[^"]*+"|\((?:[^()]|\([^()]*+\))*+\))*+\)|`[^`]*+`"""
_TOKEN = re.compile(
    rf"""(?P<gap>[ \t\r]++|(?<![^\s;&|()])\#[^\n]*+)
    | (?P<end>[;&|()\n]|(?<![^\s;&|()])[\{{\}}])
    | (?P<continued>\\\n)
    | (?P<heredoc><<-?[ \t]*(['"]?)(?P<mark>[A-Za-z_]\w*)\5)
    | (?P<part>{_SUBSTITUTION}|'(?P<single>[^']*+)'?|"(?P<double>(?:\\.|{_SUBSTITUTION}|[^"\\])*+)"?
        |\$\{{[^}}]*+\}}?|\\(?P<escaped>.?)|[^\s;&|()'"`\\$<\#\{{\}}]++|.)""",
    re.VERBOSE | re.DOTALL,
)
_ASSIGNED = re.compile(r"[A-Za-z_]\w*\+?=")
# Words after which the next word is the command; `command` and `type` with an option only look one up.
_BEFORE = frozenset(
    {
        "if", "then", "else", "elif", "while", "until", "do", "!", "time", "sudo", "exec", "env", "nohup", "xargs",
        "command", "builtin", "{", "nice", "timeout", "RUN",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """The words of one simple command, quotes removed; `line` is where it begins."""

    line: int
    words: tuple[str, ...]

    @property
    def call(self) -> tuple[str, ...]:
        """From the program on: `sudo env A=1 sqlite3 x` → `sqlite3 x`."""
        wrapped = False
        for at, head in enumerate(self.words):
            if head == "command" and self.words[at + 1 : at + 2] and self.words[at + 1].startswith("-"):
                return self.words[at:]
            digits = wrapped and (head.startswith("-") or re.fullmatch(r"\d+[smhd]?", head) is not None)
            if not (head in _BEFORE or _ASSIGNED.match(head) or digits):
                return self.words[at:]
            wrapped = wrapped or head in {"sudo", "env", "xargs", "nice", "timeout", "exec"}
        return ()

    @property
    def assigned(self) -> dict[str, str]:
        """The variables that it sets."""
        pairs = (word.partition("=") for word in self.words if _ASSIGNED.match(word))
        return {name.rstrip("+"): value for name, _, value in pairs}


def commands(text: str, line: int = 1, depth: int = 0) -> Iterator[Command]:
    """Every simple command of a text that begins in this line; those in a substitution follow the one around it."""
    words: list[str] = []
    word: list[str] | None = None  # pieces of the word that is being read
    inner: list[Command] = []
    start = line
    for kind, piece, at in _pieces(text, line) if depth <= MAX_DEPTH else ():
        if kind == "part":
            start = at if word is None and not words else start
            word = [] if word is None else word
            word.append(piece)
        elif kind == "inner":
            inner += commands(piece, at, depth + 1)
        elif word is not None:
            words.append("".join(word))
            word = None
        if kind == "end":
            if words:
                yield Command(start, tuple(words))
            yield from inner
            words, inner = [], []


def _pieces(text: str, line: int) -> Iterator[tuple[str, str, int]]:
    """`part` of a word, `gap` between words, `end` of a command, `inner` text that is commands; each with its line."""
    heredocs: list[str] = []
    at = 0
    while found := _TOKEN.match(text, at):
        kind, whole, at = str(found.lastgroup), found[0], found.end()
        if kind == "heredoc":
            heredocs.append(found["mark"])
        elif kind == "part":
            bare = found.group("single", "double", "escaped")
            yield kind, next((part for part in bare if part is not None), whole), line
            for inner in re.findall(_SUBSTITUTION, whole) if whole[0] not in "'\\" else ():
                yield "inner", inner.removeprefix("$(")[:-1].removeprefix("`"), line
        else:
            yield kind, whole, line
        line += whole.count("\n")
        while whole == "\n" and heredocs:
            closing = re.compile(rf"^[ \t]*{heredocs.pop(0)}\s*?$", re.MULTILINE).search(text, at)
            body = text[at : closing.start() if closing else None]
            for number, row in enumerate(body.split("\n"), line):
                yield "inner", row, number
            line += body.count("\n")
            at = closing.end() if closing else len(text)
            yield "end", "", line
    yield "end", "", line
