"""The examples of liq/README.md do what they say; planned ones are skipped by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import liq

if TYPE_CHECKING:
    from liorm import Engine

README = Path(__file__).resolve().parent.parent / "liq" / "README.md"
EXAMPLES = re.findall(r"```liq( planned)?\n(.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("planned", "source"), EXAMPLES)
def test_liq_readme_spec_examples(engine: Engine, planned: str, source: str) -> None:
    if planned:
        pytest.skip("planned, beyond the embedded SQL subset")
    compiled = liq.compile(source)
    engine.execute_sql(compiled["sql"], ["x"] * len(compiled["param_schema"]))
