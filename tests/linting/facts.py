"""What the rules measure a file by: the matrix, and the part that the file has to play in its repository."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from phdb_ci.models.hosting import Home
from phdb_ci.models.matrix import Matrix
from phdb_ci.rendering.workflows import OWN, RUNNER, is_called
from tests.linting.layout import home_of
from tests.linting.workflow import Job, Workflow

Kind = Literal["ci", "gate", "caller", "publish", "artifact", "aggregate", "unknown"]
CALLER = "phdb-gate"  # starts a gate in another repository; the second stage waits for it


@dataclass(frozen=True)
class Role:
    """The part that a file plays; `name` is the gate's or the artifact's."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True)
class Facts:
    """The matrix, and the gates that others call, as they are rendered."""

    matrix: Matrix
    gates: Mapping[str, Workflow]

    @property
    def home(self) -> Home:
        """This project on GitHub."""
        assert self.matrix.self_ is not None
        return self.matrix.self_

    @cached_property
    def called(self) -> str:
        """The gate that other repositories call."""
        return next(name for name, gate in self.matrix.gates.items() if is_called(gate))

    @cached_property
    def runners(self) -> frozenset[str]:
        """The runners that the matrix names, and the one for jobs that test nothing."""
        return frozenset({RUNNER, *(os for job in self.matrix.jobs.values() for os in job.os)})

    def role(self, flow: Workflow) -> Role:
        """The part that a file plays, by its place alone."""
        place = PurePosixPath(flow.path)
        name = place.stem
        if str(place.parent) != OWN or place.suffix != ".yml":
            return Role("unknown")
        if flow.repo == home_of(self.matrix):
            known: Kind = "gate" if name in self.matrix.gates else "unknown"
            return Role("ci" if name == "ci" else known, name)
        return self._role_elsewhere(flow.repo, name)

    def _role_elsewhere(self, repo: str, name: str) -> Role:
        artifact = name.removeprefix("phdb-")
        if repo in self.matrix.repos and name in (CALLER, "phdb-verdict"):
            return Role("caller" if name == CALLER else "publish", self.called)
        if repo in self.home.aggregators and name == "phdb-aggregate":
            return Role("aggregate", self.called)
        if artifact in self.matrix.artifacts and self.matrix.artifacts[artifact].repo == repo:
            return Role("artifact", artifact)
        return Role("unknown", name)

    def second_stage(self, flow: Workflow) -> bool:
        """Whether it starts after another workflow, with rights that the other has not."""
        return self.role(flow).kind == "publish" or "workflow_run" in flow.triggers

    def legs(self, flow: Workflow) -> Iterable[tuple[Job, str, str]]:
        """The jobs of a gate's file that are legs, each with its job's name in the matrix and its runner."""
        if self.role(flow).kind != "gate":
            return
        for job in flow.jobs:
            name, sign, os = job.name.partition("@")
            if sign and name in self.matrix.jobs:
                yield job, name, os
