"""The verdict.json that a run left → a Verdict of this very run. Whatever does not agree with the API is refused.

A record may say what it likes about its jobs; it may not be about another run or commit, contradict itself, or be
better than what GitHub says of the run.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from pydantic import ValidationError

from phdb_ci.errors import ResultsError, UsageError
from phdb_ci.github.archive import file_in
from phdb_ci.github.client import QUICK, Client, api_of
from phdb_ci.github.download import Expired, fetch
from phdb_ci.github.runs import Run, artifacts_of, ended_on
from phdb_ci.judging.verdict import outcome
from phdb_ci.models.hosting import attempt_name
from phdb_ci.models.verdict import Verdict

MOST_OBJECTS, MOST_VALUES = 400_000, 4_000_000
NAME = "verdict"  # of the artifact, before the attempt
MOST_CANDIDATES = 8  # artifacts of that name that are looked at
MOST_RUNS = 5  # that are looked at for a baseline: a verdict is kept for 90 days
_WORKFLOW = re.compile(r"([^/]+/[^/]+)/(\.github/workflows/[^/@]+)@.+")


def verdict_left(
    client: Client, run: Run, legs: Mapping[str, frozenset[str]] | None = None
) -> tuple[Verdict | None, str]:
    """The run's verdict; None, and what the run did instead, where there is none. Raises ResultsError for a bad one.

    Its name ends in the attempt. Any job of the run may have kept something of that name: each is looked at.
    `legs` are those of each gate: a verdict about fewer would leave out what failed. None where another release, which
    may have had others, was at work.
    """
    with client.asking("the run's artifacts", "actions: read"):
        ids = [artifact.id for artifact in artifacts_of(client, attempt_name(NAME, run.attempt), run.id)]
        archives = _archives(client, ids[:MOST_CANDIDATES])
    if not archives:
        end = "a verdict that is no longer kept" if ids else "no verdict"
        return None, f"left {end}" + (f" of attempt {run.attempt}" if run.attempt > 1 else "")
    verdicts, refusals = [], []
    for archive in archives:
        try:
            verdicts.append(_checked(file_in(archive), run, legs))
        except ResultsError as error:
            refusals.append(error)
    if not verdicts:
        raise refusals[0]
    if any(verdict != verdicts[0] for verdict in verdicts):
        raise ResultsError(f"the run left several verdicts of attempt {run.attempt}, which differ")
    return verdicts[0], ""


def _archives(client: Client, ids: list[int]) -> list[bytes]:
    """The archives of these artifacts that are still there."""
    archives = []
    for number in ids:
        with suppress(Expired):
            archives.append(fetch(client, number))
    return archives


def newest_on(branch: str, environ: Mapping[str, str]) -> Verdict | None:
    """The verdict, pass or fail, of the newest run there that gave one; None where none is kept.

    Raises UsageError outside of GitHub, NetworkError and the like when it cannot be asked.
    """
    workflow, token = _WORKFLOW.fullmatch(environ.get("GITHUB_WORKFLOW_REF", "")), environ.get("GITHUB_TOKEN", "")
    if workflow is None or not token:
        raise UsageError("github: needs $GITHUB_WORKFLOW_REF and $GITHUB_TOKEN, as on GitHub")
    client = Client(api_of(environ), token, workflow[1], QUICK)
    with client.asking(f"runs of {branch}", "actions: read"):
        runs = list(islice(ended_on(client, workflow[2], branch), MOST_RUNS))
    for run in runs:
        if str(run.id) == environ.get("GITHUB_RUN_ID"):
            continue
        with suppress(ResultsError):  # an older version's: the one before it may do
            verdict, _ = verdict_left(client, run)
            if verdict and verdict.outcome != "incomplete" and verdict.unaffected is None:
                return verdict
    return None


def _checked(raw: bytes, run: Run, legs: Mapping[str, frozenset[str]] | None) -> Verdict:
    """The verdict, when it is of exactly this attempt of the run, and agrees with itself and with the API."""
    verdict = _parsed(raw)
    if verdict.run_id != str(run.id):
        raise _refused("is of another run")
    if verdict.head != run.sha:
        raise _refused("is about another commit")
    if verdict.attempt != run.attempt:
        raise _refused(f"is of attempt {verdict.attempt}, and its name of attempt {run.attempt}")
    names = [leg.result.leg for leg in verdict.legs]
    names += [f"{leg.job}@{leg.os}" for leg in verdict.missing] + [f"{leg.job}@{leg.os}" for leg in verdict.idle]
    if legs is not None and (len(names) != len(set(names)) or legs.get(verdict.gate) != frozenset(names)):
        raise _refused("is not about exactly the jobs of its gate")
    if verdict.outcome != outcome(verdict.legs, verdict.missing, unaffected=verdict.unaffected):
        raise _refused("says another outcome than its own results")
    if verdict.regressions.answer == "none worse" and verdict.baseline is None and verdict.unaffected is None:
        raise _refused("says that nothing is worse, and was compared with nothing")
    if verdict.outcome == "pass" and run.conclusion != "success":
        raise _refused("says pass, and GitHub says that the run did not succeed")
    return verdict


def _parsed(raw: bytes) -> Verdict:
    # Memory: each object and value costs many times its bytes, and each that does not fit a long error.
    if raw.count(b"{") > MOST_OBJECTS or raw.count(b"[") + raw.count(b",") > MOST_VALUES:
        raise _refused("holds more than any verdict does")
    try:
        return Verdict.model_validate_json(raw)
    except ValidationError as error:
        faults = error.error_count()
        raise _refused(f"does not fit schema version 1 ({faults} fault{'' if faults == 1 else 's'})") from None
    except (ValueError, RecursionError):
        raise _refused("is no JSON") from None


def _refused(fault: str) -> ResultsError:
    return ResultsError(f"the verdict that the run left {fault}")
