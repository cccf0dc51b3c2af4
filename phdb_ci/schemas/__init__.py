"""JSON Schemas of the files that other programs read or write, kept beside this file for editors and users.

They are generated from the records, and the reference in docs/matrix.md from them. `python -m phdb_ci.schemas` rewrites
all; a test keeps them current.
"""

import json
from pathlib import Path
from typing import Any

from phdb_ci.models.base import Record
from phdb_ci.models.figures import FiguresDocument
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.results import LegResult
from phdb_ci.models.schema import json_schema, toml_schema
from phdb_ci.models.verdict import Verdict
from phdb_ci.schemas.reference import with_reference

REPAIR = "python -m phdb_ci.schemas"
PAGE = Path(__file__).parents[2] / "docs" / "matrix.md"  # in a checkout alone


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema, by its name."""
    written: dict[str, type[Record]] = {"plan": Plan, "result": LegResult, "verdict": Verdict}
    return {
        "figures": json_schema(FiguresDocument, "validation"),
        "matrix": toml_schema(Matrix),
        **{name: json_schema(model, "serialization") for name, model in written.items()},
    }


def current() -> dict[Path, str]:
    """What each file must hold: the schemas, and docs/matrix.md with the reference of today."""
    texts = {
        Path(__file__).with_name(f"{name}.schema.json"): json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }
    if PAGE.is_file():
        texts[PAGE] = with_reference(PAGE.read_text(encoding="utf-8"), toml_schema(Matrix))
    return texts


def rewrite() -> list[Path]:
    """Bring every file up to date; gives those that were not."""
    stale = []
    for path, text in current().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            stale.append(path)
    return stale
