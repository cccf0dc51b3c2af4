"""proofs.json and docs/proofs.md beside the matrix: read, merged with what is new, written."""

from pathlib import Path

from phdb_ci.errors import DiskError, ResultsError
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.proofs import ProofFile, Proofs

FILE, PAGE = "proofs.json", "docs/proofs.md"
LIMIT = 16 * 1024 * 1024


def read_proofs(matrix: Path) -> ProofFile:
    """What was measured so far. Raises ResultsError for a file that is none of ours."""
    path = matrix.resolve().parent / FILE
    try:
        if path.stat().st_size > LIMIT:
            raise ResultsError(f"{path}: larger than {LIMIT} bytes")
        return ProofFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ProofFile()
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ResultsError(
            f"{path}: not what phdb-ci prove writes: {reason}", tries=[f"rm {path}"]
        ) from error


def write_proofs(path: Path, matrix: Matrix, new: Proofs) -> None:
    """Put a table in the place of the earlier one of its stack; jobs that were not measured now stay as they were."""
    from phdb_ci.render.proofs_page import proofs_page

    file = read_proofs(path)
    old = file.of(new.stack)
    measured = {one.job for one in new.jobs}
    kept = [one for one in (old.jobs if old else ()) if one.job not in measured and one.job in matrix.jobs]
    order = list(matrix.jobs)
    jobs = sorted([*kept, *new.jobs], key=lambda one: order.index(one.job))
    tables = [one for one in file.tables if one.stack != new.stack]
    tables.append(new.model_copy(update={"jobs": tuple(jobs)}))
    merged = ProofFile(tables=tuple(sorted(tables, key=lambda one: one.stack)))
    root = path.resolve().parent
    try:
        (root / PAGE).parent.mkdir(exist_ok=True)
        (root / FILE).write_text(merged.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (root / PAGE).write_text(proofs_page(merged, matrix), encoding="utf-8")
    except OSError as error:
        raise DiskError(f"{root / FILE} cannot be written: {error.strerror}") from error
