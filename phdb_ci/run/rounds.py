"""A job that measures: its commands once under the witness and then several times on the engine itself.

Each round must write its manifest anew: an earlier one is put away first and kept under the round's number. The first
round that measured nothing is the last: more of them would say nothing else.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from phdb_ci import manifest, metrics
from phdb_ci.models.matrix import Manifest, Metrics
from phdb_ci.models.measured import Round
from phdb_ci.models.results import ManifestFact
from phdb_ci.process import Log
from phdb_ci.services import Running
from phdb_ci.workspace import Workspace

Commands = Callable[[Workspace], bool]


def run_rounds(
    space: Workspace, commands: Commands, services: Sequence[Running], reports: Path, log: Log
) -> list[Round]:
    """Run all rounds. `commands` runs the job's commands in a workspace and says whether all went well."""
    wanted, file = space.job.evidence.metrics, space.job.evidence.manifest
    assert wanted is not None  # noqa: S101 - asked for by the caller
    for service in services:
        service.taken()
    rounds: list[Round] = []
    for number in range(wanted.rounds + 1):
        name = f"round {number} of {wanted.rounds}, timed" if number else "witnessed round"
        log.line(f"phdb-ci: {name}")
        one = _round(number, space, commands, services, reports, wanted, file)
        if one is not None:
            rounds.append(one)
        if one is None or one.problems or len(one.measured) < len(wanted.scenarios) or one.not_finite:
            break
    return rounds


def _round(
    number: int, space: Workspace, commands: Commands, services: Sequence[Running], reports: Path, wanted: Metrics,
    file: Manifest | None,
) -> Round | None:  # fmt: skip
    """One round; None when a command failed, which says more than what it left."""
    if file is not None:
        manifest.put_away(file, space.tops)
    before, began = _calls(space), time.time()
    if not commands(space if number else space.witnessed()):
        return None
    span = metrics.Span(began, time.time())
    taken = [service.taken() for service in services]
    one = _manifest(number, file, space, reports, wanted, span)
    counted = [rows for rows in taken if rows is not None]
    return one.model_copy(update={"taken": min(counted, default=None), "calls": _calls(space) - before})


def _manifest(
    number: int, file: Manifest | None, space: Workspace, reports: Path, wanted: Metrics, span: metrics.Span
) -> Round:
    if file is None:
        return Round(number=number, problems=("the matrix names no manifest",))
    found = manifest.find(file, space.tops)
    if isinstance(found, ManifestFact):
        return Round(number=number, problems=(found.absent or "no manifest",))
    (reports / f"round-{number}-{file.kept}").write_bytes(found.text)
    said = manifest.judge(found.text, found.shown, file)
    return metrics.read(number, found, said.problems, wanted, span)


def _calls(space: Workspace) -> int:
    return sum(placed.calls().total() for placed in space.placed.values())
