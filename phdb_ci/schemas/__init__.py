"""JSON Schemas of the files that other programs read or write, kept beside this file for editors and users.

They are generated from the records, and the reference in docs/matrix.md from them. `python -m phdb_ci.schemas` rewrites
all; a test keeps them current.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phdb_ci.models.figures import FiguresDocument
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import LegResult
from phdb_ci.models.schema import json_schema, read_schema, written_schema
from phdb_ci.models.verdict import Verdict
from phdb_ci.schemas.reference import with_reference

REPAIR = "python -m phdb_ci.schemas"
PAGE = Path(__file__).parents[2] / "docs" / "matrix.md"  # in a checkout alone
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "figures": lambda: read_schema(FiguresDocument),
    "matrix": lambda: json_schema(Matrix),
    "plan": lambda: written_schema(Plan),
    "result": lambda: written_schema(LegResult),
    "verdict": lambda: written_schema(Verdict),
}


def path_of(name: str) -> Path:
    """Where the schema of this name is kept."""
    return Path(__file__).with_name(f"{name}.schema.json")


def text_of(name: str) -> str:
    """What the schema's file must hold."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def rewrite() -> list[Path]:
    """Bring every file up to date; gives those that were not."""
    stale = []
    for name in SCHEMAS:
        path = path_of(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text_of(name):
            path.write_text(text_of(name), encoding="utf-8", newline="\n")
            stale.append(path)
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") != page_text():
        PAGE.write_text(page_text(), encoding="utf-8", newline="\n")
        stale.append(PAGE)
    return stale


def page_text() -> str:
    """What docs/matrix.md must hold: its own text, with the reference of today."""
    return with_reference(PAGE.read_text(encoding="utf-8"), json_schema(Matrix))
