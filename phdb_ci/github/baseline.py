"""The verdict of the newest green run of this workflow on a branch: what a new verdict is compared with."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from phdb_ci.errors import ResultsError, UsageError
from phdb_ci.github.client import QUICK, Client, api_of
from phdb_ci.github.runs import Run, runs_on
from phdb_ci.github.verdict_file import verdict_left
from phdb_ci.models.verdict import Verdict

MOST = 5  # runs that are looked at: a verdict is kept for 90 days
_WORKFLOW = re.compile(r"([^/]+/[^/]+)/(\.github/workflows/[^/@]+)@.+")


def newest_green(branch: str, environ: Mapping[str, str]) -> Verdict | None:
    """The verdict of the newest run there that passed; None where none is kept.

    Raises UsageError outside of GitHub, NetworkError and the like when it cannot be asked.
    """
    workflow, token = _WORKFLOW.fullmatch(environ.get("GITHUB_WORKFLOW_REF", "")), environ.get("GITHUB_TOKEN", "")
    if workflow is None or not token:
        raise UsageError("github: needs $GITHUB_WORKFLOW_REF and $GITHUB_TOKEN, as on GitHub")
    client = Client(api_of(environ), token, workflow[1], QUICK)
    with client.asking(f"runs of {branch}", "actions: read"):
        runs = runs_on(client, PurePosixPath(workflow[2]).name, branch, MOST)
    others = [run for run in runs if run.path == workflow[2] and str(run.id) != environ.get("GITHUB_RUN_ID")]
    return next(filter(None, (_green(client, run) for run in others)), None)


def _green(client: Client, run: Run) -> Verdict | None:
    try:
        verdict, _ = verdict_left(client, run)
    except ResultsError:
        return None  # an older version's: the one before it may do
    return verdict if verdict and verdict.outcome == "pass" and verdict.unaffected is None else None
