"""Which kind of file a path is, and its text with the comments blanked out, line by line. Pure.

Blanking keeps every line at its number. The scanners know strings well enough not to take `"//"` or `'#'` for a
comment; a quote that is never closed ends with its line, so that one odd line hides no other.
"""

import re
from functools import lru_cache

from phdb_ci.guards.checkout import File

DOCS = (".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt", ".html", ".htm", ".svg")
NOT_DOCS = re.compile(r"(^|/)(cmakelists|requirements[\w.-]*|constraints[\w.-]*)\.txt$", re.IGNORECASE)
C_LIKE = (
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".in", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts",
    ".cts", ".tsx", ".rs", ".go", ".java", ".kt", ".swift", ".li", ".jsonc", ".json5", ".hcl",
)  # fmt: skip
SCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
SHELL = (".sh", ".bash", ".zsh")
TEST_PATH = re.compile(
    r"(^|/)(tests?|li-tests|__tests__|spec|e2e|fixtures)/|(^|/)(test_[^/]*|conftest)\.py$|[._-](test|spec)s?\.\w+$",
    re.IGNORECASE,
)
WORKFLOW = re.compile(r"^\.github/workflows/[^/]+\.ya?ml$")
ACTION = re.compile(r"(^|/)action\.ya?ml$")
DOCKERFILE = re.compile(
    r"(^|/)(dockerfile|containerfile)(\.[\w.-]+)?$|\.(dockerfile|containerfile)$", re.IGNORECASE
)
COMPOSE = re.compile(r"(^|/)[\w.-]*compose[\w.-]*\.ya?ml$", re.IGNORECASE)


def is_doc(file: File) -> bool:
    """Prose: read for claims, never for code."""
    return file.name.endswith(DOCS) and not NOT_DOCS.search(file.path)


def is_test(file: File) -> bool:
    """Below a tests folder, or named like a test."""
    return TEST_PATH.search(file.path) is not None


def is_shell(file: File) -> bool:
    """A shell script by its name or its first line."""
    first = file.text[:80].partition("\n")[0]
    return file.name.endswith(SHELL) or (
        first.startswith("#!") and re.search(r"\b(ba|da|z|k)?sh\b", first) is not None
    )


@lru_cache(maxsize=4096)
def code_lines(file: File) -> tuple[str, ...]:
    """The file's lines without their comments."""
    name = file.name
    if name.endswith(C_LIKE):
        text = _without_c_comments(file.text)
    elif name.endswith(".sql"):
        text = re.sub(r"--[^\n]*", "", file.text)
    elif name.endswith((".json", ".csv", ".tsv")):
        text = file.text
    else:
        text = "\n".join(map(_without_hash_comment, file.text.split("\n")))
    return tuple(line.rstrip("\r") for line in text.split("\n"))


_C_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\.|[^`\\])*`?""", re.DOTALL
)


def _without_c_comments(text: str) -> str:
    def blank(match: re.Match[str]) -> str:
        token = match[0]
        return "\n" * token.count("\n") + " " if token.startswith(("//", "/*")) else token

    return _C_TOKEN.sub(blank, text)


_HASH_TOKEN = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'|(?<![^\s;&|()])#.*""")


def _without_hash_comment(line: str) -> str:
    if "#" not in line:
        return line
    return _HASH_TOKEN.sub(lambda match: "" if match[0].startswith("#") else match[0], line)


def comment_of(line: str) -> str:
    """The `#` comment of one line, empty when it has none."""
    bare = _without_hash_comment(line)
    return line[len(bare) :] if len(bare) < len(line) else ""
