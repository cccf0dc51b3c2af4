"""What is known of a service while it runs. Starts nothing."""

from dataclasses import dataclass

from phdb_ci.models.results import ServiceUse


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
        return ServiceUse.model_validate(self, from_attributes=True)
