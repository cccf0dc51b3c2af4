"""The bytes of a verdict.json → a Verdict of this very run. Whatever does not agree with the API is refused.

A record may say what it likes about its jobs; it may not be about another run or commit, contradict itself, or be
better than what GitHub says of the run.
"""

from pydantic import ValidationError

from phdb_ci.errors import ResultsError
from phdb_ci.github.runs import Run
from phdb_ci.models.verdict import Verdict
from phdb_ci.verdict import outcome

MOST_OBJECTS, MOST_VALUES = 400_000, 4_000_000


def verdict_of(raw: bytes, run: Run) -> Verdict | None:
    """The verdict; None for one that an earlier attempt of the run left. Raises ResultsError for any other."""
    verdict = _parsed(raw)
    if verdict.run_id != str(run.id):
        raise _refused("is of another run")
    if verdict.head != run.sha:
        raise _refused("is about another commit")
    if verdict.attempt > run.attempt:
        raise _refused("is of an attempt that the run has not had")
    if verdict.attempt < run.attempt:
        return None
    if verdict.outcome != outcome(verdict.legs, verdict.missing, unaffected=verdict.unaffected):
        raise _refused("says another outcome than its own results")
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
        raise _refused(
            f"does not fit schema version 1 ({faults} fault{'' if faults == 1 else 's'})"
        ) from None
    except (ValueError, RecursionError):
        raise _refused("is no JSON") from None


def _refused(why: str) -> ResultsError:
    return ResultsError(f"the verdict that the run left {why}; nothing was published")
