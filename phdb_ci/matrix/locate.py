"""Where each key of a TOML text stands, which tomllib does not tell.

The text was parsed by tomllib before, so it is TOML, and the scanner only has to find its way through it. Paths are
those of the parsed document.
"""

import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class Scanner:
    """Where everything in a text stands, found in one pass over it; `at` is the offset reached so far.

    Attributes:
        keys: where every table, key and list entry starts.
        values: where the value of every key and list entry starts and ends, quotes and brackets included.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, tuple[int, int]] = {}
        self.lengths: dict[Path, int] = {}
        table: Path = ()
        while self.blank() < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def offset_of(self, path: Path) -> int:
        """The offset of the key, else of what holds it, else of the file's start."""
        return next((self.keys[path[:length]] for length in range(len(path), 0, -1) if path[:length] in self.keys), 0)

    def blank(self) -> int:
        """Pass over white space, line ends and comments."""
        self.at = self.past(_BLANK)
        return self.at

    def past(self, pattern: re.Pattern[str]) -> int:
        """The offset behind pattern, which is known to stand here."""
        match = pattern.match(self.text, self.at)
        return match.end() if match else self.at + 1

    def header(self) -> Path:
        """`[table]` or `[[list of tables]]`; gives the path that the following keys belong to."""
        start = self.at
        brackets = 2 if self.text.startswith("[[", start) else 1
        self.at += brackets
        names = self.key()
        self.blank()
        self.at += brackets
        path: Path = ()
        for name in names[:-1]:
            path = self.inside((*path, name), start)
        path = (*path, names[-1])
        if brackets == 2:
            self.lengths[path] = self.lengths.get(path, 0) + 1
        path = self.inside(path, start)
        self.keys[path] = start
        return path

    def inside(self, path: Path, start: int) -> Path:
        """The path itself, or its newest entry when it is a list of tables; noted if not met before."""
        self.keys.setdefault(path, start)
        if path in self.lengths:
            path = (*path, self.lengths[path] - 1)
            self.keys.setdefault(path, start)
        return path

    def key(self) -> list[str]:
        """A key with its dots, as names."""
        names = []
        while True:
            self.blank()
            start = self.at
            quoted = self.text[start] in "\"'"
            self.at = self.string_end() if quoted else self.past(_BARE)
            word = self.text[start : self.at]
            names.append(tomllib.loads(f"k = {word}")["k"] if quoted else word)
            dot = _DOT.match(self.text, self.at)
            if dot is None:
                return names
            self.at = dot.end()

    def pair(self, table: Path) -> None:
        """`key = value`; every part of a dotted key is noted."""
        start = self.at
        path = table
        for name in self.key():
            path = (*path, name)
            self.keys.setdefault(path, start)
        self.blank()
        self.at += 1  # the equals sign
        self.value(path)

    def value(self, path: Path) -> None:
        """A value; lists and inline tables are looked into."""
        start = self.blank()
        sign = self.text[start]
        if sign in "[{":
            self.container(path, "]" if sign == "[" else "}")
        else:
            self.at = self.string_end() if sign in "\"'" else self.past(_SCALAR)
        self.values[path] = (start, start + len(self.text[start : self.at].rstrip()))

    def container(self, path: Path, closing: str) -> None:
        """The entries of a list or an inline table, to its closing bracket."""
        self.at += 1
        index = 0
        while self.text[self.blank()] != closing:
            if self.text[self.at] == ",":
                self.at += 1
            elif closing == "}":
                self.pair(path)
            else:
                self.keys[(*path, index)] = self.at
                self.value((*path, index))
                index += 1
        self.at += 1

    def string_end(self) -> int:
        """The offset behind the string that starts here."""
        return next(match.end() for match in (kind.match(self.text, self.at) for kind in _STRINGS) if match)
