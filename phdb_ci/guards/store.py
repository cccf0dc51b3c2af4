"""Guard `default-store-supabase`: what li-cursor-agents takes where LI_CONTROL_PLANE_STORE is not set. Pure.

A default is what stands in for the variable: `|| 'x'`, `?? 'x'`, `.default('x')`, a destructuring default,
`.get(NAME, "x")`, `${NAME:-x}`, a constant resolved by its name, and, where the value goes into a variable or through a
chain of comparisons, the last `return 'x'` or `: 'x'` behind it. Every one must be supabase, and at least one must
stand in a program: a default that cannot be found is a failure, not a pass. A plain setting is a default only where
production takes it: env files, images, files and jobs of production or deployment, package scripts `start` and
`serve`. Tests and e2e files may set it.
"""

import re
from collections.abc import Iterator, Mapping

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, is_doc, is_test
from phdb_ci.guards.kinds import SCRIPT
from phdb_ci.guards.store_settings import NAME, settings

WANTED = "supabase"
STORES = "supabase|disk|lidb|memory|postgres|sqlite|file|none|mock"
PROGRAM = (*SCRIPT, ".py")
WINDOW = 40  # lines behind the variable in which its chain of comparisons ends,
REACH = 20_000  # and characters of them
NEAR = 400  # characters around the variable in which its own default stands
MAX_READS = 500  # of one file
UNTOLD = "?"
_VALUE = r"(?:[\"'`](\w*)[\"'`]|([A-Za-z_$][\w$.]*))"
_TAIL = r"[\"'\]]*+\)?(?:\s*+\??\.\s*+(?:trim|toLowerCase|lower|strip)\(\))*+\s*+\)?\s*+"
DIRECT = (
    re.compile(rf"{NAME}{_TAIL}(?:\|\||\?\?)=?\s*{_VALUE}"),
    re.compile(
        rf"{NAME}[\"'\]]*\s*,\s*(?:[\"'`]([a-z]\w*)[\"'`]|([A-Za-z_$][\w$.]*))\s*\)"
    ),  # .get(NAME, "x"), env(NAME, 'x')
    re.compile(rf"{NAME}[\"'\]]*\)\s*or\s+{_VALUE}"),
    re.compile(rf"{NAME}\s*(?::\s*+\w+\s*)?=\s*{_VALUE}\s*[,}}]"),  # const {{ NAME = 'x' }} = process.env
    re.compile(
        rf"{NAME}[\"']?\s*:\s*(?:(?!,\s*\n)[^;]){{0,300}}?\.(?:default|catch|fallback)\(\s*{_VALUE}\s*\)",
        re.DOTALL,
    ),
)
# `?? (a ? 'x' : 'y')`: each of them may be the default.
CHOSEN = re.compile(rf"{NAME}{_TAIL}(?:\|\||\?\?)=?\s*+(\(?[^;\n?]{{0,200}}\?(?![?.])[^;\n]{{0,200}})")
CHOICES = re.compile(rf"[?:]\s*+\(?[\"'`]({STORES})[\"'`]")
IN_PRODUCTION = re.compile(
    rf"\b(?:NODE_ENV|APP_ENV|isProd\w{{0,40}}+)[^;\n]{{0,80}}(?:\?(?![?.])|\breturn\b)\s*+[\"'`]({STORES})[\"'`]",
    re.IGNORECASE,
)
NOTHING = ("undefined", "null", "None", "")
ALIAS = re.compile(r"\b(\w+)(?:\s*+:[\w<>| \t]++)?\s*+=[^=\n;]*$")  # before the variable, on its line


def default_store_supabase(checkout: Checkout) -> Iterator[Finding]:
    """Every default that is not supabase; none at all is a finding."""
    constants = _constants(checkout)
    reads: list[tuple[File, int]] = []
    found = False
    for file in checkout.files:
        if NAME not in file.text or is_test(file) or is_doc(file):
            continue
        if file.name.endswith(PROGRAM):
            places = list(_program(file, constants))
            found = found or any(value is not None for _, value in places)
            reads += ((file, line) for line, value in places if value is None)
            defaults = [(line, value) for line, value in places if value is not None]
            defaults += list(_in_production(file))
            defaults += list(settings(file)) if file.name.startswith("ecosystem.") else []
        else:
            defaults = list(settings(file))
        for line, value in sorted(set(defaults)):
            if value == UNTOLD:
                yield file.at(line, f"cannot tell: what stands in for {NAME} here is out of reach")
            elif value != WANTED:
                yield file.at(line, f"the default store is {value or 'empty'}, not {WANTED}")
    if not found and reads:
        file, line = reads[0]
        yield file.at(line, f"cannot tell: {NAME} is read here, and no default is found")
    elif not found:
        yield Finding(checkout.name, "", 0, f"cannot tell: no program reads {NAME} with a default")


