"""Makefiles and justfiles: their targets, what each needs, and the commands of its recipe. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from phdb_ci.guards.checkout import File
from phdb_ci.guards.code import code_lines
from phdb_ci.guards.kinds import JUSTFILE, MAKEFILE

_RULE = re.compile(r"(?![\s#.])@?([\w./ -]++)[^:=\n]*+:(?![=:])([^\n]*+)$")
_JUST_RULE = re.compile(r"@?([\w-]++)[^:=\n]*+:(?!=)([^\n]*+)$")
_PREFIX = re.compile(r"[@+-]*")


@dataclass
class Recipe:
    """What is run for some targets; `lines` are numbered, without what `@` and `-` before them say."""

    targets: tuple[str, ...]
    needs: tuple[str, ...]
    tool: str
    lines: list[tuple[int, str]] = field(default_factory=list)
    ignored: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it as a shell text, the targets that it needs included."""
        return "\n".join([*(f"{self.tool} {need}" for need in self.needs), *(line for _, line in self.lines)])

    @property
    def script(self) -> bool:
        """Whether the lines are one script, as in a justfile with `#!`."""
        return bool(self.lines) and self.lines[0][1].startswith("#!")

    def calls(self) -> Iterator[str]:
        """A pattern for each way in which it is called: it begins where a command does."""
        program = r"(?:g?make\b|\$[({]MAKE[)}])" if self.tool == "make" else r"just\b"
        for target in self.targets:
            yield (
                rf"(?<![^\n;|&])(?>[^\n;|&]*?(?<![\w-]){program})[^\n;|&]*?\s{re.escape(target)}(?![\w./:-])"
            )


def recipes(file: File) -> list[Recipe]:
    """The recipes of a makefile or justfile; none of any other file."""
    just = JUSTFILE.search(file.path) is not None
    if not just and not MAKEFILE.search(file.path):
        return []
    found: list[Recipe] = []
    now: Recipe | None = None
    goes_on = False
    raw = file.lines
    for number, line in enumerate(code_lines(file), 1):
        inside = line.startswith("\t") or (just and line.startswith(" "))
        if now and (inside or goes_on):
            whole = raw[number - 1] if raw[number - 1].lstrip().startswith("#!") else line
            _add(now, number, whole.strip(), goes_on=goes_on)
            goes_on = line.endswith("\\")
        elif line.strip():
            rule = (_JUST_RULE if just else _RULE).match(line)
            now = (
                Recipe(tuple(rule[1].split()), tuple(rule[2].split()), "just" if just else "make")
                if rule
                else None
            )
            found += [now] if now else []
    return found


def _add(recipe: Recipe, number: int, line: str, *, goes_on: bool) -> None:
    if goes_on and recipe.lines:
        first, text = recipe.lines[-1]
        recipe.lines[-1] = first, f"{text.removesuffix(chr(92))} {line}"
        return
    prefix = _PREFIX.match(line)
    said = prefix[0] if prefix else ""
    if "-" in said:
        recipe.ignored.append(number)
    recipe.lines.append((number, line[len(said) :]))
