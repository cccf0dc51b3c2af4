"""Gathered: what one run left, in the one shape that a verdict is made of, whether one machine ran it or many. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phdb_ci.base.github_url import page_of
from phdb_ci.models.matrix import Job, Matrix, Quarantine
from phdb_ci.models.plan import IdleLeg, Plan
from phdb_ci.models.results import ArtifactResult, LegResult
from phdb_ci.models.sources import Source, StackKind
from phdb_ci.models.verdict import Missing, Unaffected, VerdictSource


@dataclass(frozen=True)
class Run:
    """Which run it is. In the fan-in, where nobody said so, a None is what the results decide."""

    id: str | None = None
    attempt: int | None = None
    head: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Everything that a verdict is made of, but for the day, the baseline and the tool.

    Attributes:
        started, seconds: when the run began (UTC, ISO 8601), and how long it took.
        named: the artifacts that were asked for by name: they decide as jobs do.
        legs: judged by the matrix, in the order of the gate.
        jobs: the rows of the legs' jobs, by name.
        quarantine: what the matrix says; a result cannot quarantine itself.
        claimed: by job, what it claims to notice and how much of that was measured.
        options: of the command line, those that must be repeated to get the same run again.
    """

    gate: str
    lead: str | None
    run: Run
    started: str
    seconds: float
    platform: str
    stack: StackKind
    sources: Sequence[VerdictSource]
    artifacts: Sequence[ArtifactResult]
    named: Sequence[str] = ()
    legs: Sequence[LegResult]
    missing: Sequence[Missing]
    idle: Sequence[IdleLeg]
    unaffected: Unaffected | None = None
    jobs: Mapping[str, Job]
    quarantine: Sequence[Quarantine] = ()
    claimed: Mapping[str, str]
    reproduce: str
    options: Sequence[str] = ()
    notes: Sequence[str] = ()

    def repeat(self, name: str, repos: Iterable[str] = ()) -> str:
        """The command that runs one job or artifact alone, on the same commits of these repos; by default of all."""
        needed = set(repos)
        sources = [source for source in self.sources if not needed or source.repo in needed]
        return reproduce(name, False, sources, self.options)


def gathered_here(
    matrix: Matrix, plan: Plan, legs: Sequence[LegResult], artifacts: Sequence[ArtifactResult], run: Run, started: str,
    seconds: float, options: Sequence[str] = (),
) -> Gathered:  # fmt: skip
    """What this machine ran of a plan. A leg of the plan that left no result is missing.

    `options` of the command line are those that must be repeated to get the same run again.
    """
    results = {leg.leg: leg for leg in legs}
    sources = tuple(map(shown_source, plan.sources.repos.values()))
    return Gathered(
        gate=plan.gate, lead=plan.lead, run=run, started=started, seconds=seconds, platform=plan.platform,
        stack=plan.sources.stack, sources=sources, artifacts=artifacts, named=plan.named,
        legs=[results[node.leg] for node in plan.legs if node.leg in results],
        missing=[
            Missing(job=node.job, os=node.os, reason="left no result") for node in plan.legs if node.leg not in results
        ],
        idle=plan.idle, jobs={node.job: matrix.jobs[node.job] for node in plan.legs}, quarantine=matrix.quarantine,
        claimed={node.job: node.claimed for node in plan.legs},
        reproduce=reproduce(plan.gate, plan.gate in matrix.gates, sources, options), options=options,
        notes=plan.notes,
    )  # fmt: skip


def shown_source(source: Source) -> VerdictSource:
    """A source as the verdict holds it. A merge that was made here has no page."""
    made = source.merged is not None and source.commit != source.merged.head
    return VerdictSource(
        repo=source.repo, commit=source.id, origin=source.origin, via=source.via, where=source.where,
        web=None if made else page_of(source.where), pin=source.pin, dirty=source.dirty, merged=source.merged,
        reachable=source.reachable, notes=source.notes,
    )  # fmt: skip


def reproduce(gate: str, is_gate: bool, sources: Iterable[VerdictSource], options: Sequence[str] = ()) -> str:
    """The command, with `--repo` for every source that is not the matrix's pin."""
    words = ["nox", "-s", gate, "--"] if is_gate else ["phdb-ci", "run", *gate.split("+")]
    for source in sources:
        by_stack = source.via.startswith("--stack") and "--stack" in options
        if source.origin not in ("pin", "folder") and not by_stack:
            words += ["--repo", f"{source.repo}={_spec(source)}"]
        if source.merged:
            words += ["--merge", f"{source.repo}={source.merged.base}"]
    words += options
    if words[-1] == "--":
        words.pop()
    return shlex.join(words)


def _spec(source: VerdictSource) -> str:
    if source.origin == "tree":
        return source.where
    commit = source.merged.head if source.merged else source.commit
    return f"{source.where}@{commit}" if source.where.startswith("/") else commit
