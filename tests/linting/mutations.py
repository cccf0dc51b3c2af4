"""The table that the gate bites: ways to harm a workflow, and exactly who notices each. The rows are in mutations/.

A row changes one rendered file in one place: `old` is a text there, `pattern` a regular expression (for what a new pin
or release changes), `new` what stands there afterwards; `broken = true` is no YAML any more. `caught` is the whole
list (`tool:rule`), so that it also says what no linter sees, and a new version of one that sees less is noticed.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.models.matrix import Matrix

TABLES = Path(__file__).with_name("mutations")
# By these names the rows call the files that they change: repository and file.
FILES = {
    "ci": ("phdb-ci", "ci.yml"),
    "pr-gate": ("phdb-ci", "pr-gate.yml"),
    "nightly": ("phdb-ci", "nightly.yml"),
    "caller": ("lidb", "phdb-gate.yml"),
    "publish": ("lidb", "phdb-verdict.yml"),
    "embed": ("lidb", "phdb-embed.yml"),
    "aggregate": ("lic", "phdb-aggregate.yml"),
}
# What many rows change, written once.
NAMES = {
    "<CHECKOUT>": r"actions/checkout@[0-9a-f]{40} # v[0-9.]+",
    "<LOCK>": "python -m pip install --quiet --require-hashes -r requirements.lock",
    "<PUBLISH>": 'run: python -m nox --no-venv -s publish -- --run-id "${RUN}"',
    "<RENDER>": "run: python -m nox --no-venv -s render -- --check",
}
USES = re.compile(r"<USES ([^>]+)>")


@dataclass(frozen=True)
class Mutation:
    """A change of one file, once, and the rules that catch it."""

    id: str
    file: str
    pattern: str
    new: str
    caught: frozenset[str]
    broken: bool

    def apply(self, text: str) -> str:
        """The changed text. The change must be possible, and change something."""
        changed, count = re.subn(self.pattern, self.new, text, count=1, flags=re.MULTILINE)
        assert count == 1, f"{self.id}: {self.pattern!r} is not in {self.file}"
        assert changed != text, f"{self.id}: nothing changes"
        return changed


def mutations(matrix: Matrix) -> list[Mutation]:
    """Every row of the tables; `<USES name>` is an action at the matrix's pin."""
    return [row for path in sorted(TABLES.glob("*.toml")) for row in _rows(path, matrix)]


def _rows(path: Path, matrix: Matrix) -> Iterator[Mutation]:
    for name, row in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert row.keys() <= {"file", "old", "pattern", "new", "caught", "broken"}, name
        literal = "old" in row
        assert literal != ("pattern" in row), f"{name}: either old or pattern"
        old, new = (_filled(row[key], matrix) for key in ("old" if literal else "pattern", "new"))
        yield Mutation(
            id=name, file=row["file"], pattern=re.escape(old) if literal else old,
            new=new.replace("\\", r"\\") if literal else new, caught=frozenset(row["caught"]),
            broken=row.get("broken", False),
        )  # fmt: skip


def _filled(text: str, matrix: Matrix) -> str:
    for name, value in NAMES.items():
        text = text.replace(name, value)

    def pinned(found: re.Match[str]) -> str:
        pin = matrix.actions[found[1]]
        return f"{found[1]}@{pin.commit} # {pin.version}"

    return USES.sub(pinned, text)
