"""Proofs: which faults each job was seen to notice, on which commits; written as proofs.json by `phdb-ci prove`."""

from typing import Literal, get_args

from phdb_ci.models.base import Name, Record, RepoName, Sha
from phdb_ci.models.matrix import Fault
from phdb_ci.models.results import Status
from phdb_ci.models.sources import StackKind
from phdb_ci.models.texts import Os

ReportFault = Literal["emptied", "skipped", "truncated"]
NOTICED = ("failed", "unproven", "timeout")
HANG = "hang"
REPORT_FAULTS: tuple[str, ...] = get_args(ReportFault)


class Proof(Record):
    """One fault put before one job: how the job ended with it, and the first reason for that."""

    fault: Fault | ReportFault
    status: Status
    reason: str = ""

    @property
    def noticed(self) -> bool | None:
        """Whether the job noticed it: it was not green. None when its status says nothing of the fault.

        A job that could not be run has shown nothing, nor has one that reached prove's own time limit with an engine
        that answers: on a slower day it would have ended.
        """
        if self.status == "passed":
            return False
        if self.status not in NOTICED or (self.status == "timeout" and self.fault != HANG):
            return None
        return True


class JobProofs(Record):
    """One job, when and where it was measured.

    Attributes:
        control: what it is with the sound engine: unless it passed, nothing can be said of faults.
        measured: the day (UTC), as 2026-11-25.
        tool: the version of phdb-ci.
        row: the digest of the job's row of the matrix, as it was measured.
    """

    job: Name
    os: Os
    control: Status
    reason: str = ""
    measured: str
    platform: str
    tool: str
    row: str
    commits: dict[RepoName, Sha]
    engines: tuple[Proof, ...] = ()
    reports: tuple[Proof, ...] = ()

    def noticed(self, fault: str) -> bool | None:
        """Whether a fault was noticed; None when it was not measured."""
        found = self.of(fault) if self.control == "passed" else None
        return found.noticed if found else None

    def of(self, fault: str) -> Proof | None:
        """What was seen of a fault; None when there was nothing to be put before the job."""
        return next((proof for proof in (*self.engines, *self.reports) if proof.fault == fault), None)


class Proofs(Record):
    """The table of one stack."""

    stack: StackKind
    jobs: tuple[JobProofs, ...]

    def of(self, job: str) -> JobProofs | None:
        """What is known of a job."""
        return next((one for one in self.jobs if one.job == job), None)


class ProofRecord(Record):
    """What one measurement showed, as `phdb-ci prove --json` prints it. `broken`: claims not measured true."""

    schema_version: Literal[1] = 1
    proofs: Proofs
    broken: tuple[str, ...] = ()


class ProofFile(Record):
    """proofs.json: at most one table for each kind of stack, for what one shows says nothing about another."""

    schema_version: Literal[1] = 1
    tables: tuple[Proofs, ...] = ()

    def of(self, stack: str) -> Proofs | None:
        """The table of a stack."""
        return next((one for one in self.tables if one.stack == stack), None)