def _constants(checkout: Checkout) -> Mapping[str, str]:
    """`const DEFAULT_STORE = 'supabase'` of every program; a name with two values is unknown."""
    found: dict[str, str] = {}
    rule = re.compile(rf"\b([A-Za-z_]\w*+)\s*+(?::[\w.<>\" |\t]++)?=\s*+[\"'`]({STORES})[\"'`]")
    for file in checkout.files:
        if file.name.endswith(PROGRAM) and not is_test(file):
            for line in code_lines(file):
                for name, value in rule.findall(line):
                    found[name] = value if found.get(name, value) == value else "?"
    return found


def _program(file: File, constants: Mapping[str, str]) -> Iterator[tuple[int, str | None]]:
    """Every read of the variable: its line, and its default where there is one to be found."""
    lines = code_lines(file)
    text = "\n".join(lines)
    number, at = 1, 0
    for count, match in enumerate(re.finditer(rf"\b{NAME}\b", text)):
        start = match.start()
        number, at = number + text.count("\n", at, start), start
        if count == MAX_READS:
            yield number, UNTOLD
            return
        yield from _read(text, start, lines, number, constants)


def _read(
    text: str, start: int, lines: tuple[str, ...], number: int, constants: Mapping[str, str]
) -> Iterator[tuple[int, str | None]]:
    """One read of the variable, which begins at `start`."""
    piece = text[start : start + NEAR]
    before = text[max(0, start - NEAR) : start].rpartition("\n")[2]
    shell = re.match(rf"{NAME}:?[-=]([\w\"']*)\}}", piece)
    if shell and before.endswith("${"):
        yield number, shell[1].strip("\"'")
        return
    given = re.match(rf"{NAME}[\"'\]]*\s*=(?![=>])\s*[\"'`](\w+)[\"'`]\s*(;|$)", piece, re.MULTILINE)
    if given:
        yield number, given[1]
        return
    if chosen := CHOSEN.match(piece):
        for value in CHOICES.findall(chosen[1]):
            yield number, value
        return
    direct = next((match for rule in DIRECT if (match := rule.match(piece))), None)
    value = _resolved(direct[1], direct[2], constants) if direct else ""
    if direct and value is None and (direct[2] or "") not in NOTHING:
        value = UNTOLD
    if value:
        yield number + piece[: direct.end() if direct else 0].count("\n"), value
    else:
        yield from _chained(before, piece, lines, number, constants)


def _in_production(file: File) -> Iterator[tuple[int, str]]:
    """A store that production alone takes, in a module that reads the variable."""
    for number, line in enumerate(code_lines(file), 1):
        if "production" in line.lower() and (found := IN_PRODUCTION.search(line)):
            yield number, found[1]


def _resolved(literal: str | None, name: str | None, constants: Mapping[str, str]) -> str | None:
    if literal is not None:
        return literal
    value = constants.get((name or "").rpartition(".")[2])
    return None if value == "?" else value


def _chained(
    before: str, piece: str, lines: tuple[str, ...], number: int, constants: Mapping[str, str]
) -> Iterator[tuple[int, str | None]]:
    """Behind a plain read: `X === 'lidb' ? 'lidb' : 'supabase'`, `raw || 'x'`, `if (!raw) return 'x'`, last return."""
    ternary = re.match(
        rf"{NAME}[^;?]*\?(?![?.])[^;]*:\s*{_VALUE}\s*(;|$|\)|\}}|const|return)",
        " ".join(piece.split("\n")[:4]),
    )
    if ternary and (value := _resolved(ternary[1], ternary[2], constants)):
        yield number, value
        return
    alias = ALIAS.search(before) or re.match(rf"{NAME}\s*+:\s*+(\w++)\s*+[,}}]", piece)
    if not alias and not re.match(r"\s*+(switch|if|return)\b", lines[number - 1]):
        yield number, None
        return
    name = re.escape(alias[1]) if alias else re.escape(NAME)
    empty = re.compile(
        rf"(?:\b{name}\b\s*+(?:\|\||\?\?)|!\s*+{name}\b\s*+\)\s*+\{{?\s*+(?:return\b)?|"
        rf"\b{name}\s*+\?\s*+{name}\s*+:|not {name}:\s*+return\b|\b{name} or )\s*+{_VALUE}"
    )
    last: tuple[int, str] | None = None
    length = 0
    for offset, line in enumerate(lines[number - 1 : number - 1 + WINDOW]):
        length += len(line)
        if length > REACH:
            yield number + offset, UNTOLD
            return
        if found := empty.search(line):
            value = _resolved(found[1], found[2], constants)
            if value:
                yield number + offset, value
                return
        returned = re.match(rf"\s*(?:default\s*:\s*)?return\s+{_VALUE}", line)
        if returned and (value := _resolved(returned[1], returned[2], constants)):
            last = number + offset, value
        if last and re.match(r"\}|(export|function|def|class)\b", line) and offset:
            break
    yield last or (number, None)
