"""proofs.json and docs/proofs.md beside the matrix: read, merged with what is new, written."""

import os
from pathlib import Path

from phdb_ci.base.files import make_folder, write_whole
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
    from phdb_ci.rendering.proofs_page import proofs_page

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
    write_whole(root / PAGE, proofs_page(merged, matrix), parents=True)
    write_whole(root / FILE, merged.model_dump_json(indent=1) + "\n")


def check_writable(matrix: Path) -> None:
    """See, before hours are spent, that both files can be written. Raises DiskError."""
    for name in (FILE, PAGE):
        path = matrix.resolve().parent / name
        make_folder(path.parent)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise DiskError(f"{path} cannot be written: permission denied")
