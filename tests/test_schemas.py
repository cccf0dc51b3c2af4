"""The committed JSON Schemas are what the records give."""

import pytest

from phdb_ci import schemas


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_committed_schema_is_current(name: str) -> None:
    path = schemas.path_of(name)
    current = path.is_file() and path.read_text(encoding="utf-8") == schemas.text_of(name)
    assert current, f"{path} is not what the records give; run: {schemas.REPAIR}"


def test_rewrite_leaves_current_files_alone() -> None:
    assert schemas.rewrite() == []


def test_reference_of_the_matrix_is_current() -> None:
    current = schemas.PAGE.read_text(encoding="utf-8") == schemas.page_text()
    assert current, f"docs/matrix.md is not what the schema gives; run: {schemas.REPAIR}"


def test_reference_has_every_key_of_every_table() -> None:
    page = schemas.PAGE.read_text(encoding="utf-8")
    schema = schemas.SCHEMAS["matrix"]()
    absent = [
        f"{name}.{key}"
        for name, record in schema["$defs"].items()
        for key in record["properties"]
        if f"| `{key}` |" not in page
    ]
    assert absent == []
