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
from phdb_ci.guards.code import code_lines, is_doc, is_python, is_shell
from phdb_ci.guards.kinds import (
    BUILD_FILE,
    COMPOSE,
    DOCKERFILE,
    JUSTFILE,
    LOCK,
    PACKAGES,
    REQUIREMENTS,
    SCRIPT,
    is_c_like,
)
from phdb_ci.guards.python_sqlite import NEGATED, PROGRAM, URL, python_uses
from phdb_ci.guards.shell import Command, commands
from phdb_ci.guards.yaml import parse, scalars

LIBRARY_FILE = re.compile(
    r"(^|/)(lib)?sqlite3?(ext)?([-.]\d[\d.]*)?\.(c|h|hpp|a|lib|so[\d.]*|dylib|dll|wasm)$", re.IGNORECASE
)
LISTED = (".toml", ".json", ".lock", ".cfg", ".ini", ".mod", ".sum", ".yaml", ".yml", ".properties", ".env")
# A pair of such a key and its value says something about sqlite and uses none; the names of a lock file do.
_SAYS = r"[\"']?(?:description|summary|keywords|classifiers|reason|title|name|note|comment)[\"']?\s*+[:=]\s*+"
_QUOTED = r"\"(?:\\.|[^\"\\])*+\"?|'[^']*+'?|\[[^\]]*+\]?"
PROSE = re.compile(
    rf"^\s*+{_SAYS}(?:{_QUOTED}|(?![{{\[\"'])[^{{}}]*+)|[{{,]\s*+{_SAYS}(?:{_QUOTED}|[^{{}},]*+)",
    re.IGNORECASE,
)
REFUSAL = re.compile(r"FATAL_ERROR|SEND_ERROR|\$\(error|\berror\(", re.IGNORECASE)
# What CMake asks or says; a command behind it on the same line is one of its own.
ASKED = re.compile(
    r"(?:^|(?<=\)))\s*+(?:message|if|elseif|endif|else|while)\s*+"
    r"\((?:[^()\"]|\"(?:\\.|[^\"\\])*+\"?|\([^()]*+\))*+\)?",
    re.IGNORECASE,
)
OTHER_NAME = re.compile(r"(no|non|without|forbid\w{0,10}|check|assert)[-_]\w{0,80}[-_]?sqlite", re.IGNORECASE)
NAMES = re.compile(r"[\w./-]++")
WORD = re.compile(
    r"sqlite|sqlcipher|initSqlJs|(?<![\w-])(apsw|sqlean|sql\.js|sql-wasm)(?![\w-])|(?<![\w-])libsql(?![a-z])",
    re.IGNORECASE,
)
EXCUSED = 400  # a line that refuses or compares is a short one: more of it may hide anything


def _rules(given: Mapping[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), why) for why, pattern in given.items())


CODE = _rules(
    {
        "includes sqlite": r"#\s*(include|import)\s*[<\"][^<>\"]*sqlite"
        r"|^\s*+#\s*+define\s++\w++\s++[<\"][^<>\"]*sqlite3?(ext)?\.h[>\"]",
        "calls the sqlite API": r"\bsqlite3_\w+\s*\(",
        "imports sqlite": r"(\bfrom|\bimport|\brequire\s*\(|\bimport\s*\(|\bgetBuiltinModule\s*\(|\bimportScripts\s*\()"
        r"\s*[\"'`][^\"'`]*(sqlite|sql\.js|sql-wasm|libsql)"
        r"|\bcreateRequire\([^()]*\)\s*\(\s*[\"'`][^\"'`]*(sqlite|sql\.js|libsql)|\binitSqlJs\s*\("
        r"|^\s*+(use|extern crate|import)\s++[\w:.]*(sqlite|\blibsql\b)"
        r"|\b(rusqlite|libsqlite3_sys|libsql)::|\"[^\"\n]*/(go-)?sqlite3?\"|\borg\.sqlite\b"
        r"|^\s*+(?:import\s++)?(?:[\w.]++\s++)?\"(?=[\w.-]+\.\w+/)(?>[^\"\s]*?sqlite)[^\"\s]*+\"\s*+$",
        "names an sqlite database": r"[\"'`](jdbc:)?sqlite3?(\+\w+)?:(//|:memory|[\w./-]+\.(db|sqlite)\b)"
        r"|[\"'`]jdbc:sqlite:|[\"'`]libsql://",
        "chooses sqlite": r"\b(engine|backend|dialect|provider|driver|client|fallback|oracle)\w*[\"']?\s*[:=]\s*"
        r"[\"'`][\w-]*sqlite3?[\"'`]",
        "calls the sqlite3 program": r"[\"'`]([^\s\"'`]*/)?sqlite3( [\"'`]| +[-/.$\\%{])"
        r"|\b(system|popen|exec\w*|spawn\w*|posix_spawnp?)\s*\(\s*[\"'`]([^\s\"'`]*/)?sqlite3\b",
        "loads the sqlite library": r"\bdlopen\s*\((?:(?!\bdlopen\b)[^)])*?sqlite",
        "links sqlite": r"-lsqlite3?\b",
    }
)
SCRIPTED = _rules(
    {
        "imports sqlite": r"^\s*(import|from)\s++[\w., ]*(sqlite|\bapsw\b|\blibsql)",
        "names an sqlite database": r"(^|[\s\"'=])(jdbc:)?sqlite3?(\+\w+)?:(//|:memory)|\bjdbc:sqlite:",
        "links sqlite": r"(^|\s)-lsqlite3?\b",
    }
)
# A notebook holds its code as JSON strings.
NOTEBOOK = _rules({"imports sqlite": r"[\"']\s*+(import|from)\s++[\w., ]*(sqlite|\bapsw\b|\blibsql)"})
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
RUNNERS = frozenset(
    {"docker", "podman", "nerdctl", "kubectl", "ssh", "oc", "docker-compose", "nix-shell", "nix"}
)
IMAGE = re.compile(r"(\S*/)?sqlite3?(:[\w.-]+)?$")
LOOKED_UP = frozenset({"which", "type", "hash", "-v", "-V", "-e", "-f", "-x", "-s", "!"})
MAX_DEPTH = 4


