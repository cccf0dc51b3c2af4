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
