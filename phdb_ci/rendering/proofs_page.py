"""ProofFile → docs/proofs.md: jobs by faults, and for what was missed or claimed in vain, the reason. Pure."""

from collections.abc import Iterator, Mapping

from phdb_ci.models.matrix import FAULTS, Fault, Matrix
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, ProofFile, Proofs
from phdb_ci.rendering.markdown import TITLE_LIMIT, cells, code, commit_list, word

YES, NO, NONE = "noticed", "**missed**", "-"
HEAD = """\
# What each job notices

Written by `phdb-ci prove`: every job that declares a witness was run against broken engines in the artifact's place.
A fault is *noticed* when the job is not green with it and is green with the sound engine behind the same program. A
fault in parentheses is not claimed by the job (`notices` in matrix.toml); one in brackets could not be measured.

| fault | the engine |
| :-- | :-- |
"""
WORDS: Mapping[Fault, str] = {
    "dead": "always fails",
    "null": "answers nothing and says that all went well",
    "drops-writes": "says that it wrote, and did not",
    "empty-reads": "finds no row, ever",
    "foreign-rows": "answers with somebody else's rows",
    "corrupt-value": "changes one value of an answer",
    "hang": "never answers",
    "other-commit": "is a build of another commit",
}


def proofs_page(file: ProofFile, matrix: Matrix) -> str:
    """The page over all tables of the file."""
    words = "".join(f"| {fault} | {WORDS[fault]} |\n" for fault in FAULTS)
    tables = "\n".join(line for table in file.tables for line in _table(table, matrix))
    return f"{HEAD}{words}\n{tables}".rstrip() + "\n"


def _table(table: Proofs, matrix: Matrix) -> Iterator[str]:
    yield f"## The {table.stack} stack\n"
    yield _row(["job", "measured on", "control", *FAULTS])
    yield _row([":--"] * (3 + len(FAULTS)))
    for job in table.jobs:
        claims = matrix.jobs[job.job].notices if job.job in matrix.jobs else ()
        cells_ = (_cell(job, fault, claims) for fault in FAULTS)
        yield _row([word(job.job), _where(job), _control(job), *cells_])
    yield ""
    yield _row(["job, its report", *REPORT_FAULTS])
    yield _row([":--"] * (1 + len(REPORT_FAULTS)))
    for job in table.jobs:
        yield _row([word(job.job), *(_cell(job, fault, REPORT_FAULTS) for fault in REPORT_FAULTS)])
    yield ""
    yield from _reasons(table)


def _where(job: JobProofs) -> str:
    """The day, the commits, the platform and the tool of one job's measurement."""
    tool = f"{code(job.platform, 60)}, phdb-ci {code(job.tool, 20)}"
    return f"{word(job.measured)}: {commit_list(job.commits)}; {tool}"


def _row(values: list[str]) -> str:
    return f"| {' | '.join(values)} |"


def _control(job: JobProofs) -> str:
    return "passed" if job.control == "passed" else f"**{job.control}**"


def _cell(job: JobProofs, fault: str, claims: tuple[str, ...]) -> str:
    proof = job.of(fault)
    if proof is None or proof.noticed is None:
        return f"[{word(proof.status)}]" if proof else NONE
    text = YES if proof.noticed else NO
    return text if fault in claims else f"({text})"


def _reasons(table: Proofs) -> Iterator[str]:
    """By what each fault was noticed, in a section that is closed at first."""
    yield "<details>\n<summary>By what each was noticed</summary>\n"
    yield _row(["job", "fault", "status", "reason"])
    yield _row([":--"] * 4)
    for job in table.jobs:
        if job.control != "passed":
            yield _row(list(cells(word(job.job), "none", job.control, code(job.reason, TITLE_LIMIT) or NONE)))
        for proof in (*job.engines, *job.reports):
            yield _row(
                list(cells(word(job.job), proof.fault, proof.status, code(proof.reason, TITLE_LIMIT) or NONE))
            )
    yield "\n</details>\n"
