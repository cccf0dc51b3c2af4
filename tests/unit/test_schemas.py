"""The committed JSON Schemas are what the records give."""

from pathlib import Path

import pytest

from phdb_ci import schemas
from phdb_ci.matrix import parse
from phdb_ci.schemas.reference import TITLES

CURRENT = schemas.current()


def test_page_of_the_matrix_is_among_them() -> None:
    assert schemas.PAGE in CURRENT


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.name)
def test_committed_file_is_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    assert text == CURRENT[path], f"{path} is not what the records give; run: {schemas.REPAIR}"


def test_rewrite_leaves_current_files_alone() -> None:
    assert schemas.rewrite() == []


def test_reference_has_every_key_of_every_table() -> None:
    page = schemas.PAGE.read_text(encoding="utf-8")
    records = schemas.schemas()["matrix"]["$defs"]
    absent = [
        f"{name}.{key}"
        for name, record in records.items()
        for key in record["properties"]
        if f"| `{key}` |" not in page
    ]
    assert absent == []
    assert set(TITLES) == set(records)


def test_example_of_the_page_is_a_matrix() -> None:
    text = schemas.PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    assert parse(text, "docs/matrix.md").gates["pr-gate"].jobs == ("e2e",)
