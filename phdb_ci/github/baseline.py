"""The verdict of the newest green run of this workflow on a branch: what a new verdict is compared with."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from phdb_ci.errors import ResultsError, UsageError
from phdb_ci.github.address import api_of
from phdb_ci.github.archive import verdict_bytes
from phdb_ci.github.client import Client, Waits
from phdb_ci.github.download import Expired, fetch
from phdb_ci.github.runs import Run, artifacts_of, runs_on
from phdb_ci.github.verdict_file import verdict_of
from phdb_ci.models.verdict import Verdict

MOST = 5  # runs that are looked at: a verdict is kept for 90 days
_WORKFLOW = re.compile(r"([^/]+/[^/]+)/(\.github/workflows/[^/@]+)@.+")
_QUICK = Waits(posts=(), longest=10.0, secondary=5.0, backoff=0.2, timeout=15)


def newest_green(branch: str, environ: Mapping[str, str]) -> Verdict | None:
    """The verdict of the newest run there that passed; None where none is kept.

    Raises UsageError outside of GitHub, NetworkError and the like when it cannot be asked.
    """
    workflow, token = (_WORKFLOW.fullmatch(environ.get("GITHUB_WORKFLOW_REF", "")), environ.get("GITHUB_TOKEN", ""))
    if workflow is None or not token:
        raise UsageError("github: needs $GITHUB_WORKFLOW_REF and $GITHUB_TOKEN, as on GitHub")
    client = Client(api_of(environ), token, workflow[1], _QUICK)
    with client.asking(f"runs of {branch}", "actions: read"):
        for run in runs_on(client, PurePosixPath(workflow[2]).name, branch, MOST):
            if run.path == workflow[2] and str(run.id) != environ.get("GITHUB_RUN_ID"):
                verdict = _verdict(client, run)
                if verdict is not None:
                    return verdict
    return None


def _verdict(client: Client, run: Run) -> Verdict | None:
    kept = [one.id for one in artifacts_of(client, "verdict", run.id)]
    if not kept:
        return None
    try:
        found = verdict_of(verdict_bytes(fetch(client, max(kept))), run)
    except (Expired, ResultsError):
        return None  # an older version's, or no longer kept: the one before it may do
    return found if found and found.outcome == "pass" and found.unaffected is None else None
