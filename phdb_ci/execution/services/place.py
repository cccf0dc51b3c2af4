"""Where a service of one leg lives, and what is known of it while it runs. Starts nothing."""

from dataclasses import dataclass
from pathlib import Path

from phdb_ci.execution.context import Context
from phdb_ci.models.results import ServiceUse


@dataclass(frozen=True)
class Place:
    """Where a service of a run lives: `folder` is the leg's own, `log` is kept."""

    context: Context
    folder: Path
    log: Path


@dataclass
class Running:
    """A service that is ready: `url` is what the job gets, `problem` is set when the server did not last."""

    name: str
    origin: str
    url: str
    version: str
    remote: bool
    problem: str | None = None

    def use(self) -> ServiceUse:
        """The record of it."""
        return ServiceUse(
            name=self.name, version=self.version, origin=self.origin, remote=self.remote, problem=self.problem
        )