def no_sqlite(checkout: Checkout) -> Iterator[Finding]:
    """Every use of sqlite in a checkout."""
    for path in checkout.paths:
        if LIBRARY_FILE.search(path):
            yield Finding(checkout.name, path, 1, "is a part of sqlite")
    files = checkout.files
    for path in checkout.databases:
        yield Finding(checkout.name, path, 1, "is an sqlite database")
    for file in files:
        if is_doc(file) or not WORD.search(file.text) or LIBRARY_FILE.search(file.path):
            continue
        for line, why in sorted(set(_uses(file))):
            yield file.at(line, why)


def _uses(file: File) -> Iterator[tuple[int, str]]:
    if is_python(file):
        try:
            yield from python_uses(file.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield from _no_python(file)
    elif BUILD_FILE.search(file.path):
        yield from _named(file)
    elif DOCKERFILE.search(file.path) or is_shell(file) or JUSTFILE.search(file.path):
        yield from _shell(file)
    elif COMPOSE.search(file.path) or re.match(r"\.github/.*\.ya?ml$", file.path):
        yield from _workflow(file)
    elif _lists(file):
        yield from _named(file)
    elif is_c_like(file.name):
        yield from _matches(file, CODE)
        if file.name.endswith(SCRIPT):
            yield from _required(file)
    else:
        yield from _matches(file, NOTEBOOK if file.name.endswith(".ipynb") else SCRIPTED)


def _lists(file: File) -> bool:
    """Whether it names what is installed, linked or set, and any name in it counts."""
    return (
        file.name.endswith(LISTED)
        or REQUIREMENTS.search(file.path) is not None
        or PACKAGES.search(file.path) is not None
        or file.name.startswith(".env")
    )


def _required(file: File) -> Iterator[tuple[int, str]]:
    """What a `require` under another name brings in: `const load = createRequire(…); load('better-sqlite3')`."""
    lines = code_lines(file)
    names = {name for line in lines for name in re.findall(r"(\w++)\s*+=\s*+createRequire\b", line)}
    for number, line in enumerate(lines, 1):
        called = re.findall(r"\b(\w++)\(\s*+[\"'`][^\"'`]*(?:sqlite|sql\.js|libsql)", line)
        if names and not names.isdisjoint(called):
            yield number, "imports sqlite"


def _no_python(file: File) -> Iterator[tuple[int, str]]:
    """A module of another Python, or none: what stands there plainly, else the first line that names sqlite."""
    found = list(_matches(file, SCRIPTED))
    named = next((n for n, line in enumerate(code_lines(file), 1) if WORD.search(line)), None)
    if not found and named:
        found = [(named, "cannot tell: this names sqlite, and the module cannot be read as Python")]
    yield from found


def _matches(file: File, rules: tuple[tuple[re.Pattern[str], str], ...]) -> Iterator[tuple[int, str]]:
    above = ""
    for number, line in enumerate(code_lines(file), 1):
        if WORD.search(line):
            why = next((why for rule, why in rules if rule.search(line)), None)
            if not why and above.endswith(("(", " from", "import")):  # a call that goes on in this line
                why = next((why for rule, why in rules if rule.search(f"{above} {line.lstrip()}")), None)
            if why and not _compared(file, number):
                yield number, why
        above = line[-200:].rstrip() or above


def _compared(file: File, number: int) -> bool:
    """A comparison whose branch refuses: `if (url.startsWith("sqlite://")) throw …`."""
    lines = "\n".join(file.lines[number - 1 : number + 2])
    return (
        len(lines) <= EXCUSED
        and re.match(r"\s*+(?:(?:\}\s*+)?else\s++)?if\b", lines) is not None
        and re.search(r"\b(throw|raise|abort|panic!?)\b", lines) is not None
    )


def _named(file: File) -> Iterator[tuple[int, str]]:
    """Any mention outside comments, descriptions, refusals and names such as `check-no-sqlite`."""
    listed = file.name.endswith(LISTED)
    prose = listed and not LOCK.search(file.name)
    for number, line in enumerate(code_lines(file), 1):
        if not WORD.search(line) or (not listed and len(line) <= EXCUSED and REFUSAL.search(line)):
            continue
        kept = PROSE.sub("", line) if prose else line
        rest = NAMES.sub(_unless_other, kept if listed else ASKED.sub("", kept))
        if WORD.search(NEGATED.sub("", rest)):
            yield number, "depends on sqlite" if listed else "links or builds sqlite"


def _unless_other(name: re.Match[str]) -> str:
    """Nothing of a name such as `scripts/check-no-sqlite.sh`."""
    return "" if len(name[0]) <= EXCUSED and OTHER_NAME.search(name[0]) else name[0]


def _workflow(file: File) -> Iterator[tuple[int, str]]:
    """The commands of a workflow's steps; where it cannot be read, every line as a command."""
    root = parse(file)
    if isinstance(root, Finding):
        yield from _shell(file)
        return
    for key, scalar in scalars(root):
        if key in ("run", "command", "entrypoint", "test", "script"):
            yield from _commands(scalar, scalar.text_line)
        elif key == "image" and IMAGE.match(scalar):
            yield scalar.line, "runs an image of sqlite"
        elif key not in ("name", "description") and URL.search(scalar):
            yield scalar.line, "names an sqlite database"


def _shell(file: File) -> Iterator[tuple[int, str]]:
    text = "\n".join(code_lines(file))
    if DOCKERFILE.search(file.path):
        text = re.sub(r"^(\s*)RUN\b", r"\1   ", text, flags=re.MULTILINE | re.IGNORECASE)
        text = re.sub(r"\\\n", " \\\n", text)
    elif JUSTFILE.search(file.path):
        text = re.sub(r"^([ \t]+)[@-]+", r"\1", text, flags=re.MULTILINE)
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
    elif program in SHELLS or program == "eval":
        yield from _shell_in_shell(command, program, depth)
    elif program in RUNNERS or program == "find":
        if any(_hands_on(program, before, word) for before, word in pairwise(call)):
            yield command.line, "calls the sqlite3 program"
        yield from _shell_in_shell(command, program, depth)
    elif program not in SEARCH:
        yield from ((command.line, why) for why in _arguments(program, call))


def _hands_on(program: str, before: str, word: str) -> bool:
    """Whether a word is what another program is to run: `find -exec sqlite3`, `docker run keinos/sqlite3`."""
    if program == "find":
        return before in ("-exec", "-execdir", "-ok", "-okdir") and PROGRAM.match(word) is not None
    return before not in LOOKED_UP and IMAGE.match(word) is not None


def _shell_in_shell(command: Command, program: str, depth: int) -> Iterator[tuple[int, str]]:
    if depth == MAX_DEPTH and any(map(WORD.search, command.call)):
        yield command.line, "cannot tell: shells in shells, nested too deep"
    for before, word in pairwise(command.call) if depth < MAX_DEPTH else ():
        if program == "eval" or re.fullmatch(r"-\w*c", before):
            yield from _commands(word, command.line, depth + 1)


def _is_sqlite(word: str, holders: set[str]) -> bool:
    """The program's name, or a variable that holds it."""
    variable = re.fullmatch(r"\$\{?(\w+)\}?", word)
    held = variable is not None and variable[1] in holders
    return held or PROGRAM.match(word) is not None or re.fullmatch(r"\$\{\w+:-sqlite3\}", word) is not None


def _arguments(program: str, call: tuple[str, ...]) -> Iterator[str]:
    if program.startswith("python") and any(map(_imports, call)):
        yield "imports sqlite"
    elif program.startswith("python") and ("-m", "sqlite3") in pairwise(call):
        yield "calls the sqlite3 module"
    elif any(re.match(r"-lsqlite3?$", word) or URL.match(word.partition("=")[2] or word) for word in call):
        yield "links or opens sqlite"


def _imports(text: str) -> bool:
    """An import, and sqlite behind it in the same line."""
    for piece in re.split(r"[#\n]", text):
        found = re.search(r"\bimport\s", piece)
        if found and WORD.search(piece, found.end()):
            return True
    return False
