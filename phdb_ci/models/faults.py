"""The faults of an artifact or a repo: how the matrix says what a broken variant of it is."""

from pydantic import Field

from phdb_ci.models.base import Name, Record
from phdb_ci.models.texts import Command

# The entry of `faults` whose command breaks nothing: what jobs are measured with before and after the faults.
CONTROL = "control"


class Breakable(Record):
    """What `phdb-ci prove` can put a broken variant in the place of, each made by a command of the matrix.

    The commands run in the folder of matrix.toml. A fault has one owner in the whole file; only the entry `control`,
    which must break nothing, may stand at several.
    """

    faults: dict[Name, Command] = Field(
        {},
        description="commands that break it: an artifact, from `{real.OUTPUT}` to `{out.OUTPUT}`; a repo, in its "
        "checkout `{tree}`. `control` breaks nothing",
        examples=[{"dead": "cp /bin/false {out.tool}"}],
    )
    hangs: tuple[Name, ...] = Field(
        (),
        description="the faults with which a job may never end: only with these is a time limit a notice",
        examples=[["hang"]],
    )

    @property
    def fault_names(self) -> tuple[str, ...]:
        """The faults by name; `control` is none."""
        return tuple(name for name in self.faults if name != CONTROL)
