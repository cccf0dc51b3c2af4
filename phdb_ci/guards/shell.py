"""The simple commands of a shell text, each with its line: enough of the grammar to tell a call from a word. Pure.

`grep 'import sqlite3|x' f | sqlite3 db` is two commands, `grep` and `sqlite3`. Quotes, command substitutions,
here-documents (their lines are read as commands of their own), continuation lines and comments are known; expansions
are left as they stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 8
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1")
_PLAIN = re.compile(r"[^\s;&|(){}'\"`\\$<#]+")
_QUOTED = re.compile(r'[^"\\$]+')
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
        words = list(self.words)
        wrapped = False
        while words:
            head = words[0]
            if head == "command" and words[1:2] and words[1].startswith("-"):
                return tuple(words)
            digits = wrapped and (head.startswith("-") or re.fullmatch(r"\d+[smhd]?", head) is not None)
            if not (head in _BEFORE or _ASSIGNED.match(head) or digits):
                break
            wrapped = wrapped or head in {"sudo", "env", "xargs", "nice", "timeout", "exec"}
            words.pop(0)
        return tuple(words)

    @property
    def assigned(self) -> dict[str, str]:
        """The variables that it sets."""
        pairs = (word.partition("=") for word in self.words if _ASSIGNED.match(word))
        return {name.rstrip("+"): value for name, _, value in pairs}


def commands(text: str, line: int = 1, depth: int = 0) -> Iterator[Command]:
    """Every simple command of a text that begins in this line."""
    if depth <= MAX_DEPTH:
        yield from _Scanner(text, line, depth).scan()


class _Scanner:
    def __init__(self, text: str, line: int, depth: int) -> None:
        self.text, self.line, self.depth = text, line, depth
        self.at = 0
        self.words: list[str] = []
        self.word: list[str] | None = None  # pieces of the word that is being read
        self.start = line
        self.inner: list[Command] = []
        self.heredocs: list[str] = []

    def scan(self) -> Iterator[Command]:
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if char == "\n":
                yield from self._ends()
                self._step()
                yield from self._bodies()
            elif char == "#" and self.word is None:
                self.at = self._until("\n")
            elif char in ";|&(){}" and not (char in "{}" and self.word is not None):
                yield from self._ends()
                self.at += 1
            elif char in " \t\r":
                self._word_ends()
                self.at += 1
            else:
                self._char(char)
        yield from self._ends()

    def _char(self, char: str) -> None:
        if self.word is None:
            self.word = []
            if not self.words:
                self.start = self.line
        if char == "\\":
            self._escape()
        elif char in "'\"":
            self._quote(char)
        elif char == "`" or self.text.startswith("$(", self.at):
            self._substitution()
        elif self.text.startswith("${", self.at):
            end = self._until("}") + 1
            self._take(end)
        elif char == "<" and (found := _HEREDOC.match(self.text, self.at)):
            self.heredocs.append(found[2])
            self.at = found.end()
            self.word = self.word or None
        else:
            run = _PLAIN.match(self.text, self.at)
            self._take(run.end() if run else self.at + 1)

    def _escape(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "\n":
            self.line += 1
            self.word = self.word or None
        elif self.word is not None:
            self.word.append(following)
        self.at += 2

    def _quote(self, mark: str) -> None:
        self.at += 1
        if mark == "'":
            self._take(self._until("'"))
        while mark == '"' and self.at < len(self.text) and self.text[self.at] != '"':
            run = _QUOTED.match(self.text, self.at)
            if run:
                self._take(run.end())
            elif self.text.startswith("$(", self.at):
                self._substitution()
            else:
                self._take(min(self.at + (2 if self.text[self.at] == "\\" else 1), len(self.text)))
        self.at += 1

    def _substitution(self) -> None:
        begin, line = self.at, self.line
        if self.text[begin] == "`":
            end = self.text.find("`", begin + 1)
            inner, end = self.text[begin + 1 : end], end + 1
        else:
            end = _closing(self.text, begin + 1)
            inner = self.text[begin + 2 : end - 1]
        if end <= begin:
            end, inner = len(self.text), self.text[begin + 1 :]
        self.inner += commands(inner, line, self.depth + 1)
        self._take(end)

    def _take(self, end: int) -> None:
        piece = self.text[self.at : end]
        self.line += piece.count("\n")
        self.word = [] if self.word is None else self.word
        self.word.append(piece)
        self.at = end

    def _step(self) -> None:
        self.line += 1
        self.at += 1

    def _until(self, mark: str) -> int:
        end = self.text.find(mark, self.at)
        return len(self.text) if end < 0 else end

    def _word_ends(self) -> None:
        if self.word is not None:
            self.words.append("".join(self.word))
            self.word = None

    def _ends(self) -> Iterator[Command]:
        self._word_ends()
        if self.words:
            yield Command(self.start, tuple(self.words))
        yield from self.inner
        self.words, self.inner = [], []

    def _bodies(self) -> Iterator[Command]:
        for word in self.heredocs:
            while self.at < len(self.text):
                end = self._until("\n")
                body = self.text[self.at : end]
                line = self.line
                self.at, self.line = min(end + 1, len(self.text)), line + 1
                if body.strip() == word:
                    break
                yield from commands(body, line, self.depth + 1)
        self.heredocs = []


def _closing(text: str, opening: int) -> int:
    """The place behind the parenthesis that closes the one at `opening`; -1 when none does."""
    depth, quote = 0, ""
    for at in range(opening, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return at + 1
    return -1
