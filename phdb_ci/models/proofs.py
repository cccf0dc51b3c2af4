"""Proofs: which faults each job was seen to notice, on which commits; written as proofs.json by `phdb-ci prove`."""

from typing import Literal, get_args

from phdb_ci.models.base import Name, Record, Sha
from phdb_ci.models.matrix import Fault, Os
from phdb_ci.models.results import Status
from phdb_ci.models.sources import StackKind

ReportFault = Literal["emptied", "skipped", "truncated"]
REPORT_FAULTS: tuple[str, ...] = get_args(ReportFault)


class Proof(Record):
    """One fault put before one job. `noticed`: the job was not green; None when that was not to be measured."""

    fault: Fault | ReportFault
    noticed: bool | None
    status: Status
    reason: str = ""


class JobProofs(Record):
    """One job, when and where it was measured.

    Attributes:
        control: what it is with the sound engine: unless it passed, nothing can be said of faults.
        measured: the day (UTC), as 2026-11-25.
        tool: the version of phdb-ci.
    """

    job: Name
    os: Os
    control: Status
    reason: str = ""
    measured: str
    platform: str
    tool: str
    commits: dict[Name, Sha]
    engines: tuple[Proof, ...] = ()
    reports: tuple[Proof, ...] = ()

    def noticed(self, fault: str) -> bool | None:
        """Whether a fault was noticed; None when it was not measured."""
        found = self.of(fault)
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
