"""The corpus as data: every case of `cases/*.toml`, checked. What a case does is for stage.py."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from phdb_ci.models.base import Record

HERE = Path(__file__).parent
CASES, FILES = HERE / "cases", HERE / "files"
# `refused`: the matrix itself is an error, nothing runs. `absent`: no runner of this machine's has the job, and the
# verdict is not green for that.
Expected = Literal["passed", "failed", "unproven", "error", "timeout", "blocked", "refused", "absent"]


class Patch(Record):
    """Replace a text that stands exactly once in a file of the stack (`lis/lis/cli.py`)."""

    file: str
    old: str
    new: str


class Edit(Record):
    """Replace a text that stands exactly once in the job's rows of the matrix, or in all of it."""

    old: str
    new: str
    everywhere: bool = False


class Change(Record):
    """What is done to the stand-in stack, to the job's rows and to the caller's environment, in this order.

    Attributes:
        history: repos that are git repositories, with one commit before the change and one with it.
        delete: files and folders of the stack.
        write: file of the stack → its text, or `@name` for a file of `files/`; a script (`#!`) is executable.
        link: file of the stack → what the link points to.
        matrix: edits of the job's rows; setup, run: its commands; env: more variables in its environment.
        caller: the environment of whoever starts phdb-ci; programs: what comes first on their PATH;
            without: what is not on it.
    """

    history: tuple[str, ...] = ()
    patch: tuple[Patch, ...] = ()
    delete: tuple[str, ...] = ()
    write: dict[str, str] = Field(default_factory=dict)
    link: dict[str, str] = Field(default_factory=dict)
    matrix: tuple[Edit, ...] = ()
    setup: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    caller: dict[str, str] = Field(default_factory=dict)
    programs: dict[str, str] = Field(default_factory=dict)
    without: tuple[str, ...] = ()


class Case(Change):
    """One way to look green, or one honest variant (`status = "passed"`).

    Attributes:
        job: the job that it runs.
        status: what it must get; reason: words that must stand in one of the reasons.
        why: how it looks green, or why it is honest; one sentence for people.
        like: a change of the same file (`[base.NAME]`) that is made first.
    """

    id: str
    theme: str
    job: str
    status: Expected
    reason: str = ""
    why: str
    base: Change = Change()

    @property
    def honest(self) -> bool:
        """Whether it must stay green."""
        return self.status == "passed"

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is done, in order."""
        return (self.base, self)


class CorpusError(Exception):
    """A case that is not well-formed."""


def load(folder: Path = CASES) -> tuple[Case, ...]:
    """Every case, in the order of the files. Raises CorpusError or pydantic's ValidationError."""
    cases = tuple(case for path in sorted(folder.glob("*.toml")) for case in _file(path))
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise CorpusError(f"two cases are called {case.id}")
        seen.add(case.id)
    return cases


def chosen(cases: tuple[Case, ...], only: list[str]) -> tuple[Case, ...]:
    """Those that are asked for by id or theme, all when none is. Raises CorpusError for a name that there is not."""
    known = {case.id for case in cases} | {case.theme for case in cases}
    for name in only:
        if name not in known:
            raise CorpusError(f"there is no case or theme {name}")
    return tuple(case for case in cases if not only or {case.id, case.theme} & set(only))


def text_of(text: str) -> str:
    """A text as it is written, or the file of `files/` that it names."""
    return (FILES / text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text


def _file(path: Path) -> Iterator[Case]:
    """The cases of one file; its name without the number is the theme."""
    document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    bases = {name: Change.model_validate(row) for name, row in document.pop("base", {}).items()}
    rows = document.pop("case")
    if document:
        raise CorpusError(f"{path.name}: unknown {', '.join(document)}")
    for row in rows:
        like = row.pop("like", None)
        if like is not None and like not in bases:
            raise CorpusError(f"{path.name}: {row.get('id')}: there is no base {like}")
        yield Case.model_validate(row | {"theme": path.stem.partition("-")[2], "base": bases.get(like, Change())})
