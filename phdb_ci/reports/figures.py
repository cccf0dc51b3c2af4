"""The figures that a job wrote down, read as hostile text. What is no such document is said here, in words.

That a figure is missing, or too high, is judging's to say.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phdb_ci.base.strict_json import NotStrictError, parse
from phdb_ci.models.figures import FiguresDocument
from phdb_ci.models.matrix import Figures
from phdb_ci.models.results import FiguresFact

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST = 5  # faults of one document that are said


def judge(text: bytes, shown: str, wanted: Figures) -> FiguresFact:
    """What the document holds, or why it is no document of figures."""
    from pydantic import ValidationError

    fact = FiguresFact(file=shown, unit=wanted.unit, threshold=wanted.threshold)
    try:
        parse(text)
        document = FiguresDocument.model_validate_json(text, strict=True)
    except NotStrictError as error:
        reason = f": {error}" if str(error) else ""
        return fact.model_copy(update={"problems": (f"{shown} is not JSON{reason}",)})
    except ValidationError as error:
        return fact.model_copy(update={"problems": tuple(_faults(error, shown))})
    return fact.model_copy(update={"figures": document.figures, "notes": document.notes})


def _faults(error: "ValidationError", shown: str) -> Iterator[str]:
    """Where the document has another shape than declared, and what is expected there."""
    for detail in error.errors(include_url=False, include_input=False, include_context=False)[:MOST]:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        yield f"{shown}: {place.lstrip('.') or 'the document'}: {detail['msg']}"
