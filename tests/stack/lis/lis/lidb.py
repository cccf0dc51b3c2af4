"""The lidb checkout: where it is, and its Python packages. They are imported, never installed."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LisError

if TYPE_CHECKING:
    from types import ModuleType


def checkout() -> Path:
    """Find the checkout that `LIDB_REPO` names."""
    given = os.environ.get("LIDB_REPO")
    if not given:
        raise LisError("LIDB_REPO is not set: it names the lidb checkout")
    path = Path(given).resolve()
    if not (path / "liorm" / "__init__.py").is_file():
        raise LisError(f"LIDB_REPO={given} is no lidb checkout: it has no liorm")
    return path


def liorm() -> ModuleType:
    """Import liorm from the checkout."""
    path = str(checkout())
    if path not in sys.path:
        sys.path.insert(0, path)
    return importlib.import_module("liorm")
