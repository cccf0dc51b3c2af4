"""ProofFile → a Markdown page: jobs by faults, and by what each was noticed; its tables for a terminal too. Pure."""

from collections.abc import Collection, Iterator, Sequence

from phdb_ci.models.matrix import Matrix
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, Proof, ProofFile, Proofs
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, table, word

Row = tuple[str, ...]
HEAD = """\
# What each job notices

Written by `phdb-ci prove`: each job ran once with every fault that can apply to it. A fault is *noticed* when the job
is not green with it and is green with nothing broken, and *missed* when the job is green. Behind the colon: how many
cases failed that did not fail with nothing broken, and how many are gone. A job that is *red* with nothing broken, by
cases alone, notices a fault when cases fail or are gone that passed before. In parentheses: not claimed by the job
(`notices` in matrix.toml). In brackets: not measured. n/a: the job does not use what is broken, or never called it."""


def proofs_page(file: ProofFile, matrix: Matrix) -> str:
    """The page over all tables of the file."""
    made = [(fault, owner, code(matrix.breakables[owner].faults[fault])) for fault, owner in matrix.faults.items()]
    blocks = [HEAD, table(("fault", "breaks", "made by"), made)]
    for proofs in file.tables:
        places = ("measured on", *map(_where, proofs.jobs))
        head, *rows = [(*row, place) for row, place in zip(fault_rows(proofs, matrix), places, strict=True)]
        report_head, *reports = report_rows(proofs)
        reasons = [row for job in proofs.jobs for row in _reasons(job)]
        blocks += [
            f"## The {proofs.stack} stack", table(head, rows), table(report_head, reports),
            Section("By what each was noticed", (table(("job", "fault", "status", "reason"), reasons),)).text,
        ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def fault_rows(table: Proofs, matrix: Matrix) -> list[Row]:
    """Jobs by the faults of the matrix, the head first."""
    faults = tuple(matrix.faults)
    claims = {job.job: matrix.jobs[job.job].notices for job in table.jobs if job.job in matrix.jobs}
    rows = [(job.job, job.shown, *_words(job.faults, faults, claims.get(job.job, ()))) for job in table.jobs]
    return [("job", "nothing broken", *faults), *rows]


def report_rows(table: Proofs) -> list[Row]:
    """Jobs by what can be wrong with their reports, the head first."""
    rows = [(job.job, *_words(job.reports, REPORT_FAULTS, REPORT_FAULTS)) for job in table.jobs]
    return [("job, its report", *REPORT_FAULTS), *rows]


def _words(proofs: Sequence[Proof], faults: Sequence[str], claims: Collection[str]) -> Iterator[str]:
    by_fault = {proof.fault: proof for proof in proofs}
    for fault in faults:
        proof = by_fault.get(fault)
        text = proof.shown if proof else "-"
        claimed = fault in claims or proof is None or proof.noticed is None
        yield text if claimed else f"({text})"


def _where(job: JobProofs) -> str:
    commits = ", ".join(f"{word(repo)} `{commit[:7]}`" for repo, commit in job.commits.items())
    return f"{word(job.measured)}: {commits}; {code(job.platform, 60)}, phdb-ci {code(job.tool, 20)}"


def _reasons(job: JobProofs) -> Iterator[Row]:
    """How the job ended with nothing broken, where that was not well, and with each fault that was put before it."""
    if job.control != "passed":
        yield job.job, "-", job.control, code(job.reason, TITLE_LIMIT) or "-"
    for proof in (*job.faults, *job.reports):
        if proof.status != "skipped":
            yield job.job, proof.fault, proof.status, code(proof.reason, TITLE_LIMIT) or "-"
