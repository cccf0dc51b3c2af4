"""Guard `no-sqlite`: lidb and lis hold no sqlite engine, oracle or fallback. Pure.

What counts is use, told by the kind of file: Python by its syntax tree; shell, workflow and Dockerfile by the commands
they run; build files and dependency lists by the names in them; other code by includes, imports, API calls, URLs and
program calls. Comments, docstrings, messages and prose are no use, so that saying "there is no sqlite" is free; tests
are read like any other code, because an oracle in a test is what the plan forbids, and a test that asserts absence
(`"import sqlite3" not in source`, `grep sqlite3`) uses nothing.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import C_LIKE, COMPOSE, DOCKERFILE, code_lines, is_doc, is_shell
from phdb_ci.guards.python_sqlite import NEGATED, PROGRAM, URL, python_uses
from phdb_ci.guards.shell import Command, commands
from phdb_ci.guards.yaml import parse, scalars

LIBRARY_FILE = re.compile(
    r"(^|/)(lib)?sqlite3?(ext)?([-.]\d[\d.]*)?\.(c|h|hpp|a|lib|so[\d.]*|dylib|dll|wasm)$", re.IGNORECASE
)
BUILD_FILE = re.compile(
    r"(^|/)(cmakelists\.txt|[^/]*\.cmake(\.in)?|(gnu)?makefile(\.\w+)?|[^/]*\.mk|meson\.build|conanfile\.(txt|py)|"
    r"vcpkg\.json|configure(\.ac|\.in)?|build(\.bazel)?|[^/]*\.bzl|[^/]*\.pc(\.in)?|build\.rs|setup\.cfg)$",
    re.IGNORECASE,
)
LISTED = (".toml", ".json", ".lock", ".cfg", ".ini", ".mod", ".sum", ".yaml", ".yml", ".properties", ".env")
REQUIREMENTS = re.compile(r"(^|/)(requirements|constraints)[\w.-]*\.txt$", re.IGNORECASE)
PROSE_KEY = re.compile(
    r"^\s*[\"']?(description|summary|keywords|classifiers|reason|title|name|note|comment)[\"']?\s*[:=]",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"FATAL_ERROR|SEND_ERROR|^\s*(message|if|elseif|endif|else)\s*\(|\$\(error|\berror\(", re.IGNORECASE
)
OTHER_NAME = re.compile(
    r"[\w./-]*(no|non|without|forbid\w*|check|assert)[-_]\w*[-_]?sqlite[\w./-]*", re.IGNORECASE
)
WORD = re.compile(r"sqlite", re.IGNORECASE)


def _rules(given: Mapping[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), why) for why, pattern in given.items())


CODE = _rules(
    {
        "includes sqlite": r"#\s*(include|import)\s*[<\"][^>\"]*sqlite",
        "calls the sqlite API": r"\bsqlite3_\w+\s*\(",
        "imports sqlite": r"(\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*[\"'`][^\"'`]*(sqlite|sql\.js|libsql)"
        r"|^\s*(use|extern crate|import)\s+[\w:.]*sqlite"
        r"|\b(rusqlite|libsqlite3_sys)::|\"[^\"]*go-sqlite3\"|\borg\.sqlite\b",
        "names an sqlite database": r"[\"'`](jdbc:)?sqlite3?(\+\w+)?:(//|:memory)",
        "chooses sqlite": r"\b(engine|backend|dialect|provider|driver|client|fallback|oracle)\w*[\"']?\s*[:=]\s*"
        r"[\"'`][\w-]*sqlite3?[\"'`]",
        "calls the sqlite3 program": r"[\"'`](\S*/)?sqlite3( [\"'`]| +[-/.$\\%{])"
        r"|\b(system|popen|exec\w*|spawn\w*|posix_spawnp?)\s*\(\s*[\"'`](\S*/)?sqlite3\b",
        "loads the sqlite library": r"\bdlopen\s*\([^)]*sqlite",
        "links sqlite": r"-lsqlite3?\b",
    }
)
SCRIPTED = _rules(
    {
        "imports sqlite": r"^\s*(import|from)\s+[\w., ]*sqlite",
        "names an sqlite database": r"(^|[\s\"'=])(jdbc:)?sqlite3?(\+\w+)?:(//|:memory)",
        "links sqlite": r"(^|\s)-lsqlite3?\b",
    }
)
SEARCH = frozenset(
    {"grep", "egrep", "fgrep", "rg", "ag", "ack", "git", "find", "which", "type", "hash", "echo", "printf", "test", "["}
)  # fmt: skip
INSTALLERS = frozenset(
    {
        "apt", "apt-get", "apk", "brew", "dnf", "yum", "pacman", "pip", "pip3", "pipx", "uv", "npm", "pnpm", "yarn",
        "cargo", "conda", "choco",
    }
)  # fmt: skip
REMOVES = frozenset({"remove", "purge", "uninstall", "autoremove", "del", "rm", "list", "show", "search"})
SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash"})


def no_sqlite(checkout: Checkout) -> Iterator[Finding]:
    """Every use of sqlite in a checkout."""
    for path in checkout.paths:
        if LIBRARY_FILE.search(path):
            yield Finding(checkout.name, path, 1, "is a part of sqlite")
    for file in checkout.files:
        if is_doc(file) or not WORD.search(file.text) or LIBRARY_FILE.search(file.path):
            continue
        for line, why in sorted(set(_uses(file))):
            yield file.at(line, why)


def _uses(file: File) -> Iterator[tuple[int, str]]:
    if file.name.endswith((".py", ".pyi")):
        try:
            yield from python_uses(file.text)
        except (SyntaxError, ValueError, RecursionError):
            yield from _matches(file, SCRIPTED)
    elif BUILD_FILE.search(file.path):
        yield from _named(file)
    elif DOCKERFILE.search(file.path) or is_shell(file):
        yield from _shell(file)
    elif COMPOSE.search(file.path) or re.match(r"\.github/.*\.ya?ml$", file.path):
        yield from _workflow(file)
    elif file.name.endswith(LISTED) or REQUIREMENTS.search(file.path) or file.name.startswith(".env"):
        yield from _named(file)
    elif file.name.endswith(C_LIKE):
        yield from _matches(file, CODE)
    else:
        yield from _matches(file, SCRIPTED)


def _matches(file: File, rules: tuple[tuple[re.Pattern[str], str], ...]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(code_lines(file), 1):
        if WORD.search(line) or "sql.js" in line or "libsql" in line:
            why = next((why for rule, why in rules if rule.search(line[:2000])), None)
            if why and not _compared(file, number):
                yield number, why


def _compared(file: File, number: int) -> bool:
    """A comparison whose branch refuses: `if (url.startsWith("sqlite://")) throw …`."""
    lines = "\n".join(file.lines[number - 1 : number + 2])
    return re.match(r"\s*(\}?\s*else\s+)?if\b", lines) is not None and bool(
        re.search(r"\b(throw|raise|abort|panic!?)\b", lines)
    )


def _named(file: File) -> Iterator[tuple[int, str]]:
    """Any mention outside comments, descriptions, refusals and names such as `check-no-sqlite`."""
    for number, line in enumerate(code_lines(file), 1):
        if not WORD.search(line) or PROSE_KEY.match(line) or REFUSAL.search(line):
            continue
        rest = OTHER_NAME.sub("", line)
        if WORD.search(rest) and not NEGATED.search(rest):
            yield number, "depends on sqlite" if file.name.endswith(LISTED) else "links or builds sqlite"


def _workflow(file: File) -> Iterator[tuple[int, str]]:
    """The commands of a workflow's steps; where it cannot be read, every line as a command."""
    root = parse(file)
    if isinstance(root, Finding):
        yield from _shell(file)
        return
    for key, scalar in scalars(root):
        if key in ("run", "command", "entrypoint", "test", "script"):
            yield from _commands(scalar, scalar.text_line)
        elif key not in ("name", "description") and URL.search(scalar):
            yield scalar.line, "names an sqlite database"


