"""What the API says of runs, pull requests and jobs: which run decides, for which pull request.

A pull request is never found by what a run left behind, nor by `workflow_run.pull_requests`, which is empty for forks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from github.Artifact import Artifact
from github.PaginatedList import PaginatedList
from github.WorkflowJob import WorkflowJob

from phdb_ci.github.client import Client

if TYPE_CHECKING:
    from github.PullRequest import PullRequest
    from github.WorkflowRun import WorkflowRun


@dataclass(frozen=True)
class Run:
    """A run of a workflow. `path` is that of the workflow's file, without the ref that GitHub may add."""

    id: int
    number: int
    attempt: int
    event: str
    status: str
    conclusion: str
    path: str
    sha: str
    branch: str
    home: str

    @property
    def subject(self) -> tuple[str, ...]:
        """What it judges: the same for two runs of which the newer counts."""
        return self.path, self.sha, self.branch, self.home, self.event


def run_of(client: Client, number: int) -> Run:
    """The run with this id."""
    return _run(client.repository.get_workflow_run(number))


def newest(client: Client, woke: Run) -> Run:
    """The newest run of the workflow for the commit and branch of the run that woke us; that run is among them.

    One that was skipped has judged nothing and takes nothing's place.
    """
    workflow = client.repository.get_workflow(PurePosixPath(woke.path).name)
    runs = map(_run, workflow.get_runs(event=woke.event, head_sha=woke.sha))
    same = [run for run in runs if run.subject == woke.subject and run.conclusion != "skipped"]
    return max([woke, *same], key=lambda run: (run.number, run.attempt))


def pulls_of(client: Client, run: Run) -> "list[PullRequest]":
    """The open pull requests of this repository whose head is the run's commit, on its branch, in its repository."""
    owner = run.home.partition("/")[0]
    return [
        pull
        for pull in client.repository.get_pulls(state="open", head=f"{owner}:{run.branch}")
        if pull.head.sha == run.sha
        and pull.head.ref == run.branch
        and pull.head.repo is not None
        and pull.head.repo.full_name == run.home
        and pull.base.repo.full_name.lower() == client.name.lower()
    ]


def artifacts_of(client: Client, name: str, run: int | None = None) -> "list[Artifact]":
    """The artifacts of this name that are still kept: of a run, or of the whole repository."""
    url = f"{client.repository.url}/actions/{'' if run is None else f'runs/{run}/'}artifacts"
    listed = PaginatedList(Artifact, client.repository.requester, url, {"name": name}, list_item="artifacts")
    return [artifact for artifact in listed if artifact.name == name and not artifact.expired]


def ended_on(client: Client, path: str, branch: str) -> Iterator[Run]:
    """The runs of the workflow in this file that passed or failed on a branch of this repository, newest first.

    A pull request's run has the branch of the pull request for its own, which may be called like any of ours.
    """
    for run in map(
        _run, client.repository.get_workflow(PurePosixPath(path).name).get_runs(branch=branch, status="completed")
    ):
        ended = run.conclusion in ("success", "failure")
        if ended and (run.path, run.home) == (path, client.name) and run.event != "pull_request":
            yield run


def jobs_of(client: Client, run: Run, legs: Iterable[str]) -> dict[str, int]:
    """The ids of the legs' jobs in this attempt. `gate / db-smoke@macos-15` is the job of `db-smoke@macos-15`."""
    wanted = set(legs)
    url = f"{client.repository.url}/actions/runs/{run.id}/attempts/{run.attempt}/jobs"
    jobs = PaginatedList(WorkflowJob, client.repository.requester, url, None, list_item="jobs")
    named = {job.name.rpartition(" / ")[2]: job.id for job in jobs}
    return {leg: number for leg, number in named.items() if leg in wanted}


def _run(run: "WorkflowRun") -> Run:
    home = run.head_repository  # gone when a fork was deleted
    return Run(
        id=run.id, number=run.run_number, attempt=run.run_attempt or 1, event=run.event or "",
        status=run.status or "", conclusion=run.conclusion or "", path=(run.path or "").partition("@")[0],
        sha=run.head_sha, branch=run.head_branch or "", home=home.full_name if home else "",
    )  # fmt: skip
