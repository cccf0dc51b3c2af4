"""Why a leg's result is not believed: it is of something else, or GitHub says that its job went otherwise. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phdb_ci.base.text import harmless
from phdb_ci.judging.fanin.read import Needs, ResultFile
from phdb_ci.judging.gathered import Run
from phdb_ci.judging.verdict import judged_anew
from phdb_ci.models.hosting import job_id
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.results import LegResult
from phdb_ci.models.sources import Sources

LONGEST_PROBLEM = 600  # characters of what the plan says of its own failure
STATES = ("success", "failure", "cancelled", "skipped")
LegName = tuple[str, str]


@dataclass(frozen=True)
class Expected:
    """What a result must be about: the run, its commits, and its artifacts by name and runner.

    `planned`: the commits are those of the plan, and a repo that it does not know is none of this run.
    """

    run: Run
    commits: Mapping[str, str]
    planned: bool
    digests: Mapping[LegName, str]


def newest(leg: LegName, files: Iterable[ResultFile], run: Run, matrix: Matrix) -> LegResult | str:
    """The newest attempt's result of a leg in this run, judged by the matrix, or why there is none."""
    of_leg = [file for file in files if file.leg == "@".join(leg)]
    results = [file.result for file in of_leg if file.result]
    of_run = [result for result in results if result.run_id == run.id]
    attempt = max([result.attempt for result in of_run], default=0)
    for file in of_leg:
        if file.problem and (file.attempt is None or file.attempt >= attempt):
            return f"its result cannot be read: {file.problem}"
    if not of_run:
        return f"stale: its result is of run {results[0].run_id[:40]}" if results else "left no result"
    first, *others = (result for result in of_run if result.attempt == attempt)
    if any(other != first for other in others):
        return f"it left several results of attempt {attempt}, which differ"
    return judged_anew(first, matrix.jobs[first.job])


def doubt(result: LegResult, matrix: Matrix, needs: Needs, expected: Expected) -> str | None:
    """Why a result that was judged by the matrix is not believed; None for one that is."""
    job = matrix.jobs[result.job]
    return (
        _other_run(result, expected.run)
        or _other_commit(result, matrix, expected)
        or _other_artifact(result, job, expected)
        or _other_word(result, needs)
    )


def plan_doubt(needs: Needs, sources: Sources | None) -> str | None:
    """Why nothing of a run is believed: which commits it is about is not settled."""
    state = needs.results.get("plan", "nothing")
    if needs.given and state == "failure" and (problem := needs.output("plan", "problem")):
        return harmless(problem, LONGEST_PROBLEM)
    if needs.given and state != "success":
        return f"GitHub says of the run's plan: {state if state in STATES else 'nothing'}"
    return "the run's plan does not say which commits it is about" if needs.given and sources is None else None


def blocked(job: Job, os: str, needs: Needs) -> str | None:
    """The artifact whose build failed: no leg of its runner can have started on it."""
    for artifact in job.artifacts:
        if needs.results.get(job_id(artifact, os)) == "failure":
            return f"{artifact} did not build on {os}"
    return None


def _other_run(result: LegResult, run: Run) -> str | None:
    if result.attempt < 1 or (run.attempt is not None and result.attempt > run.attempt):
        return f"stale: it says attempt {result.attempt}, and this is attempt {run.attempt or 'unknown'}"
    if run.head is not None and result.head != run.head:
        return f"stale: it is for {result.head[:7] if result.head else 'no commit'}, not for {run.head[:7]}"
    return None


def _other_commit(result: LegResult, matrix: Matrix, expected: Expected) -> str | None:
    job = matrix.jobs[result.job]
    tested = {source.repo for source in result.sources}
    built_from = [repo for name in matrix.needed(job.artifacts) for repo in matrix.artifacts[name].repos]
    for repo in (*job.repos, *built_from):
        if repo not in tested:
            return f"it does not say at which commit it tested {repo}"
    for source in result.sources:
        wanted = expected.commits.get(source.repo, "none" if expected.planned else source.commit)
        if source.commit != wanted:
            return f"stale: it tested {source.repo} at {source.commit[:7]}, this run is about {wanted[:7]}"
    return None


def _other_artifact(result: LegResult, job: Job, expected: Expected) -> str | None:
    for use in result.facts.artifacts:
        wanted = expected.digests.get((use.name, result.os), use.digest)
        if use.digest != wanted:
            return f"stale: it used {use.name} sha256:{use.digest[:12]}, this run built sha256:{wanted[:12]}"
    used = {use.name for use in result.facts.artifacts}
    absent = [name for name in job.artifacts if name not in used]
    if absent and result.status == "passed":
        return f"it does not say which {absent[0]} it used"
    return None


def _other_word(result: LegResult, needs: Needs) -> str | None:
    """Why GitHub's word on the job does not let its result stand. Of the two the worse counts."""
    state = needs.results.get(job_id(result.job, result.os))
    if not needs.given or state == "success":
        return None
    if state is None:
        return "GitHub says nothing of its job; the result that it left is not believed"
    if state == "failure" and result.status != "passed":
        return None
    return f"GitHub says of its job: {state if state in STATES else 'unknown'}; the result that it left is not believed"
