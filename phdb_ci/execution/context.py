"""What every node of one run shares: where things are, the caller's environment, the canceller, the clock."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from phdb_ci.execution.process import Canceller
from phdb_ci.execution.workspace.environment import secrets
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.statuses import AnyStatus

Phase = Literal["checkout", "build", "install", "run"]


class Progress(Protocol):
    """Who wants to know what happens while a run goes on (terminal.py)."""

    def started(self, name: str, expected: float | None, log: Path) -> None:
        """A node begins. `expected`: the seconds that it took before; `log`: the file that its output goes to."""

    def phase(self, name: str, phase: Phase) -> None:
        """A node that has begun does this from now on."""

    def finished(self, name: str, status: AnyStatus, seconds: float, reasons: Sequence[str]) -> None:
        """A node has ended."""

    def note(self, text: str) -> None:
        """Something a person should know now, such as waiting for a lock."""


@dataclass
class Context:
    """One run: `out` is its run directory, `work` its folder in the cache, `caller` the caller's environment.

    `variants`: what stands in the place of an artifact's outputs, by artifact and output; only `phdb-ci prove` has any.
    """

    matrix: Matrix
    plan: Plan
    cache: Path
    out: Path
    work: Path
    caller: Mapping[str, str]
    run_id: str
    progress: Progress
    cancel: Canceller
    attempt: int = 1
    head: str | None = None
    variants: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def masked(self) -> tuple[str, ...]:
        """What must not show in logs and reports."""
        return secrets(self.caller)

    def offset(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def interrupted(self) -> bool:
        """Whether the run was cancelled."""
        return self.cancel.cancelled

    def waiting(self, path: Path) -> None:
        """Note that another job or run holds a lock."""
        self.progress.note(f"waiting for another job or run that holds {path}")


def now() -> str:
    """The time as records hold it: UTC, ISO 8601, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
