"""A workflow file as text and as parsed YAML, with the line of everything: what the rules look at.

ruamel.yaml reads YAML 1.2, as GitHub does: `on` is a word, and a key that stands twice is an error. Shapes are not
trusted: what should be a mapping and is none counts as an empty one here, and the schema complains about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

__all__ = ["Finding", "Job", "Node", "Step", "Workflow", "YAMLError", "mapping", "names", "parse", "scalars"]

Node = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Finding:
    """What a tool or a rule of our own has to say about a line of a file."""

    tool: str
    rule: str
    file: str
    line: int
    text: str

    @property
    def id(self) -> str:
        """`tool:rule`."""
        return f"{self.tool}:{self.rule}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text} [{self.id}]"


@dataclass(frozen=True)
class Step:
    """A step of a job."""

    row: Node
    line: int

    @property
    def run(self) -> str:
        """Its script; empty when it has none."""
        return str(self.row.get("run") or "")

    @property
    def action(self) -> str:
        """The action that it uses, without its commit."""
        return str(self.row.get("uses") or "").partition("@")[0]

    @property
    def given(self) -> Node:
        """The inputs of the action."""
        return mapping(self.row.get("with"))

    @property
    def env(self) -> Node:
        """Its own environment."""
        return mapping(self.row.get("env"))


@dataclass(frozen=True)
class Job:
    """A job of a workflow; `above` are the comments above it, without their sign."""

    id: str
    row: Node
    line: int
    above: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name that people see."""
        return str(self.row.get("name") or self.id)

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs that it waits for."""
        return names(self.row.get("needs"))

    @property
    def runner(self) -> str:
        """Where it runs, when that is one label."""
        found = self.row.get("runs-on")
        return found if isinstance(found, str) else ""

    @property
    def permissions(self) -> Node:
        """What its token may do."""
        return mapping(self.row.get("permissions"))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Its steps in order."""
        found = self.row.get("steps")
        rows = found if isinstance(found, list) else []
        return tuple(Step(mapping(row), _line_of_item(rows, index)) for index, row in enumerate(rows))

    def line_of(self, key: str) -> int:
        """The line of one of its keys, else its own."""
        return line_of(self.row, key) or self.line


@dataclass(frozen=True)
class Workflow:
    """A workflow file of a repository. `path` is its path there."""

    repo: str
    path: str
    text: str
    data: Node

    @property
    def file(self) -> str:
        """The file with its repository, as findings name it."""
        return f"{self.repo}/{self.path}"

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines; the first has the index 0."""
        return tuple(self.text.splitlines())

    @cached_property
    def triggers(self) -> Node:
        """Events and their configuration, in whichever of the three ways they are written."""
        found = self.data.get("on")
        return found if isinstance(found, Mapping) else dict.fromkeys(names(found))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Its jobs in order."""
        rows = mapping(self.data.get("jobs"))
        found = []
        for name, row in rows.items():
            line = line_of(rows, name)
            found.append(Job(str(name), mapping(row), line, tuple(self._above(line))))
        return tuple(found)

    @property
    def steps(self) -> Iterator[tuple[Job, Step]]:
        """Every step with its job."""
        return ((job, step) for job in self.jobs for step in job.steps)

    def line_of(self, key: str) -> int:
        """The line of a key of the file itself; the first line without one."""
        return line_of(self.data, key) or 1

    def _above(self, line: int) -> list[str]:
        found: list[str] = []
        for text in reversed(self.lines[: line - 1]):
            if not text.lstrip().startswith("#"):
                break
            found.insert(0, text.lstrip().removeprefix("#").strip())
        return found


def parse(repo: str, path: str, text: str) -> Workflow:
    """A workflow from its text. Raises YAMLError when it is no YAML."""
    return Workflow(repo, path, text, mapping(YAML(typ="rt").load(text)))


def mapping(value: object) -> Node:
    """The value when it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def names(value: object) -> tuple[str, ...]:
    """A name, or a list of names."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, Sequence) else ()


def line_of(row: Node, key: str) -> int:
    """The line of a key of a mapping; 0 when it has no such key."""
    place = getattr(row, "lc", None)
    return int(place.key(key)[0]) + 1 if place is not None and key in row else 0


def scalars(value: object, line: int = 0) -> Iterator[tuple[int, str]]:
    """Every text below a node, keys included, with its line."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            here = line_of(value, key) or line
            yield here, str(key)
            yield from scalars(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from scalars(inner, _line_of_item(value, index) or line)
    elif isinstance(value, str):
        yield line, value


def _line_of_item(rows: object, index: int) -> int:
    place = getattr(rows, "lc", None)
    return int(place.item(index)[0]) + 1 if place is not None else 0
