"""Where a verdict is published, and what became of it. All of it comes from GitHub's API, nothing from the record.

Links are built here, from ids. Must not hold anything that a job could have written.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from phdb_ci.base.github_url import HOST
from phdb_ci.models.base import Record
from phdb_ci.models.texts import Repository

CONTEXT, REGRESSIONS = "phdb-ci / verdict", "phdb-ci / regressions"  # of the two commit statuses
Server = Annotated[str, StringConstraints(pattern=r"^https://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?$")]
Number = Annotated[int, Field(gt=0)]


class Posting(Record):
    """The run that a verdict is of, as GitHub knows it.

    Attributes:
        run_number: the number that people see (`#318`); with `attempt` it says which of two runs is the newer.
        jobs: the id of each leg's job in this attempt.
        base: the branch that the pull request is for; None where there is no pull request.
    """

    repository: Repository
    server: Server = HOST
    run_id: Number
    run_number: Number
    attempt: Number = 1
    jobs: dict[str, Number] = Field(default_factory=dict)
    base: str | None = None

    @property
    def run_url(self) -> str:
        """The page of the run."""
        return f"{self.server}/{self.repository}/actions/runs/{self.run_id}"

    def job_url(self, leg: str) -> str | None:
        """The page of a leg's job; None where the API named none."""
        return f"{self.run_url}/job/{self.jobs[leg]}" if leg in self.jobs else None

    def is_own(self, web: str) -> bool:
        """Whether an address is of the same owner as the repository: others are shown and not linked."""
        return web.startswith(f"{self.server}/{self.repository.partition('/')[0]}/")


class CommitStatus(Record):
    """A commit status beside the comment. Never pending: what is not over is not published."""

    state: Literal["success", "failure", "error"]
    description: str = Field(max_length=140)
    target_url: str | None = None
    context: str = CONTEXT


class Published(Record):
    """What was done on GitHub, for people and programs.

    Attributes:
        run: the run whose verdict decides; not always the one that was asked about.
        comment: what became of the one comment; None where there is none to write.
        status, regressions: what became of the two commit statuses.
        notes: why nothing, or not all, was published.
    """

    run: int
    attempt: int | None = None
    pull: int | None = None
    comment: Literal["created", "edited", "unchanged"] | None = None
    removed: int = 0
    status: Literal["created", "unchanged"] | None = None
    regressions: Literal["created", "unchanged"] | None = None
    notes: tuple[str, ...] = ()
