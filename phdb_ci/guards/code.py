"""A file's text with the comments blanked out, line by line, and what its path and first line say of it. Pure.

Blanking keeps every line at its number. The scanners know strings well enough not to take `"//"` or `'#'` for a
comment; a quote that is never closed ends with its line, so that one odd line hides no other, and a `/*` that is never
closed hides nothing. Lines are never cut, and each scanner looks at a character a bounded number of times.
"""

import re
from functools import lru_cache

from phdb_ci.guards.checkout import File
from phdb_ci.guards.kinds import DOCS, NAMED_DOCS, NOT_DOCS, SCRIPT, SHELL, TEST_PATH, base, is_c_like


def is_doc(file: File) -> bool:
    """Prose: read for claims, never for code."""
    return file.name in NAMED_DOCS or (file.name.endswith(DOCS) and not NOT_DOCS.search(file.path))


def is_test(file: File) -> bool:
    """Below a tests folder, or named like a test."""
    return TEST_PATH.search(file.path) is not None


def is_shell(file: File) -> bool:
    """A shell script by its name or its first line."""
    return file.name.endswith(SHELL) or re.search(r"\b(ba|da|z|k)?sh\b", _interpreter(file)) is not None


def is_python(file: File) -> bool:
    """A Python module by its name or its first line."""
    return file.name.endswith((".py", ".pyi")) or "python" in _interpreter(file)


def _interpreter(file: File) -> str:
    first = file.text[:80].partition("\n")[0]
    return first if first.startswith("#!") else ""


@lru_cache(maxsize=4096)
def code_lines(file: File) -> tuple[str, ...]:
    """The file's lines without their comments."""
    name = file.name
    if is_c_like(name):
        text = _without_c_comments(file.text, regexes=base(name).endswith(SCRIPT))
    elif name.endswith(".sql"):
        text = re.sub(r"--[^\r\n]*", "", file.text)
    elif name.endswith((".json", ".csv", ".tsv")):
        text = file.text
    else:
        text = "\n".join(map(without_hash_comment, file.text.split("\n")))
    return tuple(line.rstrip("\r") for line in text.split("\n"))


_STRINGS = r"""|"(?:\\.|[^"\\\n])*+"?|'(?:\\.|[^'\\\n])*+'?|`(?:\\.|[^`\\])*+`?"""
_REGEX = r"|[=(,:;!&|?{\[]\s*+/(?![/*])(?:\\[^\n]|\[(?:\\[^\n]|[^\[\]\\\n])*+\]|[^/\\\[\n])++/"
_LINE = r"//[^\r\n\u2028\u2029]*+"  # each of them ends a comment in JavaScript
_BLOCK = r"|/\*.*?\*/"
# With a block comment that ends, or without; with regular expressions (`/[/*]/`), or without.
_C_TOKENS = {
    (blocks, regexes): re.compile(
        _LINE + (_BLOCK if blocks else "") + (_REGEX if regexes else "") + _STRINGS, re.DOTALL
    )
    for blocks in (True, False)
    for regexes in (True, False)
}


def _without_c_comments(text: str, *, regexes: bool) -> str:
    def blank(match: re.Match[str]) -> str:
        token = match[0]
        return "\n" * token.count("\n") + " " if token.startswith(("//", "/*")) else token

    # Before the last `*/` every block comment ends, so that no search for an end runs in vain.
    end = text.rfind("*/") + 2 if "*/" in text else 0
    head = _C_TOKENS[True, regexes].sub(blank, text[:end])
    return head + _C_TOKENS[False, regexes].sub(blank, text[end:])


_MARK = re.compile(r"""["']|(?<![^\s;&|()])#""")
_STRING = {'"': re.compile(r'"(?:\\.|[^"\\])*+"'), "'": re.compile(r"'[^']*+'")}


def without_hash_comment(line: str) -> str:
    """One line without its `#` comment; a `#` in quotes is none."""
    if "#" not in line:
        return line
    at, open_ended = 0, set()
    while mark := _MARK.search(line, at):
        kind = mark[0]
        if kind == "#":
            return line[: mark.start()]
        string = None if kind in open_ended else _STRING[kind].match(line, mark.start())
        if string is None:
            open_ended.add(kind)  # nor does a later one of this kind end
        at = string.end() if string else mark.end()
    return line


def comment_of(line: str) -> str:
    """The `#` comment of one line, empty when it has none."""
    return line[len(without_hash_comment(line)) :]
