"""What a service of one leg is given, and what is known of it while it runs. Starts nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.locks import OnWait
from phdb_ci.execution.process import Canceller
from phdb_ci.models.results import ServiceUse


@dataclass(frozen=True)
class Place:
    """Where a service lives: `folder` is the leg's own, `log` is kept; `cancel` ends the whole run."""

    folder: Path
    log: Path
    cache: Path
    caller: Mapping[str, str]
    masked: Sequence[str]
    cancel: Canceller
    on_wait: OnWait | None = None


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
