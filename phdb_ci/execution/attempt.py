"""A leg while it runs: its facts so far, gathered by leg.py. Judges nothing."""

from dataclasses import dataclass, field

from phdb_ci.execution.services import Running
from phdb_ci.models.results import ArtifactUse, Command, Facts, FiguresFact, ManifestFact, Suite


@dataclass
class Attempt:
    """The leg while it runs: what evidence needs is gathered here bit by bit, so that an early end loses nothing."""

    commands: list[Command] = field(default_factory=list)
    suites: list[Suite] = field(default_factory=list)
    services: list[Running] = field(default_factory=list)
    artifacts: tuple[ArtifactUse, ...] = ()
    env_names: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    changed: dict[str, None] = field(default_factory=dict)  # files, in order; those put back later too
    links_out: tuple[str, ...] = ()
    manifest: ManifestFact | None = None
    figures: FiguresFact | None = None
    data_was_empty: bool = True
    output_from: int = 0  # where in the log the run commands begin: what the set-up prints is no result
    error: str | None = None
    cancelled: bool = False
    deadline: float = 0.0

    @property
    def going(self) -> bool:
        """Whether the next command may start."""
        return not self.commands or self._fine(self.commands[-1])

    def facts(self) -> Facts:
        """What is known now. An interrupted leg has no error of its own."""
        return Facts(
            commands=tuple(self.commands), suites=tuple(self.suites), artifacts=self.artifacts,
            env_names=self.env_names, strays=self.strays, changed=tuple(self.changed), links_out=self.links_out,
            manifest=self.manifest, services=tuple(service.use() for service in self.services), figures=self.figures,
            data_was_empty=self.data_was_empty, output_from=self.output_from,
            error=None if self.cancelled else self.error, cancelled=self.cancelled,
        )  # fmt: skip

    @staticmethod
    def _fine(command: Command) -> bool:
        return command.exit_code == 0 and not command.timed_out and not command.cancelled and not command.problem