def _shell(file: File) -> Iterator[tuple[int, str]]:
    text = "\n".join(code_lines(file))
    if DOCKERFILE.search(file.path):
        text = re.sub(r"^(\s*)RUN\b", r"\1   ", text, flags=re.MULTILINE | re.IGNORECASE)
        text = re.sub(r"\\\n", " \\\n", text)
    yield from _commands(text, 1)
    searched = {command.line for command in commands(text) if command.call[:1] and command.call[0] in SEARCH}
    for number, why in _matches(file, SCRIPTED):
        if number not in searched:
            yield number, why


def _commands(text: str, line: int, depth: int = 0) -> Iterator[tuple[int, str]]:
    """What the commands of a text do with sqlite; variables that hold the program's name are followed."""
    holders: set[str] = set()
    for command in commands(text, line):
        for name, value in command.assigned.items():
            if PROGRAM.match(value) or re.search(
                r":[-=](\S*/)?sqlite3\}$|\$\((command -v|which) sqlite3\b", value
            ):
                holders.add(name)
        yield from _one(command, holders, depth)


def _one(command: Command, holders: set[str], depth: int) -> Iterator[tuple[int, str]]:
    call = command.call
    if not call:
        return
    program = call[0].rpartition("/")[2]
    if _is_sqlite(call[0], holders):
        yield command.line, "calls the sqlite3 program"
    elif program in INSTALLERS or call[1:3] == ("-m", "pip"):
        if any(WORD.search(word) for word in call) and not REMOVES & set(call):
            yield command.line, "installs sqlite"
    elif (program in SHELLS or program == "eval") and depth < 4:
        for before, word in pairwise(call):
            if program == "eval" or re.fullmatch(r"-\w*c", before):
                yield from _commands(word, command.line, depth + 1)
    elif program not in SEARCH:
        yield from ((command.line, why) for why in _arguments(program, call))


def _is_sqlite(word: str, holders: set[str]) -> bool:
    """The program's name, or a variable that holds it."""
    variable = re.fullmatch(r"\$\{?(\w+)\}?", word)
    held = variable is not None and variable[1] in holders
    return held or PROGRAM.match(word) is not None or re.fullmatch(r"\$\{\w+:-sqlite3\}", word) is not None


def _arguments(program: str, call: tuple[str, ...]) -> Iterator[str]:
    if program.startswith("python") and any(re.search(r"\bimport\s[^#\n]*sqlite", word) for word in call):
        yield "imports sqlite"
    elif any(re.match(r"-lsqlite3?$", word) or URL.match(word.partition("=")[2] or word) for word in call):
        yield "links or opens sqlite"
