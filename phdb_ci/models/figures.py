"""What a job measured, as the job writes it down: a document of figures, each with its values over rounds.

    {"schema_version": 1,
     "figures": [{"name": "publish", "compared": ["new", "old"], "values": [0.98, 1.01, …], "problem": null}],
     "notes": ["against version 16"]}

A figure that was not measured says so in `problem`. Values that stand beside a problem are shown and decide nothing:
they were taken, and compare something else than the figure's name says.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from phdb_ci.models.base import TEXT, Record

MOST = 64  # figures, or notes, of one document
ROUNDS = 100  # values of one figure

Label = Annotated[str, StringConstraints(pattern=TEXT, max_length=100)]
Words = Annotated[str, StringConstraints(pattern=TEXT, max_length=2000)]
Value = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Figure(Record):
    """One figure: its values in the order of the rounds.

    `compared`: what each value compares, the first by the second. `problem`: why it was not measured,
    values or not.
    """

    name: Label
    compared: tuple[Label, ...] = Field((), max_length=2)
    values: tuple[Value, ...] = Field((), max_length=ROUNDS)
    problem: Words | None = None


class FiguresDocument(Record):
    """The document as a whole; nothing else may stand in it."""

    schema_version: Literal[1]
    figures: tuple[Figure, ...] = Field(max_length=MOST)
    notes: tuple[Words, ...] = Field((), max_length=MOST)
