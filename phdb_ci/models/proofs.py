"""Proofs: which faults each job was seen to notice, by which cases, on which commits.

`phdb-ci prove --write` writes them.
"""

from typing import Annotated, Literal

from pydantic import Field

from phdb_ci.base.text import counted
from phdb_ci.models.base import Name, Record, RepoName, Sha
from phdb_ci.models.sources import StackKind
from phdb_ci.models.statuses import Status
from phdb_ci.models.texts import Os

MOST_CASES = 1_000
Titles = Annotated[tuple[str, ...], Field(max_length=MOST_CASES)]
REPORT_FAULTS = ("emptied", "skipped", "truncated")
NOT_APPLICABLE = ("passed", "skipped")  # the fault was never met, or was not put before the job at all


class Proof(Record):
    """One fault and one job: how the job ended with it, and the first reason for that.

    `noticed` is None when that says nothing of the fault: it does not apply to the job, or the job could not be run.

    Attributes:
        failing: the titles of the cases that failed with it and not with nothing broken.
        gone: of those that passed with nothing broken, and were not executed with it.
    """

    fault: Name
    status: Status
    noticed: bool | None
    reason: str = ""
    failing: Titles = ()
    gone: Titles = ()

    @property
    def word(self) -> str:
        """`noticed`, `MISSED`, `n/a`, else in brackets the status that kept it from being measured."""
        if self.noticed is None:
            return "n/a" if self.status in NOT_APPLICABLE else f"[{self.status}]"
        return "noticed" if self.noticed else "MISSED"

    @property
    def shown(self) -> str:
        """The word, and by how many cases it was noticed: `noticed: 12 cases, 3 gone`."""
        parts = [counted(len(self.failing), "case")] if self.failing else []
        parts += [f"{len(self.gone)} gone"] if self.gone else []
        return f"{self.word}: {', '.join(parts)}" if self.noticed and parts else self.word


class JobProofs(Record):
    """One job, when and where it was measured.

    Attributes:
        control: what it is when nothing is broken.
        failing: the titles of the cases that fail when nothing is broken, where these alone make it red: the others
            can notice a fault. Where it is red in another way, nothing can be said of faults.
        executed: how many cases ran to an end when nothing was broken.
        measured: the day (UTC), as 2026-11-25.
        tool: the version of phdb-ci.
        row: the digest of the job's row of the matrix, as it was measured.
        faults: the faults of the matrix, those that do not apply included; none where nothing can be said of them.
        reports: each of REPORT_FAULTS; none where the job leaves no report that can be tampered with.
    """

    job: Name
    os: Os
    control: Status
    failing: Titles = ()
    executed: int = 0
    reason: str = ""
    measured: str
    platform: str
    tool: str
    row: str
    commits: dict[RepoName, Sha]
    faults: tuple[Proof, ...] = ()
    reports: tuple[Proof, ...] = ()

    @property
    def shown(self) -> str:
        """What it is when nothing is broken: `passed`, `red: 1 of 6 cases`, else the status that kept it from more."""
        if not self.failing:
            return self.control
        return f"red: {len(self.failing)} of {counted(self.executed, 'case')}"

    def noticed(self, fault: str) -> bool | None:
        """Whether a fault was noticed; None when it was not measured."""
        proof = self.of(fault)
        return proof.noticed if proof else None

    def of(self, fault: str) -> Proof | None:
        """What is known of a fault of the matrix."""
        return next((proof for proof in self.faults if proof.fault == fault), None)


class Proofs(Record):
    """The table of one stack."""

    stack: StackKind
    jobs: tuple[JobProofs, ...]

    def of(self, job: str) -> JobProofs | None:
        """What is known of a job."""
        return next((proofs for proofs in self.jobs if proofs.job == job), None)


class ProofFile(Record):
    """proofs.json: at most one table for each kind of stack, for what one shows says nothing about another."""

    schema_version: Literal[3] = 3
    tables: tuple[Proofs, ...] = ()

    def of(self, stack: str) -> Proofs | None:
        """The table of a stack."""
        return next((table for table in self.tables if table.stack == stack), None)
